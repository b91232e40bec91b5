"""Count the instructions that one message costs, and hold them to the committed budget.

``python -m benchmarks.instructions`` counts by Valgrind's cachegrind: two runs of different length, so that
everything but the messages cancels out. Counts repeat to a fraction of a percent on any load, where times do
not; another compiler or interpreter has other counts, so the budget leaves a tenth. With ``--update`` the
budget becomes what was counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.instructions import workload

BUDGET = Path(__file__).with_name("budget.json")
CASES = {
    "10 dense, learning rate 0.01": ("dense-10", "0.01"),
    "10 dense, auto": ("dense-10", "auto"),
    "20 texts, learning rate 0.01": ("text", "0.01"),
    "50 words, learning rate 0.01": ("sparse", "0.01"),
}
SHORT, LONG = 2_000, workload.MOST
SLACK = 1.1


def count(shape: str, rate: str, messages: int) -> int:
    """Return the instructions of a whole run."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONMALLOC": "pymalloc",
    }
    done = subprocess.run(
        [*command, sys.executable, "-m", workload.__name__, shape, rate, str(messages)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"the count failed:\n{done.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


def a_message(case: str) -> int:
    """Return the instructions of one message."""
    with ThreadPoolExecutor() as pool:
        short, long = pool.map(lambda messages: count(*CASES[case], messages), (SHORT, LONG))
    return round((long - short) / (LONG - SHORT))


def main() -> int:
    """Count, compare, say; 1 where a message has become dearer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--update", action="store_true", help="make what is counted the budget")
    update = parser.parse_args().update
    if shutil.which("valgrind") is None:
        print("instructions a message: not counted, there is no valgrind")
        return 0
    counted = {case: a_message(case) for case in CASES}
    if update:
        BUDGET.write_text(json.dumps(counted, indent=2) + "\n")
    budget = json.loads(BUDGET.read_text())
    for case, instructions in counted.items():
        print(f"instructions a message, {case}: {instructions:,} (budget {budget[case]:,})")
    dearer = [case for case in CASES if counted[case] > SLACK * budget[case]]
    if dearer:
        print(
            f"dearer than the budget allows: {', '.join(dearer)}; --update where that is meant",
            file=sys.stderr,
        )
    return bool(dearer)


if __name__ == "__main__":
    sys.exit(main())
