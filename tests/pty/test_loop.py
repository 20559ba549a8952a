"""The whole loop as a person sees it, with a kill in the middle."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

from tests.pty.labelling import ACCURACY, LABELS, PLACE, ROUND, Home, LabellingTerminal

Start = Callable[..., LabellingTerminal]

KEYS = "3141592653"


def label_a_batch(terminal: LabellingTerminal, keys: str) -> float:
    """Label a first batch; see the round advance and give the accuracy that appears, in %."""
    terminal.wait_ready()
    assert terminal.number(ROUND) == 1
    assert not re.search(ACCURACY, terminal.text)
    for key in keys:
        terminal.answer(key)
    terminal.wait_for(lambda: terminal.number(ROUND) == 2)
    terminal.wait_for(ACCURACY)
    found = re.search(ACCURACY, terminal.text)
    assert found is not None
    value, low, high = map(float, found.groups()[:3])
    assert low <= value <= high
    return value


def agrees(home: Home, *, labels: int, accuracy: float, shown: str) -> None:
    """See that `status` says what the screen showed after one round."""
    status = home.status()
    assert (status["labels"], status["rounds"]) == (labels, 1)
    assert round(100 * status["accuracy"]["value"], 1) == accuracy
    assert status["accuracy"]["set"] in shown


def kill(terminal: LabellingTerminal) -> None:
    terminal.send_signal(signal.SIGKILL)
    assert terminal.wait_exit() == -signal.SIGKILL


def labels_survive_a_kill(start: Start, home: Home, *source: str) -> None:
    """Label, kill, resume, undo what was done before the kill, quit."""
    terminal = start(*source)
    accuracy = label_a_batch(terminal, KEYS)
    for key in "27":
        terminal.answer(key)
    where, picture, saved = terminal.where(), terminal.picture(), terminal.saved
    assert where == (2, 3, 12)
    assert saved == 12
    kill(terminal)
    assert [row["class"] for row in home.export()] == list(KEYS + "27")
    agrees(home, labels=12, accuracy=accuracy, shown=terminal.text)

    terminal = start(*source)
    terminal.wait_ready()
    assert terminal.where() == where
    assert terminal.picture() == picture
    assert terminal.saved == saved
    for labels, place in ((11, 2), (10, 1), (9, 10)):
        terminal.answer("u")
        assert (terminal.number(LABELS), terminal.number(PLACE)) == (labels, place)
    assert terminal.number(ROUND) == 1
    terminal.answer("8")
    assert terminal.where() == (2, 1, 10)
    terminal.quit()

    rows = home.export()
    assert [row["class"] for row in rows] == list(KEYS[:-1] + "8")
    assert len({row["item_id"] for row in rows}) == 10
    assert home.status()["labels"] == 10
    assert home.damage() == []


def test_digits_are_labelled_killed_resumed_undone_and_quit(start: Start, home: Home) -> None:
    labels_survive_a_kill(start, home, "digits")


def test_mnist_is_labelled_killed_resumed_undone_and_quit(
    start: Start, home: Home, mnist_dir: Path
) -> None:
    labels_survive_a_kill(start, home, f"mnist:{mnist_dir}", "--pool", "4000", "--test", "400")


def test_a_folder_without_truth_is_labelled_by_what_is_seen(
    start: Start, home: Home, pictures: Path
) -> None:
    # The two classes differ in brightness alone, which other features do not see.
    model = ("--features", "raw", "--model", "softmax")
    source = (str(pictures), "--classes", "day,night", *model)
    terminal = start(*source)
    terminal.wait_ready()
    while terminal.number(ROUND) < 3:
        terminal.answer("1" if terminal.brightness() > 128 else "2")
    terminal.wait_for(ACCURACY)
    assert "accuracy on the audit" in terminal.text
    where, picture = terminal.where(), terminal.picture()
    kill(terminal)
    assert home.status()["accuracy"]["set"] == "audit"

    terminal = start()
    terminal.wait_ready()
    assert terminal.where() == where
    assert terminal.picture() == picture
    terminal.answer("u")
    terminal.quit()

    rows = home.export()
    assert len(rows) == 19
    for row in rows:
        assert row["reference"].endswith(f"-{row['class']}.png"), row


def test_without_arguments_digits_are_opened_and_then_the_last_session(
    start: Start, home: Home
) -> None:
    terminal = start()
    terminal.wait_ready()
    assert "digits" in terminal.text
    terminal.answer("4")
    terminal.quit()
    assert re.search(LABELS, terminal.after_screen)

    terminal = start()
    terminal.wait_ready()
    assert terminal.where() == (1, 2, 1)
    terminal.quit()
