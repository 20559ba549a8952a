"""Where settings come from, and which of them holds."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from tuilabel.errors import UsageError
from tuilabel.settings.values import (
    MAX_ANNOTATOR,
    NAMES,
    OF_THE_PERSON,
    TABLES,
    Settings,
    checked,
    checked_class_keys,
    checked_keys,
)

FLAG, SESSION, DEFAULT = "flag", "session", "default"
"""Origins of a value; the others are the name of a variable and the path of the file."""


class Found(NamedTuple):
    """A value that holds, and where it came from."""

    value: Any
    origin: str


def config_file() -> Path:
    """Give the path of settings.toml."""
    return user_directory(platformdirs.user_config_path) / "settings.toml"


def user_directory(find: Callable[[str], Path]) -> Path:
    """Give one of the person's directories.

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
    """Decide what holds.

    Parameters
    ----------
    flags : mapping
        By field name; None means not given.
    stored : mapping, optional
        What the session was opened with last; it has no say in `OF_THE_PERSON`.
    environ : mapping, optional
        By default the process's.
    file : Path, optional
        By default `config_file`; it need not exist.

    Raises
    ------
    UsageError
        A value that cannot be meant, an unknown name in the file, or a file that is no TOML.
    """
    found = find(flags, stored, environ, file)
    return Settings(**{name: value for name, (value, _) in found.items()})


def find(
    flags: Mapping[str, Any],
    stored: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> dict[str, Found]:
    """Decide what holds, and tell where each value came from.

    Parameters and errors are those of `resolve`.

    Returns
    -------
    dict of str to Found
        Every field of `Settings`, in its order.
    """
    environ = os.environ if environ is None else environ
    file = config_file() if file is None else file
    in_file = _read(file)
    of_session = {key: value for key, value in (stored or {}).items() if key not in OF_THE_PERSON}
    found: dict[str, Found] = {}
    for name in NAMES:
        variable = f"TUILABEL_{name.upper()}"
        for origin, said_as, value in (
            (FLAG, "", flags.get(name)),
            (SESSION, "The session: ", of_session.get(name)),
            (variable, f"{variable}: ", environ.get(variable) or None),
            (str(file), f"{file}: ", in_file.get(name)),
        ):
            if value is not None:
                found[name] = Found(checked(name, value, said_as), origin)
                break
        else:
            found[name] = Found(_default(name), DEFAULT)
    for table, check in {"keys": checked_keys, "class_keys": checked_class_keys}.items():
        if table in in_file:
            found[table] = Found(check(in_file[table], f"{file}: "), str(file))
        else:
            found[table] = Found((), DEFAULT)
    return found


def _default(name: str) -> Any:
    if name == "annotator":
        from tuilabel.text import inert

        return inert(_user(), MAX_ANNOTATOR)
    return getattr(_DEFAULTS, name)


_DEFAULTS = Settings()


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        # Imported here: where there is no file, start-up does without.
        import tomllib

        content = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}). Mend or remove it.") from error
    except ValueError as error:
        raise UsageError(f"{file} cannot be read as TOML: {error}. Mend or remove it.") from error
    values = {name.replace("-", "_"): value for name, value in content.items()}
    unknown = sorted(set(values) - {*NAMES, *TABLES})
    if unknown:
        raise UsageError(
            f"{file} sets {unknown[0]!r}, which does not exist: "
            f"choose among {', '.join([*NAMES, *TABLES])}."
        )
    return values


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a numeric user without an entry in the password file
        return str(os.getuid())
