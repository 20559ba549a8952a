"""No key is taken for an image that was not on the terminal when it was pressed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.pty.labelling import TYPED_AHEAD, Home, LabellingTerminal

Start = Callable[..., LabellingTerminal]


@pytest.fixture
def gallery(start: Start, pictures: Path) -> Callable[..., LabellingTerminal]:
    """Return a function that opens the two kinds of pictures and waits for the first."""

    def open_gallery(*arguments: str, **options: bool) -> LabellingTerminal:
        terminal = start(str(pictures), "--classes", "day,night", *arguments, **options)
        terminal.wait_for(terminal.sees_image)
        return terminal

    return open_gallery


def key_for(terminal: LabellingTerminal) -> str:
    """Return the key of the image that is seen."""
    return "1" if terminal.brightness() > 128 else "2"


def misplaced(home: Home) -> list[str]:
    """Return the labels that are not of the image they were given for."""
    return [
        f"{row['reference']}: {row['class']}"
        for row in home.export()
        if not row["reference"].endswith(f"-{row['class']}.png")
    ]


def test_of_200_keys_at_once_one_is_applied_and_199_are_held(start: Start, home: Home) -> None:
    terminal = start("digits", "--cold-start", "random")
    terminal.wait_ready()
    for burst in range(1, 6):
        terminal.settle(0.2)
        terminal.press("7" + "3" * 199)
        terminal.wait_for(rf"\b{burst} label(?s:.*){TYPED_AHEAD.format(199)}")
        assert terminal.where() == (1, burst + 1, burst)
    terminal.settle(0.2)
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["7"] * 5


def test_200_keys_in_a_stream_label_what_was_seen_when_they_were_pressed(
    gallery: Callable[..., LabellingTerminal], home: Home
) -> None:
    """Press without pause what the screen shows at that moment; each label fits its image."""
    terminal = gallery()
    for _ in range(200):
        terminal.press(key_for(terminal))
        terminal.pump(0.01)
    terminal.settle(0.5)
    assert terminal.saved >= 10
    terminal.quit()
    assert len(home.export()) == terminal.saved
    assert misplaced(home) == []


def test_marks_in_a_stream_are_saved_for_what_was_seen_and_never_left_out(
    gallery: Callable[..., LabellingTerminal], home: Home
) -> None:
    """Mark what the screen shows, and press Enter soon after: where a mark is held, so is Enter."""
    terminal = gallery("--multi")
    for _ in range(40):
        for key in (key_for(terminal), "\r"):
            terminal.press(key)
            terminal.pump(0.01)
    terminal.settle(0.5)
    terminal.quit()
    rows = home.export()
    assert len(rows) >= 5
    for row in rows:
        assert row["reference"].endswith(f"-{'|'.join(row['class'])}.png")


def test_keys_pressed_before_the_first_image_label_nothing(start: Start, home: Home) -> None:
    for _ in range(2):  # a new session, and one that is resumed
        terminal = start("digits")
        while not terminal.sees_image():
            assert terminal.pump(20), terminal.drawn()
            terminal.press("7")
        terminal.settle(0.5)
        terminal.quit()
        assert home.export() == [], terminal.drawn()


def test_a_terminal_that_never_answers_is_labelled_on_with_a_pause_after_each_image(
    gallery: Callable[..., LabellingTerminal], home: Home
) -> None:
    terminal = gallery("--key-delay", "150", answers=False)

    def label_one() -> None:
        saved = terminal.saved
        while terminal.saved == saved:
            terminal.press(key_for(terminal))
            terminal.pump(0.1)

    for _ in range(3):
        label_one()
    terminal.wait_for("keys wait 150 ms")
    terminal.settle(0.3)
    saved, key = terminal.saved, key_for(terminal)
    terminal.press(key * 20)
    terminal.wait_for(TYPED_AHEAD.format(19))
    terminal.quit()
    assert len(home.export()) == saved + 1
    assert misplaced(home) == []


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Return a folder of photographs, bright ones and dark ones, larger than their thumbnails."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(60):
        kind, brightness = ("day", 220) if number % 3 else ("night", 30)
        image = Image.new("L", (900, 600), brightness)
        ImageDraw.Draw(image).line((0, number * 10, 899, 599), fill=128, width=5)
        image.save(folder / f"{number:02}-{kind}.png")
    return folder


def test_zooming_and_neighbours_between_labels_misplace_none(
    start: Start, photographs: Path, home: Home
) -> None:
    terminal = start(str(photographs), "--classes", "day,night")
    terminal.wait_for(terminal.sees_image)
    home_key, comma = "\x1b[H", ","
    for number in range(120):
        terminal.press(("", home_key, comma, home_key + comma)[number % 4])
        if number % 8 > 3:
            terminal.settle(0.1)
        # What is seen at this moment, which may be a part of the image or a neighbour of it.
        terminal.press(key_for(terminal))
        terminal.pump(0.01)
        if number % 4 > 1:
            terminal.press("\x1b")
            terminal.pump(0.1)
    terminal.settle(0.5)
    assert terminal.saved >= 5
    terminal.quit()
    assert misplaced(home) == []
