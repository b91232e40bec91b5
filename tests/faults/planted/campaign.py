"""Each planted bug in turn: after how many seeds it is caught, and by which check."""

from __future__ import annotations

import re
import sys
import time

from tests.faults.planted import in_engine, in_learner, in_stream
from tests.faults.planted.garden import Planted
from tests.faults.simulation.campaign import Table, run_quietly
from tests.faults.simulation.plan import plan_of
from tests.faults.simulation.world import Outcome

FIELDS = (in_engine, in_learner, in_stream)
"""Where the bugs are."""

PLANTED = [thing for field in FIELDS for thing in vars(field).values() if isinstance(thing, Planted)]

REPORT_S = 10.0


def catch(bug: Planted, most: int, seed: int = 0) -> tuple[int, Outcome | None]:
    """Return after how many seeds a bug is caught, and by which run; None where none of ``most`` did."""
    for number in range(most):
        outcome = run_quietly(plan_of(seed + number, only=bug.by), bug.switched_on)
        for text in outcome.findings.get("endings", []):
            if re.search(r"ended by (Type|Attribute|Name)Error", text):
                raise AssertionError(f"{bug.name!r} does not fit the code any more: {text}")
        if outcome.findings:
            return number + 1, outcome
    return most, None


def campaign(size: int = 300, seed: int = 0, **options: object) -> Table:
    """Switch each bug on in turn and run up to ``size`` seeds until it is caught; say by what."""
    rows: Table = []
    reported = time.monotonic()
    for bug in PLANTED:
        seeds, caught = catch(bug, size, seed)
        found = caught.findings if caught else {}
        text = next(iter(found.values()))[0] if found else ""
        rows.append(
            {
                "kind": bug.name,
                "what": bug.what,
                "seeds": seeds,
                "caught_by": ", ".join(found) or "NOTHING",
                "finding": text,
                "divergences": int(not found),
            }
        )
        if time.monotonic() - reported > REPORT_S:
            reported = time.monotonic()
            print(f"{len(rows)} of {len(PLANTED)} bugs", file=sys.stderr, flush=True)
    return rows
