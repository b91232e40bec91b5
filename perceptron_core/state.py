"""A neuron's state in blocks: the working and the committed state, a hash, and the way out and in.

The working state is the neuron's own; the committed one is what it was before, where they differ. A block is
256 consecutive features' rows; what has to be kept, digested or written is always in proportion to the
blocks that changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from perceptron_core import kernel

Entry = tuple[Any, ...]
"""A feature's identity: ``(name,)`` for a number, ``(name, text)`` for a text."""


Scalars = tuple[int, int, npt.NDArray[np.float64]]
"""How many samples were learned, how many features are known, and the bias with the optimizer's numbers."""


@dataclass(frozen=True, slots=True)
class _Staged:
    """A state on its way to being the committed one, and what to do where it never gets there."""

    scalars: Scalars
    before: dict[int, npt.NDArray[np.float64]]  # rows of the committed state, by block that changed
    digests: dict[int, int | None]  # of the same blocks in the committed state
    digest: int  # the committed state's


class BlockState:
    """The state of a neuron.

    Parameters
    ----------
    neuron
        Whose working state this is.
    """

    def __init__(self, neuron: kernel.Neuron) -> None:
        self._neuron = neuron
        self._committed: Scalars = (0, 0, neuron.facts()[3].copy())
        self._staged: _Staged | None = None
        self._block_digests: dict[int, int] = {}
        self._digest = 0
        self._dirty_digests: tuple[int, dict[int, int]] | None = None  # once so many samples were learned

    @property
    def n_features(self) -> int:
        """How many features the model has seen in learned samples."""
        return int(self._neuron.facts()[1])

    @property
    def n_blocks(self) -> int:
        """How many blocks these features fill."""
        return -(-self.n_features // kernel.BLOCK)

    # Working and committed

    def stage(self) -> None:
        """Set the working state apart as what :meth:`commit` will commit, however far learning goes on."""
        if self._staged is not None:
            raise RuntimeError("a state is staged already: commit it or roll back")
        self._staged = self._set_apart()

    def _set_apart(self) -> _Staged:
        """Return how to go back from the working state; from here on that is clean."""
        dirty = self._neuron.dirty_blocks()
        digests, digest = {block: self._block_digests.get(block) for block in dirty}, self._digest
        self._digest = self._combined_digest()
        self._block_digests |= self._digests_of_dirty()
        self._dirty_digests = None
        learned, count, _, bias = self._neuron.facts()
        return _Staged((learned, count, bias.copy()), self._neuron.mark_clean(), digests, digest)

    def commit(self) -> None:
        """Make the staged state the committed one; the working one where none was staged."""
        staged, self._staged = self._staged or self._set_apart(), None
        self._committed = staged.scalars

    def rollback(self) -> None:
        """Go back to the committed state, whatever was staged or learned since."""
        learned, count, bias = self._committed
        self._neuron.truncate_names(count)
        before = self._neuron.mark_clean()
        if self._staged is not None:
            before |= self._staged.before
            self._forget_digests(self._staged)
            self._staged = None
        self._dirty_digests = None
        table = self._neuron.facts()[2]
        for block, rows in before.items():
            table[_rows(block)][: len(rows)] = rows
        self._neuron.put_scalars(learned, bias)

    def _forget_digests(self, staged: _Staged) -> None:
        self._digest = staged.digest
        for block, digest in staged.digests.items():
            if digest is None:
                del self._block_digests[block]
            else:
                self._block_digests[block] = digest

    def dirty_blocks(self) -> list[int]:
        """Return the blocks that differ from the staged state, or else the committed one, in order."""
        return self._neuron.dirty_blocks()

    def grown_blocks(self) -> list[int]:
        """Return the blocks that have more features than in the staged or committed state, in order."""
        _, known, _ = self._staged.scalars if self._staged is not None else self._committed
        if self.n_features == known:
            return []
        return list(range(known // kernel.BLOCK, self.n_blocks))

    # State in blocks

    def block(self, number: int) -> bytes:
        """Return the rows of a block as little-endian doubles, cut to the features in use."""
        _, count, table, _ = self._neuron.facts()
        return bytes(table[:count][_rows(number)])

    def names(self, number: int) -> list[Entry]:
        """Return the feature identities of a block, by row."""
        rows = self._known_rows(number)
        return self._neuron.entries(rows.start, rows.stop) if rows else []

    def _known_rows(self, number: int) -> range:
        return range(self.n_features)[_rows(number)]

    def scalars(self) -> list[float]:
        """Return the bias, and the optimizer's numbers for it."""
        return [float(number) for number in self._neuron.facts()[3]]

    def load(
        self, version: int, scalars: Sequence[float], blocks: Iterable[tuple[int, list[Entry], bytes]]
    ) -> None:
        """Overwrite blocks of the working state.

        Parameters
        ----------
        version
            How many samples the state has learned.
        scalars
            As :meth:`scalars` returned them.
        blocks
            (number, names, data) in ascending order, as :meth:`names` and :meth:`block` returned them;
            blocks that are not given stay as they are.

        Raises
        ------
        ValueError
            The blocks do not fit together or do not belong to a model of this configuration; some may
            be overwritten by then, which :meth:`rollback` undoes.
        """
        if not isinstance(version, int) or version < 0:
            raise ValueError(f"version {version!r}; a whole number ≥ 0 was expected")
        if len(scalars) != len(self.scalars()):
            raise ValueError(f"{len(scalars)} scalars; {len(self.scalars())} were expected")
        bias = _sound("the scalars", np.array(scalars, dtype=np.float64))
        self._dirty_digests = None
        for number, names, data in blocks:
            rows = self._checked_rows(number, names, data)
            self._neuron.add_names(names[len(self.names(number)) :])
            self._neuron.put(number * kernel.BLOCK, rows)
        self._neuron.put_scalars(version, bias)

    def _checked_rows(self, number: int, names: list[Entry], data: bytes) -> npt.NDArray[np.float64]:
        """Return the rows of a block that is to be loaded; raise ValueError unless it fits."""
        width = self._neuron.facts()[2].shape[1]
        if len(data) != len(names) * width * 8:
            raise ValueError(f"block {number}: {len(data)} bytes for {len(names)} rows of {width} numbers")
        if len(names) > kernel.BLOCK or not all(map(_is_entry, names)):
            raise ValueError(f"block {number}: at most {kernel.BLOCK} (name,) or (name, text) were expected")
        first, known = number * kernel.BLOCK, self.names(number)
        if not 0 <= first <= self.n_features or names[: len(known)] != known:
            raise ValueError(f"block {number}: its names do not continue those of the model")
        if first + len(known) < self.n_features and len(names) > len(known):
            raise ValueError(f"block {number}: a block behind it is there already")
        return _sound(f"block {number}", np.frombuffer(data, dtype="<f8").reshape(-1, width))

    def hash(self) -> str:
        """Return a fingerprint of names, blocks, bias, and optimizer and scaler state: 32 hex digits.

        Notes
        -----
        The sum modulo 2¹²⁸ of a digest per block, so that only changed blocks are digested anew, and one
        of the bias over it. BLAKE2b; metrics, configuration and stream take no part.
        """
        summary = self._combined_digest().to_bytes(16, "little")
        scalars = np.array(self.scalars(), dtype="<f8").tobytes()
        return hashlib.blake2b(summary + scalars, digest_size=16).hexdigest()

    def _combined_digest(self) -> int:
        """Return the sum of the block digests of the working state."""
        digests = self._digests_of_dirty()
        return (self._digest + sum(digests.values()) - sum(map(self._known_digest, digests))) % (1 << 128)

    def _known_digest(self, block: int) -> int:
        return self._block_digests.get(block, 0)

    def _digests_of_dirty(self) -> dict[int, int]:
        """Return the digests of the blocks that changed; made once for a head and its commit."""
        learned = self._neuron.facts()[0]
        if self._dirty_digests is None or self._dirty_digests[0] != learned:
            digests = {block: self._block_digest(block) for block in self._neuron.dirty_blocks()}
            self._dirty_digests = learned, digests
        return self._dirty_digests[1]

    def _block_digest(self, number: int) -> int:
        rows = self.block(number)
        if not rows:
            return 0
        content = self._identities(number) + rows
        return int.from_bytes(hashlib.blake2b(content, digest_size=16).digest(), "little")

    def _identities(self, number: int) -> bytes:
        """Return the number of a block and its identities as MessagePack."""
        rows = self._known_rows(number)
        spelling = self._neuron.spelling(rows.start, rows.stop)
        if spelling is not None:
            return msgspec.msgpack.encode([number, [None] * len(rows)])[: -len(rows)] + spelling
        try:
            return msgspec.msgpack.encode([number, self.names(number)])
        except (TypeError, OverflowError):  # a name may be anything hashable
            return repr((number, self.names(number))).encode()


def _rows(block: int) -> slice:
    """Return the rows of a block."""
    return slice(block * kernel.BLOCK, (block + 1) * kernel.BLOCK)


def _is_entry(entry: object) -> bool:
    """Whether this is a feature's identity."""
    return isinstance(entry, tuple) and (len(entry) == 1 or (len(entry) == 2 and isinstance(entry[1], str)))


def _sound(what: str, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return numbers that may be state; raise ValueError unless they are finite and within the limit."""
    if not (np.abs(numbers) <= kernel.LIMIT).all():
        raise ValueError(f"{what}: a number is not finite or beyond ±{kernel.LIMIT:g}")
    return numbers
