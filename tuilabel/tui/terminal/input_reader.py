"""From what a terminal sends to messages: keys, pastes, and the terminal's own reports.

What begins with ESC and is not a known key becomes no message, and is never taken apart into
keys. When it arrives makes no difference, with one exception: an ESC with silence behind it is the
key Escape. What follows it later still counts as its rest, until the terminal sends something else
that begins with ESC. `TtyDriver` asks for such a thing, a report of the cursor: what the terminal
had sent before it was asked arrives before the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.messages import TerminalSupportsSynchronizedOutput

LONGEST_PASTE = 10_000
"""Characters of a paste that are kept: nothing in tuilabel takes more."""

_LONGEST = 32
"""Characters of a known sequence at most. textual takes minutes over one of 5,000 digits."""

_LOCKS = 64 | 128
"""Caps Lock and Num Lock among the modifiers of kitty's keyboard protocol."""
_HELD = ~(1 | _LOCKS)
"""Every modifier but Shift and the locks: Alt, Ctrl, Super, Hyper and Meta."""

CTRL_C = ("\x03", "\x1b[27;5;99~", *(f"\x1b[99;{1 + (4 | lock)}u" for lock in (0, 64, 128, _LOCKS)))
"""Ctrl-C as a character, by xterm's modifyOtherKeys, and in kitty's protocol, with any locks."""

_STRINGS = ("]", "P", "_", "^", "X")
_PASTE, _PASTE_END = "\x1b[200~", "\x1b[201~"

# ECMA-48: a string, SS3, CSI; else ESC and one character. Before CSI stands what breaks its rules:
# mouse reports of old xterms, function keys of the Linux console, keys with Shift of rxvt.
_SEQUENCE = re.compile(
    r"\x1b(?:[\]P_^X][^\x1b\x07\x03]*(?:\x07|\x1b\\)"
    r"|O[0-9;]*[^0-9;\x00-\x1f]"
    r"|\[M[^\x1b\x03]{3}|\[\[[^\x00-\x1f]|\[\d+\$|\[[ -?]*[@-LN-Z\\-~]|\[[ -?]+[@-~]"
    r"|[^\]P_^XO\[\x00-\x1f]|[\t\r])"
)
_BEGUN = re.compile(r"\x1b(?:[\]P_^X][^\x1b\x07\x03]*|O[0-9;]*|\[M[^\x1b\x03]{0,2}|\[\[|\[[ -?]*)?")
"""A sequence without its end."""

_CURSOR = re.compile(r"\x1b\[(\d{1,5});(\d{1,5})R")
_MODE = re.compile(r"\x1b\[\?2026;([1-4])\$y")
_MOUSE = re.compile(r"\x1b\[<\d{1,3};\d{1,5};\d{1,5}[Mm]")
_MODIFIED = re.compile(r"\x1b\[(?:27;(\d+);(\d+)~|([\d:]*);(\d+)(?:;[\d:]*)?u)")
"""A key with modifiers: xterm's modifyOtherKeys, or kitty's protocol, perhaps with its text."""
_WITH_ALT = ("\x1bf", "\x1bb", "\x1b\x7f", "\x1b\t")
"""Keys with Alt that stand for others: to the next word, to the one before, and so on."""

_FOCUS = {"\x1b[I": events.AppFocus, "\x1b[O": events.AppBlur}


class InputReader:
    """Turns text, in pieces as it arrives, into messages.

    Parameters
    ----------
    mouse : bool
        Whether reports of the mouse count.
    """

    def __init__(self, *, mouse: bool = False) -> None:
        self._keys = XTermParser()
        self._mouse = mouse
        self._held = ""
        self._is_escape_told = False
        self._pasted: list[str] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether what came last may be the beginning of a sequence."""
        return self._pasted is None and bool(self._held)

    @property
    def is_pasting(self) -> bool:
        """Whether a paste has begun and not ended."""
        return self._pasted is not None

    def feed(self, text: str) -> Iterator[Message]:
        """Yield the messages that are complete with this text."""
        if self._pasted is not None and text.endswith(CTRL_C):
            # A person who presses it is not to wait for an end that may never come.
            yield events.Key("ctrl+c", "\x03")
        self._held += text
        place = 0
        while place < len(self._held):
            if self._pasted is not None:
                place = self._paste_up_to(place)
                if self._pasted is not None:
                    break
                yield events.Paste(self._paste.replace("\x00", ""))
            elif (character := self._held[place]) != "\x1b":
                place += 1
                yield from self._known(character)
            elif found := _SEQUENCE.match(self._held, place):
                place = found.end()
                yield from self._complete(found[0])
            else:
                begun = _BEGUN.match(self._held, place)
                assert begun is not None
                rest = self._held[begun.end() :]
                if rest in ("", "\x1b") and (not rest or begun[0][1:2] in _STRINGS):
                    break
                # It is broken off: by what begins something else, or by what belongs to nothing.
                place = begun.end() + (rest[0] not in CTRL_C[0] + "\x1b")
                if begun[0] == "\x1b":
                    yield from self._escape()
                self._is_escape_told = False
        self._held = self._shortened(self._held[place:])

    def silence(self) -> Iterator[Message]:
        """Yield the key Escape if an ESC was the last to come, and nothing has come since."""
        if self._held == "\x1b":
            yield from self._escape()

    def _escape(self) -> Iterator[Message]:
        if not self._is_escape_told:
            self._is_escape_told = True
            yield events.Key("escape", "\x1b")

    def forget(self) -> None:
        """Take what comes next for the beginning of something else."""
        self._held, self._pasted, self._is_escape_told = "", None, False

    def _shortened(self, held: str) -> str:
        if self._pasted is not None or len(held) <= _LONGEST:
            return held
        # No known sequence is that long: what is kept stays unknown, whatever its end.
        return held[:2] + "?" * _LONGEST + "\x1b" * held.endswith("\x1b")

    def _paste_up_to(self, place: int) -> int:
        """Collect a paste; return where it ends, or how far it has come."""
        assert self._pasted is not None
        end = self._held.find(_PASTE_END, place)
        # The end itself may have come in part.
        stop = end if end >= 0 else max(place, len(self._held) - len(_PASTE_END) + 1)
        room = LONGEST_PASTE - sum(map(len, self._pasted))
        self._pasted.append(self._held[place : min(stop, place + room)])
        if end >= 0:
            self._paste, self._pasted = "".join(self._pasted), None
            return end + len(_PASTE_END)
        return stop

    def _complete(self, sequence: str) -> Iterator[Message]:
        self._is_escape_told = False
        if sequence == _PASTE:
            self._pasted = []
        elif sequence in _FOCUS:
            yield _FOCUS[sequence]()
        elif found := _CURSOR.fullmatch(sequence):
            yield events.CursorPosition(int(found[2]) - 1, int(found[1]) - 1)
        elif _MODE.fullmatch(sequence):
            yield TerminalSupportsSynchronizedOutput()
        elif _MOUSE.fullmatch(sequence):
            event = self._keys.parse_mouse_code(sequence) if self._mouse else None
            if event is not None:
                yield event
        elif 2 < len(sequence) <= _LONGEST or sequence in _WITH_ALT:
            yield from self._known(_without_text(sequence))
        elif len(sequence) == 2 and sequence[1].isprintable():
            # Alt with a key. It types no character: nothing that begins with ESC labels.
            for key in self._known(sequence[1]):
                name = f"shift+{key.key.lower()}" if key.key.isupper() else key.key
                yield events.Key(f"alt+{name}", None)

    def _known(self, sequence: str) -> Iterator[events.Key]:
        """Yield the keys that textual knows for a sequence or a character."""
        try:
            keys = list(self._keys._sequence_to_key_events(sequence))
        except (ValueError, OverflowError):  # a number that is no character
            return
        for key in keys:
            # Ignored keys, and what no keyboard sends: half of a surrogate pair, C1 controls.
            if key.key.isprintable() and key.key != "<ignore>":
                yield key


def _without_text(sequence: str) -> str:
    """Return the sequence of a key held with Alt, Ctrl or the like so that it types nothing.

    textual drops the Alt of xterm's form, and of kitty's where the key comes with its text: the
    key would be that of a class.
    """
    if found := _MODIFIED.fullmatch(sequence):
        modifiers = found[1] or found[4]
        if max(0, int(modifiers) - 1) & _HELD:
            return f"\x1b[{found[2] or found[3]};{modifiers}u"
    return sequence
