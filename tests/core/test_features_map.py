"""Interactions and hashing: what becomes of features before the neuron sees them."""

from __future__ import annotations

import math
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron, SampleRejected
from perceptron_core import features as features_module
from perceptron_core.explain import explain
from perceptron_core.features import FeatureMap, Interactions, display_name
from perceptron_core.fit import fit
from perceptron_core.hashing import Hashing
from tests.core import samples as drawn

ALL = [("*", "*")]
awkward = st.text(alphabet="ab=*", max_size=4)
numbers = st.dictionaries(st.text(max_size=3), st.floats(-1e3, 1e3), max_size=8)
MAPS: list[dict[str, Any]] = [
    {"interactions": ALL},
    {"hash_bits": 6},
    {"interactions": [("a", "*")], "hash_bits": 3},
]

PINNED = {"#204596": -2.0, "#40788": -3.0, "#132845": "1", "#95978": 1.0, "#168542": 5.0}


def entries(features: dict[Any, Any]) -> list[tuple[Any, ...]]:
    return [(name, value) if isinstance(value, str) else (name,) for name, value in features.items()]


def by_hand(features: dict[Any, Any]) -> dict[Any, Any]:
    """Return features with the interaction of a and b, written out."""
    x, y = features.get("a"), features.get("b")
    if x is None or y is None:
        return features
    if isinstance(x, str) and isinstance(y, str):
        return {**features, f"a is {x} and b": y}
    if isinstance(x, str):
        return {**features, f"b where a is {x}": y}
    if isinstance(y, str):
        return {**features, f"a where b is {y}": x}
    return {**features, "a times b": float(x) * float(y)}


# Interactions


@given(drawn.streams, st.sampled_from([True, False, "robust"]))
def test_interactions_predict_and_learn_as_products_made_by_hand(stream: Any, scale: Any) -> None:
    ours = Perceptron(scale=scale, learning_rate=0.1, interactions=[("a", "b")])
    theirs = Perceptron(scale=scale, learning_rate=0.1)
    made = [(by_hand(features), label, weight) for features, label, weight in stream]
    assert drawn.feed(ours, stream) == drawn.feed(theirs, made)
    assert list(ours.weights.values()) == list(theirs.weights.values())


@given(drawn.features)
def test_interactions_are_the_same_whichever_comes_first(features: dict[Any, Any]) -> None:
    turned = dict(reversed(features.items()))
    made = Interactions([("a", "*")]).transform(features)
    assert made == Interactions([("*", "a")]).transform(turned)
    assert made == Interactions([("*", "a"), ("a", "*"), ("a", "?")]).transform(features)


@given(st.lists(st.tuples(awkward, awkward, awkward, awkward), min_size=2, max_size=2, unique=True))
def test_two_pairs_of_texts_never_share_an_identity(pairs: list[tuple[str, str, str, str]]) -> None:
    found = []
    for a, text_a, b, text_b in pairs:
        made = Interactions(ALL).transform({a: text_a, b: text_b})
        found.append(entries(made)[2:])
        assert all(not isinstance(name, str) for name, *_ in found[-1])
    (a, text_a, b, text_b), other = pairs
    if a != b and other[0] != other[2] and other != (b, text_b, a, text_a):
        assert found[0] != found[1]


@given(awkward, awkward, awkward)
def test_products_by_text_never_share_an_identity_with_products(a: str, text: str, b: str) -> None:
    if a != b:
        product = Interactions(ALL).transform({a: 2.0, b: 3.0})
        by_text = Interactions(ALL).transform({a: text, b: 3.0})
        assert len({*entries(product)[2:], *entries(by_text)[2:]}) == 2


def test_patterns_choose_by_case_and_leave_squares_missing_values_and_other_names_out() -> None:
    made = Interactions([("geo_*", "?evice"), ("A", "a")]).transform(
        {"geo_x": 2.0, "geo_y": None, "device": 3, "DEVICE": 5.0, "a": 7.0, 11: 13.0}
    )
    assert list(made)[6:] == [("device", "*", "geo_x")]
    assert made["device", "*", "geo_x"] == 6.0


def test_interactions_are_shown_in_one_piece() -> None:
    model = Perceptron(interactions=[("country", "*")])
    model.learn_one({"country": "FR", "age": 31, "device": "phone"}, 1)
    assert list(model.weights)[3:] == ["country=FR*age", "country=FR*device=phone"]
    assert display_name(("a", "b", "c")) == ("a", "b", "c")


def test_a_product_that_overflows_is_refused_and_leaves_no_trace() -> None:
    model = Perceptron(interactions=ALL)
    with pytest.raises(SampleRejected, match=r"\('a', '\*', 'b'\).* is inf.*not_finite"):
        model.learn_one({"a": 1e200, "b": 1e200}, 1)
    assert model.version == model.n_features == 0


def test_more_interactions_than_the_bound_are_refused_at_their_index() -> None:
    model = Perceptron(interactions=ALL, max_features=20)
    many = {f"f{i}": 1.0 for i in range(10)}
    rejections: list[Any] = []
    predictions = model.predict_learn_many([{"f1": 1.0}, many, {"f2": 1.0}], [1, 1, 0], rejections=rejections)
    assert [(index, rejection.reason) for index, rejection in rejections] == [(1, "too_many_features")]
    assert math.isnan(predictions[1])
    assert model.version == 2
    for use in (model.predict_one, model.score_one, lambda x: model.learn_one(x, 1)):
        with pytest.raises(SampleRejected, match="the interactions of the sample are at least"):
            use(many)
    with pytest.raises(SampleRejected, match="sample 1: "):
        model.predict_learn_many([{"f1": 1.0}, many, {"f2": 1.0}], [1, 1, 0])
    assert model.version == 3


def test_the_memory_of_resolved_patterns_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features_module, "CACHED_PAIRS", 20)
    interactions = Interactions(ALL)
    for i in range(50):
        assert interactions.transform({"a": 2.0, f"b{i}": 3.0})["a", "*", f"b{i}"] == 6.0
        assert len(interactions._resolved) <= 20 // 4


# Hashing


@given(drawn.features, st.integers(1, 30), st.integers(-5, 5))
def test_buckets_are_in_range_even_for_numbers_and_odd_for_texts(
    features: dict[Any, Any], bits: int, seed: int
) -> None:
    for bucket, value in Hashing(bits, seed).transform(features).items():
        number = int(bucket.removeprefix("#"))
        assert 0 <= number < 2**bits
        assert (number % 2 == 1) == (value == "1")


@given(numbers, st.integers(1, 4))
def test_a_bucket_holds_the_sum_of_what_falls_into_it(features: dict[str, float], bits: int) -> None:
    hashing, sums = Hashing(bits), {}
    for name, value in features.items():
        ((bucket, signed),) = hashing.transform({name: value}).items()
        assert abs(signed) == abs(value)
        sums[bucket] = sums.get(bucket, 0.0) + signed
    assert hashing.transform(features) == sums


@given(numbers, st.integers(1, 4))
def test_the_order_of_features_changes_no_more_than_the_order_of_a_sum(
    features: dict[str, float], bits: int
) -> None:
    hashing = Hashing(bits)
    turned = hashing.transform(dict(reversed(features.items())))
    assert hashing.transform(features) == pytest.approx(turned, rel=1e-12, abs=1e-9)


def test_signs_are_about_even_and_unsigned_hashing_has_none() -> None:
    names = [f"f{i}" for i in range(1000)]
    signed, unsigned = Hashing(10), Hashing(10, signed=False)
    negative = sum(min(signed.transform({name: 1.0}).values()) < 0 for name in names)
    assert 400 < negative < 600
    assert all(min(unsigned.transform({name: 1.0}).values()) == 1.0 for name in names)


def test_buckets_fill_evenly_and_by_the_seed() -> None:
    names = [f"f{i}" for i in range(2000)]
    places = [next(iter(Hashing(5, seed).transform({name: 1.0}))) for seed in (0, 1) for name in names]
    counts = {bucket: places[:2000].count(bucket) for bucket in places}
    assert len(counts) == 16
    assert all(75 < count < 175 for count in counts.values())
    assert sum(a != b for a, b in zip(places[:2000], places[2000:], strict=True)) > 1700


def test_where_a_feature_goes_is_the_same_in_every_process_and_version() -> None:
    features = {"age": 2.0, "height": 3.0, "country": "FR", 7: 1, ("a", "*", "b"): 5.0}
    assert Hashing(18).transform(features) == PINNED


def test_names_that_python_holds_equal_go_their_own_ways_whichever_came_first() -> None:
    hashing, other = Hashing(18), Hashing(18)
    first = [hashing.transform({name: 1.0}) for name in (1, True, 1.0)]
    second = [other.transform({name: 1.0}) for name in (1.0, True, 1)]
    assert first == second[::-1]


def test_a_hashed_vocabulary_is_bounded_without_refusals() -> None:
    model = Perceptron(hash_bits=5)
    samples = [{f"n{i}": float(i), f"t{i}": "x"} for i in range(500)]
    model.predict_learn_many(samples, [i % 2 for i in range(500)])
    assert model.version == 500
    assert model.n_features == 32


def test_a_text_of_its_own_bucket_is_learned_under_every_scaling() -> None:
    for scale in (True, "minmax", "robust", False):
        model = Perceptron(hash_bits=18, scale=scale, learning_rate=0.5)
        for _ in range(20):
            model.learn_one({"country": "FR"}, 1)
            model.learn_one({"country": "DE"}, 0)
        assert model.predict_one({"country": "FR"}) > 0.7 > 0.3 > model.predict_one({"country": "DE"})


def test_a_sum_beyond_the_range_of_a_double_is_refused() -> None:
    model = Perceptron(hash_bits=1)
    sign = {name: Hashing(1).transform({name: 1.0})["#0"] for name in "ab"}
    with pytest.raises(SampleRejected, match="'#0' is inf"):
        model.learn_one({name: sign[name] * 1.7e308 for name in "ab"}, 1)


# Both


@pytest.mark.parametrize("parameters", MAPS)
@pytest.mark.parametrize("case", [case for case in drawn.REFUSED if case != "more features than the bound"])
def test_what_cant_be_used_is_refused_in_the_neurons_words(case: str, parameters: dict[str, Any]) -> None:
    stream = [{"a": 1.0, "b": 2.0}, drawn.REFUSED[case][0], {"a": "x", "b": 3}]
    plain: list[Any] = []
    mapped: list[Any] = []
    Perceptron().predict_learn_many(stream, [1, 1, 0], rejections=plain)
    model = Perceptron(**parameters)
    model.predict_learn_many(stream, [1, 1, 0], rejections=mapped)
    assert mapped == plain
    assert model.version == 2


@pytest.mark.parametrize("features", [None, [1.0], "a"])
@pytest.mark.parametrize("parameters", MAPS)
def test_what_is_no_dict_is_refused(features: Any, parameters: dict[str, Any]) -> None:
    with pytest.raises(SampleRejected, match="a dict of features was expected"):
        Perceptron(**parameters).predict_one(features)


@pytest.mark.parametrize("parameters", MAPS)
@given(stream=drawn.streams)
def test_one_by_one_and_in_one_call_mean_the_same(parameters: dict[str, Any], stream: Any) -> None:
    one, many = Perceptron(**parameters), Perceptron(**parameters)
    samples, labels, weights = ([*part] for part in zip(*stream, strict=True)) if stream else ([], [], [])
    expected = drawn.feed(one, stream)
    found = many.predict_learn_many(samples, labels, weights, rejections=[])
    assert [None if math.isnan(y) else y for y in found.tolist()] == expected
    assert drawn.state(one) == drawn.state(many)


@pytest.mark.parametrize("parameters", MAPS)
@given(stream=drawn.streams)
def test_a_model_goes_on_from_its_pickle_and_from_its_written_names(
    parameters: dict[str, Any], stream: Any
) -> None:
    model = Perceptron(**parameters)
    drawn.feed(model, stream)
    copies = [pickle.loads(pickle.dumps(model)), Perceptron(**parameters)]
    copies[1].load(model.version, model.scalars(), [(0, written(model.names(0)), model.block(0))])
    again = drawn.feed(model, stream)
    for copy in copies:
        assert drawn.feed(copy, stream) == again
        assert drawn.state(copy) == drawn.state(model)


def written(names: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return identities as MessagePack gives them back, with tuples inside made of its lists."""
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(names), type=list[tuple[Any, ...]])
    return [tuple(tuple(part) if isinstance(part, list) else part for part in entry) for entry in decoded]


def test_interactions_are_hashed_where_both_are_given() -> None:
    features = {"a": 2.0, "b": 3.0}
    both = FeatureMap(interactions=ALL, hash_bits=18).transform(features)
    assert both == Hashing(18).transform({**features, ("a", "*", "b"): 6.0})
    assert features == {"a": 2.0, "b": 3.0}


def test_the_identity_of_a_model_names_what_it_makes_of_features() -> None:
    plain, mapped = Perceptron().identity, Perceptron(hash_bits=8, interactions=ALL).identity
    assert mapped == {**plain, "hash_bits": 8, "interactions": [["*", "*"]]}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hash_bits": 0}, "hash_bits is 0; a whole number from 1 to 30 was expected"),
        ({"hash_bits": 31}, "hash_bits is 31"),
        ({"hash_bits": True}, "hash_bits is True"),
        ({"hash_bits": "18"}, "hash_bits is '18'"),
        ({"interactions": "a*b"}, "interactions holds 'a\\*b'; pairs of patterns"),
        ({"interactions": ["ab"]}, "interactions holds 'ab'"),
        ({"interactions": [["a"]]}, "interactions holds \\['a'\\]"),
        ({"interactions": [["a", ""]]}, "interactions holds \\['a', ''\\]"),
        ({"interactions": [["a", 1]]}, "interactions holds \\['a', 1\\]"),
    ],
)
def test_a_bad_parameter_is_a_value_error(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Perceptron(**parameters)


def test_a_name_of_a_pair_is_bounded_as_any_name_is() -> None:
    with pytest.raises(SampleRejected, match=r"over 256 bytes.*too_large"):
        Perceptron(interactions=ALL).learn_one({"a" * 200: 1.0, "b" * 200: 1.0}, 1)


def test_fit_and_explain_see_what_the_neuron_sees() -> None:
    samples = [{"x": float(x), "kind": kind} for x in range(-3, 4) for kind in "ab"]
    labels = [2.0 * s["x"] if s["kind"] == "a" else -s["x"] for s in samples]  # type: ignore[operator]
    result = fit(samples, labels, loss="squared", scale=False, interactions=ALL, cost_tolerance=0.0)
    assert result.weights["kind=a*x"] - result.weights["kind=b*x"] == pytest.approx(3.0, abs=1e-2)
    explained = explain(result.model, {"x": 2.0, "kind": "a"}, 4.0)
    assert [term.feature for term in explained.terms[1:]] == ["x", "kind=a", "kind=a*x"]
    assert explained.z == result.model.score_one({"x": 2.0, "kind": "a"})
