"""Compare the defaults of online learners, and the best setting in hindsight, over many data sets.

``python -m benchmarks.quality`` prints the tables. Scores of other libraries and of hindsight's grid take
some ten minutes and are kept in build/quality/scores.jsonl; delete it to have them worked out again. Ours
are worked out each time, in seconds. Vowpal Wabbit takes part where it is installed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.quality.contenders import BASE_RATE, OURS, Contender
from benchmarks.quality.datasets import HELD_OUT, NAMES, Dataset, load
from benchmarks.quality.hindsight import best, settings
from benchmarks.quality.kept import Kept
from benchmarks.quality.peers import PEERS
from benchmarks.quality.report import OWN, Row, as_markdown, as_text, plot, sections
from benchmarks.quality.results import Results
from benchmarks.quality.scoring import Score, evaluate
from benchmarks.quality.targets import verdicts

CONTENDERS = (*OURS, BASE_RATE, *PEERS)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders, by name or its beginning")
    parser.add_argument("--sets", nargs="+", metavar="SET", choices=NAMES, help="these data sets")
    parser.add_argument("--tuning", action="store_true", help="without the sets kept out of tuning")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--json", action="store_true", help="all scores, as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios")
    return parser.parse_args()


def chosen(only: list[str] | None) -> list[Contender]:
    """Return who takes part: the base rate always; who can't is named with the reason."""
    starts = tuple(only or [""])
    present = [c for c in CONTENDERS if c.name.startswith(starts) or c is BASE_RATE]
    for contender in present:
        if reason := contender.absent():
            print(f"left out: {contender.name}: {reason}", file=sys.stderr)
    return [contender for contender in present if not contender.absent()]


def run(datasets: list[Dataset], contenders: list[Contender]) -> Results:
    """Let everyone learn every set."""
    kept, results = Kept(), Results(datasets, {}, {})
    for number, data in enumerate(datasets, 1):
        progress(f"{number}/{len(datasets)} {data.name}: hindsight, {len(settings(data.task))} settings")
        results.hindsight[data.name] = best(data, kept)
        results.scores[data.name] = {}
        for contender in contenders:
            if data.task in contender.tasks:
                progress(f"{number}/{len(datasets)} {data.name}: {contender.name}")
                results.scores[data.name][contender.name] = scored(contender, data, kept)
    progress("")
    return results


def scored(contender: Contender, data: Dataset, kept: Kept) -> Score:
    """Return our own scores fresh, the others' from where they are kept."""
    return evaluate(contender.make, data) if contender.name in OWN else kept.score(contender, data)


def progress(line: str) -> None:
    """Show what is being done, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def as_json(results: Results) -> str:
    """Return every score, hindsight and verdict."""
    return json.dumps(
        {
            data.name: {
                "task": data.task,
                "held_out": data.held_out,
                "hindsight": asdict(results.hindsight[data.name]),
                "scores": {name: asdict(score) for name, score in results.scores[data.name].items()},
            }
            for data in results.datasets
        },
        indent=1,
    )


def show(results: Results, markdown: bool) -> None:
    """Print the tables, and the targets that our defaults keep or miss."""
    table = as_markdown if markdown else as_text
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {platform.machine()}")
    for title, rows in sections(results):
        print(f"\n{'### ' if markdown else ''}{title}\n\n{table(rows)}")
    found: list[Row] = [[*verdict[:3], "kept" if verdict[3] else "MISSED"] for verdict in verdicts(results)]
    if found:
        rows = [["learner", "target", "found", ""], *found]
        print(f"\n{'### ' if markdown else ''}Targets\n\n{table(rows)}")


def main() -> None:
    """Run what was asked for, and print it."""
    options = arguments()
    names = [name for name in options.sets or NAMES if not (options.tuning and name in HELD_OUT)]
    results = run(load(names), chosen(options.only))
    print(as_json(results)) if options.json else show(results, options.markdown)
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
