"""An application that leaves the terminal as it found it, however it ends or stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.app import App
from textual.css.query import NoMatches

from tuilabel.process import crash
from tuilabel.process.signals import SIGNALS
from tuilabel.tui.terminal.driver import TtyDriver
from tuilabel.tui.terminal.job_control import forsake_terminal

HUNG_UP = 129
"""The exit status after the terminal was lost: as if SIGHUP had come."""

NO_SHELL = "No shell to return to. Press q to leave; the next start continues here."

PASTE_STALLED = "A paste has begun and not ended: no key counts until it ends. Ctrl-C quits."


class RestoringApp(App[None], inherit_bindings=False):
    """Leaves the terminal as it found it, and ends with a status that says how.

    Attributes
    ----------
    report_folder : Path or None
        The folder of crash reports; None for no report.
    report : Path, list of str or None
        The report of a crash, or its lines where it could not be written.
    """

    report_folder: Path | None = None
    report: Path | list[str] | None = None

    def on_mount(self) -> None:
        """Handle errors outside of any screen."""
        asyncio.get_running_loop().set_exception_handler(self._loop_failed)

    @contextmanager
    def orderly(self) -> Iterator[None]:
        """Run the application in this context: signals end it, and errors in threads crash it."""
        inherited = threading.excepthook
        threading.excepthook = self._thread_failed
        try:
            with SIGNALS.passed_to(self._end_soon):
                yield
        finally:
            threading.excepthook = inherited
            if isinstance(self._driver, TtyDriver) and self._driver.is_unusable:
                forsake_terminal()

    @property
    def crashed(self) -> Exception | None:
        """The error that ended the application, if one did."""
        return self._exception

    # Ending.

    def end(self, status: int) -> None:
        """End with a status, unless an end has begun already.

        Parameters
        ----------
        status : int
        """
        if not self._exit and self._exception is None:
            self.exit(return_code=status)

    def terminal_lost(self) -> None:
        """End: nobody sees the screen any more."""
        self.end(HUNG_UP)

    def _end_soon(self, status: int) -> None:
        """End; called between any two instructions, also before there is an event loop."""
        if self._loop is None:
            self._exit, self._return_code = True, status
        else:
            self._loop.call_soon_threadsafe(self.end, status)

    # Crashing.

    def _handle_exception(self, error: Exception) -> None:
        if self._exit and isinstance(getattr(error, "error", error), NoMatches):
            return  # the widgets are gone already, before the work that was to change them
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self._report(error)
        self._return_code = crash.EXIT_CODE
        self._close_messages_no_wait()

    def _report(self, error: Exception) -> None:
        if self.report_folder is None:
            return
        facts = {
            "columns": self.size.width,
            "rows": self.size.height,
            "colours": self.console.color_system or "none",
            "screen": type(self.screen).__name__ if self._screen_stacks[self._current_mode] else "",
        }
        self.report = crash.report_crash(error, self.report_folder, facts)

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not self._exit:
            self._handle_exception(error)
        else:
            loop.default_exception_handler(context)

    def _thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        error, loop = failed.exc_value, self._loop
        if isinstance(error, Exception) and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._handle_exception, error)

    # Stopping and coming back.

    def action_suspend(self) -> None:
        """Go back to the shell until `fg`."""
        self.stop_asked()

    def stop_asked(self) -> None:
        """Hand the terminal to the shell, or show that there is none."""
        if not isinstance(self._driver, TtyDriver) or not self._driver.suspend():
            self.mention(NO_SHELL, "accent")

    def paste_stalled(self) -> None:
        """Show why no key does anything."""
        self.mention(PASTE_STALLED, "accent")

    def mention(self, sentence: str, style: str) -> None:
        """Show a sentence for a while, on a screen that shows sentences."""

    def terminal_back(self) -> None:
        """Draw everything again."""
        self.app_resume_signal.publish(self)
