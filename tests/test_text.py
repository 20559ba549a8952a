import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.data.natural_order import natural_key
from tuilabel.text import bytes_text, inert, percent

any_text = st.text(st.characters(), max_size=200)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("naïve 日本 🐈", "naïve 日本 🐈"),
        ("[bold red]x[/]", "[bold red]x[/]"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("a\nb\rc\td", "a␊b␍c␉d"),
        ("a\x00\x7f", "a␀␡"),
        ("\x9b31m", "�31m"),
        ("safe\u202egnp.exe", "safe�gnp.exe"),
        ("\u2066x\u2069", "�x�"),
        ("a\u2028b", "a�b"),
        ("bad\udcff.png", "bad�.png"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_inert_shows_what_is_harmless_and_marks_the_rest(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(any_text, st.integers(1, 100))
def test_inert_text_is_short_encodable_free_of_controls_and_stable(text: str, limit: int) -> None:
    shown = inert(text, limit)
    assert len(shown) == min(len(text), limit)
    shown.encode()
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(shown) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    )
    assert inert(shown, limit) == shown


def test_inert_says_where_it_cut() -> None:
    assert inert("a" * 81) == "a" * 79 + "…"
    assert inert("a" * 80) == "a" * 80
    assert inert("\x1b" * 5, 3) == "␛␛…"


def test_natural_order_counts_as_people_do() -> None:
    names = ["img10", "img2", "IMG1", "img", "2", "10", "img2b", "a"]
    assert sorted(names, key=natural_key) == [
        "2",
        "10",
        "a",
        "img",
        "IMG1",
        "img2",
        "img2b",
        "img10",
    ]


@given(st.lists(any_text, max_size=20))
def test_any_names_have_a_natural_order(names: list[str]) -> None:
    ordered = sorted(names, key=natural_key)
    assert [natural_key(name) for name in ordered] == sorted(map(natural_key, names))


@given(st.text("ab", max_size=5), st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_in_names_compare_as_numbers(prefix: str, one: int, other: int) -> None:
    keys = natural_key(f"{prefix}{one}.png"), natural_key(f"{prefix}{other}.png")
    assert (keys[0] < keys[1]) == (one < other)


def test_a_number_of_any_length_has_a_place() -> None:
    assert natural_key("1" * 10_000) > natural_key("9")


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        *((0, "0%"), (0.0004, "<0.1%"), (0.004, "0.4%"), (0.01, "1%"), (0.984, "98%")),
        *((0.993, "99.3%"), (0.9986, "99.9%"), (0.99951, ">99.9%"), (1, "100%")),
    ],
)
def test_a_share_is_all_or_none_only_where_it_is(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (2310, "2.3 kB"),
        (10**6, "1.0 MB"),
        (10**13, "10,000.0 GB"),
    ],
)
def test_a_size_is_in_the_unit_that_suits_it(size: int, shown: str) -> None:
    assert bytes_text(size) == shown
