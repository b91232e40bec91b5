"""How soon a prediction can be read, how soon the service is there, and what it takes of memory and log.

``python -m benchmarks.latency`` starts a broker (or takes ``KAFKA_BOOTSTRAP``) and prints a report in
Markdown. Samples have 10 features. --only takes some of its parts: latency, freshness,
starts, bytes, memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import plots
from benchmarks.latency import freshness as fresh
from benchmarks.latency import large_model, memory, produced_to_visible
from benchmarks.latency.produced_to_visible import word
from benchmarks.peers.broker import add_pin, benchmark_broker
from benchmarks.peers.part import heading
from benchmarks.peers.rounds import spread
from benchmarks.report import markdown

TARGETS = ["question", "target", "found", ""]
START_S, RESTORE_S = 1.5, 3.0
SMALL_BYTES, FEATURE_BYTES, FLAT = 200e6, 100, 1.02
WRITTEN = 20.0
FRESH_RATE, FRESH_MS = 1000, 50.0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--contenders", nargs="+", default=[""], metavar="NAME", help="by any part of a name")
    parser.add_argument("--rate", type=int, default=2000, help="samples a second")
    parser.add_argument("--seconds", type=int, default=10, help="of each run that is measured")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--features", type=int, default=1_000_000, help="of the large model")
    parser.add_argument("--samples", type=int, default=50_000_000, help="of the long run")
    add_pin(parser)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw pictures")
    return parser.parse_args()


def latency(bootstrap: str, options: argparse.Namespace) -> Iterator[str]:
    """Yield how soon a prediction can be read."""
    entrants = produced_to_visible.services(options.contenders)
    found = produced_to_visible.compete(bootstrap, options.rate, options.seconds, options.rounds, entrants)
    yield f"#### From produced to visible, {options.rate:,} samples/s\n"
    if rows := list(produced_to_visible.verdicts(found)):
        yield markdown(TARGETS, rows) + "\n"
    yield markdown(produced_to_visible.HEAD, produced_to_visible.table(found))
    if options.plots:
        colours = {name: plots.OURS for name in found if name.startswith("ours")}
        for what, of in (("p50", produced_to_visible.p50s), ("p99", produced_to_visible.p99s)):
            figures = {name: of(rows) for name, rows in found.items() if rows}
            title = f"produced to visible at {options.rate:,} samples/s, {what}"
            yield "\n" + plots.bars(options.plots / f"latency-{what}.png", title, "ms", figures, colours)


def freshness(bootstrap: str, options: argparse.Namespace) -> Iterator[str]:
    """Yield how soon a follower knows what was produced."""
    yield f"#### From produced to learned in a follower, {FRESH_RATE:,} samples/s\n"
    clients, once = ("confluent", "kafka-python"), (bootstrap, FRESH_RATE, options.seconds)
    found = {client: [fresh.freshness(*once, client) for _ in range(options.rounds)] for client in clients}
    p50s, p99s = produced_to_visible.p50s, produced_to_visible.p99s
    targets = [limited(f"{name}, p99", median(p99s(rows)), FRESH_MS, "ms") for name, rows in found.items()]
    yield markdown(TARGETS, targets) + "\n"
    rows = [[f"ours, {name}", spread(p50s(rows)), spread(p99s(rows))] for name, rows in found.items()]
    yield markdown(produced_to_visible.HEAD, rows)


def starts(bootstrap: str, options: argparse.Namespace) -> Iterator[str]:
    """Yield how soon the service is there, and the memory it takes, with a small and with a large model."""
    yield "#### Starts and memory, by the size of the model\n"
    small, small_bytes = large_model.starts(bootstrap, 0, options.rounds, "0.01")
    rows = [start_row("10 features", small, small_bytes)]
    verdicts = [
        limited("start to first prediction", median(s.first_s for s in small), START_S, "s"),
        limited("memory, small model", max(s.rss_bytes for s in small) / 1e6, SMALL_BYTES / 1e6, "MB"),
    ]
    for rate in ("0.01", "auto"):
        large, grown = large_model.starts(bootstrap, options.features, options.rounds, rate)
        rows.append(start_row(f"{options.features:,} features, learning_rate {rate}", large, grown))
        each = (median(s.rss_bytes for s in large) - small_bytes) / options.features
        verdicts.append(
            limited(f"restore, learning_rate {rate}", median(s.owner_s for s in large), RESTORE_S, "s")
        )
        verdicts.append(limited(f"memory a feature, learning_rate {rate}", each, FEATURE_BYTES, "bytes"))
    yield markdown(TARGETS, verdicts) + "\n"
    head = [
        "model",
        "owner after, s",
        "first prediction after, s",
        "memory, MB",
        "memory of who learned it, MB",
    ]
    yield markdown(head, rows)


def start_row(name: str, found: list[large_model.Started], grown: int) -> list[str]:
    """Return the row of one model."""
    owners, firsts = [s.owner_s for s in found], [s.first_s for s in found]
    return [
        name,
        spread(owners),
        spread(firsts),
        f"{median(s.rss_bytes for s in found) / 1e6:,.0f}",
        f"{grown / 1e6:,.0f}",
    ]


def written(bootstrap: str, options: argparse.Namespace) -> Iterator[str]:
    """Yield what one sample a commit writes."""
    found = large_model.one_sample_a_commit(bootstrap, 2_000)
    times = found.model_bytes / found.sample_bytes
    yield "#### One sample a commit\n"
    yield (
        markdown(TARGETS, [limited("bytes to the model topic / the sample's own", times, WRITTEN, "")]) + "\n"
    )
    yield f"{found.model_bytes:,.0f} bytes a commit on the broker's disk, markers included; "
    yield f"a sample has {found.sample_bytes:,.0f}."


def long_run(bootstrap: str, options: argparse.Namespace) -> Iterator[str]:
    """Yield the memory over a long run."""
    found = memory.long_run(bootstrap, options.samples)
    early, late, last = (found.at(share) for share in (0.2, 0.6, 1.0))
    yield f"#### Memory over {options.samples:,} samples\n"
    growth = limited("memory at the end / at a fifth", last / early, FLAT, "")
    yield (
        markdown(TARGETS, [growth, limited("memory at the end", last / 1e6, SMALL_BYTES / 1e6, "MB")]) + "\n"
    )
    shown = [
        f"{rss / 1e6:.0f} MB after {share}"
        for rss, share in ((early, "20 %"), (late, "60 %"), (last, "100 %"))
    ]
    yield ", ".join(shown) + "."
    if options.plots:
        megabytes = [rss / 1e6 for rss in found.rss_bytes]
        file = options.plots / "memory.png"
        yield "\n" + plots.curve(file, "memory over a long run", "samples", "MB", found.samples, megabytes)


def limited(question: str, found: float, limit: float, unit: str) -> list[str]:
    """Return the row of a target that is an upper limit."""
    return [question, f"≤ {limit:g} {unit}".rstrip(), f"{found:.3g} {unit}".rstrip(), word(found <= limit)]


PARTS = {"latency": latency, "freshness": freshness, "starts": starts, "bytes": written, "memory": long_run}


def main() -> None:
    """Run what was asked for, and print the report."""
    options = arguments()
    print(heading(options, ["quixstreams"] if "latency" in options.only else []))
    with benchmark_broker(options.pin, memory.BROKER) as bootstrap:
        for part in options.only:
            print("\n".join(PARTS[part](bootstrap, options)) + "\n", flush=True)


if __name__ == "__main__":
    main()
