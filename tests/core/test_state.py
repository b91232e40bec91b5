"""State in blocks, there and back; what does not fit is refused."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron
from tests.core.samples import feed, mixed, parameters, state, streams

LONG = mixed(1500, seed=4, names=500)


def trained(**parameters: Any) -> Perceptron:
    model = Perceptron(**parameters)
    feed(model, LONG)
    return model


def through_blocks(model: Perceptron) -> Perceptron:
    twin = Perceptron(**model.config)
    version, scalars, blocks, _ = state(model)
    twin.load(version, scalars, blocks)
    return twin


DUPLICATES: list[Callable[[Perceptron], Perceptron]] = [
    through_blocks,
    copy.copy,
    copy.deepcopy,
    lambda model: pickle.loads(pickle.dumps(model)),
    lambda model: model.with_parameters(max_features=900),
]


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_a_duplicate_is_the_same_and_goes_on_the_same(
    duplicate: Callable[[Perceptron], Perceptron], scale: bool
) -> None:
    model = trained(scale=scale, l2=0.5)
    twin = duplicate(model)
    assert state(twin) == state(model)
    assert feed(twin, LONG[:50]) == feed(model, LONG[:50])
    assert state(twin) == state(model)


@given(parts=parameters(), stream=streams, more=streams, duplicate=st.sampled_from(DUPLICATES))
def test_whatever_it_is_made_of_a_duplicate_goes_on_the_same(
    parts: dict[str, Any], stream: list, more: list, duplicate: Callable[[Perceptron], Perceptron]
) -> None:
    model = Perceptron(**parts)
    feed(model, stream)
    twin = duplicate(model)
    assert state(twin) == state(model)
    assert feed(twin, more) == feed(model, more)
    assert state(twin) == state(model)


def test_a_duplicate_shares_nothing() -> None:
    for duplicate in DUPLICATES:
        model = trained()
        before = state(model)
        feed(duplicate(model), LONG[:50])
        assert state(model) == before


def test_a_pickled_copy_rolls_back_to_what_was_pickled() -> None:
    model = trained()
    twin = pickle.loads(pickle.dumps(model))
    feed(twin, LONG[:50])
    twin.rollback()
    assert state(twin) == state(model)


@given(parts=parameters(), stream=streams, more=streams)
def test_the_hash_kept_up_is_the_hash_from_scratch(parts: dict[str, Any], stream: list, more: list) -> None:
    model = Perceptron(**parts)
    for part in (stream, more):
        feed(model, part)
        assert model.hash() == through_blocks(model).hash() == pickle.loads(pickle.dumps(model)).hash()
        model.commit()
        assert model.hash() == through_blocks(model).hash()


def test_the_hash_is_what_its_docstring_says() -> None:
    model = trained()
    count = -(-model.n_features // 256)
    contents = [msgspec.msgpack.encode([n, model.names(n)]) + model.block(n) for n in range(count)]
    digests = [hashlib.blake2b(content, digest_size=16).digest() for content in contents]
    total = sum(int.from_bytes(digest, "little") for digest in digests) % 2**128
    summary = total.to_bytes(16, "little") + np.array(model.scalars()).tobytes()
    assert model.hash() == hashlib.blake2b(summary, digest_size=16).hexdigest()


def test_the_hash_sees_every_part() -> None:
    hashes = {trained(scale=scale, **more).hash() for scale in (True, False) for more in ({}, {"l2": 0.1})}
    renamed = Perceptron()
    feed(renamed, [({f"g{n}": v for n, v in x.items()}, y, w) for x, y, w in LONG])
    bias_only, other_bias = Perceptron(), Perceptron()
    bias_only.learn_one({}, 1)
    other_bias.learn_one({}, 0)
    hashes |= {renamed.hash(), bias_only.hash(), other_bias.hash(), Perceptron().hash()}
    assert len(hashes) == 8


def test_a_block_alone_is_overwritten_in_place() -> None:
    model, later = trained(), trained()
    model.commit()
    feed(later, [({model.names(1)[0][0]: 3.0}, 1.0, 1.0)])
    model.load(later.version, later.scalars(), [(1, later.names(1), later.block(1))])
    assert model.dirty_blocks() == [1]
    assert state(model) == state(later)


NAN, ROW = b"\xff" * 8, bytes(8)


@pytest.mark.parametrize(
    ("version", "scalars", "blocks", "message"),
    [
        (-1, [0.0], [], "version"),
        (1.5, [0.0], [], "version"),
        (1, [], [], "scalars"),
        (1, [0.0, 0.0], [], "scalars"),
        (1, [float("nan")], [], "finite"),
        (1, [1e200], [], "1e\\+150"),
        (1, [0.0], [(0, [("a",)], b"")], "0 bytes for 1 rows"),
        (1, [0.0], [(0, [("a",)], ROW + b"x")], "9 bytes"),
        (1, [0.0], [(0, [], ROW)], "8 bytes for 0 rows"),
        (1, [0.0], [(0, [("a",)], NAN)], "not finite"),
        (1, [0.0], [(0, ["a"], ROW)], "were expected"),
        (1, [0.0], [(0, [("a", None)], ROW)], "were expected"),
        (1, [0.0], [(0, [("a", "b", "c")], ROW)], "were expected"),
        (1, [0.0], [(0, [(f"n{i}",) for i in range(257)], ROW * 257)], "at most 256"),
        (1, [0.0], [(0, [("a",), ("a",)], ROW * 2)], "twice"),
        (1, [0.0], [(1, [("a",)], ROW)], "do not continue"),
        (1, [0.0], [(-1, [("a",)], ROW)], "do not continue"),
        (1, [0.0], [(0, [("a",)], ROW), (1, [("b",)], ROW)], "do not continue"),
        (1, [0.0], [(0, [("a",)], ROW), (0, [("b",)], ROW)], "do not continue"),
        (1, [0.0], [(0, [("a",), ("b",)], ROW * 2), (0, [("a",)], ROW)], "do not continue"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(version: Any, scalars: Any, blocks: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Perceptron(scale=False).load(version, scalars, blocks)


def test_a_name_that_another_block_has_is_refused() -> None:
    full = [(f"n{i}",) for i in range(256)]
    with pytest.raises(ValueError, match="twice"):
        Perceptron(scale=False).load(1, [0.0], [(0, full, ROW * 256), (1, [("n7",)], ROW)])


def test_a_state_of_another_configuration_is_refused() -> None:
    with pytest.raises(ValueError, match="rows of 1 numbers"):
        trained().with_parameters(scale=False)
