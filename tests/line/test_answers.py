"""What a typed line means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.line.answers import Ambiguous, Chosen, Command, Meaning, NoteText, Unknown, Vocabulary

PETS = Vocabulary(["cat", "caterpillar", "dog", "Zoë", "s", "猫"])

names = st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1, unique=True)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("cat", Chosen(0)),
        ("  CAT \r", Chosen(0)),
        ("cate", Chosen(1)),
        ("ca", Ambiguous((0, 1))),
        ("3", Chosen(2)),
        ("03", Chosen(2)),
        ("0", Unknown(())),
        ("7", Unknown(())),
        ("9" * 5000, Unknown(())),
        ("zoe\u0308", Chosen(3)),
        ("猫", Chosen(5)),
        ("s", Chosen(4)),
        ("S", Chosen(4)),
        (":s", Command.SKIP),
        (":SKIP", Command.SKIP),
        (":later", Command.LATER),
        ("later", Unknown(())),
        (":note", Command.NOTE),
        (":NOTE  a dog ", NoteText("a dog")),
        (":note \x1b[0m\x00" + "y" * 9999, NoteText("[0m" + "y" * 497)),
        ("u", Command.UNDO),
        ("=", Command.ACCEPT),
        ("y", Command.ACCEPT),
        (":quit", Command.QUIT),
        ("dgo", Unknown((2,))),
        ("", None),
        (" \t", None),
        ("cat" + " " * 5000 + "x", Unknown(())),
    ],
)
def test_meanings(line: str, meaning: Meaning) -> None:
    found = PETS.meaning(line)
    assert found == meaning
    assert type(found) is type(meaning)


def test_where_names_are_numbers_nothing_else_is() -> None:
    digits = Vocabulary([str(digit) for digit in range(10)])
    assert digits.meaning("3") == Chosen(3)
    tens = Vocabulary(["10", "20", "30"])
    assert tens.meaning("20") == Chosen(1)
    for line in ("1", "2", "02"):
        assert isinstance(tens.meaning(line), Unknown)


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    both = Vocabulary(["Cat", "cat"])
    assert both.meaning("cat") == Chosen(1)
    assert both.meaning("CAT") == Ambiguous((0, 1))


@given(names, st.text())
def test_whatever_is_typed_every_name_command_and_number_is_reached(
    classes: list[str], typed: str
) -> None:
    words = Vocabulary(classes)
    found = words.meaning(typed)
    if isinstance(found, Ambiguous | Unknown):
        assert all(0 <= index < len(classes) for index in found[0])
    for command in Command:
        assert words.meaning(words.form(command)) is command
        assert words.meaning(":" + command.word) is command
    for index, name in enumerate(classes):
        if not words.numbered:
            break
        assert words.meaning(str(index + 1)) in (Chosen(index), *map(Chosen, range(len(classes))))
        if len(name) < 200 and not name.startswith(":"):
            assert words.meaning(name) == Chosen(index)
