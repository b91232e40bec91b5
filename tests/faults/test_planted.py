"""Every planted bug is caught: the checks can fail, each of them, and say by which."""

from __future__ import annotations

import pytest

from tests.faults.planted.campaign import PLANTED, catch
from tests.faults.planted.garden import Planted
from tests.faults.simulation.campaign import run_quietly
from tests.faults.simulation.plan import plan_of

MOST_SEEDS = 200


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Planted) -> None:
    _, caught = catch(bug, MOST_SEEDS)
    assert caught is not None, f"{bug.name}: {bug.what} Nothing found it in {MOST_SEEDS} seeds"


def test_a_bug_is_gone_when_it_is_switched_off() -> None:
    bug = next(bug for bug in PLANTED if bug.name == "rollback forgotten")
    assert run_quietly(plan_of(0), bug.switched_on).findings
    assert not run_quietly(plan_of(0)).findings


def test_each_bug_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len(PLANTED) == len({bug.name for bug in PLANTED}) >= 15
    assert all(bug.what.endswith(".") for bug in PLANTED)
