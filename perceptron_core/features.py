"""What is made of a sample's features before the neuron sees them: interactions, then hashing.

Either is a function of the sample alone: nothing is learned here, so there is no state to store. A sample
with something that can't be used is passed on as it is: the neuron refuses it, in its own words.

The identities that arise can't be those of plain features, whose names are texts:

====================  ============================  =====================  ==================
interaction           name                          value                  display
====================  ============================  =====================  ==================
number × number       ``(a, "*", b)``               the product            ``a*b``
text × number         ``(a, "=", text, "*", b)``    the number             ``a=text*b``
text × text           ``(a, "=", text, "*", b)``    b's text: one-hot      ``a=text*b=other``
====================  ============================  =====================  ==================
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from perceptron_core.hashing import Hashing
from perceptron_core.kernel.reading import number
from perceptron_core.rejection import Rejection, SampleRejected

Features = dict[Any, Any]
Pair = tuple[str, str]
NamedPair = tuple[str, str, tuple[str, str, str]]

CACHED_PAIRS: Final = 100_000


class Interactions:
    """Features for pairs of features: their product, as far as a text can be multiplied.

    Parameters
    ----------
    patterns
        Pairs of shell-style patterns of names (``*``, ``?``, ``[abc]``; case counts). Two different
        features make a pair where one matches the first pattern and the other the second, in either order.
    limit
        The most pairs that a sample may have; one with more is refused.

    Notes
    -----
    A missing feature (None) is in no pair, nor is one whose name is not a text. A feature's own square is
    none. The name of a pair is subject to the bound on names.

    Examples
    --------
    >>> from perceptron_core.features import Interactions
    >>> Interactions([("age", "*")]).transform({"age": 2.0, "height": 3.0})
    {'age': 2.0, 'height': 3.0, ('age', '*', 'height'): 6.0}
    >>> Interactions([("age", "country")]).transform({"age": 2.0, "country": "FR"})
    {'age': 2.0, 'country': 'FR', ('country', '=', 'FR', '*', 'age'): 2.0}
    """

    def __init__(self, patterns: Sequence[Pair], limit: int = 1_000_000) -> None:
        self._patterns = check_interactions(patterns)
        self._limit = limit
        self._resolved: dict[tuple[Any, ...], list[NamedPair]] = {}
        self._count = 0  # of cached pairs

    def transform(self, features: Features) -> Features:
        """Return the features, with those of their pairs behind them.

        Raises
        ------
        SampleRejected
            The sample has more pairs than the limit.
        """
        made = dict(features)
        for first, second, both in self._pairs(tuple(features)):
            x, y = features[first], features[second]
            if type(x) is float and type(y) is float:
                made[both] = x * y
            elif x is not None and y is not None:
                _interact(made, first, x, second, y, both)
        return made

    def _pairs(self, names: tuple[Any, ...]) -> list[NamedPair]:
        """Return the pairs of names, each in alphabetical order; cached, as samples often come alike."""
        pairs = self._resolved.get(names)
        if pairs is None:
            pairs = self._matching(names)
            self._count += 1 + len(names) + len(pairs)
            if self._count > CACHED_PAIRS:
                self._resolved.clear()
                self._count = 1 + len(names) + len(pairs)
            self._resolved[names] = pairs
        return pairs

    def _matching(self, names: tuple[Any, ...]) -> list[NamedPair]:
        found: dict[Pair, None] = {}  # a set that keeps its order
        texts = [name for name in names if isinstance(name, str)]
        for left, right in self._patterns:
            partners = [name for name in texts if fnmatchcase(name, right)]
            for name in texts:
                if not fnmatchcase(name, left):
                    continue
                for partner in partners:
                    if name != partner:
                        found[(name, partner) if name < partner else (partner, name)] = None
                if len(found) > self._limit:
                    raise SampleRejected(_too_many(len(found), self._limit))
        return [(first, second, (first, "*", second)) for first, second in found]


def _interact(made: Features, first: str, x: object, second: str, y: object, both: object) -> None:
    """Add the interaction of two features, unless one of them can't be used."""
    if isinstance(x, str):
        made[first, "=", x, "*", second] = y
    elif isinstance(y, str):
        made[second, "=", y, "*", first] = x
    else:
        try:
            made[both] = number(x) * number(y)
        except (TypeError, OverflowError):
            return  # the neuron refuses x or y itself


def _too_many(count: int, limit: int) -> Rejection:
    return Rejection(
        "too_many_features", f"the interactions of the sample are at least {count}; max_features is {limit}"
    )


class FeatureMap:
    """What happens to a sample's features on their way to the neuron: interactions, then hashing.

    Parameters
    ----------
    interactions
        Pairs of patterns, see :class:`Interactions`; none by default.
    hash_bits
        See :class:`Hashing`; None for no hashing.
    max_features
        The most interactions that a sample may have.

    Raises
    ------
    ValueError
        A parameter is outside its range.

    Examples
    --------
    >>> from perceptron_core.features import FeatureMap
    >>> FeatureMap(interactions=[("a", "b")]).transform({"a": 2, "b": 3})
    {'a': 2, 'b': 3, ('a', '*', 'b'): 6.0}
    """

    def __init__(
        self, interactions: Sequence[Pair] = (), hash_bits: int | None = None, max_features: int = 1_000_000
    ) -> None:
        self._steps: list[Interactions | Hashing] = []
        if check_interactions(interactions):
            self._steps.append(Interactions(interactions, max_features))
        if hash_bits is not None:
            self._steps.append(Hashing(hash_bits))

    @property
    def changes_nothing(self) -> bool:
        """Whether features stay as they are."""
        return not self._steps

    def transform(self, features: Features) -> Features:
        """Return what the neuron is to see of a sample; the sample itself stays as it is.

        Raises
        ------
        SampleRejected
            The sample has too many interactions. What else can't be used is left to the neuron to refuse.
        """
        if isinstance(features, dict):
            for step in self._steps:
                features = step.transform(features)
        return features

    def transform_many(self, samples: Sequence[Features]) -> list[Features | Rejection]:
        """Return what the neuron is to see of each sample, or why it is refused."""
        return list(samples) if self.changes_nothing else [self._attempt(sample) for sample in samples]

    def _attempt(self, features: Features) -> Features | Rejection:
        try:
            return self.transform(features)
        except SampleRejected as error:
            return error.rejection


def refusal_of(mapped: Features | Rejection, rejection: Rejection) -> Rejection:
    """Return why a sample was refused: by the map, if it was, for the neuron saw no sample then."""
    return mapped if isinstance(mapped, Rejection) else rejection


def display_name(name: object) -> object:
    """Return how a feature's name is shown: that of an interaction in one piece.

    Examples
    --------
    >>> display_name(("country", "=", "FR", "*", "age"))
    'country=FR*age'
    """
    if isinstance(name, tuple) and len(name) in (3, 5) and name[-2] == "*":
        return "".join(map(str, name))
    return name


def display(entry: tuple[Any, ...]) -> Any:
    """Return the display name of a feature by its identity: the name, or ``name=text``."""
    name = display_name(entry[0])
    return name if len(entry) == 1 else f"{name}={entry[1]}"


def check_interactions(patterns: Sequence[Pair]) -> list[Pair]:
    """Return pairs of patterns; raise ValueError unless they are."""
    pairs: list[Any] = list(patterns) if isinstance(patterns, list | tuple) else [patterns]
    for pair in pairs:
        if not (
            isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(p, str) and p for p in pair)
        ):
            raise ValueError(
                f"interactions holds {pair!r:.80}; pairs of patterns of names were expected, such as "
                f'["country", "geo_*"]'
            )
    return [(str(first), str(second)) for first, second in pairs]
