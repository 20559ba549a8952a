"""Keymaps: presets, published files, the user's own keys and their errors, and class keys."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import Keys, _character_to_key

from tuilabel.errors import UsageError
from tuilabel.settings import KEYMAPS, Settings, resolve
from tuilabel.tui.app.labelling import TuilabelApp
from tuilabel.tui.keymap.actions import ACTIONS, PAUSE, REGISTRY
from tuilabel.tui.keymap.bindings import bind
from tuilabel.tui.keymap.classes import class_sequences
from tuilabel.tui.keymap.keys import KEYPAD, character_key, character_of, key_of, shown_key
from tuilabel.tui.keymap.presets import PRESETS
from tuilabel.tui.keymap.resolved import Keymap, keymap_of
from tuilabel.tui.screens.demo import DemoScreen
from tuilabel.tui.screens.label import LabelScreen

TYPABLE = [chr(code) for code in range(0x21, 0x100) if chr(code).isprintable()]
LEFT_HAND = {*"12345qwertasdfgzxcvbQWERTASDFGZXCVB", "tab", "space", "f1", "f2", "f3", "f4", "f5"}


def own(keymap: str = "default", **keys: str | tuple[str, ...]) -> Keymap:
    wished = tuple((name, (key,) if isinstance(key, str) else key) for name, key in keys.items())
    return keymap_of(Settings(keymap=keymap, keys=wished))


def published(name: str) -> Keymap:
    """Return a keymap of docs/keymaps/, loaded as settings.toml."""
    file = Path(__file__).parents[3] / "docs" / "keymaps" / f"{name}.toml"
    assert file.exists()
    return keymap_of(resolve({}, environ={}, file=file))


# The registry and the presets.


def test_every_action_has_its_method() -> None:
    for action in ACTIONS:
        assert any(hasattr(who, f"action_{action.id}") for who in (LabelScreen, TuilabelApp))
    assert hasattr(DemoScreen, f"action_{PAUSE.id}")
    assert {action.id for action in ACTIONS} | {PAUSE.id} == set(REGISTRY)


def test_there_is_a_preset_for_every_name_of_the_setting() -> None:
    assert tuple(PRESETS) == KEYMAPS


@pytest.mark.parametrize("name", KEYMAPS)
def test_a_preset_has_one_key_for_one_thing(name: str) -> None:
    keymap = own(name)
    assert set(PRESETS[name].keys) <= set(REGISTRY)
    for actions in (keymap.actions, keymap.demo_actions):
        keys = [key for action in actions for key in action.keys]
        assert len(set(keys)) == len(keys)
        assert all(action.keys for action in actions)
        assert not set(keymap.order) & {character_of(key) for key in keys}
    assert "pause" in [action.id for action in keymap.demo_actions]
    assert len(set(keymap.order)) == len(keymap.order)
    assert "ctrl+c" in keymap.keys["quit"]


@pytest.mark.parametrize("name", KEYMAPS)
def test_a_preset_has_keys_that_terminals_send(name: str) -> None:
    for keys in own(name).keys.values():
        for key in [part for each in keys if each != "escape" for part in each.split(" ")]:
            assert key_of(key) == key
            sent = len(key) == 1 or key in map(str, Keys) or character_of(key) is not None
            assert sent or key in [key.value for key in Keys]


@pytest.mark.parametrize("name", ["numpad", "left-hand"])
def test_a_published_keymap_has_one_key_for_one_thing(name: str) -> None:
    keymap = published(name)
    keymap.check_classes(list("0123456789"))
    for actions in (keymap.actions, keymap.demo_actions):
        keys = [key for action in actions for key in action.keys]
        assert len(set(keys)) == len(keys)
        assert all(action.keys for action in actions)
        assert not {*keymap.order, *keymap.own.values()} & {character_of(key) for key in keys}


def test_the_left_hand_reaches_all_of_its_keymap() -> None:
    keymap = published("left-hand")
    elsewhere = {("ctrl+z",), ("ctrl+l",)}  # what every program has there
    for action_id, keys in keymap.keys.items():
        # Looking closely needs both hands, but for leaving it.
        if keys not in elsewhere and not REGISTRY[action_id].yields:
            assert any(LEFT_HAND.issuperset(key.split()) for key in keys), action_id
    assert keymap.class_keys(list("0123456789")) == tuple("t12345qwer")


def test_the_numeric_keypad_is_the_same_whatever_the_terminal_sends_for_it() -> None:
    keypad = {ANSI_SEQUENCES_KEYS[f"\x1bO{code}"] for code in "jkmnopqrstuvwxy"}
    assert keypad == {*"*+-./0123456789"}
    keymap = published("numpad")
    assert {character_key(key, key) for key in "+-.*/"} <= {
        key for keys in keymap.keys.values() for key in keys
    }
    screen = TuilabelApp.__new__(TuilabelApp)
    bind(screen, keymap.actions)
    bound = screen._bindings.key_to_bindings
    for key, other in KEYPAD.items():
        if key in bound:
            assert bound[key][0].action == bound[other][0].action


def test_prodigys_keys_do_what_prodigys_keys_do() -> None:
    keys = own("prodigy").keys
    assert (keys["accept"][0], keys["skip"]) == ("a", ("space",))
    assert keys["undo"] == ("backspace", "delete")


# The user's own keys.


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("default", "1234567890abcdefghjklmnorstwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("prodigy", "1234567890bcdefghjklmnorstuwyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("vim", "1234567890abcdefgmnorstwyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ],
)
def test_new_actions_take_no_key_from_a_class(name: str, order: str) -> None:
    # The keys of classes in sessions that exist follow from this order.
    assert own(name).order == order


def test_what_the_user_has_set_keeps_its_key() -> None:
    wished = (("skip", ("home",)), ("undo", ("pageup", "delete")))
    keymap = keymap_of(Settings(keys=wished, class_keys=(("cat", ","), ("dog", "."))))
    assert keymap.class_keys(["cat", "dog"]) == (",", ".")
    assert keymap.keys["previous_file"] == keymap.keys["next_file"] == ()
    assert keymap.keys["skip"] == ("home",)
    assert keymap.keys["top_left"] == ("tab 7",)
    keymap = own(skip="tab")
    assert keymap.keys["skip"] == ("tab",)
    assert keymap.keys["top_left"] == ("home",)
    assert keymap.keys["closer"] == ()


def test_the_users_own_keys_replace_the_presets() -> None:
    keymap = own(undo=("ctrl+r", "Delete"), skip="x")
    assert keymap.keys["undo"] == ("ctrl+r", "delete")
    assert keymap.key("undo") == "Ctrl-R"
    assert keymap.keys["skip"] == ("x",)
    assert "u" in keymap.order
    assert "x" not in keymap.order
    assert keymap.changed == {"undo", "skip"}


def test_an_action_may_have_no_key_but_leaving_always_has_one() -> None:
    keymap = own(invert=(), quit=())
    assert keymap.keys["invert"] == ()
    assert (keymap.key("invert"), keymap.hint("invert")) == ("–", "")
    assert keymap.keys["quit"] == ("ctrl+c",)
    assert own(quit="Q").keys["quit"] == ("Q", "ctrl+c")


def test_two_actions_may_exchange_their_keys() -> None:
    keymap = own(accept="space", skip="enter")
    assert (keymap.key("accept"), keymap.key("skip")) == ("Space", "Enter")


def test_pause_goes_where_the_suggestions_are() -> None:
    keymap = own(suggestions="y")
    assert keymap.action("pause").keys == ("y",)
    assert "suggestions" not in [action.id for action in keymap.demo_actions]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"undo": "space"}, "gives undo the key 'Space', which the keymap 'default' has for skip"),
        ({"skip": "x", "undo": "x"}, "gives undo the key 'x'.*has for skip"),
        ({"pause": "i"}, "gives pause the key 'i'.* has for invert"),
        ({"skip": "3"}, "gives skip the key '3', which labels a class"),
        ({"unod": "x"}, "has 'unod', which is not an action: choose among above, accept, alike"),
        ({"undo": "escape"}, "undo: Esc always leads back"),
        ({"undo": "ctrl+m"}, "undo: 'ctrl[+]m' cannot be used: terminals send it as Enter"),
        ({"undo": "ctrl+i"}, "terminals send it as Tab"),
        ({"undo": "ctrl+h"}, "terminals send it as Backspace"),
        ({"undo": "ctrl+shift+a"}, "terminals send it as ctrl[+]a"),
        ({"undo": "ctrl+enter"}, "most terminals send it as Enter"),
        ({"undo": "shift+space"}, "most terminals send it as Space"),
        ({"undo": "ctrl+3"}, "most terminals do not send it"),
        ({"undo": "cmd+z"}, "'cmd[+]z' never reaches a terminal"),
        ({"undo": "shift+3"}, "types a character of its own"),
        ({"undo": "bakspace"}, "'bakspace' is not a key: did you mean 'backspace'"),
        ({"undo": "x+y"}, "'x' is none of shift, ctrl and alt"),
        ({"undo": "猫咪"}, "is not a key"),
        ({"undo": "\x1b"}, "a visible character"),
        ({"undo": "\u0301"}, "a visible character"),
        ({"skip": "a b"}, "skip: 'a b' is not a key: only Tab begins two keys; a letter"),
        ({"skip": "tab enter"}, "a letter or digit follows it"),
        ({"skip": "tab a b"}, "a letter or digit follows it"),
        ({"undo": "tab a"}, "gives undo the keys 'Tab a', but other screens have it too"),
        (
            {"skip": ("tab", "x"), "view": "Tab v"},
            "gives skip the key 'Tab', with which the keys of view",
        ),
        ({"skip": "tab v", "view": "tab v"}, "gives view the key 'Tab v'.* has for skip"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    keys: dict[str, str | tuple[str, ...]], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        own(**keys)
    assert "settings.toml" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ((("cat", "u"),), "gives 'cat' the key 'u', which is the key of undo"),
        ((("cat", "?"),), "which is the key of help"),
        ((("cat", "ca"),), "'ca' is not a single character"),
        ((("cat", " "),), "a space cannot be shown"),
        ((("cat", "\t"),), "a visible character"),
        ((("cat", "k"), ("dog", "k")), "'k' for both 'cat' and 'dog'"),
    ],
)
def test_keys_of_classes_are_checked(wishes: tuple[tuple[str, str], ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        keymap_of(Settings(class_keys=wishes)).check_classes(["cat", "dog"])


def test_keys_of_classes_that_are_elsewhere_play_no_part() -> None:
    keymap = keymap_of(Settings(class_keys=(("bird", "k"), ("cat", "k"), ("dog", "1"))))
    keymap.check_classes(["cat", "dog", "cow"])
    assert keymap.class_keys(["cat", "dog", "cow"]) == ("k", "1", "2")


def test_who_has_tab_alone_keeps_it() -> None:
    keymap = own(skip="tab")
    assert keymap.keys["skip"] == ("tab",)
    assert keymap.keys["unsure"] == ()
    assert keymap.key("unsure") == "–"


def test_two_keys_take_nothing_from_the_classes() -> None:
    keymap = own(skip=("Tab s", "space"))
    assert keymap.keys["skip"] == ("tab s", "space")
    assert keymap.key("skip") == "Tab s"
    assert keymap.order == own().order


# Names of keys.


@pytest.mark.parametrize("character", TYPABLE)
def test_a_character_is_named_as_textual_names_it(character: str) -> None:
    if character.isspace():
        return
    key = key_of(character)
    assert key == _character_to_key(character)
    assert character_of(key) == character
    assert shown_key(key) == character


def test_every_name_that_is_taken_is_one_that_a_terminal_can_send() -> None:
    sendable = {
        key.value
        for keys in ANSI_SEQUENCES_KEYS.values()
        if isinstance(keys, tuple)
        for key in keys
    }
    for letter in string.ascii_lowercase:
        for name in (f"ctrl+{letter}", f"Ctrl-{letter.upper()}"):
            try:
                assert key_of(name) in sendable
            except UsageError:
                assert letter in "mihj"
    for name in ("Tab", "Del", "PgUp", "F12", "shift+left", "ctrl+delete", "ctrl+space", "backtab"):
        assert key_of(name) in sendable


@given(st.text(max_size=12))
def test_whatever_is_written_is_a_key_or_a_sentence(text: str) -> None:
    try:
        key = key_of(text)
    except UsageError as error:
        said = str(error)
    else:
        said = repr(text)
        assert key_of(key) == key
        assert shown_key(key)
    assert repr(text) in said


# Keys of classes.

ORDER = own().order


def test_digits_are_their_own_keys() -> None:
    assert own().class_keys(["3", "1", "0"]) == ("3", "1", "0")
    assert own().class_keys(["none", "1", "x"]) == ("2", "1", "3")


def test_other_classes_get_digits_then_letters_that_no_action_uses() -> None:
    keys = own().class_keys([f"class {number}" for number in range(14)])
    assert "".join(keys) == "1234567890abcd"


def test_the_last_letter_is_kept_for_chords() -> None:
    keys = own().class_keys([f"class {number}" for number in range(len(ORDER))])
    assert [key for key in keys if len(key) == 2] == ["z1"]
    assert "z" not in keys


def test_beyond_the_letters_there_are_chords() -> None:
    keys = own().class_keys([f"class {number}" for number in range(len(ORDER) + 1)])
    assert [key for key in keys if len(key) == 2] == ["z1", "z2"]
    assert "z" not in keys


def test_beyond_the_chords_there_are_names() -> None:
    keys = own().class_keys([f"class {number}" for number in range(5000)])
    assert keys[-1] == ""
    assert keys[0] == "1"
    assert sum(map(bool, keys)) > 1900


@given(
    st.lists(st.text(min_size=1, max_size=2), max_size=300, unique=True),
    st.sampled_from([ORDER, own("vim").order, "12ab", "1"]),
    st.dictionaries(st.sampled_from(["1", "a", "猫"]), st.sampled_from("kl§"), max_size=3),
)
def test_no_keys_of_a_class_are_the_beginning_of_anothers(
    names: list[str], order: str, wished: dict[str, str]
) -> None:
    wished = {name: key for key, name in {key: name for name, key in wished.items()}.items()}
    keys = class_sequences(names, order, wished)
    assert len(keys) == len(names)
    given_keys = [key for key in keys if key]
    assert len(set(given_keys)) == len(given_keys)
    for key in given_keys:
        assert len(key) <= 2
        assert not any(other != key and other.startswith(key) for other in given_keys)
    for name, key in zip(names, keys, strict=True):
        if name in wished:
            assert key == wished[name]
        assert set(key) <= {*order, *wished.values()}
    if len(names) < len(order) - len(wished):
        assert all(len(key) == 1 for key in keys)
