"""A labelling screen in a new session of digits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from screen_app import ScreenApp
from textual._styles_cache import StylesCache

from tuilabel.tui.screens.label import LabelScreen
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace
from tuilabel.workspace.writing import Writer


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the disk, however busy it is: what comes late is tested by itself."""
    monkeypatch.setattr(Writer, "patience", 60.0)


@pytest.fixture(autouse=True)
def no_rows_are_kept() -> Iterator[None]:
    """Empty a cache of Textual that keeps the drawn rows of the widgets of all tests before."""
    yield
    StylesCache.get_inner_outer.cache_clear()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Open digits in a new session, with its first batch chosen at random."""
    flags = {"annotator": "me", "cold_start": "random"}
    path = tmp_path / "digits.tuilabel"
    with open_workspace(SourceOptions("digits"), flags, path=path) as opened:
        yield opened


@pytest.fixture
def app(workspace: Workspace) -> ScreenApp:
    """Give an application that shows the workspace on a labelling screen."""
    return ScreenApp(workspace, LabelScreen)
