"""Sessions of two classes with a key under each of two fingers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuilabel.commands.screen import check_keys
from tuilabel.errors import SessionFileError, UsageError
from tuilabel.line.answers import Chosen, Command
from tuilabel.line.conversation import Conversation
from tuilabel.settings import resolve
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.views.shown_classes import ShownClasses
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace, stored_settings


@pytest.fixture
def images(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", images=rng.integers(0, 256, (20, 8, 8), dtype=np.uint8))
    return str(tmp_path / "a.npz")


def opened(source: str, path: Path, flags: dict[str, Any] | None = None, **of: Any) -> Workspace:
    return open_workspace(SourceOptions(source, **of), flags or {}, path=path)


def keys(work: Workspace, keymap: str = "default") -> dict[str, str]:
    shown = ShownClasses(work.session, keymap_of(resolve({"keymap": keymap})), "ana")
    return dict(zip(shown.names, shown.keys, strict=True))


@pytest.mark.parametrize(
    ("of", "flags", "expected"),
    [
        ({}, {}, {"no": "f", "yes": "j"}),
        ({"classes": ("cat", "dog")}, {"yesno_keys": "dk"}, {"cat": "d", "dog": "k"}),
    ],
)
def test_two_classes_have_two_keys_and_keep_them(
    images: str, tmp_path: Path, of: Any, flags: Any, expected: Any
) -> None:
    path = tmp_path / "s.tuilabel"
    with opened(images, path, flags, yesno=True, **of) as work:
        assert keys(work) == expected
    for yesno in (True, False):
        with opened(images, path, yesno=yesno) as work:
            assert keys(work) == expected
    assert stored_settings(path)["yesno_keys"] == "".join(expected.values())
    with pytest.raises(SessionFileError, match=r"was made with --yesno-keys .., not ab\. Leave"):
        opened(images, path, {"yesno_keys": "ab"}, yesno=True)


def test_a_keymap_that_has_the_keys_leaves_both_classes_their_usual_ones(
    images: str, tmp_path: Path
) -> None:
    with opened(images, tmp_path / "s.tuilabel", yesno=True) as work:
        assert keys(work, "vim") == {"no": "1", "yes": "2"}
        with pytest.raises(UsageError, match=r"has 'j', which is the key of below in the keymap"):
            check_keys(work.dataset, resolve({"keymap": "vim"}), yesno=True)
        check_keys(work.dataset, resolve({"keymap": "vim", "yesno_keys": "dg"}), yesno=True)


def test_what_does_not_fit_is_refused_in_one_sentence(images: str, tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    with pytest.raises(UsageError, match="--classes names 3: name two"):
        opened(images, path, yesno=True, classes=("a", "b", "c"))
    with pytest.raises(UsageError, match="and digits has 10 classes: leave --yesno out"):
        opened("digits", path, yesno=True)
    with pytest.raises(UsageError, match="--yesno-keys sets the keys of --yesno: add --yesno"):
        opened(images, path, {"yesno_keys": "ab"}, classes=("a", "b"))
    assert not path.exists()
    with opened(images, path, classes=("a", "b")):
        pass
    with pytest.raises(SessionFileError, match=r"was made without --yesno\. Leave out"):
        opened(images, path, yesno=True)


def test_in_lines_the_keys_are_answers_and_y_is_yes(images: str, tmp_path: Path) -> None:
    with opened(images, tmp_path / "s.tuilabel", yesno=True) as work:
        talk = Conversation(work.session, work.dataset.image, lambda _: None, work.annotator)
        meaning = talk.vocabulary.meaning
        assert [meaning(line) for line in ("f", "j", "y", "n")] == [
            Chosen(0), Chosen(1), Chosen(1), Chosen(0),
        ]  # fmt: skip
        assert meaning("=") is Command.ACCEPT
        assert "f no, j yes" in talk.opening("a.npz")[1]
