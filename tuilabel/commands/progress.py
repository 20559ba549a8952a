"""Progress in one line on standard error, which each report replaces."""

from __future__ import annotations

import sys
from typing import TextIO

import click


class ProgressLine:
    """Shows progress on standard error if that is a terminal.

    Parameters
    ----------
    everywhere : bool
        Without a terminal, print each report on a line of its own.
    stream : TextIO, optional
        A terminal to use in place of standard error.
    """

    def __init__(self, *, everywhere: bool = False, stream: TextIO | None = None) -> None:
        self._everywhere = everywhere
        self._stream = stream
        self._last = ""
        self._is_shown = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show the progress of a part; its last report stays."""
        share = (
            f"{done:,}" if total is None else f"{done:,} of {total:,} ({done / max(1, total):.0%})"
        )
        if self._show(f"{what}: {share}") and total is not None and done >= total:
            click.echo(file=self._stream, err=True)
            self._is_shown = False

    def line(self, text: str) -> None:
        """Show a line instead of the last one."""
        self._show(text)

    def close(self) -> None:
        """Remove a line that is not to stay."""
        if self._is_shown:
            click.echo("\r\x1b[K", self._stream, err=True, nl=False)
            self._is_shown = False

    def _show(self, text: str) -> bool:
        if text == self._last:
            return False
        if not (self._stream or sys.stderr).isatty():
            if self._everywhere:
                self._last = text
                click.echo(text, err=True)
            return False
        click.echo("\r\x1b[K" + text, self._stream, err=True, nl=False)
        self._last, self._is_shown = text, True
        return True
