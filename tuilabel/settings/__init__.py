"""What holds: flags over what the session had, over TUILABEL_*, over settings.toml, over defaults.

Resolved once, checked, frozen. A message about a bad value says where the value came from.
"""

from tuilabel.settings.layers import Found, config_file, find, resolve, user_directory
from tuilabel.settings.report import settings_lines, settings_object
from tuilabel.settings.values import (
    BACKGROUNDS,
    BLOCKS,
    CHOICES,
    COLORS,
    GRAPHICS,
    KEYMAPS,
    LINKS,
    MAX_ANNOTATOR,
    MAX_BATCH_SIZE,
    SUGGESTIONS,
    THEMES,
    VIEWS,
    Settings,
)

__all__ = [
    "BACKGROUNDS",
    "BLOCKS",
    "CHOICES",
    "COLORS",
    "GRAPHICS",
    "KEYMAPS",
    "LINKS",
    "MAX_ANNOTATOR",
    "MAX_BATCH_SIZE",
    "SUGGESTIONS",
    "THEMES",
    "VIEWS",
    "Found",
    "Settings",
    "config_file",
    "find",
    "resolve",
    "settings_lines",
    "settings_object",
    "user_directory",
]
