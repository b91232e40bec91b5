"""The Open Inference Protocol: tensors in, tensors out, the same predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.http.rig import RECORDS, Bench, bench

INFER = "/v2/models/corpus/infer"
ROWS = [
    {"n1": 2.0, "n2": -3, "country": "FR", "vip": True},
    {"n1": None, "n2": 4, "country": "DE", "vip": False},
]
TYPES = {"n1": "FP64", "n2": "INT8", "country": "BYTES", "vip": "BOOL"}


def tensor(
    name: str, data: list[Any], datatype: str = "FP64", shape: list[int] | None = None
) -> dict[str, Any]:
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        made.learn([case.value for case in RECORDS[:100]])
        yield made


def test_rows_of_tensors_are_predicted_as_samples(desk: Bench) -> None:
    inputs = [tensor(name, [row[name] for row in ROWS], datatype) for name, datatype in TYPES.items()]
    inputs[0] = tensor("n1", [[2.0], [None]], shape=[2, 1])
    said = desk.http.post(INFER, json={"id": "q-1", "inputs": inputs}).json()
    expected = desk.ask([{"features": row} for row in ROWS]).json()
    assert (said["id"], said["model_name"], said["model_version"]) == (
        "q-1",
        "corpus",
        str(expected[0]["version"]),
    )
    assert said["outputs"] == [
        {
            "name": "prediction",
            "datatype": "INT64",
            "shape": [2],
            "data": [e["prediction"] for e in expected],
        },
        {
            "name": "probability",
            "datatype": "FP64",
            "shape": [2],
            "data": [e["probability"] for e in expected],
        },
    ]


def test_only_the_outputs_asked_for_are_given(desk: Bench) -> None:
    body = {"inputs": [tensor("n1", [1])], "outputs": [{"name": "probability"}]}
    assert [o["name"] for o in desk.http.post(INFER, json=body).json()["outputs"]] == ["probability"]
    body["outputs"] = [{"name": "logits"}]
    refused = desk.http.post(INFER, json=body)
    assert refused.status_code == 400
    assert "prediction, probability" in refused.json()["error"]


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [{"name": "n1"}],
        [tensor("n1", [1], "FP128")],
        [tensor("n1", [1, 2], shape=[1])],
        [tensor("n1", [1, 2], shape=[1, 2])],
        [tensor("n1", [1], shape=[-1])],
        [tensor("n1", [1]), tensor("n1", [1])],
        [tensor("n1", [1]), tensor("n2", [1, 2])],
        [tensor("n1", ["a"])],
        [tensor("n1", [True])],
        [tensor("n1", [[[1]]])],
        [tensor("n1", [128], "INT8")],
        [tensor("n1", [-1], "UINT8")],
        [tensor("n1", [1.5], "INT64")],
        [tensor("n1", [1], "BOOL")],
        [tensor("n1", [1], "BYTES")],
        [tensor("n1", [1e200])],
        [tensor("x" * 300, [1])],
    ],
    ids=str,
)
def test_what_is_no_tensor_of_a_feature_is_refused(desk: Bench, inputs: list[Any]) -> None:
    answer = desk.http.post(INFER, json={"inputs": inputs})
    assert answer.status_code in (400, 422)
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"]


def test_the_model_is_named_with_its_present_version_only(desk: Bench) -> None:
    version = str(desk.board.head.version)
    assert desk.http.get("/v2").json()["name"] == "perceptron"
    assert desk.http.get("/v2/health/live").json() == {"live": True}
    about = desk.http.get("/v2/models/corpus").json()
    assert (about["versions"], about["platform"]) == ([version], "perceptron")
    assert about == desk.http.get(f"/v2/models/corpus/versions/{version}").json()
    body = {"inputs": [tensor("n1", [1])]}
    assert desk.http.post(f"/v2/models/corpus/versions/{version}/infer", json=body).status_code == 200
    for path in ("/v2/models/other", "/v2/models/corpus/versions/7", "/v2/nothing"):
        answer = desk.http.get(path)
        assert (answer.status_code, answer.json().keys()) == (404, {"error"})


def test_a_regression_has_one_output_of_values(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with bench(tmp_path / "own", model={"task": "regression"}) as desk:
        desk.learn([b'{"features": {"x": 1}, "label": 3.5}'] * 5)
        [output] = desk.http.post(INFER, json={"inputs": [tensor("x", [1])]}).json()["outputs"]
        assert (output["name"], output["datatype"]) == ("prediction", "FP64")
        assert output["data"] == [desk.ask({"features": {"x": 1}}).json()["prediction"]]
