"""Expressions that choose rows."""

from __future__ import annotations

import pytest
from fuzzing import check_sentence, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.data.where import parse_where
from tuilabel.errors import UsageError

ROW = {"split": "train", "size": "12.0", "image class": "cat", "empty": ""}


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ('split == "train"', True),
        ("split == 'test'", False),
        ("split != 'test'", True),
        ("split != 'train'", False),
        ("size == 12", True),
        ("size == '12'", False),
        ("size == -12", False),
        ("size != 12", False),
        ("split != 12", True),
        ("size in (11, 12)", True),
        ("split in ['test', 'train']", True),
        ("split not in ['test']", True),
        ("size not in (12, 'x')", False),
        ("'image class' == 'cat'", True),
        ("empty == ''", True),
        ("empty == 0", False),
        ("not split == 'train'", False),
        ("split == 'test' or size == 12 and empty == ''", True),
        ("(split == 'test' or size == 12) and empty == 'x'", False),
        (" split == 'train' ", True),
    ],
)
def test_what_is_true_of_a_row(text: str, is_true: bool) -> None:
    assert parse_where(text, list(ROW))(list(ROW.values())) is is_true


@pytest.mark.parametrize(
    "text",
    [
        "",
        "split",
        "split = 'train'",
        "split == train",
        "split < 'train'",
        "split == None",
        "split == True",
        "split in 'train'",
        "split == ('a', 'b')",
        "split == 'a' == 'b'",
        "split.__class__ == 1",
        "__import__('os').system('echo x') == 0",
        "split == __import__('os')",
        "split == f'{size}'",
        "[split for split in ()] == 1",
        "split == {'a': 1}",
        "split == 1j",
        "split == b'a'",
        "'a\\0' == 1\0",
        "(" * 900,
        "not " * 400 + "split",
        "split == " + "(" * 150 + "1" + ")" * 150 + "x",
        "split == 'a'; split == 'b'",
        "split == '\ud800",
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(
        UsageError, match="is no comparison of columns: use a form such as"
    ) as found:
        parse_where(text, list(ROW))
    assert str(found.value).isprintable()


def test_unknown_columns_and_long_expressions_are_refused() -> None:
    with pytest.raises(UsageError, match="names the column 'spilt', which is not among split, "):
        parse_where("spilt == 'train'", list(ROW))
    with pytest.raises(UsageError, match="longer than 2,000 characters"):
        parse_where("split == 'a' or " * 1000, list(ROW))


WORDS = ["split", "size", "==", "!=", "in", "not", "and", "or", "(", ")", "'a'", "1", ",", "[", "]"]


@fuzzed
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        test = parse_where(text, list(ROW))
    except UsageError as error:
        check_sentence(error)
    else:
        assert test(list(ROW.values())) in (True, False)
