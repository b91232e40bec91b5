"""Any river pipeline in the neuron's place: what river's own loop does, without a trace of bad samples."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perceptron_core import Rejection
from service.errors import ConfigurationError
from service.pipelines.estimator import PICKLE
from service.pipelines.model import PipelineModel
from service.plain import dump, restore
from service.settings import Settings
from tests.service import pipelines

PLAIN = ["logistic", "union", "robust_perceptron", "target_scaled", "bayes", "nearest"]
PICKLED = ["hoeffding", "adaptive_forest"]
COUNT = 300


def task_of(name: str) -> str:
    return "regression" if name == "target_scaled" else "binary"


def chosen(name: str, **options: Any) -> Settings:
    pipeline = {"name": "own", "pipeline": f"tests.service.pipelines:{name}", "task": task_of(name)}
    model = {**pipeline, "allow_pickle": name in PICKLED, **options}
    return Settings(model=model, engine={"max_batch": 40, "session_timeout_ms": 1500})  # type: ignore[arg-type]


def model_of(name: str) -> PipelineModel:
    model = chosen(name).model.new_model()
    assert isinstance(model, PipelineModel)
    return model


def samples(count: int = COUNT, has_texts: bool = True) -> tuple[list[dict[str, Any]], list[float]]:
    draw = random.Random(4)
    features: list[dict[str, Any]] = []
    labels = []
    for number in range(count):
        sample = {"a": draw.gauss(1, 2), "b": draw.gauss(0, 1), "gap": draw.choice([None, draw.random()])}
        if number > 100:
            sample[f"late{number % 7}"] = draw.gauss(0, 9)
        if has_texts:
            sample |= {"t": draw.choice("xyz"), "flag": draw.random() < 0.3}
        features.append(sample)
        labels.append(float(sample["a"] + draw.gauss(0, 1) > 1))
    return features, labels


def usable(name: str) -> tuple[list[dict[str, Any]], list[float]]:
    return samples(has_texts=name in ("union", *PICKLED))


def river_loop(name: str, features: list[dict[str, Any]], labels: list[float]) -> list[float]:
    """Predict, then learn, as river's documentation has it."""
    pipeline = getattr(pipelines, name)()
    predictions = []
    for sample, label in zip(features, labels, strict=True):
        x = {key: value for key, value in sample.items() if value is not None}
        if task_of(name) == "regression":
            predictions.append(pipeline.predict_one(x))
            pipeline.learn_one(x, label)
            continue
        try:
            p = pipeline.predict_proba_one(x)
            predictions.append(p.get(True, 0.0) if p else 0.5)
        except NotImplementedError:
            predictions.append({None: 0.5, False: 0.0, True: 1.0}[pipeline.predict_one(x)])
        pipeline.learn_one(x, bool(label))
    return predictions


def learned(
    model: PipelineModel, features: list[dict[str, Any]], labels: list[float], size: int = COUNT
) -> tuple[list[float], list[tuple[int, Rejection]]]:
    predictions: list[float] = []
    refused: list[tuple[int, Rejection]] = []
    for start in range(0, len(features), size):
        these = slice(start, start + size)
        found: list[tuple[int, Rejection]] = []
        predictions += model.predict_learn_many(features[these], labels[these], None, found).tolist()
        refused += [(start + index, why) for index, why in found]
        model.commit()
    return predictions, refused


def blocks_of(model: PipelineModel, numbers: Sequence[int]) -> list[tuple[int, list[Any], bytes]]:
    return [(number, model.names(number), model.block(number)) for number in numbers]


@pytest.mark.parametrize("name", PLAIN + PICKLED)
def test_it_predicts_what_a_plain_river_loop_predicts_whatever_the_batches(name: str) -> None:
    features, labels = usable(name)
    expected = river_loop(name, features, labels)
    hashes = set()
    for size in (1, 37, COUNT):
        model = model_of(name)
        assert learned(model, features, labels, size) == (expected, [])
        assert (model.version, model.config["state"]) == (
            COUNT,
            "pickled" if name in PICKLED else "plain data",
        )
        hashes.add(model.hash())
    assert len(hashes) == 1


@pytest.mark.parametrize("name", PLAIN + PICKLED)
def test_what_is_written_at_commits_is_enough_to_go_on_bit_for_bit(name: str) -> None:
    features, labels = usable(name)
    model = model_of(name)
    log: dict[int, tuple[list[Any], bytes]] = {}
    for start in range(0, 200, 40):
        model.predict_learn_many(features[start : start + 40], labels[start : start + 40], None, [])
        grown = model.grown_blocks()
        for number, names, data in blocks_of(model, model.dirty_blocks()):
            log[number] = (names if number in grown else log[number][0], data)
        model.commit()
        assert model.dirty_blocks() == []
    again = model_of(name)
    again.load(model.version, model.scalars(), [(n, *log[n]) for n in sorted(log)])
    assert again.hash() == model.hash()
    assert learned(again, features[200:], labels[200:]) == learned(model, features[200:], labels[200:])
    assert again.hash() == model.hash()


@pytest.mark.parametrize("name", ["logistic", "union", "bayes", "hoeffding", "moody"])
def test_a_rollback_is_exact(name: str) -> None:
    features, labels = usable(name)
    model, straight = model_of(name), model_of(name)
    learned(straight, features[:200], labels[:200])
    for start in range(0, 200, 50):
        these = slice(start, start + 50)
        for _ in range(2):
            model.predict_learn_many(features[250:], labels[250:], None, [])
            model.rollback()
            model.predict_learn_many(features[these], labels[these], None, [])
            model.stage()
        model.predict_learn_many(features[230:250], labels[230:250], None, [])
        model.commit()
        model.rollback()
    assert model.hash() == straight.hash()
    rest = features[200:], labels[200:]
    assert learned(model, *rest) == learned(straight, *rest)


FAULTS = {
    "predict": ("missing_features", "KeyError"),
    "learn": ("wrong_type", "RuntimeError: a fault while learning"),
    "nan": ("diverged", "nan"),
    "overflow": ("diverged", "non-finite"),
}


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([None, None, None, *FAULTS]), max_size=40), st.integers(1, 41))
def test_a_bad_sample_leaves_no_trace(faults: list[str | None], size: int) -> None:
    features = [{"fault": fault} if fault else {"n": n} for n, fault in enumerate(faults)]
    model = model_of("moody")
    predictions, refused = learned(model, features, [1.0] * len(faults), size)
    assert [(index, why.reason) for index, why in refused] == [
        (index, FAULTS[fault][0]) for index, fault in enumerate(faults) if fault
    ]
    assert all(FAULTS[str(faults[index])][1] in why.message for index, why in refused)
    good = [sample for sample in features if "fault" not in sample]
    clean = model_of("moody")
    expected, _ = learned(clean, good, [1.0] * len(good))
    assert [p for p in predictions if p == p] == expected
    assert (model.hash(), model.version) == (clean.hash(), clean.version)


@pytest.mark.parametrize("value", [1e200, -(10**80), 1e76])
def test_a_number_that_would_overflow_inside_is_refused(value: float) -> None:
    features, labels = usable("logistic")
    model, clean = model_of("logistic"), model_of("logistic")
    _, refused = learned(model, [*features[:9], {"a": value}, *features[9:]], [*labels[:9], 1, *labels[9:]])
    learned(clean, features, labels)
    assert [(index, why.reason) for index, why in refused] == [(9, "diverged")]
    assert model.hash() == clean.hash()


def test_texts_that_a_pipeline_does_not_take_and_weights_are_refused_one_by_one() -> None:
    features, labels = usable("target_scaled")
    model = model_of("bayes")
    refused: list[tuple[int, Rejection]] = []
    model.predict_learn_many(features[:3], labels[:3], [1.0, 2.0, 1.0], refused)
    assert [(index, why.reason) for index, why in refused] == [(1, "bad_weight")]
    weighted, plain = model_of("logistic"), model_of("logistic")
    weighted.predict_learn_many([*features[:3], {"a": "text"}], [*labels[:3], 1], [1, 2, 1, 1], refused)
    plain.predict_learn_many(features[:3], labels[:3], None, refused)
    assert [(index, why.reason) for index, why in refused[1:]] == [(3, "wrong_type")]
    assert weighted.hash() != plain.hash()


def test_a_commit_writes_only_what_changed() -> None:
    wide = [{f"f{n}": 1.0 + k for n in range(k * 500, k * 500 + 500)} for k in range(6)]
    model = model_of("logistic")
    learned(model, wide, [1.0, 0.0] * 3)
    model.predict_learn_many([{"f3": 2.0}], [0.0], None, [])
    whole = {number for number in range(100) if model.block(number)}
    assert 1 < len(model.dirty_blocks()) < len(whole) / 3
    assert model.grown_blocks() == []


def test_behind_a_staged_state_only_what_is_newer_is_dirty() -> None:
    features, labels = usable("logistic")
    model = model_of("logistic")
    model.predict_learn_many(features, labels, None, [])
    model.stage()
    assert model.dirty_blocks() == model.grown_blocks() == []
    model.predict_learn_many(features, labels, None, [])
    dirty, grown = model.dirty_blocks(), model.grown_blocks()
    assert dirty
    model.commit()
    assert (model.dirty_blocks(), model.grown_blocks()) == (dirty, grown)


def test_a_block_that_is_missing_or_foreign_is_told() -> None:
    features, labels = usable("logistic")
    model, again = model_of("logistic"), model_of("logistic")
    untrained = again.hash()
    learned(model, [{f"f{n}": 1.0 for n in range(2000)}, *features], [1.0, *labels])
    blocks = blocks_of(model, [n for n in range(100) if model.block(n)])
    for wrong in (blocks[1:], [*blocks, (99, [("name",)], b"?")], [*blocks, (99, blocks[0][1], b"?")]):
        with pytest.raises(ValueError, match=r"part|piece|fit"):
            again.load(model.version, [], wrong)
        again.rollback()
        assert again.hash() == untrained
    again.load(model.version, [], blocks)
    assert again.hash() == model.hash()


def test_a_pickled_state_is_not_read_without_leave() -> None:
    features, labels = usable("hoeffding")
    model = model_of("hoeffding")
    model.predict_learn_many(features, labels, None, [])
    blocks = blocks_of(model, model.dirty_blocks())
    assert {names[0][0] for _, names, _ in blocks} == {PICKLE}
    with pytest.raises(ConfigurationError, match="allow_pickle"):
        model_of("logistic").load(model.version, [], blocks)


def test_nothing_that_is_stored_can_name_a_class() -> None:
    fresh = pipelines.logistic
    parts = dump(fresh(), fresh()).parts
    other = {key: part.replace(b"StandardScaler", b"MinMaxxxScaler") for key, part in parts.items()}
    assert other != parts
    with pytest.raises(ValueError, match="MinMaxxxScaler"):
        restore(other, fresh())


def test_a_large_integer_that_is_stored_as_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="has no place here"):
        restore({"": msgspec.msgpack.encode(["int", math.inf])}, pipelines.logistic())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tests.service.pipelines", '"module:factory" was expected'),
        ("no.such.module:make", "ModuleNotFoundError"),
        ("tests.service.pipelines:nothing", "no attribute 'nothing'"),
        ("tests.service.pipelines:not_callable", "a function was expected"),
        ("tests.service.pipelines:failing", "OSError: no such weights"),
        ("tests.service.pipelines:no_pipeline", "classifier"),
        ("tests.service.pipelines:target_scaled", "classifier, not"),
        ("tests.service.pipelines:unseeded", "seed"),
        ("tests.service.pipelines:hoeffding", r"_root is a river\.tree\S+, .*model\.allow_pickle = true"),
        (
            "tests.service.pipelines:adaptive_forest",
            r"data\[0\] is a river\.forest\S+, .*model\.allow_pickle",
        ),
    ],
)
def test_what_can_not_work_is_refused_before_anything_is_learned(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Settings(model={"pipeline": name}).model.new_model()  # type: ignore[arg-type]


def test_the_options_of_the_neuron_are_refused_beside_a_pipeline() -> None:
    name = "tests.service.pipelines:logistic"
    for option in (
        {"learning_rate": 0.5},
        {"scale": False},
        {"l2": 0.1},
        {"loss": "hinge", "task": "binary"},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(option))} can't be set beside a pipeline"):
            Settings(model={"pipeline": name, **option})  # type: ignore[arg-type]
