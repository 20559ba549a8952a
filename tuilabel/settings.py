"""What holds: flags over what the session had, over TUILABEL_*, over settings.toml, over defaults.

Resolved once, checked, frozen. A message about a bad value says where the value came from.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs

from tuilabel.data import inert
from tuilabel.errors import UsageError
from tuilabel.learn.names import COLD_START_NAMES, FEATURE_NAMES, MODEL_NAMES, STRATEGY_NAMES

SUGGESTIONS = ("before", "after", "off")
"""When the model's classes are shown: before the label, only after it, or not at all."""

MAX_BATCH_SIZE = 1000
"""More would make rankings too long to hand over and write down between two keys."""

CHOICES = {
    "model": MODEL_NAMES,
    "features": FEATURE_NAMES,
    "strategy": STRATEGY_NAMES,
    "cold_start": COLD_START_NAMES,
    "suggestions": SUGGESTIONS,
}


MAX_ANNOTATOR = 64
"""Characters in the longest name of an annotator."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The resolved settings of one run.

    Attributes
    ----------
    model, features, strategy, cold_start : str
        Names from `tuilabel.learn.names`.
    epsilon : float
        Share of each batch to draw at random, 0 to 1.
    batch_size : int
        Labels between two fits.
    seed : int
        From which every random choice follows; fixed when a session is made.
    audit : float
        Share of the pool, 0 to 0.5, kept out of training to measure accuracy on where the source
        has no hold-out; fixed when a session is made.
    annotator : str
        Who answers.
    """

    model: str = "auto"
    features: str = "auto"
    strategy: str = "auto"
    cold_start: str = "auto"
    epsilon: float = 0.0
    batch_size: int = 10
    seed: int = 0
    audit: float = 0.1
    annotator: str = ""
    suggestions: str = "before"


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
        What the session was opened with last.
    environ : mapping, optional
        By default the process's.
    file : Path, optional
        By default `config_file`; it need not exist.

    Raises
    ------
    UsageError
        A value that cannot be meant, an unknown name in the file, or a file that is no TOML.
    """
    environ = os.environ if environ is None else environ
    file = config_file() if file is None else file
    names = [field.name for field in fields(Settings)]
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("", flags),
        ("The session: ", stored or {}),
        *((f"TUILABEL_{name.upper()}: ", _environment(environ, name)) for name in names),
        (f"{file}: ", _read(file, names)),
    ]
    found: dict[str, Any] = {}
    for name in names:
        for origin, layer in layers:
            if layer.get(name) is not None:
                found[name] = _checked(name, layer[name], origin)
                break
    found.setdefault("annotator", inert(_user(), MAX_ANNOTATOR))
    return Settings(**found)


def _environment(environ: Mapping[str, str], name: str) -> dict[str, str]:
    value = environ.get(f"TUILABEL_{name.upper()}")
    return {name: value} if value else {}


def _read(file: Path, names: list[str]) -> dict[str, Any]:
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
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise UsageError(
            f"{file} sets {unknown[0]!r}, which does not exist: choose among {', '.join(names)}."
        )
    return values


def _checked(name: str, value: Any, origin: str) -> Any:
    option = "--" + name.replace("_", "-")
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise UsageError(
                f"{origin}There is no {name.replace('_', ' ')} {value!r}: "
                f"choose one of {', '.join(CHOICES[name])}."
            )
        return value
    try:
        match name:
            case "batch_size":
                return _within(_whole(value), 1, MAX_BATCH_SIZE)
            case "seed":
                return _within(_whole(value), 0, 2**63 - 1)
            case "audit":
                return _within(_number(value), 0.0, 0.5)
            case "epsilon":
                return _within(_number(value), 0.0, 1.0)
            case _:
                return _annotator(value)
    except (ValueError, TypeError, OverflowError):
        expected = {
            "batch_size": f"a whole number from 1 to {MAX_BATCH_SIZE:,}",
            "seed": "a whole number from 0 to 2^63 - 1",
            "audit": "a share from 0 to 0.5",
            "epsilon": "a share from 0 to 1",
            "annotator": f"a name of 1 to {MAX_ANNOTATOR} characters",
        }[name]
        raise UsageError(f"{origin}{option} is {value!r}; expected {expected}.") from None


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError
    return value


def _annotator(value: Any) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(name) <= MAX_ANNOTATOR:
        raise ValueError
    return inert(name)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a numeric user without an entry in the password file
        return str(os.getuid())
