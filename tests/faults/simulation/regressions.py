"""Plans that failed once, shrunk, by what had failed: a defect that is mended, or a bug that is planted.

The suite replays each. The engine as it is has to stay exact; with the bug of that name it has to fail.
"""

from __future__ import annotations

from tests.faults.simulation.plan import Fault, Plan

REGRESSIONS: dict[str, Plan] = {
    "no generation taken": Plan(
        seed=13,
        corpus=2,
        records=50,
        at_start=50,
        batch=4,
        processes=3,
        static=0,
        until_end=1.0,
        faults=(
            Fault(gap=34, kind="end lost", amount=0.135),
            Fault(gap=16, kind="markers late", amount=0.235),
            Fault(gap=6, kind="cut off after delivery", amount=0.194),
            Fault(gap=11, kind="kill", amount=0.073),
            Fault(gap=26, kind="freeze", amount=0.954),
        ),
    ),
    "standby with a dirty model": Plan(
        seed=62,
        corpus=0,
        records=120,
        at_start=0,
        batch=3,
        processes=2,
        static=0,
        until_end=1.0,
        faults=(
            Fault(gap=25, kind="cut off after delivery", amount=0.116),
            Fault(gap=27, kind="kill after delivery", amount=0.222),
            Fault(gap=18, kind="stop", amount=0.343),
            Fault(gap=26, kind="kill", amount=0.133),
            Fault(gap=13, kind="request late", amount=0.657),
            Fault(gap=7, kind="cut off", amount=0.991),
            Fault(gap=118, kind="cut off after delivery", amount=0.968),
            Fault(gap=67, kind="compaction", amount=0.941),
            Fault(gap=21, kind="freeze", amount=0.838),
        ),
    ),
    "patience by the clock": Plan(
        seed=183,
        corpus=0,
        records=8,
        at_start=8,
        batch=2,
        processes=1,
        static=1,
        until_end=0.5,
        faults=(
            Fault(gap=54, kind="kill", amount=0.738),
            Fault(gap=20, kind="reply lost", amount=0.048),
            Fault(gap=0, kind="cut off", amount=0.863),
        ),
    ),
}
