"""The Open Inference Protocol's tensors: one named input for each feature, one row for each sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from service.http.predicting import MAX_SAMPLES, Question
from service.http.replies import Problem
from service.model_state import Head

TENSOR_TYPES = (
    *("BOOL", "BYTES", "FP32", "FP64"),
    *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
)

Parameters = dict[str, bool | int | float | str | None]


class Tensor(msgspec.Struct):
    """An input: a feature by name, with a value for each sample."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: Parameters = {}


class Wanted(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: Parameters = {}


class Request(msgspec.Struct):
    """An inference request."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Wanted] = []
    parameters: Parameters = {}


_request = msgspec.json.Decoder(Request).decode


def decoded(body: bytes) -> Request:
    """Return the request.

    Raises
    ------
    Problem
        It is none.
    """
    try:
        return _request(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(str(error)) from None


def question_of(request: Request) -> Question:
    """Return the samples; a null is a missing value.

    Raises
    ------
    Problem
        The tensors are not those of features, or don't fit together.
    """
    if not request.inputs:
        raise _wrong("inputs: at least one was expected, of a feature")
    names = [tensor.name for tensor in request.inputs]
    if len(set(names)) < len(names):
        raise _wrong("inputs: two have the same name")
    columns = [_column(tensor) for tensor in request.inputs]
    count = len(columns[0])
    if any(len(column) != count for column in columns):
        raise _wrong("inputs: all of one length were expected, with a value for each sample")
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return Question(rows, [None] * count, [math.nan] * count)


def _column(tensor: Tensor) -> list[Any]:
    """Return the values of a feature, one for each sample."""
    where = f"input {tensor.name!r:.80}"
    if tensor.datatype not in TENSOR_TYPES:
        raise _wrong(
            f"{where}: datatype {tensor.datatype!r:.20}; one of {', '.join(TENSOR_TYPES)} was expected"
        )
    if not (len(tensor.shape) in (1, 2) and tensor.shape[0] >= 0 and tensor.shape[1:] in ([], [1])):
        raise _wrong(f"{where}: shape {tensor.shape!s:.40}; [n] or [n, 1] was expected, one feature each")
    if tensor.shape[0] > MAX_SAMPLES:
        raise _wrong(f"{where}: {tensor.shape[0]} samples; {MAX_SAMPLES:,} at a time are allowed")
    values = [part[0] if isinstance(part, list) and len(part) == 1 else part for part in tensor.data]
    if len(values) != tensor.shape[0]:
        raise _wrong(f"{where}: shape {tensor.shape}, but {len(values)} values")
    fits = _fits(tensor.datatype)
    for row, value in enumerate(values):
        if value is not None and not fits(value):
            raise _wrong(f"{where}: value {row} is no {tensor.datatype}: {value!r:.40}")
    return values


def _fits(datatype: str) -> Callable[[Any], bool]:
    """Return whether a value is of a type, as JSON has it."""
    if datatype == "BOOL":
        return lambda value: isinstance(value, bool)
    if datatype == "BYTES":
        return lambda value: isinstance(value, str)
    if datatype.startswith("FP"):
        return lambda value: isinstance(value, float | int) and not isinstance(value, bool)
    bits = int(datatype.lstrip("UINT"))
    low, high = (0, 2**bits) if datatype[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value < high


def response_of(request: Request, head: Head, answers: Sequence[Any]) -> dict[str, Any]:
    """Return the inference response.

    Raises
    ------
    Problem
        An output is asked for that there is not.
    """
    made = {tensor["name"]: tensor for tensor in _outputs(head, answers)}
    wanted = [wish.name for wish in request.outputs] or list(made)
    if unknown := [name for name in wanted if name not in made]:
        raise _wrong(f"outputs: {unknown[0]!r:.80} is not known; there are {', '.join(made)}")
    return {
        "model_name": head.model,
        "model_version": str(head.version),
        **({} if request.id is None else {"id": request.id}),
        "outputs": [made[name] for name in wanted],
    }


def outputs_of(head: Head) -> list[dict[str, Any]]:
    """Return the outputs' names, types and shapes."""
    is_binary = head.fingerprint["model.task"] == "binary"
    is_text = isinstance(head.fingerprint["model.labels"][0], str)
    kind = ("BYTES" if is_text else "INT64") if is_binary else "FP64"
    types = {"prediction": kind, **({"probability": "FP64"} if is_binary else {})}
    return [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in types.items()]


def _outputs(head: Head, answers: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {**output, "shape": [len(answers)], "data": [getattr(answer, output["name"]) for answer in answers]}
        for output in outputs_of(head)
    ]


def _wrong(message: str) -> Problem:
    return Problem(400, "bad_request", message)
