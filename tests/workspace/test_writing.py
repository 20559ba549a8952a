"""The thread that appends: soon, late, failing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from loop_fakes import ME, FakeItems, FakeLog, fake_ranking

from tuilabel.errors import SaveError, StillSavingError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Payload
from tuilabel.session import LoopSettings, Session
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.writing import Task, Writer

CLASSES, ITEMS = 3, 40


class SlowLog(FakeLog):
    """Appends when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.answers_now = threading.Event()
        self.answers_now.set()
        self.threads: set[str] = set()

    def append(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        self.threads.add(threading.current_thread().name)
        assert self.answers_now.wait(60)
        return super().append(payloads, by)


@pytest.fixture
def log() -> Iterator[SlowLog]:
    slow = SlowLog()
    yield slow
    slow.answers_now.set()


@pytest.fixture
def session(log: SlowLog) -> Session:
    return Session(FakeItems(ITEMS), log, LoopSettings(batch_size=4), ME)


@pytest.fixture
def writer(log: SlowLog, session: Session, monkeypatch: pytest.MonkeyPatch) -> Writer:
    monkeypatch.setattr(Writer, "patience", 60.0)
    writer = Writer(log)
    session.append_to(writer)
    return writer


def hang(log: SlowLog, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    log.answers_now.clear()
    monkeypatch.setattr(writer, "patience", 0.01)


def answer(log: SlowLog, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    log.answers_now.set()
    assert writer.pending is not None
    assert writer.pending.wait(60)
    monkeypatch.setattr(writer, "patience", 60.0)


def state(session: Session) -> tuple[object, ...]:
    return (
        *(session.round, session.cursor, session.labels, session.generation, session.current_id),
        *(len(session.events), session.taken_back, session.desk.acts, session.request_is_due),
    )


def test_an_append_takes_place_in_one_thread(
    log: SlowLog, session: Session, writer: Writer
) -> None:
    log.threads.clear()
    for index in range(3):
        session.label(str(session.current_id), index, by=ME)
    assert session.labels == 3
    assert log.threads == {"writer"}
    assert writer.pending is None


def test_what_the_disk_has_not_taken_changes_nothing_and_is_applied_later(
    log: SlowLog, session: Session, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[bool] = []
    writer.when_late = lambda: late.append(True)
    hang(log, writer, monkeypatch)
    before, item = state(session), str(session.current_id)
    with pytest.raises(StillSavingError):
        session.label(item, 1, by=ME)
    assert (state(session), late) == (before, [True])
    with pytest.raises(StillSavingError):
        session.skip(item, by=ME)
    with pytest.raises(StillSavingError):
        session.undo(by=ME) or session.skip(item, by=ME)
    assert len(log.written) == before[5], "nothing waits behind what is pending"
    answer(log, writer, monkeypatch)
    event = session.finish(writer.take)
    assert session.class_name(event) == "dog"
    assert (session.labels, session.cursor) == (1, 1)
    session.label(str(session.current_id), 0, by=ME)
    assert (session.labels, len(log.answers)) == (2, 2)


def test_late_or_soon_the_state_is_the_same(
    log: SlowLog, session: Session, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon_log = FakeLog()
    soon = Session(FakeItems(ITEMS), soon_log, LoopSettings(batch_size=4), ME)

    def both(act: object) -> None:
        act(soon)  # type: ignore[operator]
        hang(log, writer, monkeypatch)
        with pytest.raises(StillSavingError):
            act(session)  # type: ignore[operator]
        answer(log, writer, monkeypatch)
        session.finish(writer.take)
        assert state(session) == state(soon)
        assert [event.payload for event in log.written] == [e.payload for e in soon_log.written]

    for index in (0, 1, 2, 0):
        both(lambda one, index=index: one.label(one.current_id, index, by=ME))
    requests = [one.take_request() for one in (session, soon)]
    assert requests[0] is not None
    ranking = fake_ranking(requests[0], ITEMS, CLASSES)
    both(lambda one: one.accept_ranking(ranking, by=ME))
    both(lambda one: one.skip(one.current_id, by=ME))
    answered = next(iter(session.known.by_class)) and log.answers[0].item
    both(lambda one: one.relabel(answered, 2, by=ME))
    both(lambda one: one.undo(by=ME))
    both(lambda one: one.undo(by=ME))
    both(lambda one: one.undo(by=ME))


def test_what_fails_late_changes_nothing(
    log: SlowLog, session: Session, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(log, writer, monkeypatch)
    before, item = state(session), str(session.current_id)
    log.fails = True
    with pytest.raises(StillSavingError):
        session.label(item, 1, by=ME)
    answer(log, writer, monkeypatch)
    with pytest.raises(SaveError) as refused:
        session.finish(writer.take)
    assert not isinstance(refused.value, StillSavingError)
    assert state(session) == before
    log.fails = False
    assert session.class_name(session.label(item, 1, by=ME)) == "dog"


async def test_what_a_closed_screen_no_longer_waits_for_is_done() -> None:
    done = Task(lambda: 5)
    waiting = asyncio.create_task(done.done())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    done.run()
    assert done.result() == 5


def test_the_thread_ends_with_the_session(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with open_workspace(SourceOptions("digits"), {}, path=tmp_path / "s.tuilabel") as workspace:
        workspace.writer.run(lambda: None, 60)
        (thread,) = set(threading.enumerate()) - before
    thread.join(60)
    assert not thread.is_alive()
    assert "0 labels are saved" in workspace.saved(), "another one is started where it is needed"
    workspace.close()
