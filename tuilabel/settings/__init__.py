"""Settings: options over the session's over TUILABEL_* over settings.toml over defaults.

They are resolved once, checked and frozen. A message about an invalid value names its place.
"""

from tuilabel.settings.layers import (
    Found,
    check_installed,
    config_file,
    find,
    resolve,
    user_directory,
)
from tuilabel.settings.report import settings_lines, settings_object, settings_table
from tuilabel.settings.values import (
    KEYMAPS,
    MAX_BATCH_SIZE,
    PERSON,
    SETTINGS,
    SUGGESTIONS,
    THEMES,
    Setting,
    Settings,
)

__all__ = [
    "KEYMAPS",
    "MAX_BATCH_SIZE",
    "PERSON",
    "SETTINGS",
    "SUGGESTIONS",
    "THEMES",
    "Found",
    "Setting",
    "Settings",
    "check_installed",
    "config_file",
    "find",
    "resolve",
    "settings_lines",
    "settings_object",
    "settings_table",
    "user_directory",
]
