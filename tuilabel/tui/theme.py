"""The colours: few, calm, and far enough apart to survive 16 colours."""

from __future__ import annotations

from textual.theme import Theme

THEME = Theme(
    name="tuilabel",
    primary="#7fb4ca",
    secondary="#938aa9",
    accent="#ffb454",
    foreground="#d6d6d6",
    background="#101214",
    surface="#16191c",
    panel="#1d2125",
    success="#87c38a",
    warning="#ffb454",
    error="#ff6b68",
    dark=True,
    variables={
        "text-muted": "#8b939c",
        "surface-lighten-2": "#3a4148",
        "primary-darken-2": "#3f6473",
    },
)
