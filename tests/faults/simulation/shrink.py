"""From a plan that fails to a small one that still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.faults.simulation.plan import Plan

SHRINKS = 400
"""How many runs a shrink may take."""


def shrink(plan: Plan, fails: Callable[[Plan], bool], runs: int = SHRINKS) -> Plan:
    """Return the smallest plan met that still fails.

    Parameters
    ----------
    plan
        One that fails.
    fails
        Whether a plan fails.
    runs
        How many plans may be tried.
    """
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _smaller(plan):
            if runs == 0:
                return plan
            runs -= 1
            if fails(candidate):
                plan, is_smaller = candidate, True
                break
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Yield smaller plans, boldest first: fewer faults, fewer records, fewer processes."""
    size = len(plan.faults)
    while size:
        for start in range(0, len(plan.faults), size):
            yield replace(plan, faults=plan.faults[:start] + plan.faults[start + size :])
        size //= 2
    for records in {plan.records // 4, plan.records // 2, plan.records * 3 // 4} - {0, plan.records}:
        yield replace(plan, records=records, at_start=min(plan.at_start, records))
    if plan.processes > 1:
        yield replace(plan, processes=plan.processes - 1, static=min(plan.static, plan.processes - 1))
    if plan.static:
        yield replace(plan, static=0)
