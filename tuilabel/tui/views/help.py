"""The help page as rows of pieces, for any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.cells import cell_len

from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.presets import PRESETS
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.text.pieces import Piece, fitted

HelpRow = list[Piece]

_MOST_KEYS = 18
"""Most cells for the keys of an action; longer lists of keys take a row of their own."""

_LONGEST_NAME = 24

_PROMISES = (
    "A label is on disk before the next image appears.",
    "A key pressed before an image is on the screen never labels that image.",
    "Accuracy is measured on images that training never sees.",
    "Everything can be undone, even tomorrow; nothing is ever deleted.",
    "`9 saved`: nine answers are on disk, including skips and undone ones.",
)
_SIGNS = "▲ current image  · open  – skipped  ? disputed  › your answer  ✓ saved  ! problem"


def help_rows(
    keymap: Keymap, actions: Sequence[Action], classes: Sequence[tuple[str, str]], width: int
) -> list[HelpRow]:
    """Return the help page.

    Parameters
    ----------
    keymap : Keymap
    actions : sequence of Action
        The actions of the screen below.
    classes : sequence of (str, str)
        The keys of each class, empty where its name is typed, and its name.
    width : int
        Cells of a row.
    """
    rows: list[HelpRow] = [[("Keys", "strong")]]
    named = [(" ".join(action.shown_keys) or "–", action.help) for action in actions]
    widest = max((cell_len(keys) for keys, _ in named), default=0) + 2
    for keys, sentence in named:
        rows += _described(keys, sentence, width, min(widest, _MOST_KEYS, width // 3))
    rows.append([])
    rows += _about_keymap(keymap, width)
    if classes:
        rows += [[], *_classes(keymap, classes, width)]
    rows += [[], [("Signs", "strong")]]
    rows += [[("  " + line, "plain")] for line in wrap(_SIGNS, width - 2)]
    rows += [[], [("What you can rely on", "strong")]]
    for promise in _PROMISES:
        first, *more = wrap(promise, max(10, width - 4))
        rows += [[("  · " + first, "plain")], *([("    " + line, "plain")] for line in more)]
    return rows


def _described(keys: str, sentence: str, width: int, column: int) -> Iterator[HelpRow]:
    lines = wrap(sentence, max(10, width - column - 2))
    if cell_len(keys) > column - 1:
        yield [("  " + keys, "strong")]
        keys = ""
    for line in lines:
        yield [("  " + fitted(keys, column), "strong"), (line, "plain")]
        keys = ""


def _about_keymap(keymap: Keymap, width: int) -> Iterator[HelpRow]:
    yield [("Keymap  ", "strong"), (keymap.name, "accent")]
    sentences = [PRESETS[keymap.name].about]
    if keymap.changed:
        changed = ", ".join(sorted(keymap.changed))
        sentences.append(f"settings.toml has other keys for: {changed}.")
    others = ", ".join(name for name in PRESETS if name != keymap.name)
    sentences.append(f"Others (--keymap or settings.toml): {others}.")
    for sentence in sentences:
        yield from (
            [("  " + line, "plain")] for line in wrap(sentence, width - 2, break_on_hyphens=False)
        )


def _classes(keymap: Keymap, classes: Sequence[tuple[str, str]], width: int) -> Iterator[HelpRow]:
    yield [("Classes", "strong"), (f"   {len(classes):,}", "muted")]
    parts = {
        "": [one for one in classes if len(one[0]) == 1],
        "Two keys, one after the other; Esc cancels:": [one for one in classes if len(one[0]) == 2],
        f"By name: {keymap.key('name')}, a part of the name, Enter:": [
            one for one in classes if not one[0]
        ],
    }
    for sentence, part in parts.items():
        if part and sentence:
            yield from ([("  " + line, "muted")] for line in wrap(sentence, width - 2))
        yield from _grid(part, width - 2)
    if not parts[next(reversed(parts))]:
        sentence = f"{keymap.key('name')} labels by a part of the name instead."
        yield from ([("  " + line, "muted")] for line in wrap(sentence, width - 2))


def _grid(classes: Sequence[tuple[str, str]], width: int) -> Iterator[HelpRow]:
    """Yield rows of classes in columns that are straight for names of any script."""
    if not classes:
        return
    key_width = max(cell_len(key) for key, _ in classes)
    longest = max((cell_len(name) for key, name in classes if name != key), default=0)
    name_width = min(longest, _LONGEST_NAME, max(1, width - key_width - 4))
    pitch = key_width + name_width + (3 if name_width else 2)
    columns = max(1, width // pitch)
    for start in range(0, len(classes), columns):
        row: HelpRow = []
        for key, name in classes[start : start + columns]:
            row.append(("  " + fitted(key, key_width), "strong"))
            if name_width:
                row.append((" " + fitted("" if name == key else name, name_width), "plain"))
        yield row
