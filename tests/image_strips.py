"""Drawings as textual shows them, with what is convenient to look at in a test."""

from __future__ import annotations

from typing import Any

from textual.strip import Strip

from tuilabel.tui import images
from tuilabel.tui.images import Drawing


def draw(*arguments: Any) -> list[Strip]:
    """Return the rows of `images.draw` as strips."""
    return _strips(images.draw(*arguments))


def draw_small(*arguments: Any) -> list[Strip]:
    """Return the rows of `images.draw_small` as strips."""
    return _strips(images.draw_small(*arguments))


def _strips(drawing: Drawing) -> list[Strip]:
    strips = [Strip(row) for row in drawing.rows]
    assert all(strip.cell_length == drawing.columns for strip in strips)
    return strips
