"""The demo: its equality with river, and the commands that it says to go on with."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.service.command_line import answer


def where(request: pytest.FixtureRequest, kind: str) -> list[str]:
    if kind == "sqlite":
        return []
    return ["--stream", f"kafka://{request.getfixturevalue('kafka_bootstrap')}"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
@pytest.mark.parametrize(
    ("dataset", "shown"),
    [
        ("phishing", ["89.28 %", "0.330112"]),
        ("bananas", ["F1"]),
        ("trumpapproval", ["MAE"]),
        ("chickweights", ["R²"]),
    ],
)
def test_the_demo_equals_river(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, dataset: str, shown: list[str]
) -> None:
    rate = ("--set", "model.learning_rate=0.01")
    said = answer(tmp_path, "demo", "--dataset", dataset, *rate, *where(request, kind))
    difference = re.search(r"largest difference .*: (\S+)", said)
    assert difference
    assert float(difference[1]) < 1e-9
    assert "dead letters: 0" in said
    for fact in shown:
        assert fact in said


def test_the_default_stands_beside_rivers_own(tmp_path: Path) -> None:
    said = answer(tmp_path, "demo")
    assert "as they come" in said
    assert "largest difference" not in said
    ours, theirs = re.search(r"log loss\W+([\d.]+)\W+([\d.]+)", said).groups()  # type: ignore[union-attr]
    assert float(ours) < 0.8 * float(theirs)


@pytest.mark.parametrize("dataset", ["phishing", "trumpapproval"])
def test_the_demo_says_how_to_look_further_and_runs_never_mix(tmp_path: Path, dataset: str) -> None:
    (tmp_path / "perceptron.toml").write_text('[topics]\nsamples = "production"\n')
    for _ in range(2):
        said = answer(tmp_path, "demo", "--dataset", dataset)
        consume, show = (line.strip() for line in said.splitlines() if line.startswith("  perceptron "))
        assert len(answer(tmp_path, *shlex.split(consume)[1:]).splitlines()) == 5
        assert "next offsets" in answer(tmp_path, *shlex.split(show)[1:])
        assert "production" not in answer(tmp_path, *shlex.split(show)[1:])
