"""``perceptron fit`` and ``perceptron explain``, as a user types them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from perceptron_core import Perceptron
from perceptron_core.explain import explain
from perceptron_core.fit import fit
from tests.service.command_line import ROOT, answer, perceptron

STREAM = ("--stream", "sqlite:here.db")
SAMPLE = '{"features": {"x1": 1, "x2": 2}, "label": 1}'
LINES = [
    {"features": {"a": 0.0, "b": 0.0}, "label": 0},
    {"features": {"a": 0.0, "b": 1.0}, "label": 0, "weight": 2},
    {"features": {"a": 1.0, "b": 0.0}, "label": True},
    {"features": {"a": 1.0, "b": 1.0}, "ground_truth": 1},
    {"features": {"a": 0.5, "b": 0.5}, "label": 0},
]
UNUSED = [
    {"features": {"a": 1.0}},
    {"features": {"a": [1]}, "label": 1},
    {"features": {"n" * 300: 1}, "label": 1},
]

STEEP = [{"features": {"a": 1e9}, "label": 1e9}, {"features": {"a": -1e9}, "label": 0}]


def written(home: Path, lines: list[dict[str, Any]]) -> str:
    (home / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return "lines.jsonl"


def test_a_file_is_fitted_as_the_library_fits_it(tmp_path: Path) -> None:
    options = (
        "--learning-rate",
        "0.5",
        "--epochs",
        "40",
        "--set",
        "model.l2=0.01",
        "--set",
        "model.learning_rate=0.1",
        "--json",
    )
    told = json.loads(answer(tmp_path, "fit", written(tmp_path, LINES + UNUSED), *options))
    samples = [line["features"] for line in LINES]
    with pytest.warns(UserWarning, match="not converged"):
        expected = fit(
            samples, [0, 0, 1, 1, 0], weights=[1, 2, 1, 1, 1], learning_rate=0.5, max_epochs=40, l2=0.01
        )
    assert (told["samples"], told["unlabelled"], told["rejected"]) == (
        5,
        1,
        {"wrong_type": 1, "too_large": 1},
    )
    assert (told["weights"], told["bias"]) == (expected.weights, expected.bias)
    assert (told["reason"], told["epochs"], told["costs"]) == ("epochs", 40, expected.costs.tolist())


def test_a_fit_is_told_in_words_with_what_was_left_out(tmp_path: Path) -> None:
    done = perceptron(tmp_path, "fit", written(tmp_path, LINES + UNUSED), "--epochs", "3")
    said = done.stdout.decode()
    for fact in (
        "1 without a label left out",
        "not converged",
        "0.693147",
        "rejected, wrong_type: 1; the first: line 7",
    ):
        assert fact in said, fact
    assert "not converged in 3 epochs" in done.stderr.decode()


def test_a_fit_takes_mini_batches_another_loss_and_standard_input(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, LINES)).encode()
    options = ("--loss", "hinge", "--batch-size", "2", "--patience", "5", "--tolerance", "0", "--json")
    told = json.loads(answer(tmp_path, "fit", *options, stdin=lines))
    how: dict[str, Any] = {"loss": "hinge", "batch_size": 2, "patience": 5, "gradient_tolerance": 0.0}
    expected = fit([line["features"] for line in LINES], [0, 0, 1, 1, 0], weights=[1, 2, 1, 1, 1], **how)
    assert (told["costs"], told["reason"]) == (expected.costs.tolist(), expected.reason)
    assert told["costs"][0] == 1.0  # max(0, 1 − 0)


def test_a_fit_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    perceptron(tmp_path, "fit", written(tmp_path, LINES), "--plot", "fit.png")
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("lines", "words", "told", "code"),
    [
        ([], (), "there are no samples", 1),
        (LINES[:2], (), "all labels are 0", 1),
        (
            STEEP,
            ("--set", "model.task=regression", "--learning-rate", "9"),
            "learning_rate 9 is too large",
            1,
        ),
        (LINES, ("--learning-rate", "-1"), "--learning-rate", 2),
        (LINES, ("--loss", "nix"), "nix", 2),
        (LINES, ("--plot", "fit.txt"), ".png", 2),
    ],
)
def test_what_can_not_be_fitted_is_told(
    tmp_path: Path, lines: list[dict[str, Any]], words: tuple[str, ...], told: str, code: int
) -> None:
    assert told in perceptron(tmp_path, "fit", written(tmp_path, lines), *words, code=code).stderr.decode()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "gone.jsonl" in perceptron(tmp_path, "fit", "gone.jsonl", code=2).stderr.decode()


def test_the_readme_shows_what_explain_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command, told = readme.split("```console\n$ perceptron explain ")[1].split("```")[0].split("\n", 1)
    assert answer(tmp_path, "explain", *shlex.split(command)) == told


def test_an_explanation_is_the_librarys(tmp_path: Path) -> None:
    options = ("--set", "model.learning_rate=0.1", "--set", "model.l2=0.5", "--json")
    told = json.loads(answer(tmp_path, "explain", SAMPLE, *options))
    model = Perceptron(learning_rate=0.1, l2=0.5, scale=False)
    assert told == json.loads(json.dumps(explain(model, {"x1": 1, "x2": 2}, 1).to_dict()))


def test_the_committed_model_is_explained_and_stays_as_it_is(tmp_path: Path) -> None:
    made = (*STREAM, "--set", "model.learning_rate=0.1")
    lines = "\n".join(map(json.dumps, LINES)).encode()
    perceptron(tmp_path, "produce", *made, stdin=lines)
    perceptron(tmp_path, "run", "--until-end", *made)
    before = answer(tmp_path, "model", "show", "--json", *made)
    told = json.loads(answer(tmp_path, "explain", json.dumps(LINES[0]), "--json", *made))
    assert answer(tmp_path, "model", "show", "--json", *made) == before
    assert told["terms"][0]["w"] == json.loads(before)["bias"]
    perceptron(tmp_path, "produce", *made, stdin=json.dumps(LINES[0]).encode())
    perceptron(tmp_path, "run", "--until-end", *made)
    assert told["terms"][0]["w_new"] == json.loads(answer(tmp_path, "model", "show", "--json", *made))["bias"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{}"], "missing_features"),
        (["no json"], "not_json"),
        (['{"features": {"a": 1}}'], "no label"),
        (['{"features": {"a": 1}, "label": 2}'], "bad_label"),
        ([SAMPLE, "--weights", "[1]"], "--weights"),
        ([SAMPLE, "--weights", '{"x1": true}'], "--weights"),
        ([SAMPLE, "--weights", '{"x1": NaN}'], "--weights"),
        ([SAMPLE, "--weights", '{"x3": 1}', "--set", "model.learning_rate=1"], "'x3'"),
        ([SAMPLE, "--bias", "1"], "give learning_rate a number"),
        ([SAMPLE, "--bias", "1", *STREAM], "--bias"),
        ([], "SAMPLE"),
    ],
)
def test_a_sample_or_weights_that_can_not_be_used_are_told(
    tmp_path: Path, words: list[str], told: str
) -> None:
    assert told in perceptron(tmp_path, "explain", *words, code=2).stderr.decode()
    assert not list(tmp_path.iterdir())
