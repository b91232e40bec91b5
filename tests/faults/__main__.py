"""Break the service on purpose, as often as asked, and print what came of it.

``python -m tests.faults CAMPAIGN`` runs one campaign and prints its table, with what is needed to run it
again; it ends with 1 where any run was not exact. ``soak`` runs them in turn until the time is over.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import itertools
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

CAMPAIGNS = {
    "simulation": ("tests.faults.simulation.campaign", "seeds: the engine over a model of the broker"),
    "planted": ("tests.faults.planted.campaign", "seeds to find each planted bug in"),
    "embedded": ("tests.faults.embedded.campaign", "sampled states: crashes at every write of SQLite"),
    "kills": ("tests.faults.broker.kills", "kills at each labelled point, and at random"),
    "zombies": ("tests.faults.broker.zombies", "processes frozen past their session, then woken"),
    "brokers": ("tests.faults.broker.brokers", "brokers killed and frozen"),
    "rebalances": ("tests.faults.broker.rebalances", "members that come and go"),
    "swaps": ("tests.faults.broker.swaps", "restarts by the other client"),
    "takeovers": ("tests.faults.broker.takeovers", "takeovers of each kind, timed"),
    "network": ("tests.faults.broker.proxy_campaign", "faults between client and broker"),
    "topics": ("tests.faults.broker.topics", "topics compacted, cut, deleted and made anew"),
    "hanging": ("tests.faults.broker.hanging", "transactions of others that do not end"),
    "clocks": ("tests.faults.broker.clocks", "jumps of the wall clock"),
    "disk": ("tests.faults.broker.disk", "full disks under the broker"),
    "poison": ("tests.faults.broker.poison", "records made to hurt"),
    "fuzzing": ("tests.faults.fuzzing.campaign", "inputs for each parser"),
}
"""By name: the module that holds ``campaign(size, seed, ...)``, and what its size counts."""

SOAK = ("kills", "zombies", "brokers", "rebalances", "swaps", "network", "topics", "hanging", "poison")

Table = list[dict[str, Any]]


def run(name: str, size: int | None, seed: int, client: str | None, scale: int | None = None) -> Table:
    """Run one campaign; what it does not take is not passed."""
    campaign = importlib.import_module(CAMPAIGNS[name][0]).campaign
    known = inspect.signature(campaign).parameters
    given = {"size": size, "seed": seed, "client": client, "scale": scale}
    return list(
        campaign(**{key: value for key, value in given.items() if key in known and value is not None})
    )


def soak(minutes: float, seed: int, client: str | None) -> Table:
    """Run small campaigns in turn, each time with another seed, until the time is over."""
    ends = time.monotonic() + 60 * minutes
    table: Table = []
    for number, name in enumerate(itertools.cycle(SOAK)):
        if time.monotonic() > ends:
            return table
        table += [{"campaign": name, **row} for row in run(name, 2, seed + number, client)]
    return table


def markdown(table: Table) -> str:
    """Return a table as a document shows it; rows may have different columns."""
    columns = list(dict.fromkeys(column for row in table for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_text(row.get(column, "")) for column in columns] for row in table]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def divergences(table: Table) -> int:
    """Return how many runs were not exact."""
    return sum(int(row.get("divergences", 0)) for row in table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, and print it."""
    counted = "\n".join(f"  {name:11} {what}" for name, (_, what) in CAMPAIGNS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=f"{__doc__}\nCampaigns, and what --size counts:\n{counted}\n  {'soak':11} minutes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("campaign", choices=[*CAMPAIGNS, "soak"], metavar="CAMPAIGN")
    parser.add_argument("--size", type=int, help="the campaign's own unit; without it, its default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--client", choices=["confluent", "kafka-python"], help="both, unless one is named")
    parser.add_argument(
        "--scale", type=int, help="of kills and brokers: so many times the records and batches"
    )
    asked = parser.parse_args(arguments)
    started = time.monotonic()
    if asked.campaign == "soak":
        table = soak(asked.size or 10, asked.seed, asked.client)
    else:
        table = run(asked.campaign, asked.size, asked.seed, asked.client, asked.scale)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    print(f"{asked.campaign}, size {asked.size or 'default'}, seed {asked.seed}, ", end="")
    print(f"scale {asked.scale or 1}: ", end="")
    print(f"commit {commit.strip() or 'unknown'}, {time.strftime('%Y-%m-%d')}, ", end="")
    print(f"{time.monotonic() - started:,.0f} s\n\n{markdown(table)}")
    return 1 if divergences(table) else 0


if __name__ == "__main__":
    sys.exit(main())
