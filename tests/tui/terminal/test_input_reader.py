"""Whatever a terminal sends, only keys become keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.message import Message

from tuilabel.tui.terminal.input_reader import CTRL_C, LONGEST_PASTE, InputReader

CLASS_KEYS = "0123456789x"

PIECES = [
    *("\x1b", "[", "]", "O", "P", "M", "\\", "\x07", ";", "$", "?", "<", " ", "~", "u", "R", "m"),
    *("\x1b[200~", "\x1b[201~", "\x1b[2;2R", "\x1b[31m", "\x1b[M", "\x1b[[", "\x1b[<0;1;1M"),
    *("\x1b[1114112u", "\x1b[55296u", "\x1b[49;;49u", "\x1b[99;5u", "\x1b[48;1;1;1;1t"),
    *("1", "5", "x", "q", "\r", "\x03", "\x00", "\x7f", "\x9b", "é", "\ufffd", "\U0010ffff"),
]
WRITTEN = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join)


KEYPAD = {f"\x1bO{chr(ord('p') + digit)}": str(digit) for digit in range(10)}
"""What types a digit and begins with ESC: the keypad in its application mode."""


def read(*parts: str, silence: bool = False) -> list[Message]:
    reader = InputReader()
    found: list[Message] = []
    for part in parts:
        found += reader.feed(part)
        if silence:
            found += reader.silence()
    return found


def told(messages: list[Message], *, escape: bool = True) -> list[object]:
    """Return what the messages say; without the key Escape, which depends on silence."""
    return [
        (type(one).__name__, getattr(one, "key", ""), getattr(one, "character", ""))
        if not isinstance(one, events.Paste)
        else one.text
        for one in messages
        if escape or getattr(one, "key", "") != "escape"
    ]


def typed(messages: list[Message]) -> str:
    """Return the characters that could be keys of classes."""
    return "".join(
        one.character
        for one in messages
        if isinstance(one, events.Key) and one.character and one.character in CLASS_KEYS
    )


def cuts(text: str, places: list[int]) -> Iterator[str]:
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return (text[a:b] for a, b in pairwise(edges))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("x\x1b5x", "xx"),
        ("\x1b[31m", ""),
        ("\x1b[3 1m", ""),
        ("\x1b[3\x1b[1m5", "5"),
        ("\x1b[200~1 \x1b5 2 \x1b[31m3\x1b[201~4", "4"),
        ("\x1b[200~1\x1b[201", ""),
        ("\x1b]11;rgb:1/2/3\x1b\\4", "4"),
        ("\x1bP>|foot(1.2)\x1b\\4", "4"),
        ("\x1b[M123x", "x"),
        ("\x1b[M1\x1b[A", ""),
        ("\x1b[[1x", "x"),
        ("\x1b[" + "1" * 5000 + "x5", "5"),
        ("\x1b]" + "1" * 5000 + "\x1b\\5", "5"),
        ("\x1bO1;5P5", "5"),
        ("\x1b[?1;2c5", "5"),
        ("\x1b[é5", "5"),
        ("\x1b[1;2R5", "5"),
    ],
)
def test_what_begins_with_esc_types_nothing_however_it_arrives(text: str, keys: str) -> None:
    assert typed(read(text)) == keys
    assert typed(read(*text)) == keys
    assert typed(read(*text, silence=True)) == keys


@example("\x1b5", [1])
@example("\x1b[200~\x1b[201~", [3])
@example("\x1b]" + "1" * 100 + "\x1b\\5", [102])
@given(WRITTEN, st.lists(st.integers(0, 60), max_size=5))
def test_when_it_arrives_makes_no_difference(text: str, places: list[int]) -> None:
    pieces = list(cuts(text, places))
    # Ctrl-C at the end of what arrives ends a wait for the end of a paste.
    if not any(piece.endswith(CTRL_C) for piece in pieces[:-1]):
        whole = told(read(text), escape=False)
        assert told(read(*pieces), escape=False) == whole
        assert told(read(*pieces, silence=True), escape=False) == whole


@example(b"\x1b[1114112u")
@example(b"\x1b[55296;1;57343u")
@example(b"\x1b[99999999999999999999999999999u")
@example(b"\xed\xa0\x80\x1b[\xc2\xb2u")
@given(st.binary(max_size=300))
def test_no_bytes_are_an_error(data: bytes) -> None:
    for message in read(data.decode("utf-8", "replace")):
        if isinstance(message, events.Key):
            message.key.encode()
            (message.character or "").encode()


@pytest.mark.parametrize("sequence", [key for key in ANSI_SEQUENCES_KEYS if key != "\x1b\x1b"])
def test_every_key_that_textual_knows_is_known_and_complete(sequence: str) -> None:
    reader = InputReader()
    found = list(reader.feed(sequence))
    assert reader.is_pending == (sequence == "\x1b")
    if len(sequence) == 1:
        assert all(isinstance(one, events.Key) for one in [*found, *reader.silence()])
    elif found:
        assert typed(found) == KEYPAD.get(sequence, "")


def test_esc_is_a_key_after_silence_and_once() -> None:
    reader = InputReader()
    assert told(list(reader.feed("\x1b"))) == []
    assert told([*reader.silence(), *reader.silence()]) == [("Key", "escape", "\x1b")]
    assert told(list(reader.feed("5"))) == [("Key", "alt+5", None)]
    assert told(list(reader.feed("5"))) == [("Key", "5", "5")]


def test_a_report_of_the_cursor_ends_what_an_esc_began() -> None:
    reader = InputReader()
    for begun in ("\x1b", "\x1b[3", "\x1bO", "\x1b]1", "\x1b[M1"):
        assert typed([*reader.feed(begun), *reader.silence()]) == ""
        assert [type(one) for one in reader.feed("\x1b[7;9R")][-1:] == [events.CursorPosition]
        assert typed(list(reader.feed("5"))) == "5"


def test_alt_types_no_character() -> None:
    assert told(read("\x1b1\x1bA\x1bz")) == [
        ("Key", "alt+1", None),
        ("Key", "alt+shift+a", None),
        ("Key", "alt+z", None),
    ]


XTERM, KITTY, KITTY_TEXT = "\x1b[27;{m};{c}~", "\x1b[{c};{m}u", "\x1b[{c};{m};{c}u"
"""How a key with modifiers is sent: modifyOtherKeys, and kitty's protocol without and with text."""


@pytest.mark.parametrize("form", [XTERM, KITTY, KITTY_TEXT, "\x1b[{c}:33;{m};{c}u"])
@pytest.mark.parametrize("shift_and_locks", [0, 1, 64, 128, 193])
@pytest.mark.parametrize(
    ("bit", "name"), [(2, "alt"), (4, "ctrl"), (8, "super"), (16, "hyper"), (32, "meta")]
)
def test_a_key_with_alt_ctrl_or_super_types_nothing(
    form: str, shift_and_locks: int, bit: int, name: str
) -> None:
    for character in "5x\r q":
        sequence = form.format(m=1 + bit + shift_and_locks, c=ord(character))
        for message in read(sequence):
            assert isinstance(message, events.Key)
            assert message.character is None
            assert name in message.key.split("+")


def test_shift_and_locks_type_what_they_send() -> None:
    assert typed(read("\x1b[27;1;53~", "\x1b[53;129;53u", "\x1b[57404;129;53u")) == "555"
    assert told(read("\x1b[27;2;65~", "\x1b[97;66;65u")) == [("Key", "A", "A")] * 2


def test_a_mouse_counts_only_where_it_was_asked_for() -> None:
    click = "\x1b[<0;5;5M"
    assert read(click) == []
    (event,) = InputReader(mouse=True).feed(click)
    assert isinstance(event, events.MouseDown)
    assert list(InputReader(mouse=True).feed("\x1b[<0;99999999;5M")) == []


@pytest.mark.parametrize(
    "ctrl_c", ["\x03", "\x1b[99;5u", "\x1b[99;133u", "\x1b[99;69u", "\x1b[27;5;99~"]
)
def test_ctrl_c_counts_in_a_paste_that_has_no_end(ctrl_c: str) -> None:
    reader = InputReader()
    assert list(reader.feed("\x1b[200~" + "7" * 100)) == []
    assert told(list(reader.feed("7" + ctrl_c))) == [("Key", "ctrl+c", "\x03")]


def test_a_paste_is_kept_up_to_a_limit() -> None:
    (paste,) = read("\x1b[200~", *["1" * 4096] * 30, "\x1b[20", "1~")
    assert isinstance(paste, events.Paste)
    assert len(paste.text) == LONGEST_PASTE


@pytest.mark.parametrize("begun", ["", "\x1b[200~", "\x1b[", "\x1b]", "\x1b[M"])
def test_much_is_read_in_little_memory(begun: str) -> None:
    reader = InputReader()
    for _ in range(60):
        assert sum(1 for _ in reader.feed(begun + "7" * 4096)) <= 4097
        begun = ""
        assert len(reader._held) < 200


@pytest.mark.parametrize("seed", range(20))
def test_random_pieces_and_silences(seed: int) -> None:
    """Bounded runs of a fuzzer that knows what sequences are made of."""
    rng, reader = random.Random(seed), InputReader(mouse=True)
    for _ in range(300):
        for _ in reader.feed("".join(rng.choices(PIECES, k=rng.randrange(20)))):
            pass
        if rng.random() < 0.2:
            list(reader.silence())
        if rng.random() < 0.05:
            reader.forget()
