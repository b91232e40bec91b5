"""Features keep their rows, whatever they are called and whatever is taken back."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron
from perceptron_core.kernel import names
from tests.compiled import require_compiled
from tests.core.samples import state

NAMES = [
    "",
    "ä",
    "日本語",
    "a" * 31,
    "a" * 32,
    "a" * 255,
    "a" * 256,
    7,
    2**80,
    ("bi", "gram"),
    None,
    1.5,
]
TEXTS = ["", "x", "ß" * 16, "y" * 200]


def new_model() -> Perceptron:
    """Return one that takes many features."""
    return Perceptron(learning_rate=0.1, max_features=1_000_000)


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[list[dict[Any, Any]], bool]]:
    """Draw batches of samples, few or very many of their names new, and whether each is committed."""
    seed, sizes = draw(st.integers(0, 2**32)), st.sampled_from([0, 1, 3, 40, 400, 2000])
    random_, found = random.Random(seed), []
    for _ in range(draw(st.integers(1, 6))):
        words = [f"w{random_.randrange(3000)}" for _ in range(draw(sizes))]
        odd = random_.sample(NAMES, draw(st.integers(0, len(NAMES))))
        values = [random_.random(), True, *TEXTS]
        samples = [{name: random_.choice(values) for name in chosen} for chosen in (words, odd, words[:5])]
        found.append(([{k: v for k, v in one.items() if fits(k, v)} for one in samples], draw(st.booleans())))
    return found


def fits(name: object, value: object) -> bool:
    """Whether a feature's display name is short enough."""
    return not isinstance(value, str) or len(f"{name}={value}".encode()) <= 256


@given(batches())
def test_what_is_taken_back_leaves_no_trace(drawn: list[tuple[list[dict[Any, Any]], bool]]) -> None:
    model, plain = new_model(), new_model()
    for samples, is_committed in drawn:
        for number, sample in enumerate(samples):
            for learner in (model, plain) if is_committed else (model,):
                learner.learn_one(sample, number % 2)
        if is_committed:
            model.commit()
        else:
            model.rollback()
    assert state(model) == state(plain)
    copy = new_model()
    copy.load(
        plain.version, plain.scalars(), [(n, plain.names(n), plain.block(n)) for n in range(plain.n_blocks)]
    )
    assert (copy.hash(), copy.weights_by_identity()) == (model.hash(), model.weights_by_identity())


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_name_may_be_anything_hashable(name: object) -> None:
    model = new_model()
    model.learn_one({"x": 1.0, name: 2.0}, 1)
    model.learn_one({name: 3.0}, 0)
    assert model.names(0) == [("x",), (name,)]


def test_a_text_is_another_feature_than_a_number_of_its_display_name() -> None:
    model = new_model()
    model.learn_one({"a": "x", "a=x": 1.0}, 1)
    assert list(model.weights_by_identity()) == [("a", "x"), ("a=x",)]


@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 65_535, 65_536])
def test_names_of_any_length_come_back_from_a_stored_state(size: int) -> None:
    model, rows = new_model(), struct.pack("<5d", 1, 0, 0, 0, 0)
    entries: list[tuple[Any, ...]] = [("n" * size,), ("t", "v" * size), (f"{size}",)]
    model.load(1, [0.0], [(0, entries, rows * 3)])
    assert model.names(0) == entries
    assert list(model.weights_by_identity()) == entries


def sip(data: bytes, key_0: int, key_1: int, compressions: int, finalizations: int) -> int:
    """Return SipHash-c-d by the paper's words."""
    mask = 2**64 - 1
    v = [
        key_0 ^ 0x736F6D6570736575,
        key_1 ^ 0x646F72616E646F6D,
        key_0 ^ 0x6C7967656E657261,
        key_1 ^ 0x7465646279746573,
    ]

    def turned(word: int, places: int) -> int:
        return (word << places | word >> (64 - places)) & mask

    def half(a: int, b: int, places: int) -> None:
        v[a] = (v[a] + v[b]) & mask
        v[b] = turned(v[b], places) ^ v[a]

    def rounds(count: int) -> None:
        for _ in range(count):
            half(0, 1, 13)
            half(2, 3, 16)
            v[0] = turned(v[0], 32)
            half(2, 1, 17)
            half(0, 3, 21)
            v[2] = turned(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(compressions)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(finalizations)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_hash_that_others_are_held_against_is_the_papers() -> None:
    key_0, key_1 = struct.unpack("<2Q", bytes(range(16)))
    assert sip(bytes(range(15)), key_0, key_1, 2, 4) == 0xA129CA6149BE45E5


@given(st.binary(max_size=40), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_names_are_hashed_by_a_key(data: bytes, key_0: int, key_1: int) -> None:
    require_compiled("kernel", not names.__file__.endswith(".py"), "gcc")
    assert names.keyed_hash(data, 0, len(data), key_0, key_1) == sip(data, key_0, key_1, 1, 3)
