"""Images by sixel and kitty: their bytes, who may have them, and that none is ever an old one."""

from __future__ import annotations

import os
import pty
import re
import threading
import zlib
from base64 import b64decode

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tuilabel.errors import UsageError
from tuilabel.tui.app.frames import FramesApp
from tuilabel.tui.images.protocols import encoders
from tuilabel.tui.images.protocols.encoders import (
    IMAGE_ID,
    KITTY_DELETE,
    kitty,
    resized,
    sixel,
)
from tuilabel.tui.images.protocols.support import (
    Graphics,
    ProtocolAnswers,
    ProtocolName,
    _checked,
    ask,
    graphics_for,
    parsed,
)
from tuilabel.tui.views.look import Sight
from tuilabel.tui.widgets.overlay import Overlay, most_pixels
from tuilabel.tui.widgets.picture import Picture

Image = NDArray[np.uint8]


def from_sixel(codes: str) -> Image:
    """Decode an image, as a terminal does."""
    found = re.fullmatch(r'\x1bP[0-9;]*q"1;1;(\d+);(\d+)(.*)\x1b\\', codes, re.DOTALL)
    assert found
    width, height = int(found[1]), int(found[2])
    image = np.full((height, width, 3), 255, np.int16) * np.int16(-1)
    palette: dict[int, list[int]] = {}
    colour, x, top = 0, 0, 0
    for token in re.finditer(
        r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([?-~])|(\$)|(-)", found[3]
    ):
        if token[2] is not None:
            palette[int(token[1])] = [round(int(share) * 2.55) for share in token.group(2, 3, 4)]
        elif token[1] is not None:
            colour = int(token[1])
        elif token[8]:
            x = 0
        elif token[9]:
            x, top = 0, top + 6
        else:
            count, character = int(token[5] or 1), token[6] or token[7]
            for bit in range(6):
                if (ord(character) - 63) >> bit & 1:
                    image[top + bit, x : x + count] = palette[colour]
            x += count
    assert image.min() >= 0, "a pixel was left unpainted"
    return image.astype(np.uint8)


def from_kitty(codes: str) -> Image:
    """Decode an image, as a terminal does."""
    messages = re.findall(r"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\", codes)
    keys = dict(pair.split("=") for pair in messages[0][0].split(","))
    assert keys["a"] == "T"
    assert keys["i"] == str(IMAGE_ID)
    assert all(len(payload) <= 4096 for _, payload in messages)
    assert [("m=1" in keys) for keys, _ in messages] == [True] * (len(messages) - 1) + [False]
    pixels = zlib.decompress(b64decode("".join(payload for _, payload in messages)))
    return np.frombuffer(pixels, np.uint8).reshape(int(keys["v"]), int(keys["s"]), 3)


def numbered(number: int) -> Image:
    """Return a small image that is like no other."""
    return np.random.default_rng(number).integers(0, 256, (8, 8)).astype(np.uint8)


def test_sixels_show_greys_as_they_are() -> None:
    image = resized(numbered(1), 45, 41)
    assert image.shape == (40, 40)
    shown = from_sixel(sixel(numbered(1), 45, 41))
    assert np.abs(shown.astype(int) - image[:, :, None]).max() <= 5


def test_sixels_show_colours() -> None:
    image = np.zeros((13, 30, 3), np.uint8)
    image[:, :15] = (200, 40, 30)
    image[:, 15:] = (10, 60, 220)
    shown = from_sixel(sixel(image, 30, 13))
    assert np.abs(shown.astype(int) - image).max() <= 8


def smooth(side: int) -> Image:
    """Return an image with more colours than sixels have, as photographs have them."""
    down, across = np.mgrid[:side, :side] / (side - 1) * 255
    return np.stack([across, down, (across + down) / 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize("scale", [1, 3, 0.5])
def test_sixels_stray_little_from_any_colour(scale: float) -> None:
    size = int(96 * scale)
    image = resized(smooth(96), size, size)
    shown = from_sixel(sixel(smooth(96), size, size))
    assert shown.shape == image.shape == (size, size, 3)
    error = np.abs(shown.astype(int) - image)
    assert error.max() <= 16
    assert error.mean() < 4


def test_colours_are_chosen_before_the_image_is_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, ...]] = []
    chosen = encoders._indexed
    monkeypatch.setattr(
        encoders, "_indexed", lambda image: sizes.append(image.shape) or chosen(image)
    )
    assert from_sixel(sixel(smooth(20), 205, 400)).shape == (200, 200, 3)
    assert sizes == [(20, 20, 3)]


def test_kitty_shows_pixels_as_they_are_in_pieces() -> None:
    grey = resized(numbered(1), 64, 64)
    assert (from_kitty(kitty(numbered(1), 64, 64)) == grey[:, :, None]).all()
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    codes = kitty(noise, 60, 60)
    assert codes.count("\x1b_G") > 2
    assert (from_kitty(codes) == noise).all()


def test_kitty_does_not_stretch_an_image_over_whole_cells() -> None:
    codes = kitty(numbered(1), 9 * 5, 18 * 3)
    assert from_kitty(codes).shape == (40, 40, 3)
    assert not re.search(r"[,;G][cr]=", codes)


# Who may have them.


def test_answers_are_found_deferred() -> None:
    received = b"3\x1b_Gi=31;OK\x1b\\x\x1b[6;20;10t7\x1b[?62;4;22c1"
    assert parsed(received) == ProtocolAnswers(True, True, True, (10, 20))
    assert parsed(b"\x1b[?1;2c") == ProtocolAnswers(True)
    assert parsed(b"\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[?6c") == ProtocolAnswers(True)
    assert parsed(b"\x1b[?64;14;42c").sixel is False
    assert parsed(b"123") == ProtocolAnswers()


@pytest.mark.parametrize(
    ("answers", "protocol", "message"),
    [
        (ProtocolAnswers(), ProtocolName.KITTY, "did not report within 2 seconds"),
        (
            ProtocolAnswers(True, cell=(9, 18)),
            ProtocolName.SIXEL,
            "cannot draw sixel images. Leave it out",
        ),
        (
            ProtocolAnswers(True, sixel=True, cell=(9, 18)),
            ProtocolName.KITTY,
            "use --graphics sixel",
        ),
        (ProtocolAnswers(True, sixel=True), ProtocolName.SIXEL, "how many pixels a cell has"),
    ],
)
def test_a_terminal_without_it_is_a_clear_sentence(
    answers: ProtocolAnswers, protocol: ProtocolName, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        _checked(protocol, answers)


def test_a_terminal_with_it_is_taken_at_its_word() -> None:
    answers = ProtocolAnswers(True, kitty=True, cell=(9, 18))
    assert _checked(ProtocolName.KITTY, answers) == Graphics(ProtocolName.KITTY, (9, 18))


@pytest.mark.parametrize(
    "environ",
    [
        {"TMUX": "x", "TERM": "xterm-kitty"},
        {"STY": "x"},
        {"TERM": "screen"},
        {"TERM": "tmux-256color"},
    ],
)
def test_not_inside_a_multiplexer(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="tmux or screen"):
        graphics_for("kitty", environ)
    assert graphics_for("off", environ) is None


@pytest.mark.parametrize("term", ["linux", "vt220"])
def test_a_terminal_that_would_print_the_question_is_not_asked(term: str) -> None:
    with pytest.raises(UsageError, match="cannot draw kitty images"):
        graphics_for("kitty", {"TERM": term})


def test_a_terminal_is_asked_and_left_as_it_was() -> None:
    terminal, program = pty.openpty()
    import termios

    before = termios.tcgetattr(program)
    asked = bytearray()

    def answer() -> None:
        while b"\x1b[c" not in asked:
            asked.extend(os.read(terminal, 1024))
        os.write(terminal, b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;4c")

    thread = threading.Thread(target=answer)
    thread.start()
    answers = ask(program, program, patience=20)
    thread.join()
    assert answers == ProtocolAnswers(True, True, True, (10, 20))
    assert termios.tcgetattr(program) == before
    assert ask(program, program, patience=0.01) == ProtocolAnswers()
    os.close(terminal)
    os.close(program)


# Never an old one.


class Viewer(FramesApp):
    """A picture under an overlay; what would be written is kept frame by frame."""

    CSS = "Screen { background: black; color: white; } Picture { width: 40; height: 10; }"

    def __init__(self, protocol: ProtocolName) -> None:
        super().__init__()
        self.overlay = Overlay(Graphics(protocol, (10, 20)))
        self.frames: list[str] = []
        self.picture = Picture(overlaid=True)
        self.text = Static("text")

    def get_default_screen(self) -> Screen[None]:
        return Viewing()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            codes = self._codes(renderable)
            if codes:
                self.frames.append(codes)
        super()._display(screen, renderable)


class Viewing(Screen[None]):
    COMPONENT_CLASSES = {"plain"}  # noqa: RUF012

    def compose(self) -> ComposeResult:
        assert isinstance(self.app, Viewer)
        yield self.app.picture
        yield self.app.text


_GRAPHICS = re.compile(r"\x1bP[^\x1b]*\x1b\\|(?:\x1b_G[^\x1b]*\x1b\\)")


def on_the_terminal(frames: list[str], protocol: ProtocolName) -> list[Image | None]:
    """Return the images that the terminal shows, one after another."""
    shown: list[Image | None] = [None]
    codes = "".join(frames)
    if protocol is ProtocolName.KITTY:
        parts = re.split(
            r"(\x1b_Ga=d[^\x1b]*\x1b\\|\x1b_Ga=T.*?m=0;[^\x1b]*\x1b\\)", codes, flags=re.DOTALL
        )
        for part in parts:
            if part == KITTY_DELETE:
                shown.append(None)
            elif part.startswith("\x1b_Ga=T"):
                assert shown[-1] is None, "an image was put on top of another"
                shown.append(from_kitty(part))
        return shown
    for part in re.split(r"(\x1bP[^\x1b]*\x1b\\)", codes):
        if part.startswith("\x1bP"):
            shown.append(from_sixel(part))
        # Ten rows of blanks, as wide as the image.
        elif len(re.findall(r"\x1b\[\d+;11H[^\x1b]*(?:\x1b\[[0-9;]*m)* {20}", part)) >= 8:
            shown.append(None)
    return shown


def is_image(shown: Image | None, image: Image) -> bool:
    if shown is None:
        return False
    like = resized(image, shown.shape[1], shown.shape[0])
    return bool(np.abs(shown.astype(int) - like[:, :, None]).max() <= 5)


@pytest.mark.parametrize("protocol", list(ProtocolName))
async def test_what_is_shown_is_what_is_asked_and_the_old_goes_first(
    protocol: ProtocolName,
) -> None:
    app = Viewer(protocol)
    async with app.run_test(size=(60, 20)) as pilot:
        for number in range(3):
            app.frames.clear()
            app.picture.show_image(Sight(number, numbered(number)))
            assert not app.picture.painted
            await pilot.pause()
            assert app.picture.painted
            shown = on_the_terminal(app.frames, protocol)
            assert is_image(shown[-1], numbered(number))
            if number:
                # The frame that brings the new one begins with taking the old one away.
                assert shown[1] is None
                assert not any(is_image(each, numbered(number - 1)) for each in shown)
        app.frames.clear()
        app.picture.clear()
        await pilot.pause()
        assert on_the_terminal(app.frames, protocol)[-1] is None
        assert app.frames


@pytest.mark.parametrize("protocol", list(ProtocolName))
async def test_looking_closer_is_another_image_too(protocol: ProtocolName) -> None:
    app = Viewer(protocol)
    async with app.run_test(size=(60, 20)) as pilot:
        app.picture.show_image(Sight(0, numbered(0)))
        await pilot.pause()
        app.frames.clear()
        app.picture.invert()
        await pilot.pause()
        assert is_image(on_the_terminal(app.frames, protocol)[-1], 255 - numbered(0))


async def test_under_another_screen_there_is_no_image_and_after_it_there_is() -> None:
    app = Viewer(ProtocolName.KITTY)
    async with app.run_test(size=(60, 20)) as pilot:
        app.picture.show_image(Sight(0, numbered(0)))
        await pilot.pause()
        app.frames.clear()
        await app.push_screen(ModalScreen())
        await pilot.pause()
        assert on_the_terminal(app.frames, ProtocolName.KITTY)[-1] is None
        assert KITTY_DELETE in "".join(app.frames)
        app.picture.show_image(Sight(1, numbered(1)))
        await pilot.pause()
        assert "a=T" not in "".join(app.frames)
        app.frames.clear()
        app.pop_screen()
        await pilot.pause()
        assert is_image(on_the_terminal(app.frames, ProtocolName.KITTY)[-1], numbered(1))


async def test_text_elsewhere_does_not_send_the_image_again() -> None:
    for protocol in ProtocolName:
        app = Viewer(protocol)
        async with app.run_test(size=(60, 20)) as pilot:
            app.picture.show_image(Sight(0, numbered(0)))
            await pilot.pause()
            app.frames.clear()
            app.text.update("more text")
            await pilot.pause()
            assert app.frames
            assert not _GRAPHICS.search("".join(app.frames))


async def test_a_sixel_image_is_cleared_from_a_terminal_of_another_size_and_never_leaves_it() -> (
    None
):
    app = Viewer(ProtocolName.SIXEL)
    async with app.run_test(size=(60, 20)) as pilot:
        app.picture.show_image(Sight(0, numbered(0)))
        await pilot.pause()
        for height, is_drawn in ((12, True), (9, False), (20, True)):
            app.frames.clear()
            await pilot.resize_terminal(60, height)
            await pilot.pause()
            clearing, *after = "".join(app.frames).split("\x1b[2J")
            assert after, "the terminal has moved the image, nobody knows where to"
            assert not _GRAPHICS.search(clearing)
            assert bool(_GRAPHICS.search(after[-1])) is is_drawn


async def test_without_an_overlay_or_unasked_the_picture_is_made_of_characters() -> None:
    app = Viewer(ProtocolName.KITTY)
    app.picture = Picture()
    async with app.run_test(size=(60, 20)) as pilot:
        app.picture.show_image(Sight(0, numbered(0)))
        await pilot.pause()
        assert not any("a=T" in codes for codes in app.frames)
        assert max(len(list(app.picture.render_line(y))) for y in range(10)) >= 8


def photograph(height: int, width: int) -> Image:
    """Return a noisy image with thousands of colours."""
    down, across = np.mgrid[:height, :width]
    waves = [127 + 90 * np.sin(across / 30 + down / 40), 127 + 90 * np.cos(across / 50), down % 256]
    noise = np.random.default_rng(0).normal(0, 6, (height, width, 3))
    return np.clip(np.stack(waves, 2) + noise, 0, 255).astype(np.uint8)


def test_a_photograph_is_whole_in_both_protocols() -> None:
    image = photograph(250, 401)
    assert (from_kitty(kitty(image, 401, 250)) == image).all()
    shown = from_sixel(sixel(image, 401, 250))
    assert shown.shape == image.shape
    assert np.abs(shown.astype(int) - image).mean() < 10


def test_kitty_stretches_what_was_reduced() -> None:
    codes = kitty(photograph(100, 150), 900, 600, (90, 30))
    assert "c=90,r=30," in codes
    assert from_kitty(codes).shape == (100, 150, 3)


def test_the_pixels_of_a_picture_follow_the_line_and_change_seldom() -> None:
    usual = most_pixels(None)
    assert most_pixels(None, 1000) == 1000
    assert most_pixels(30_000) < usual / 8
    assert most_pixels(100e6) > usual
    rate = usual * 3 / 0.25
    for jitter in (0.6, 0.9, 1.0, 1.5, 2.5):
        assert most_pixels(rate * jitter, usual) == usual
    assert most_pixels(1.0) == most_pixels(100.0) >= 100 * 100, "it can still be recognized"


@pytest.mark.parametrize("protocol", list(ProtocolName))
async def test_on_a_slow_line_a_picture_has_fewer_pixels(protocol: ProtocolName) -> None:
    app = Viewer(protocol)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        large = app.overlay.box(app.picture)
        app.overlay.follow(1000.0)
        small = app.overlay.box(app.picture)
        assert small[0] * small[1] <= 2**14 < large[0] * large[1]
        image = photograph(small[1], small[0])
        app.picture.show_image(Sight(0, image))
        app.frames.clear()
        await pilot.pause()
        (sent,) = [each for each in on_the_terminal(app.frames, protocol) if each is not None]
        assert sent.shape == image.shape
