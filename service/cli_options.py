"""The options that commands share, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from service.commands.given import Given

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings file (default: perceptron.toml).")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting; repeatable."),
]
Url = Annotated[
    str | None, typer.Option("--stream", metavar="URL", help="sqlite:FILE or kafka://HOST:PORT[,...].")
]
DATASET = typer.Option("--dataset", metavar="NAME", help="phishing, bananas, trumpapproval or chickweights.")
DataSetName = Annotated[str | None, DATASET]
File = Annotated[
    str | None,
    typer.Argument(metavar="[FILE|-]", help="JSON lines; standard input by default.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def typed(config: Path | None, sets: Sequence[str] | None, url: str | None = None) -> Given:
    """Return what was typed."""
    from service.commands.given import Given

    return Given(config, tuple(sets or ()), url)
