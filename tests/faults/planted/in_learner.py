"""Bugs in the two copies of the state: rolled back by halves, written by halves, restored by halves."""

from __future__ import annotations

from typing import Any

from perceptron_core.state import BlockState
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import Head
from service.streams.port import Batch
from tests.faults.planted.garden import planted

ROLLBACK, ADVANCE = Learner.rollback, Learner._advance
BLOCK_ROLLBACK, DIRTY, GROWN = BlockState.rollback, BlockState.dirty_blocks, BlockState.grown_blocks
COMMIT = BlockState.commit
LOAD, APPLY = ModelLog._load, ModelLog.apply


@planted(Learner, "rollback", "What was learned for a failed commit stays learned.")
def rollback_forgotten(learner: Learner) -> None:
    pass


@planted(Learner, "rollback", "The metrics count a failed batch twice.")
def metrics_not_rolled_back(learner: Learner) -> None:
    metrics = learner.metrics.state()
    ROLLBACK(learner)
    learner.metrics.load(metrics)


@planted(Learner, "rollback", "Predictions and rejections of a failed batch are counted twice.")
def counts_not_rolled_back(learner: Learner) -> None:
    predicted, rejected = learner.position.predicted, learner.position.rejected
    ROLLBACK(learner)
    learner.position.predicted, learner.position.rejected = predicted, rejected


@planted(Learner, "rollback", "The position stays behind a failed batch.")
def offsets_not_rolled_back(learner: Learner) -> None:
    offsets = learner.position.next_offsets
    ROLLBACK(learner)
    learner.position.next_offsets = offsets


@planted(BlockState, "rollback", "Features that only a failed batch has brought stay known.")
def names_not_rolled_back(state: BlockState) -> None:
    known, rows = state._committed, state.n_features
    state._committed = (known[0], max(rows, known[1]), known[2])
    try:
        BLOCK_ROLLBACK(state)
    finally:
        state._committed = known


@planted(BlockState, "rollback", "The bias and the version stay those of a failed batch.")
def scalars_not_rolled_back(state: BlockState) -> None:
    learned, _, _, bias = state._neuron.facts()
    bias = bias.copy()
    BLOCK_ROLLBACK(state)
    state._neuron.put_scalars(learned, bias)


@planted(BlockState, "rollback", "The last of the changed blocks stays as a failed batch has left it.")
def weights_not_rolled_back(state: BlockState) -> None:
    dirty = state._neuron.dirty_blocks()[-1:]
    size = 256
    table = state._neuron.facts()[2]
    kept = [(block * size, table[block * size : (block + 1) * size].copy()) for block in dirty]
    BLOCK_ROLLBACK(state)
    for first, rows in kept:
        table = state._neuron.facts()[2]
        table[first : first + len(rows)] = rows[: len(table) - first]


@planted(BlockState, "rollback", "What a failed commit has staged stays; only what was learned since goes.")
def staged_state_not_rolled_back(state: BlockState) -> None:
    if state._staged is not None:
        state.commit()
    BLOCK_ROLLBACK(state)


@planted(BlockState, "commit", "What was learned since the commit began is taken for committed with it.")
def working_state_committed(state: BlockState) -> None:
    COMMIT(state)
    table, before = state._neuron.facts()[2], state._neuron.before
    for block, rows in before.items():
        before[block] = table[block * 256 :][: len(rows)].copy()


@planted(BlockState, "dirty_blocks", "Of several changed blocks the last is not written.")
def dirty_block_missed(state: BlockState) -> list[int]:
    return DIRTY(state)[:-1] or DIRTY(state)


@planted(BlockState, "grown_blocks", "New names are written only when they begin a block.")
def grown_names_missed(state: BlockState) -> list[int]:
    return [block for block in GROWN(state) if block * 256 >= state._committed[1]]


@planted(Learner, "_advance", "The position is that of the last record, not of the next.")
def next_offset_one_short(learner: Learner, batch: Batch, *counts: Any) -> None:
    ADVANCE(learner, batch, *counts)
    learner.position.next_offsets[batch.topic, batch.partition] -= 1


@planted(Learner, "_advance", "The position leaves one record out.")
def next_offset_one_far(learner: Learner, batch: Batch, *counts: Any) -> None:
    ADVANCE(learner, batch, *counts)
    learner.position.next_offsets[batch.topic, batch.partition] += 1


@planted(ModelLog, "_load", "After a restore the metrics begin anew.")
def metrics_not_restored(log: ModelLog, learner: Learner, head: Head) -> None:
    metrics = learner.metrics.state()
    LOAD(log, learner, head)
    learner.metrics.load(metrics)


@planted(
    ModelLog, "apply", "What was restored is taken for committed only in name: the next rollback undoes it."
)
def old_news_kept(log: ModelLog, learner: Learner) -> Head | None:
    committed = learner._committed
    head = APPLY(log, learner)
    learner._committed = committed
    return head
