"""Boxes that a detector has found, in JSON of MegaDetector or SpeciesNet, as a source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from tuilabel.data.dataset import Dataset, SkippedFile, class_name
from tuilabel.data.folder import open_files
from tuilabel.data.guesses import Guess, Guesses
from tuilabel.data.listing import below, look_up_parts
from tuilabel.data.part import PartError, share_part
from tuilabel.errors import SourceError, UsageError
from tuilabel.plugins import root_of, source_options
from tuilabel.small_files import open_regular
from tuilabel.text import counted, inert, shown_path

CONFIDENCE = 0.2
"""Least confidence of a box that is an item; MegaDetector's usual one."""

MOST_BYTES = 2**28
"""Largest file that is read: decoding it takes several times as much memory."""

MOST_VALUES = 2**24
"""Most values in it: each takes memory, however short it is."""

_Share = Annotated[float, Meta(ge=0, le=1)]


class _Detection(Struct):
    conf: _Share = 0.0
    category: str = ""
    label: str = ""
    bbox: list[float] | None = None
    # Classes by their ids, each with its confidence, best first.
    classifications: list[tuple[str, _Share]] | None = None


class _Image(Struct):
    """An image of MegaDetector's ``images`` or of SpeciesNet's ``predictions``."""

    file: str = ""
    filepath: str = ""
    detections: list[_Detection] | None = None
    prediction: str = ""
    prediction_score: _Share | None = None


class _Content(Struct):
    images: list[_Image] | None = None
    predictions: list[_Image] | None = None
    detection_categories: dict[str, str] = {}
    classification_categories: dict[str, str] = {}


class Found(NamedTuple):
    """A box: the path of its image, the part that it is, and the class that it is taken for."""

    path: str
    part: str
    guess: Guess | None


def open_detections(source: str, *, argument: str, **options: Any) -> Dataset:
    """Open the boxes in a JSON file of MegaDetector or SpeciesNet; a `Source`.

    Paths are relative to the folder of the file, or to the option ``root``, and have to be below
    it. A box is an item if its confidence is at least the option ``confidence``. The class that it
    is taken for is a suggestion.

    Raises
    ------
    SourceError
        The file cannot be read, is too large or no such JSON, or has no box.
    UsageError
        An option is invalid.
    """
    path, query = Path(argument), source_options(source)
    root = Path(root_of(source) or path.parent)
    least = _confidence(query.get("confidence"))
    content = _read(path)
    images = content.images if content.images is not None else content.predictions
    if images is None:
        raise _no_detections(path, "it has neither images nor predictions")
    skipped: list[SkippedFile] = []
    by_reference: dict[str, Guess] = {}
    without = 0

    def parts() -> Iterator[tuple[str, str]]:
        nonlocal without
        for image in images:
            found = [*_boxes(image, content, least, skipped)]
            without += not found
            for box in sorted(found, key=_likely, reverse=True):
                place = below(root, box.path) or box.path
                if box.guess is not None:
                    by_reference.setdefault(f"{place}#{box.part}", box.guess)
                yield box.path, box.part

    files, unreadable = look_up_parts(root, parts())
    left_out = (
        f"Left out: {counted(without, 'image')} without a box of confidence {least:g} or more in "
        f"{inert(path.name)}."
    )
    if not files and without == len(images):
        raise SourceError(
            f"{shown_path(path)} has no box of confidence {least:g} or more: choose another file, "
            "or a lower --confidence."
        )
    own = content.detection_categories.values() if content.images is not None else ()
    guessed = sorted({guess.class_name for guess in by_reference.values()})
    names = dict.fromkeys([*filter(None, map(class_name, own)), *guessed])
    return open_files(
        source,
        root,
        (files, [*unreadable, *skipped]),
        guesses=Guesses(inert(path.name, 80), False, tuple(names), by_reference),
        remarks=[left_out] if without else [],
        **options,
    )


def _likely(box: Found) -> float:
    return -1.0 if box.guess is None or box.guess.probability is None else box.guess.probability


def _confidence(given: str | None) -> float:
    try:
        found = CONFIDENCE if given is None else float(given)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageError(f"--confidence is {inert(given or '', 20)!r}; expected a number, 0 to 1.")
    return found


def _read(path: Path) -> _Content:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise SourceError(
                    f"{shown_path(path)} is larger than {MOST_BYTES // 2**20} MiB: divide it, or "
                    "have the detector write boxes of a higher confidence only."
                )
            content = file.read(MOST_BYTES)
    except OSError as error:
        raise SourceError(
            f"{shown_path(path)} cannot be read ({error.strerror or error}): choose another file."
        ) from error
    if content.count(b",") > MOST_VALUES:
        raise SourceError(f"{shown_path(path)} has more than {MOST_VALUES:,} values: divide it.")
    try:
        return msgspec.json.decode(content, type=_Content)
    except RecursionError:
        reason = "its values are nested too deeply"
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        reason = str(error)
    raise _no_detections(path, reason)


def _no_detections(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"{shown_path(path)} is no JSON of MegaDetector or SpeciesNet ({inert(reason, 200)}): "
        "choose another file."
    )


def _boxes(
    image: _Image, content: _Content, least: float, skipped: list[SkippedFile]
) -> Iterator[Found]:
    """Yield the boxes of an image that are items, each once it is known to be one."""
    path = image.file or image.filepath
    kept = [one for one in image.detections or () if one.conf >= least and one.bbox is not None]
    if not path and kept:
        skipped.append(SkippedFile("an image without a path", counted(len(kept), "box", "boxes")))
        return
    best = max(kept, key=lambda one: one.conf, default=None)
    for one in kept:
        # A category that is not listed stands for no detection.
        if content.images is not None and one.category not in content.detection_categories:
            continue
        try:
            part = share_part(*_four(one.bbox or ()))
        except PartError as error:
            skipped.append(SkippedFile(path, str(error)))
            continue
        # SpeciesNet's prediction is about the image: about its likeliest box, and others like it.
        is_predicted = best is not None and one.category == best.category
        guess = _predicted(image) if is_predicted else None
        yield Found(path, part, guess or _classified(one, content))


def _four(values: Sequence[float]) -> Sequence[float]:
    if len(values) != 4:
        raise PartError(f"a box of {counted(len(values), 'number')}, not 4")
    return values


def _predicted(image: _Image) -> Guess | None:
    """Return what SpeciesNet takes an image for: the last name in ``id;class;order;...;name``."""
    names = [name for name in image.prediction.split(";") if name.strip()]
    name = class_name(names[-1]) if names else ""
    return Guess(name, image.prediction_score) if name else None


def _classified(one: _Detection, content: _Content) -> Guess | None:
    """Return what a box is taken for, by its classifier or else by its detector."""
    known = content.classification_categories
    for category, share in (one.classifications or ())[:1]:
        if name := class_name(known.get(category, "")):
            return Guess(name, share)
    name = class_name(content.detection_categories.get(one.category, one.label))
    return Guess(name, one.conf) if name else None
