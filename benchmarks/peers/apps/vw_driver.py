"""Vowpal Wabbit's own driver on a file in its own format, with its defaults, which are not river's learner.

``python vw_driver.py FILE OUTPUT COUNT``; runs in the Python of another environment, where it is installed.
"""

from __future__ import annotations

import sys

from vowpalwabbit import Workspace

from benchmarks.peers.apps.clock import Clock


def main() -> None:
    """Let the driver predict and learn the whole file; it does so while it is opened."""
    file, output, count = sys.argv[1:]
    clock = Clock()
    clock.done(0)
    Workspace(f"-d {file} -p {output} --loss_function logistic --link logistic --quiet").finish()
    clock.done(int(count))
    clock.print()


if __name__ == "__main__":
    main()
