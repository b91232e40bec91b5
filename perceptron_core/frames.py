"""Data frames as samples: rows of named values, without those that are missing.

The frames and series are narwhals', river's common face of pandas, polars and pyarrow.
"""

from __future__ import annotations

from typing import Any

Features = dict[Any, Any]


def samples(frame: Any) -> list[Features]:
    """Return the rows of a frame as dicts of features, named by the columns.

    Parameters
    ----------
    frame
        (n, d) numbers, booleans, texts and categories, whose values are texts.

    Returns
    -------
    list of dict
        n dicts. A value that is missing - None, NaN, a backend's own null - is left out, as is what a
        sparse column of pandas does not hold: the feature takes no part in the sample.
    """
    names = list(frame.columns)
    columns = [_present(column) for column in frame.iter_columns()]
    rows = zip(*columns, strict=True) if columns else [()] * len(frame)
    return [_sample(names, row) for row in rows]


def values(series: Any) -> list[Any]:
    """Return the (n,) values of a series; those that are missing, NaN among them, as None."""
    missing = series.is_null().to_list()
    return [
        None if gone or value != value else value
        for gone, value in zip(missing, series.to_list(), strict=True)
    ]


def _present(series: Any) -> list[Any]:
    """Return the values of a column; as None, too, what a sparse one does not hold."""
    found = values(series)
    fill = getattr(series.to_native().dtype, "fill_value", None)
    return found if fill is None else [None if value == fill else value for value in found]


def _sample(names: list[Any], row: tuple[Any, ...]) -> Features:
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}
