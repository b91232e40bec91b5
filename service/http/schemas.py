"""What goes in and comes out, for the OpenAPI description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.careful import MAX_ID_BYTES, label_types
from service.settings import Settings

Schema = dict[str, Any]

DESCRIPTION = """\
Predictions and the state of a learner, from committed state only. Nothing that is sent here is learned:
samples to learn from go into the samples topic."""

OBJECT: Schema = {"type": "object"}
NUMBER_BY_NAME: Schema = {"type": "object", "additionalProperties": {"type": ["number", "null"]}}


def closed(**properties: Schema) -> Schema:
    """Return an object that has these properties, all of them."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}

LIVE = closed(live=TRUTH)
READY = closed(ready=TRUTH, role=TEXT, reason=TEXT)
V2_READY: Schema = {"type": "object", "properties": {"ready": TRUTH, "error": TEXT}}
PROBLEM = closed(reason=TEXT, message=TEXT)
ERROR = closed(error=TEXT)
MODEL = closed(
    model=TEXT,
    version=WHOLE,
    sequence=WHOLE,
    hash=TEXT,
    metrics=NUMBER_BY_NAME,
    windows={"type": "object", "additionalProperties": NUMBER_BY_NAME},
    settings=OBJECT,
    weights=closed(
        version=WHOLE,
        total=WHOLE,
        offset=WHOLE,
        limit=WHOLE,
        sort=TEXT,
        items={"type": "array", "items": closed(name=TEXT, weight={"type": "number"})},
    ),
)
_TENSOR = closed(
    name={"type": "string", "maxLength": 60},
    datatype=TEXT,
    shape={"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
    data={"type": "array"},
)
INFER = closed(model_name=TEXT, model_version=TEXT, outputs={"type": "array", "items": _TENSOR})


def infer_schema() -> Schema:
    """Return the schema of an inference request."""
    inputs = {"type": "array", "items": _TENSOR, "minItems": 1}
    return {**closed(inputs=inputs), "example": _EXAMPLE}


_EXAMPLE = {
    "inputs": [
        {"name": "age_of_domain", "shape": [2], "datatype": "FP64", "data": [1, 0]},
        {"name": "country", "shape": [2], "datatype": "BYTES", "data": ["FR", "DE"]},
    ]
}


def answers(
    schema: Schema | None, others: Mapping[int, Schema] | None = None, is_open: bool = False
) -> dict[int | str, Any]:
    """Return what a route answers: 200 with a schema, and what goes with other statuses."""
    by_status = {**({200: schema} if schema else {}), **(others or {})}
    by_status |= {} if is_open else {401: PROBLEM}
    return {status: _content(f"{status}", schema) for status, schema in by_status.items()}


def _content(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": _MEANING[description], "content": {"application/json": {"schema": schema}}}


_MEANING = {
    "200": "Done",
    "400": "Not a request of this kind",
    "401": "The token is missing or wrong",
    "404": "No such model or version",
    "413": "Larger than is allowed",
    "415": "Not sent as JSON",
    "422": "A sample or a parameter that can't be used, and why",
    "503": "Not ready, or no model yet",
}


def text(kind: str, description: str) -> dict[int | str, Any]:
    """Return what a route answers that does not speak JSON."""
    return {200: {"description": description, "content": {kind: {"schema": TEXT}}}}


def body(schema: Schema) -> dict[str, Any]:
    """Return the request body of a route that reads it by itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def one_or_many(schema: Schema) -> Schema:
    """Return the schema of one or of an array of them."""
    return {"anyOf": [schema, {"type": "array", "items": schema, "maxItems": 10_000}]}


def sample_schema(settings: Settings) -> Schema:
    """Return the schema of a sample in wire form, by the settings' names of its fields."""
    fields = settings.fields
    feature = {"type": ["number", "boolean", "string", "null"]}
    known: Schema = {
        fields.id: {"type": ["string", "integer", "null"], "maxLength": MAX_ID_BYTES // 4},
        fields.label: _label_schema(settings),
        fields.weight: {"type": "number", "minimum": 0},
    }
    if fields.features == "*":
        return {"type": "object", "properties": known, "additionalProperties": feature}
    features = {"type": "object", "additionalProperties": feature}
    known = {fields.features: features, **known}
    return {"type": "object", "properties": known, "required": [fields.features]}


def _label_schema(settings: Settings) -> Schema:
    """Return the schema of a label; it is checked, echoed and not learned from."""
    if settings.model.task == "regression":
        return {"type": ["number", "null"]}
    texts = [*settings.model.labels] if str in label_types(settings) else [0, 1]
    return {"enum": [*texts, False, True, None]}


def answer_schema(settings: Settings) -> Schema:
    """Return the schema of a prediction that was asked for."""
    is_binary = settings.model.task == "binary"
    label: Schema = {"enum": [*settings.model.labels]} if is_binary else {"type": "number"}
    probability = {"probability": {"type": "number", "minimum": 0, "maximum": 1}} if is_binary else {}
    return closed(
        id={"type": ["string", "integer", "null"]},
        prediction=label,
        **probability,
        label={"anyOf": [label, {"type": "null"}]},
        model=TEXT,
        version=WHOLE,
    )
