"""What the metadata of an image says about it, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tuilabel.text import inert

if TYPE_CHECKING:
    from PIL import Image

_LONGEST = 200

# EXIF 2.32, sections 4.6.4 to 4.6.6.
_EXIF, _GPS = 0x8769, 0x8825
_MAKE, _MODEL, _SOFTWARE, _DESCRIPTION, _CHANGED = 0x010F, 0x0110, 0x0131, 0x010E, 0x0132
_TAKEN, _LENS, _SECONDS, _APERTURE, _ISO, _FOCAL = 0x9003, 0xA434, 0x829A, 0x829D, 0x8827, 0x920A
_FRACTION = 0x9291
_NORTH_OR_SOUTH, _LATITUDE, _EAST_OR_WEST, _LONGITUDE = 1, 2, 3, 4

_Tags = Mapping[int, Any]


def facts_of(image: Image.Image) -> list[tuple[str, str]]:
    """Return what the EXIF metadata of an image says: a word and a text each, inert.

    Metadata is hostile: what cannot be read, or is of another type, is left out.
    """
    with suppress(Exception):
        exif = image.getexif()
        details, position = exif.get_ifd(_EXIF), exif.get_ifd(_GPS)
        makers: Sequence[tuple[str, Callable[[], str]]] = (
            ("taken", lambda: _time(str(details.get(_TAKEN) or exif.get(_CHANGED) or ""))),
            ("camera", lambda: _camera(exif)),
            ("lens", lambda: str(details.get(_LENS, ""))),
            ("exposure", lambda: _exposure(details)),
            ("position", lambda: _position(position)),
            ("software", lambda: str(exif.get(_SOFTWARE, ""))),
            ("text", lambda: str(exif.get(_DESCRIPTION, ""))),
        )
        return shown_facts(makers)
    return []


def shown_facts(found: Iterable[tuple[str, Callable[[], str]]]) -> list[tuple[str, str]]:
    """Return the facts whose text can be made and is not empty, inert."""
    facts: list[tuple[str, str]] = []
    for word, make in found:
        # The values are of any type and size, and conversions raise many errors.
        with suppress(Exception):
            text = inert(make()[: 4 * _LONGEST].strip("\0 "), _LONGEST)
            if text:
                facts.append((word, text))
    return facts


def taken_at(image: Image.Image) -> float | None:
    """Return when an image was taken by its EXIF metadata (DateTimeOriginal, with sub-seconds).

    It is the time of the camera's clock, whose zone is unknown: in seconds since 1970 as if it were
    UTC. None where there is no time, or it is no date, such as ``0000:00:00 00:00:00``.
    """
    # The values are of any type and size, and reading them raises many errors.
    with suppress(Exception):
        exif = image.getexif()
        if not exif:
            return None
        details = exif.get_ifd(_EXIF)
        time = datetime.strptime(str(details[_TAKEN])[:19], "%Y:%m:%d %H:%M:%S")
        found = time.replace(tzinfo=UTC).timestamp()
        digits = str(details.get(_FRACTION, "")).strip("\0 ")[:6]
        is_fraction = digits.isascii() and digits.isdecimal()
        return found + (float(f"0.{digits}") if is_fraction else 0.0)
    return None


def _time(text: str) -> str:
    """Return a time, whose date has colons in EXIF, as dates are written elsewhere."""
    date, space, time = text.partition(" ")
    return date.replace(":", "-") + space + time


def _camera(exif: _Tags) -> str:
    make, model = str(exif.get(_MAKE, "")).strip("\0 "), str(exif.get(_MODEL, "")).strip("\0 ")
    return model if model.startswith(make) else f"{make} {model}"


def _exposure(details: _Tags) -> str:
    parts = []
    with suppress(Exception):
        seconds = float(details[_SECONDS])
        parts.append(f"{seconds:g} s" if seconds >= 0.5 else f"1/{round(1 / seconds)} s")
    with suppress(Exception):
        parts.append(f"f/{float(details[_APERTURE]):g}")
    with suppress(Exception):
        parts.append(f"ISO {int(details[_ISO])}")
    with suppress(Exception):
        parts.append(f"{float(details[_FOCAL]):g} mm")
    return ", ".join(parts)


def _position(tags: _Tags) -> str:
    latitude, longitude = _degrees(tags[_LATITUDE]), _degrees(tags[_LONGITUDE])
    south, west = tags[_NORTH_OR_SOUTH] == "S", tags[_EAST_OR_WEST] == "W"
    return f"{-latitude if south else latitude:.5f}, {-longitude if west else longitude:.5f}"


def _degrees(parts: Sequence[Any]) -> float:
    degrees, minutes, seconds = map(float, parts)
    return degrees + minutes / 60 + seconds / 3600
