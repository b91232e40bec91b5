"""The real engine over the model broker: a bounded run of seeds, and what a seed promises."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.faults.simulation.campaign import run_quietly, tally_of
from tests.faults.simulation.plan import KINDS, Fault, Plan, plan_of
from tests.faults.simulation.regressions import REGRESSIONS
from tests.faults.simulation.shrink import shrink

SEEDS = 160
CHUNKS = 4

CALM = Plan(
    seed=1, corpus=0, records=60, at_start=30, batch=4, processes=2, static=0, until_end=0.0, faults=()
)

TRACE = (
    "from tests.faults.simulation.campaign import run_quietly; "
    "from tests.faults.simulation.plan import plan_of; "
    "print(run_quietly(plan_of({seed})).trace_hash())"
)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_strikes_the_outcome_is_that_of_a_run_that_never_stopped(chunk: int) -> None:
    size = SEEDS // CHUNKS
    tally = tally_of(range(chunk * size, (chunk + 1) * size))
    assert not tally.failures, "\n".join(f"{plan}: {findings}" for plan, findings in tally.failures)
    assert set(tally.struck) == set(KINDS)
    assert tally.transactions > tally.commits > 50 * size
    assert tally.fences > 10 * size


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_plan_that_failed_once_stays_exact(name: str) -> None:
    assert run_quietly(REGRESSIONS[name]).findings == {}


def test_without_faults_every_transaction_is_a_commit() -> None:
    outcome = run_quietly(CALM)
    assert not outcome.findings
    assert not outcome.struck
    assert outcome.transactions == outcome.commits >= 10


@pytest.mark.parametrize("seed", [3, 17])
def test_a_seed_replays_a_run_exactly_also_in_another_process(seed: int) -> None:
    first, second = (run_quietly(plan_of(seed)).trace_hash() for _ in range(2))
    command = [sys.executable, "-c", TRACE.format(seed=seed)]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    third = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert first == second == third.stdout.strip()
    assert first != run_quietly(plan_of(seed + 1)).trace_hash()


def test_a_failing_plan_is_shrunk_to_what_makes_it_fail() -> None:
    whole = plan_of(0)
    guilty = (whole.faults[3], whole.faults[40])

    def fails(plan: Plan) -> bool:
        return set(guilty) <= set(plan.faults) and plan.records >= 100

    small = shrink(whole, fails)
    assert small.faults == guilty
    assert (small.records, small.processes, small.static) == (100, 1, 0)


def test_a_shrink_tries_no_more_plans_than_it_may() -> None:
    tried: list[Plan] = []

    def never(plan: Plan) -> bool:
        tried.append(plan)
        return False

    assert shrink(plan_of(0), never, runs=7) == plan_of(0)
    assert len(tried) == 7


@pytest.mark.parametrize("kind", ["request late", "end slow and repeated", "cut off, delivered late"])
def test_a_request_that_comes_late_or_twice_changes_nothing(kind: str) -> None:
    faults = tuple(Fault(10, kind, amount / 10) for amount in range(10))
    outcome = run_quietly(Plan(**{**vars(CALM), "records": 300, "faults": faults}))
    assert not outcome.findings
    assert outcome.struck[kind] == len(faults)
