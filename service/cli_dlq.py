"""``perceptron dlq``: what may be typed about dead letters."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from service.cli_options import Config, Json, Sets, Url, typed
from service.commands.terminal import start_logging

app = typer.Typer(help="The dead letters: what was refused, and why.", no_args_is_help=True)

Reason = Annotated[str | None, typer.Option("--reason", metavar="NAME", help="Of this reason only.")]
Since = Annotated[
    datetime | None, typer.Option("--since", help="Written from then on; local time (Kafka only).")
]
Until = Annotated[datetime | None, typer.Option("--until", help="Written before then.")]
All = Annotated[bool, typer.Option("--all", help="Those that were replayed, too.")]


@app.command("ls")
def ls(
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    all_: All = False,
    max_: Annotated[int | None, typer.Option("--max", metavar="N", min=1, help="Stop after N.")] = None,
    as_json: Json = False,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """List the dead letters, a line each; with --json whole, to be edited and replayed."""
    start_logging()
    from itertools import islice

    from service.commands.dlq import Wanted, letters, line_json, listing
    from service.commands.given import open_to_read

    settings = typed(config, set_, stream).settings()
    with open_to_read(settings) as opened:
        found = letters(opened, settings, Wanted(reason, since, until), all_)
        for line in map(line_json, islice(found, max_)) if as_json else listing(found, max_):
            typer.echo(line)


@app.command("show")
def show(
    place: Annotated[str, typer.Argument(metavar="[PARTITION:]OFFSET", help="As dlq ls shows it.")],
    as_json: Json = False,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Show one dead letter: why it was refused, and the record as it came."""
    start_logging()
    from rich.console import Console

    from service.commands.dlq import find, letter_text, line_json
    from service.commands.given import open_to_read

    settings = typed(config, set_, stream).settings()
    with open_to_read(settings) as opened:
        letter = find(opened, settings, place)
    if as_json:
        typer.echo(line_json(letter))
    else:
        Console(highlight=False).print(letter_text(letter))


@app.command("stats")
def stats(
    all_: All = False,
    as_json: Json = False,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Count the dead letters by reason."""
    start_logging()
    from service.commands.dlq import Wanted, counts, letters, print_counts
    from service.commands.given import open_to_read
    from service.commands.json_text import json_text

    settings = typed(config, set_, stream).settings()
    with open_to_read(settings) as opened:
        rows = counts(letters(opened, settings, Wanted(), all_))
    if as_json:
        typer.echo(json_text(rows))
    else:
        print_counts(rows)


@app.command("replay")
def replay(
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    repairs: Annotated[
        Path | None,
        typer.Option("--repairs", metavar="FILE", help="Lines of dlq ls --json, their values edited."),
    ] = None,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Put repaired or now acceptable records back into the samples topic, exactly once."""
    start_logging()
    from service.commands import dlq
    from service.commands.given import open_to_read
    from service.commands.replay import Replay

    settings = typed(config, set_, stream).settings()
    repaired = dlq.repairs(repairs)
    with open_to_read(settings) as opened:
        fates = Replay(opened, settings, repaired, dlq.Wanted(reason, since, until)).run()
    said = ", ".join(f"{fates[fate]:,} {fate}" for fate in ("replayed", "refused", "passed over"))
    typer.echo(f"{said}; those not replayed stay open")
