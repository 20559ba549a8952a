"""Names of classes on the screen: harmless, as wide everywhere, and in their place."""

from __future__ import annotations

import unicodedata

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuilabel.tui.text.names import MOST_MARKS, is_right_to_left, shown_name
from tuilabel.tui.text.pieces import fitted, isolated

NAMES = [
    *("cat", "猫咪", "한국어", "ｆｕｌｌ", "café", "cafe\u0301", "नमस्ते", "שלום", "مرحبا بك"),
    *(
        "👨‍👩‍👧",
        "👍🏿",
        "👍🏻",
        "❤️",
        "1️⃣",
        "🇩🇪",
        "🏳️‍🌈",
        "a\u0300\u0301\u0302\u0303\u0304b",
        "\u0301x",
    ),
]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("猫 cat", "猫 cat"),
        ("cafe\u0301", "café"),
        ("👨‍👩‍👧", "👨+👩+👧"),
        ("👍🏿", "👍+6"),
        ("❤️", "❤"),
        ("1️⃣", "1"),
        ("🇩🇪", "DE"),
        ("\u0301x", "◌\u0301x"),
        ("a \u0301x", "a ◌\u0301x"),
        ("نمی‌خواهم", "نمی‌خواهم".replace("\u200c", "")),
        ("x\x1b[31m", "x␛[31m"),
    ],
)
def test_a_name_is_shown_without_sequences(name: str, shown: str) -> None:
    assert shown_name(name).replace("\u200c", "") == shown


def test_names_that_differ_are_shown_differently() -> None:
    names = [unicodedata.normalize("NFC", name) for name in NAMES]
    assert len({shown_name(name) for name in names}) == len(set(names))


@example("\u0301\u0301\u0301\u200d\u0301")
@given(st.text(alphabet=st.sampled_from("ab \u0301\u0302\u200d\u200c\ufe0f🇩👨🏿猫ש"), max_size=12))
def test_a_name_has_no_sequences_and_few_marks(name: str) -> None:
    shown = shown_name(name)
    assert not {"\ufe0f"} & set(shown)
    for place, character in enumerate(shown):
        if unicodedata.category(character) == "Mn":
            assert place
            marks = shown[max(0, place - MOST_MARKS) : place + 1]
            assert any(unicodedata.category(mark) != "Mn" for mark in marks)
    # What a terminal knows of each character alone is what all of it measures.
    assert cell_len(shown) == sum(map(cell_len, shown))


def test_a_terminal_puts_what_comes_after_a_name_where_rich_says() -> None:
    screen = pyte.Screen(40, len(NAMES))
    stream = pyte.Stream(screen)
    for y, name in enumerate(NAMES):
        pieces = isolated((("1", "strong"), (" " + fitted(shown_name(name), 12), "plain")))
        text = "".join(text for text, _ in pieces)
        assert cell_len(text) == 14
        stream.feed(f"\x1b[{y + 1};1H")
        for character in text + "|":  # of more at once, pyte drops what is behind some marks
            stream.feed(character)
    assert {screen.buffer[y][14].data for y in range(len(NAMES))} == {"|"}


# From right to left.


def visual_order(text: str) -> str:
    """Order characters as a terminal that turns text around does: one level is enough here.

    Numbers and signs between two turned texts are turned with them (UAX 9, W2 and N1).
    """
    kinds = [
        "R" if is_right_to_left(c) else "L" if unicodedata.bidirectional(c) == "L" else "N"
        for c in text
    ]
    place = 0
    order = ""
    while place < len(text):
        if kinds[place] != "R":
            order += text[place]
            place += 1
            continue
        end = last = place
        while end < len(text) and kinds[end] != "L":
            last = end if kinds[end] == "R" else last
            end += 1
        order += text[place : last + 1][::-1]
        place = last + 1
    return order


def test_neighbours_of_a_name_from_right_to_left_keep_their_place() -> None:
    pieces = (
        ("  1", "strong"),
        (" שלום", "plain"),
        ("  2", "strong"),
        (" עולם טוב", "plain"),
        ("  3", "muted"),
    )
    text = "".join(text for text, _ in pieces)
    assert visual_order(text).index("2") != text.index("2")
    kept = "".join(text for text, _ in isolated(pieces))
    seen = visual_order(kept)
    assert [seen.index(key) for key in "123"] == [kept.index(key) for key in "123"]
    assert kept.replace("\u2800", " ") == text


def test_rows_without_such_names_are_left_alone() -> None:
    pieces = (("  1", "strong"), (" 猫 café", "plain"))
    assert isolated(pieces) is pieces
