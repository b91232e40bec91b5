"""Bugs in the loop: the order of a takeover, what follows a failure, what is published when."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from unittest import mock

from service import engine as service_engine
from service.engine import SHARD, STANDBY_S, Engine
from service.errors import OpenTransaction
from service.input import Input
from service.model_state import HEAD, state_records
from service.observer import Commit
from service.streams.port import Aborted, Batch, InDoubt, Output
from tests.faults.planted.garden import planted

BACK_OFF, RESTORE, LET_GO, SEEK = Engine._back_off, Engine._restore, Engine._let_go, Input.seek
BEGIN, LEARN, SETTLE = Engine._begin, Engine._learn, Engine._settle


def take_over(engine: Engine, fence: Callable[[], None], restore: Callable[[], None]) -> None:
    """Take over as the engine does, with two steps given."""
    engine._let_go()
    if not engine._membership.prove():
        engine._stop.wait(STANDBY_S)
        return
    fence()
    restore()


def fence(engine: Engine) -> None:
    """Fence as the engine does."""
    engine._writer = engine._stream.fence(f"{engine._settings.group}-{SHARD}")
    engine._attempt = service_engine.secrets.token_hex(8)


@planted(Engine, "_take_over", "What the predecessor commits between the restore and the fence is not seen.")
def restore_before_the_fence(engine: Engine) -> None:
    engine._attempt = service_engine.secrets.token_hex(8)
    take_over(engine, fence=lambda: RESTORE(engine), restore=lambda: fence(engine))


@planted(Engine, "_take_over", "The log is read only to where it ended before the fence.")
def end_taken_before_the_fence(engine: Engine) -> None:
    stream, log = engine._stream, engine._log.partition
    end = stream.end_offset(log)

    def restore() -> None:
        real = stream.end_offset
        with mock.patch.object(stream, "end_offset", lambda place: end if place == log else real(place)):
            RESTORE(engine)

    take_over(engine, lambda: fence(engine), restore)


@planted(Engine, "_take_over", "A woken zombie fences its successor.")
def no_proof_of_ownership(engine: Engine) -> None:
    engine._let_go()
    fence(engine)
    RESTORE(engine)


@planted(
    Engine,
    "_take_over",
    "A zombie ends for good over a gap that only its old head has, as the engine once did.",
    by=("freeze", "retention", "seat lost"),
)
def judged_by_an_old_head(engine: Engine) -> None:
    take_over(engine, lambda: fence(engine), lambda: RESTORE(engine))


@planted(
    Engine,
    "_stand_by",
    "A standby ends for good over a gap that is the owner's to judge, as the engine once did.",
    by=("freeze", "retention", "kill"),
)
def gap_judged_by_a_standby(engine: Engine) -> None:
    engine._let_go()
    engine._stop.wait(STANDBY_S)
    if engine._ends is not None:
        with suppress(OpenTransaction):
            engine._is_done = engine._owner_has_passed(engine._ends)


@planted(Engine, "_restore", "The group's offsets are read on from, not the head's.")
def position_of_the_group(engine: Engine) -> None:
    RESTORE(engine)
    known = engine._input.committed()
    engine._learner.position.next_offsets = engine._input.seek(known)
    engine._learner.commit()


@planted(Engine, "_restore", "A commit in doubt, or of a successor, is taken for not written.")
def nothing_read_where_a_head_is_known(engine: Engine) -> None:
    if not hasattr(engine, "_model_id"):  # it has never been the owner
        return RESTORE(engine)
    position = engine._learner.position
    position.next_offsets = engine._input.seek(position.next_offsets)
    return engine._learner.commit()


@planted(Input, "seek", "After a failure the input goes on behind what was not committed.")
def input_not_sought_back(input: Input, known: dict[Any, int]) -> dict[Any, int]:
    return SEEK(input, known) if not input._positions or not known else dict(known)


@planted(Engine, "_back_off", "The writer of an aborted transaction goes on with the next one.")
def producer_kept_after_an_error(engine: Engine, failure: Exception | None) -> None:
    if engine._writer is None or not isinstance(failure, Aborted):
        return BACK_OFF(engine, failure)
    engine._writer._alive = True
    engine._learner.rollback()
    position = engine._learner.position
    position.next_offsets = engine._input.seek(position.next_offsets)
    return None


@planted(
    Engine, "_let_go", "The writer goes, but what it has not committed stays for the standby to build on."
)
def standby_with_a_dirty_model(engine: Engine) -> None:
    writer, engine._writer = engine._writer, None
    if writer is not None:
        writer.close()
    engine._under_way = None


@planted(Engine, "_begin", "A commit in doubt is simply made again, by a new writer.")
def sent_again_when_in_doubt(engine: Engine, outputs: list[Output]) -> None:
    BEGIN(engine, outputs)
    writer, offsets = engine._writer, dict(engine._learner.position.next_offsets)

    def finish() -> None:
        try:
            type(writer).finish(writer)
        except InDoubt:
            if not engine._membership.prove():
                raise
            fence(engine)
            engine._writer.commit(outputs, offsets, engine._membership)

    writer.finish = finish


@planted(Engine, "_settle", "A commit in doubt is taken for written.")
def failed_commit_taken_for_done(engine: Engine) -> None:
    try:
        SETTLE(engine)
    except InDoubt:
        engine._learner.commit()
        engine._writer = engine._under_way = None


@planted(Engine, "_let_go", "What was under way when its writer died is taken for written by the next.")
def commit_left_under_way(engine: Engine) -> None:
    under_way = engine._under_way
    LET_GO(engine)
    engine._under_way = under_way


@planted(Engine, "_settle", "The next commit follows on one whose end may still be on its way.")
def suspect_not_asked_after_a_commit(engine: Engine) -> None:
    SETTLE(engine)
    if engine._writer is not None and sys._getframe(1).f_code is LEARN.__code__:
        engine._writer._was_slow = engine._writer._client.disconnections = 0


def learn(engine: Engine, batches: Sequence[Batch], first: Callable[[Commit], None]) -> None:
    """Learn as the engine does, with something done before the write."""
    outputs = [answer for batch in batches for answer in engine._learner.process(batch)]
    sequence = engine._head.sequence + 1 if engine._head else 1
    head = service_engine.new_head(
        engine._learner, engine._settings, engine._model_id, sequence, engine._attempt
    )
    outputs.append(state_records(engine._learner.model, head, engine._log.partition))
    first(Commit(head, {}))
    engine._begin(outputs)
    engine._writer.finish()
    engine._learner.commit()
    engine._head = head


@planted(Engine, "_learn", "The working state becomes the committed one although the stream may yet refuse.")
def committed_at_home_before_the_stream(engine: Engine, batches: Sequence[Batch]) -> None:
    learn(engine, batches, lambda commit: engine._learner.commit())


@planted(Engine, "_learn", "Followers and dashboards are shown what may never be committed.")
def published_before_it_is_committed(engine: Engine, batches: Sequence[Batch]) -> None:
    learn(engine, batches, engine._observer.on_commit)


@planted(service_engine, "state_records", "The state is written, but not how far it has read.")
def commit_without_head(model: Any, head: Any, log: Any) -> Output:
    return reordered(state_records(model, head, log), lambda keys: [key for key in keys if key != HEAD])


@planted(service_engine, "state_records", "The head stands before the blocks that it speaks of.")
def head_first(model: Any, head: Any, log: Any) -> Output:
    return reordered(state_records(model, head, log), lambda keys: sorted(keys, key=lambda key: key != HEAD))


def reordered(output: Output, order: Callable[[list[Any]], list[Any]]) -> Output:
    """Return the records of an output in another order of their keys."""
    values = dict(zip(output.keys, output.values, strict=True))
    keys = order(list(values))
    return Output(output.topic, output.partition, keys, [values[key] for key in keys])
