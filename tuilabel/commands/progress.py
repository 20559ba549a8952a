"""How far something is, in one line on standard error that is always the newest."""

from __future__ import annotations

import sys

import click


class ProgressLine:
    """Shows on standard error, where that is a terminal, how far something is.

    Parameters
    ----------
    everywhere : bool
        Also where it is no terminal: there each line is one of its own.
    """

    def __init__(self, *, everywhere: bool = False) -> None:
        self._everywhere = everywhere
        self._last = ""
        self._stands = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show how far a part is; its last line stays."""
        share = (
            f"{done:,}" if total is None else f"{done:,} of {total:,} ({done / max(1, total):.0%})"
        )
        if self._show(f"{what}: {share}") and total is not None and done >= total:
            click.echo(err=True)
            self._stands = False

    def line(self, text: str) -> None:
        """Show a line in the place of the one before."""
        self._show(text)

    def close(self) -> None:
        """Take away a line that is not to stay."""
        if self._stands:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._stands = False

    def _show(self, text: str) -> bool:
        if text == self._last:
            return False
        if not sys.stderr.isatty():
            if self._everywhere:
                self._last = text
                click.echo(text, err=True)
            return False
        click.echo("\r\x1b[K" + text, err=True, nl=False)
        self._last, self._stands = text, True
        return True
