"""A disk that does not answer: the screen says so and lives on, and nothing is written twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from screen_app import ScreenApp
from sessions import answered
from textual.pilot import Pilot

from tests.tui.screens.test_label_screen import painted, shown
from tests.tui.screens.test_side_screens import answer_a_batch, text_of, visit
from tuilabel.errors import SaveError
from tuilabel.events.payloads import Bulk, BulkLine
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.learn.requests import ColdStartFinished
from tuilabel.tui.screens.demo import DemoScreen
from tuilabel.tui.screens.help import HelpScreen
from tuilabel.tui.screens.history import HistoryScreen
from tuilabel.workspace.ending import end_run
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.writing import Writer


class Disk:
    """Lets appends to a journal wait, or fail, as the test wants it."""

    def __init__(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        self._goes_on = threading.Event()
        self._goes_on.set()
        self.fails = False
        self.asked = 0
        self._append = workspace.journal.append
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(workspace.journal, "append", self.append)

    def append(self, payloads: Sequence[Any], by: str) -> Any:
        self.asked += 1
        assert self._goes_on.wait(60)
        if self.fails:
            raise SaveError("Not saved: the disk is full.")
        return self._append(payloads, by)

    def hang(self) -> None:
        self._monkeypatch.setattr(Writer, "patience", 0.01)
        self._goes_on.clear()

    def answer(self) -> None:
        self._monkeypatch.setattr(Writer, "patience", 60.0)
        self._goes_on.set()


@pytest.fixture
def disk(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(workspace, monkeypatch)
    yield disk
    disk.answer()


async def until(pilot: Pilot[None], happened: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await pilot.pause(0.01)


async def test_the_screen_says_so_and_moves_when_the_disk_has_answered(
    app: ScreenApp, disk: Disk
) -> None:
    screen = app.label_screen
    async with app.run_test(size=(100, 24)) as pilot:
        await painted(app, pilot)
        item = screen.loop.current_id
        disk.hang()
        await pilot.press("3")
        assert (screen.loop.current_id, answered(screen.loop)) == (item, [])
        await until(pilot, lambda: "saving…" in shown(app, "#status"))
        await pilot.press("4", "space", "backspace", "enter")
        assert "3 keys held back: the disk does not answer. q quits." in shown(app, "#status")
        assert disk.asked == 1
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "right")
        assert (screen.loop.cursor, screen.loop.labels) == (1, 0)
        disk.answer()
        await until(pilot, lambda: screen.loop.labels == 1)
        await painted(app, pilot)
        assert "✓ 1 saved" in shown(app, "#status")
        assert "saving" not in shown(app, "#status")
        assert answered(screen.loop) == ["3"]
        await pilot.press("5")
        assert answered(screen.loop) == ["3", "5"]


async def test_what_fails_late_is_said_and_the_key_may_be_pressed_again(
    app: ScreenApp, disk: Disk
) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        item = screen.loop.current_id
        disk.hang()
        await pilot.press("3")
        disk.fails = True
        disk.answer()
        await until(pilot, lambda: "✗ Not saved: the disk is full." in shown(app, "#status"))
        assert (screen.loop.current_id, screen.loop.labels) == (item, 0)
        disk.fails = False
        await pilot.press("3")
        assert answered(screen.loop) == ["3"]


async def test_a_ranking_waits_for_what_is_being_saved(app: ScreenApp, disk: Disk) -> None:
    screen, loop = app.label_screen, app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        loop.settings = type(loop.settings)(cold_start="kcenter")
        request = loop.take_request()
        assert request is not None
        rows = [row for row in range(100, 200) if all(row != slot.row for slot in loop.batch)]
        disk.hang()
        await pilot.press("3")
        screen.ranking_arrived(ColdStartFinished(request.generation, rows))
        assert disk.asked == 1
        before = [slot.row for slot in loop.batch]
        disk.answer()
        await until(pilot, lambda: [slot.row for slot in loop.batch] != before)
        assert answered(loop) == ["3"]
        assert [slot.row for slot in loop.batch][2:] == rows[:8]


async def test_a_ranking_that_is_being_saved_holds_keys_back(app: ScreenApp, disk: Disk) -> None:
    screen, loop = app.label_screen, app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        loop.settings = type(loop.settings)(cold_start="kcenter")
        request = loop.take_request()
        assert request is not None
        disk.hang()
        screen.ranking_arrived(ColdStartFinished(request.generation, list(range(100, 150))))
        await pilot.press("3")
        assert (disk.asked, answered(loop)) == (1, [])
        disk.answer()
        await until(pilot, lambda: not screen.saving.is_pending)
        await painted(app, pilot)
        await pilot.press("3")
        assert answered(loop) == ["3"]


async def test_the_history_says_so_too_and_reads_nothing(
    app: ScreenApp, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        screen.move(5)
        screen.action_show()
        await until(pilot, lambda: not screen.answers.holds_key())
        disk.hang()
        await pilot.press("r", "5")
        await until(pilot, lambda: "saving…" in text_of(screen))
        reads: list[int] = []
        with monkeypatch.context() as patched:
            patched.setattr(app.label_screen.loop.events, "_read", reads.append)
            await pilot.press("down", "enter", "slash", "tab", "delete", "backspace", "r", "5")
        assert "8 keys held back: the disk does not answer. Ctrl-C quits." in text_of(screen)
        assert reads == []
        disk.answer()
        await until(pilot, lambda: "✓ 11 saved: 5, was " in text_of(screen))


async def test_the_history_is_read_beside_the_screen_also_where_a_file_hangs(
    app: ScreenApp, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, threads = threading.Event(), []
    events = workspace.session.events
    read = events._read

    def hang(place: int) -> Any:
        threads.append(threading.current_thread())
        assert goes_on.wait(60)
        return read(place)

    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        answer_a_batch(app)
        events._in_memory.clear()
        monkeypatch.setattr(events, "_read", hang)
        screen = await visit(app, pilot, "history")
        await until(pilot, lambda: threads)
        assert "Reading the events: 0%" in text_of(screen, "#events")
        await pilot.press("down", "enter")
        assert "still being read" in text_of(screen, "#status")
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "slash", *"fitted")
        goes_on.set()
        await until(pilot, lambda: "softmax on raw" in text_of(screen, "#events"))
        await pilot.press("escape")
        assert text_of(screen, "#events").count("label ") == 10
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("place", ["curve", "confusion", "classes", "home", "messages"])
async def test_the_other_screens_open_without_reading_the_session(
    app: ScreenApp, disk: Disk, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        await painted(app, pilot)
        disk.hang()
        await pilot.press("3")
        await until(pilot, lambda: "saving…" in shown(app, "#status"))
        threads: list[threading.Thread] = []

        def notice(*_: object) -> None:
            threads.append(threading.current_thread())

        monkeypatch.setattr(app.label_screen.loop.events, "_read", notice)
        monkeypatch.setattr("tuilabel.tui.screens.home.is_same_file", notice)
        await pilot.press("f6")
        assert "no history until the disk answers. q quits." in shown(app, "#status")
        screen = await visit(app, pilot, place)
        await pilot.press("down", "up")
        assert "saving…" in text_of(screen)
        assert threading.main_thread() not in threads


async def test_files_of_labels_are_read_beside_the_screen_and_count_once_they_are_there(
    app: ScreenApp, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, threads = threading.Event(), []
    read, known = Reader.bulk_lines, workspace.session.known

    def bulk_lines(reader: Reader, bulk: Bulk) -> Sequence[BulkLine]:
        threads.append(threading.current_thread())
        assert goes_on.wait(60)
        return read(reader, bulk)

    monkeypatch.setattr(Reader, "bulk_lines", bulk_lines)
    class_id = workspace.session.classes.ids[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        batch = {asked.item for asked in workspace.session.desk.batch}
        items = [item for item in workspace.dataset.ids if item not in batch][:30]
        with Journal(workspace.path, "tool", "") as other:
            for origin, some in (("import", items[:20]), ("auto", items[20:])):
                name, sha256, count = other.write_bulk(
                    BulkLine(item=item, class_id=class_id) for item in some
                )
                bulk = Bulk(file=name, sha256=sha256, count=count, origin=origin)
                other.append([bulk], "tool")
        app.label_screen._follower.look_now()
        await until(pilot, lambda: threads)
        await pilot.press("3")
        assert (known.labels_held, known.auto_labels_held) == (1, 0)
        goes_on.set()
        await until(pilot, lambda: (known.labels_held, known.auto_labels_held) == (21, 10))
        auto = known.bulk_events()[-1]
        workspace.session.take_back(auto, by=workspace.annotator)
        assert known.auto_labels_held == 0
    assert threading.main_thread() not in threads


async def test_the_demo_waits(workspace: Workspace, disk: Disk) -> None:
    app = ScreenApp(workspace, DemoScreen, rate=50, budget=20)
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: screen.loop.labels >= 2)
        disk.hang()
        await until(pilot, lambda: "saving…" in shown(app, "#status"))
        asked, labels = disk.asked, screen.loop.labels
        await pilot.pause(0.05)
        assert (disk.asked, screen.loop.labels) == (asked, labels)
        disk.answer()
        await until(pilot, lambda: screen.loop.labels == 20)


@pytest.mark.parametrize("outcome", ["never", "fails", "answers"])
async def test_leaving_names_what_was_not_confirmed(
    app: ScreenApp, disk: Disk, outcome: str
) -> None:
    work = app.label_screen.workspace
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        await pilot.press("2")
        await painted(app, pilot)
        disk.hang()
        await pilot.press("3")
        await pilot.press("q")
    if outcome != "never":
        disk.fails = outcome == "fails"
        disk.answer()
        assert work.writer.pending is not None
        assert work.writer.pending.wait(60)
    ending = end_run(work)
    text = " ".join(ending.sentences)
    match outcome:
        case "never":
            assert "Not confirmed: the label of digits" in text
            assert "1 label; saved in" in text
            assert (ending.failed, ending.is_stuck) == (True, True)
        case "fails":
            assert "Not saved: the disk is full. Lost: the label of digits" in text
            assert (ending.failed, ending.is_stuck) == (True, False)
        case "answers":
            assert text.startswith("2 labels; saved in")
            assert (ending.failed, ending.is_stuck) == (False, False)
