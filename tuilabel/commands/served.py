"""The page of textual-serve: no command can run there, and the page says so."""

from __future__ import annotations

import os

SENTENCE = (
    "tuilabel needs a terminal, and textual-serve has none for it. "
    "Use a program that shows a terminal in the browser, such as ttyd."
)


def is_served() -> bool:
    """Return whether textual-serve has started this process, to show it in a browser."""
    driver = os.environ.get("TEXTUAL_DRIVER", "")
    return driver.endswith(":WebDriver") and not (os.isatty(0) or os.isatty(1))


def show_on_page(sentence: str) -> None:
    """Show a sentence on the page, which would otherwise show its splash for ever.

    textual-serve reads a line that says that an application has started, and then packets: a
    letter, four bytes of length, and what a terminal is to show.
    """
    text = f"\x1b[H{sentence}".encode()
    os.write(1, b"__GANGLION__\nD" + len(text).to_bytes(4, "big") + text)
