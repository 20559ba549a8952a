"""How work that takes long reports how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Takes what is done, how much of it, and of how much: None where nobody knows."""
