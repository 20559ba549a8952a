"""How files are put into groups, and what is refused."""

from __future__ import annotations

import pytest

from tuilabel.data import grouping
from tuilabel.data.grouping import Grouping, parse_grouping
from tuilabel.errors import UsageError


def test_what_groups_can_be_made_by() -> None:
    assert parse_grouping("folder") == Grouping("folder")
    assert parse_grouping("exif:10s") == Grouping("exif", seconds=10)
    assert parse_grouping("exif:1.5m").seconds == 90
    assert parse_grouping("exif:250ms").seconds == 0.25
    assert parse_grouping("regex:a:(b)").pattern == "a:(b)"


@pytest.mark.parametrize(
    "text",
    [
        *("", "exif", "exif:", "exif:10", "exif:-1s", "exif:infs", "exif:" + "9" * 99 + "s"),
        *("regex", "regex:", "folders", "folder:x", "\x1b[2J"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="expected") as error:
        parse_grouping(text)
    assert "\x1b" not in str(error.value)


def test_a_pattern_groups_what_its_groups_match_in_a_path() -> None:
    paths = ["a/x_1.jpg", "a/x_2.jpg", "b/x_1.jpg", "odd \n\udcff.jpg", "a/y.jpg"]
    first, second, other, *alone = Grouping("regex", r"(x)_\d").buckets(paths)
    assert first == second == other
    assert len({first, *alone}) == 3, "those that do not match are groups of their own"
    by_folder = Grouping("regex", r"^([^/]+)/(?:(x)|y)").buckets(paths)
    assert len({by_folder[row] for row in (0, 1)}) == 1
    assert len(set(by_folder)) == 4, "one group of the pattern may match nothing"


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "is invalid"),
        ("[0-9]+", "has no group"),
        ("(never)", "matches none of 1 path, such as a/x_1.jpg"),
        ("(" * 5000 + ")" * 5000, "is invalid"),
        ("(a{99999999999})", "is invalid"),
        ("(\0)", "has a NUL"),
        ("(?P<\x1b[2J>a)", "is invalid"),
    ],
)
def test_a_pattern_that_is_of_no_use_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as error:
        Grouping("regex", pattern).buckets(["a/x_1.jpg"])
    assert str(error.value).isprintable()


def test_a_pattern_that_takes_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "PATTERN_SECONDS", 0.5)
    with pytest.raises(UsageError, match=r"more than 0\.5 s on 1 path"):
        Grouping("regex", "(a+)+$").buckets(["a" * 60 + "b"])
