"""The keys of classes that come and go: a class keeps its key, and no key has two classes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.settings import resolve
from tuilabel.tui.keymap.classes import ClassKeys, KeyWish
from tuilabel.tui.keymap.resolved import keymap_of

ORDER = keymap_of(resolve({})).order


def wish(
    name: str,
    *,
    first: bool = False,
    key: str | None = None,
    chosen: str | None = None,
    added_as: str | None = None,
) -> KeyWish:
    return KeyWish(name, name, added_as or name, first, key, chosen)


def first(*names: str) -> list[KeyWish]:
    return [wish(name, first=True) for name in names]


def test_a_new_class_gets_the_next_free_key_and_the_others_keep_theirs() -> None:
    keys = ClassKeys(ORDER, {}, first("cat", "dog"))
    assert keys.keys == {"cat": "1", "dog": "2"}
    assert keys.free_key("crack") == "3"
    assert keys.take_in(wish("crack", key="3"))
    assert keys.keys == {"cat": "1", "dog": "2", "crack": "3"}
    assert keys.free_key("7") == "7", "a digit is its own key"


def test_of_two_new_classes_with_one_key_the_other_annotators_gets_a_free_one() -> None:
    keys = ClassKeys(ORDER, {}, first("cat", "dog"))
    assert keys.take_in(wish("mine", key="3"))
    assert not keys.take_in(wish("theirs", key="3"))
    assert keys.keys["mine"] == "3"
    assert keys.keys["theirs"] == "4"
    # From the next start the class that was added first keeps it.
    added = [wish("theirs", key="3"), wish("mine", key="3")]
    again = ClassKeys(ORDER, {}, [*first("cat", "dog"), *added])
    assert (again.keys["theirs"], again.keys["mine"]) == ("3", "4")


def test_the_last_free_letter_is_a_leader_and_never_a_class() -> None:
    keys = ClassKeys("12ab", {}, first("cat"))
    for number in range(6):
        keys.take_in(wish(f"new {number}", key=keys.free_key("") or None))
    assert [keys.keys[f"new {number}"] for number in range(6)] == ["2", "a", "b1", "b2", "ba", "bb"]
    assert keys.free_key("more") == ""
    assert not ClassKeys("12ab", {}, first("cat")).is_free("b")


def test_a_renamed_class_has_the_key_of_the_name_it_was_added_under() -> None:
    before = ClassKeys(ORDER, {}, first("7", "8", "cat"))
    renamed = [wish("seven", first=True, added_as="7"), *first("8", "cat")]
    renamed[0] = renamed[0]._replace(id="7")
    assert ClassKeys(ORDER, {}, renamed).keys == before.keys == {"7": "7", "8": "8", "cat": "1"}


def test_chosen_keys_go_before_all_others_and_may_be_swapped() -> None:
    swapped = [wish("cat", first=True, chosen="2"), wish("dog", first=True, chosen="1")]
    assert ClassKeys(ORDER, {}, swapped).keys == {"cat": "2", "dog": "1"}
    one = [wish("cat", first=True, chosen="d"), *first("dog")]
    keys = ClassKeys(ORDER, {}, one)
    assert keys.keys == {"cat": "d", "dog": "2"}
    assert keys.free_key("new") == "3", "1 was the key of another class"
    assert keys.is_free("1"), "but it may be chosen"
    hostile = [wish("cat", first=True, chosen="\x1b"), wish("dog", first=True, chosen="zz z")]
    assert ClassKeys(ORDER, {}, hostile).keys == {"cat": "1", "dog": "2"}


WISHES = st.builds(
    KeyWish,
    id=st.integers(0, 40).map(str),
    name=st.sampled_from(["cat", "1", "7", "x", "long name"]),
    added_as=st.integers(0, 40).map(lambda number: f"class {number}"),
    is_first=st.booleans(),
    added_with=st.one_of(st.none(), st.sampled_from(["1", "2", "a", "z", "z1", "b1", "é", "\x1b"])),
    chosen=st.one_of(st.none(), st.sampled_from(["1", "2", "a", "z", "z1", "q", "", "?"])),
)


def unique(wishes: list[KeyWish]) -> list[KeyWish]:
    by_id = {wish.id: wish for wish in wishes}
    return list({wish.added_as: wish for wish in by_id.values()}.values())


@given(
    st.lists(WISHES, max_size=25),
    st.lists(WISHES, max_size=25),
    st.sampled_from([ORDER, "12ab", "ab", "1"]),
)
def test_no_key_begins_another_and_none_ever_changes(
    start: list[KeyWish], later: list[KeyWish], order: str
) -> None:
    keys = ClassKeys(order, {}, unique(start))
    for new in later:
        before = dict(keys.keys)
        keys.take_in(new)
        assert before.items() <= keys.keys.items()
        found = [key for key in keys.keys.values() if key]
        assert len(set(found)) == len(found)
        assert all(set(key) <= set(order) and len(key) <= 2 for key in found)
        assert not any(one != key and one.startswith(key) for key in found for one in found)
