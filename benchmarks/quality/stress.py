"""How learners bear what no tuning foresees: ``python -m benchmarks.quality.stress``.

Each trouble is put into the same clean stream. The table shows the loss / that of the running base rate, on
the rows from the 200th on, in which most troubles are over; or how the learner failed. Then: what a
rescaling of the features changes, by powers of two (no bit should change) and by other factors.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.quality.__main__ import chosen
from benchmarks.quality.contenders import BASE_RATE, Contender
from benchmarks.quality.datasets import Dataset
from benchmarks.quality.report import Row, as_text
from benchmarks.quality.rows import BINARY, TASKS, Matrix, from_matrix
from benchmarks.quality.scoring import Floats, log_loss, progressive, root_mean_square

ROWS, SETTLED = 1200, 200


def clean(task: str) -> tuple[Matrix, Floats]:
    """Return inputs and labels without any trouble."""
    random = np.random.default_rng(7)
    x = random.normal(size=(ROWS, 6))
    score = x @ np.array([2.0, -1.0, 0.5, 1.0, 0.0, 0.0]) + random.logistic(size=ROWS)
    return x, (score > 0.0).astype(float) if task == BINARY else 5.0 + score


Trouble = Callable[[Matrix, Floats], tuple[Matrix, Floats]]


def first_row(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Begin with a row of 1e12."""
    return np.vstack([np.full(6, 1e12), x[1:]]), y


def far_target(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Let the hundredth target be 1e9; a label stays a label."""
    return x, np.where((np.arange(ROWS) == 100) & (np.ptp(y) > 1), 1e9, y)


def far_first_target(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Let the first target be 1e9; a label stays a label."""
    return x, np.where((np.arange(ROWS) == 0) & (np.ptp(y) > 1), 1e9, y)


def large_rows(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Multiply two rows in a hundred by a million."""
    return np.where(np.random.default_rng(8).random((ROWS, 1)) < 0.02, 1e6 * x, x), y


def scale_jump(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Change the unit of all inputs at the hundredth row, by 10,000."""
    return np.where(np.arange(ROWS)[:, None] < 100, x, 1e4 * x), y


def scale_drop(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Change the unit of all inputs at the hundredth row, by 1/10,000."""
    return np.where(np.arange(ROWS)[:, None] < 100, x, 1e-4 * x), y


def constants(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Add inputs that are always 0, 1, 1e-9 and 1e9."""
    return np.hstack([x, np.tile([0.0, 1.0, 1e-9, 1e9], (ROWS, 1))]), y


def duplicates(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Show each input five times."""
    return np.hstack([x] * 5), y


def empty_rows(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Take every value from every third row."""
    return np.where(np.arange(ROWS)[:, None] % 3 == 0, np.nan, x), y


def one_label(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Let all labels be the same."""
    return x, np.ones(ROWS)


def tiny_inputs(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Shrink the inputs to 1e-70."""
    return 1e-70 * x, y


def large_inputs(x: Matrix, y: Floats) -> tuple[Matrix, Floats]:
    """Stretch the inputs to 1e70, whose squares the model's bound of 1e150 still admits."""
    return 1e70 * x, y


TROUBLES: tuple[Trouble, ...] = (
    first_row,
    far_target,
    far_first_target,
    large_rows,
    scale_jump,
    scale_drop,
    constants,
    duplicates,
    empty_rows,
    one_label,
    tiny_inputs,
    large_inputs,
)


def as_dataset(task: str, x: Matrix, y: Floats) -> Dataset:
    """Return a stream that belongs to no catalogue."""
    return Dataset("stress", task, False, *from_matrix(x, y))


def settled_loss(contender: Contender, data: Dataset) -> tuple[float, bool]:
    """Return the loss on the settled rows, and whether all predictions were finite."""
    predictions, failure = progressive(contender.make, data)
    told, labels = predictions[SETTLED:], data.labels[SETTLED:]
    loss = log_loss(told, labels) if data.task == BINARY else root_mean_square(told - labels)
    return loss, failure is None


def line(task: str, name: str, contenders: list[Contender], data: Dataset) -> Row:
    """Return a row of the table: each contender's loss / the base rate's, or its failure."""
    base, _ = settled_loss(BASE_RATE, data)
    cells = []
    for contender in contenders:
        loss, finite = settled_loss(contender, data)
        ratio = f"{loss / base:.3g}" if base else f"{loss:.3g}"
        cells.append(ratio if finite else "FAILED")
    return [name, task, *cells]


def invariance(task: str, contenders: list[Contender]) -> list[Row]:
    """Return what rescaling each feature changes: largest difference of predictions, and the loss."""
    x, y = clean(task)
    random = np.random.default_rng(9)
    factors = {
        "powers of two: Δ prediction": 2.0 ** random.integers(-60, 60, 6),
        "powers of ten: Δ loss, relative": 10.0 ** random.uniform(-9, 9, 6),
    }
    rows = []
    for name, factor in factors.items():
        plain, scaled = as_dataset(task, x, y), as_dataset(task, x * factor, y)
        cells = [_change(contender, plain, scaled, "two" in name) for contender in contenders]
        rows.append([name, task, *cells])
    return rows


def _change(contender: Contender, plain: Dataset, scaled: Dataset, bits: bool) -> str:
    if bits:
        before, after = (progressive(contender.make, data)[0] for data in (plain, scaled))
        return "no bit" if np.array_equal(before, after) else f"{np.max(np.abs(after - before)):.1e}"
    loss, other = settled_loss(contender, plain)[0], settled_loss(contender, scaled)[0]
    return f"{other / loss - 1.0:.1e}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders, by name or its beginning")
    options = parser.parse_args()
    contenders = [contender for contender in chosen(options.only) if contender is not BASE_RATE]
    rows: list[Row] = [["trouble", "task", *(contender.name for contender in contenders)]]
    for task in TASKS:
        able = [c if task in c.tasks else replace(c, make=BASE_RATE.make) for c in contenders]
        for trouble in (lambda x, y: (x, y), *TROUBLES):
            name = getattr(trouble, "__name__", "").replace("_", " ").replace("<lambda>", "none")
            rows.append(line(task, name, able, as_dataset(task, *trouble(*clean(task)))))
        rows += invariance(task, able)
    print(as_text(rows))


if __name__ == "__main__":
    main()
