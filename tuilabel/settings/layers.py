"""Where settings come from, and which of them are in effect."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from tuilabel.errors import UsageError
from tuilabel.plugins import exists
from tuilabel.settings.values import PERSON, SETTINGS, Settings
from tuilabel.small_files import read_small
from tuilabel.text import inert, shown_path

LARGEST_FILE = 2**16
"""Bytes in the largest settings.toml that is read."""

_MOST_DOTS = 200
"""Dots on a line of it."""


class Found(NamedTuple):
    """The value in effect of a setting, and where it comes from.

    Attributes
    ----------
    value : object
    origin : str
        ``option``, ``session``, the name of a variable, the path of settings.toml or ``default``.
    """

    value: Any
    origin: str


def config_file() -> Path:
    """Return the path of settings.toml."""
    return user_directory(platformdirs.user_config_path) / "settings.toml"


def user_directory(find: Callable[[str], Path]) -> Path:
    """Return one of the user's directories.

    Parameters
    ----------
    find : callable
        Such as `platformdirs.user_data_path`.

    Raises
    ------
    UsageError
        Neither HOME, an XDG variable nor the password file says where it is.
    """
    try:
        path = find("tuilabel")
    except RuntimeError:
        path = Path()
    # Older versions of platformdirs leave "~" as it is, which would become the name of a
    # directory wherever the program happens to run.
    if not path.is_absolute():
        raise UsageError("There is no home directory to keep anything in; set HOME to one.")
    return path


def resolve(
    flags: Mapping[str, Any],
    stored: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Return the settings in effect.

    Parameters
    ----------
    flags : mapping
        By name of the setting; None means not given.
    stored : mapping, optional
        The settings that the session was last opened with; those of a person are ignored.
    environ : mapping, optional
        By default the environment of the process.
    file : Path, optional
        By default `config_file`; it need not exist.

    Raises
    ------
    UsageError
        A value is invalid, a name in the file is unknown, or the file is not TOML.
    """
    found = find(flags, stored, environ, file)
    return Settings(**{name: value for name, (value, _) in found.items()})


def find(
    flags: Mapping[str, Any],
    stored: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> dict[str, Found]:
    """Return the value in effect of every setting, and where each comes from.

    Parameters and errors are those of `resolve`.

    Returns
    -------
    dict of str to Found
        Every field of `Settings`, in its order.
    """
    environ = os.environ if environ is None else environ
    file = config_file() if file is None else file
    in_file, defaults = _read(file), Settings()
    check_installed(stored or {}, flags)
    found: dict[str, Found] = {}
    for name, setting in SETTINGS.items():
        layers = [(str(file), f"{file}: {name}", in_file.get(name))]
        if not setting.is_table:
            of_session = None if setting.scope == PERSON else (stored or {}).get(name)
            layers = [
                ("option", setting.option, flags.get(name)),
                ("session", f"The {name.replace('_', ' ')} of the session", of_session),
                (setting.variable, setting.variable, environ.get(setting.variable) or None),
                *layers,
            ]
        found[name] = next(
            (
                Found(setting.values.read(value, place), origin)
                for origin, place, value in layers
                if value is not None
            ),
            Found(getattr(defaults, name), "default"),
        )
    return found


def check_installed(stored: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    """Raise an error for settings of a session that name plug-ins which are not installed here.

    Parameters
    ----------
    stored : mapping
        The settings that the session was last opened with.
    flags : mapping
        Settings given on the command line, which replace those of the session.

    Raises
    ------
    UsageError
        The message names every such setting, and the options that replace them.
    """
    missing = [
        setting
        for name, setting in SETTINGS.items()
        if setting.values.group and flags.get(name) is None and stored.get(name) is not None
        if not exists(setting.values.group, stored[name])
    ]
    if not missing:
        return
    names = [f"the {setting.name} {inert(repr(stored[setting.name]), 100)}" for setting in missing]
    used = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    are, them, others = ("is", "it", "another") if len(names) == 1 else ("are", "them", "others")
    raise UsageError(
        f"The session uses {used}, which {are} not installed here. Install the package that adds "
        f"{them}, or choose {others} with `tuilabel label` and "
        f"{' '.join(f'{setting.option} auto' for setting in missing)}."
    )


def _read(file: Path) -> dict[str, Any]:
    shown = shown_path(file)
    try:
        text = read_small(file, LARGEST_FILE).decode()
        # Imported here: most people have no such file.
        import tomllib

        # Every part of a dotted name takes tomllib longer than the one before.
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise RecursionError
        content = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{shown} cannot be read ({error.strerror}). Fix or remove it.") from error
    except (ValueError, RecursionError) as error:
        found = error if isinstance(error, ValueError) else "its values are nested too deeply"
        raise UsageError(
            f"{shown} cannot be read as TOML: {inert(str(found), 200)}. Fix or remove it."
        ) from error
    values = {name.replace("-", "_"): value for name, value in content.items()}
    unknown = sorted(set(values) - set(SETTINGS))
    if unknown:
        raise UsageError(
            f"{shown} sets {inert(repr(unknown[0]))}, which does not exist: choose among "
            f"{', '.join(SETTINGS)}."
        )
    return values
