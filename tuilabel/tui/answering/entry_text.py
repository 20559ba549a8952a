"""How a class that is being entered is shown: a chord, or a part of a name."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.text import counted, inert
from tuilabel.tui.answering.class_entry import MATCHES_SHOWN, ClassEntry
from tuilabel.tui.answering.class_search import SCATTERED
from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.keys import FIRST, shown_key
from tuilabel.tui.text.pieces import Piece

# A space before the line, and what shows that it goes on.
_MARGIN = 4

_MOST_TYPED, _MOST_OF_NAME, _MOST_OF_NEW = 10, 16, 20
"""Characters of what is typed and of a name that are shown: the keys fit beside them."""


def entry_line(
    entry: ClassEntry, names: Sequence[str], message: Piece | None = None
) -> Piece | None:
    """Return what was begun as a line; None where nothing was.

    Parameters
    ----------
    entry : ClassEntry
    names : sequence of str
        As they are shown.
    message : Piece, optional
        A sentence to show beside the name instead of its meaning.
    """
    if entry.leader:
        count = len(entry.chords())
        which = counted(count, "class begins", "classes begin")
        return f"{entry.leader} …  {which} with this key; Esc cancels.", "accent"
    if entry.text is None:
        return None
    typed = entry.text if len(entry.text) <= _MOST_TYPED else "…" + entry.text[1 - _MOST_TYPED :]
    if entry.new and message is None:
        name = inert(entry.new, _MOST_OF_NEW)
        return f"Add the class `{name}`? Enter adds it and labels with it, Esc cancels", "accent"
    if message is not None:
        return f"/{typed}_  {message[0]}", message[1]
    found = entry.matches()
    taken = entry.meant()
    if taken is not None:
        rest = f"Enter: {inert(names[taken], _MOST_OF_NAME)}"
    else:
        if not found:
            return f"/{typed}_  no class has that name · Enter adds one · Esc cancels", "accent"
        rest = f"{len(found):,} match"
        if found and found[0].rank == SCATTERED:
            rest = f"Tab: {inert(names[found[0].place], _MOST_OF_NAME)}"
    return f"/{typed}_  {rest} · Tab completes · ↑↓ choose · Esc cancels", "accent"


def first_key_line(actions: Sequence[tuple[str, Action]], width: int) -> Piece:
    """Return what can follow the first of two keys.

    Parameters
    ----------
    actions : sequence of (str, Action)
        Each with its second key.
    width : int
        Cells of the screen. Where not all fit, the help has the rest.
    """
    # Actions of one kind stand together: there is little room.
    by_label: dict[str, list[str]] = {}
    for second, action in actions:
        by_label.setdefault(action.label, []).append(shown_key(second))
    line = f"{shown_key(FIRST)} …  Esc cancels"
    for label, keys in by_label.items():
        entry = f"  {' '.join(keys)} {label}"
        if cell_len(line + entry) > width - _MARGIN:
            return f"{line}  …", "accent"
        line += entry
    return line, "accent"


def entry_classes(entry: ClassEntry) -> tuple[Sequence[int] | None, int | None]:
    """Return the classes that are still possible, and the marked one.

    Returns
    -------
    tuple
        Class indices, None for all as usual; and a class index or None.
    """
    if not entry.is_typing:
        return (entry.chords() if entry.leader else None), None
    shown = [match.place for match in entry.matches()]
    first = max(0, (entry.marked or 0) - MATCHES_SHOWN // 2)
    return shown[first:], None if entry.marked is None else shown[entry.marked]
