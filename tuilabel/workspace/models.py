"""The model of a session in a file, and what such a file predicts for images of any source."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel import __version__
from tuilabel.data.decoding.formats import HEAD_BYTES, image_format
from tuilabel.data.images import as_seen, thumbnail
from tuilabel.data.window import Window
from tuilabel.errors import ModelFileError, SourceError, TuilabelError
from tuilabel.learn.features import CHUNK_ROWS
from tuilabel.learn.model_card import (
    AccuracyOfModel,
    ClassOfModel,
    FeaturesOfModel,
    ImagesOfModel,
    ModelCard,
)
from tuilabel.learn.model_files import MOST_BYTES, read_model
from tuilabel.learn.preparation import feature_hash, feature_version, features_of
from tuilabel.plugins import ARRAY_FILES, CELL_FILES
from tuilabel.progress import Progress
from tuilabel.session.learner import open_learner
from tuilabel.session.view import SessionView
from tuilabel.small_files import open_regular, read_small
from tuilabel.text import counted, inert, shown_path
from tuilabel.workspace.fitting import request_of, unanswered_rows
from tuilabel.workspace.lists import keep_list
from tuilabel.workspace.opening import open_dataset_of
from tuilabel.workspace.places import cache_dir
from tuilabel.workspace.viewing import Viewed

if TYPE_CHECKING:
    from tuilabel.learn.apart import Apart

SURE = 0.5
"""An image has each class of at least this probability, where it may have several."""

_MOST_NAMED = 3


class SessionModel(NamedTuple):
    """The model of a session, apart from its pool."""

    apart: Apart
    card: ModelCard


def model_of(view: SessionView, progress: Progress | None = None) -> SessionModel:
    """Fit the model of a session, or the best one that needs no pool, to the labels in effect.

    Raises
    ------
    SourceError, SessionFileError
        The source cannot be opened.
    UsageError
        There are no labels, or of one class only.
    """
    from tuilabel.learn.apart import take_apart

    dataset = open_dataset_of(view, progress)
    request = request_of(view, dataset)
    learner = open_learner(dataset, cache_dir() / "features")
    learner.prepare(learner.needs(request), progress=progress)
    rng = np.random.default_rng((view.about.seed, 4, len(request.items)))
    found = take_apart(learner, request, unanswered_rows(view, dataset), rng=rng)
    shape, window, accuracy = dataset.pool.shape[1:], dataset.window, found.accuracy
    name = view.known.classes.written_name
    ids = [request.columns[column] for column in found.columns]
    card = ModelCard(
        model=found.model,
        classes=tuple(ClassOfModel(id_, name(id_)) for id_ in ids),
        several=found.network.several,
        features=FeaturesOfModel(
            found.features,
            feature_version(found.features),
            feature_hash(found.features, shape),
            found.network.width,
        ),
        images=ImagesOfModel(tuple(shape), None if window is None else (*window,)),
        temperature=1.0 if found.calibration is None else found.calibration.temperature,
        accuracy=None
        if accuracy is None
        else AccuracyOfModel(accuracy.correct, accuracy.n, accuracy.name),
        labels=len(request.items),
        session=view.about.uuid,
        tuilabel=__version__,
    )
    return SessionModel(found, card)


# Predictions.


class _Part(NamedTuple):
    """The pool of a source, or its hold-out, which is predicted like any other images.

    Attributes
    ----------
    ids : sequence of str
    seen : uint8 array of shape (n, ...)
        The images as a model sees them that was fitted to the source.
    image : callable
        Returns an image, at most 96 pixels a side.
    paths : callable
        Returns the paths of an image.
    """

    ids: Sequence[str]
    seen: NDArray[np.uint8]
    image: Callable[[int], NDArray[np.uint8]]
    paths: Callable[[int], tuple[str, ...]]


def _parts(viewed: Viewed) -> Iterator[_Part]:
    dataset = viewed.dataset
    yield _Part(dataset.ids, dataset.pool, dataset.image, viewed.paths)
    held = dataset.holdout
    if held is not None and held.locate is not None:
        locate, images = held.locate, held.images
        yield _Part(
            held.ids,
            images,
            lambda row: thumbnail(images[row]),
            lambda row: viewed.named(locate(row)),
        )


class Predictor:
    """A model of a file, which predicts images of any source.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    card : ModelCard
    left_out : int
        Number of images that were not predicted.
    greyed : int
        Number of images in colour that the model has seen in grey.

    Raises
    ------
    ModelFileError
        It is no such file, or needs other features than this program computes.
    UsageError, PluginError
        A package is missing, or a plug-in cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.shown = shown_path(path)
        try:
            data = read_small(path, MOST_BYTES)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ModelFileError(
                f"{self.shown} cannot be read ({reason}): name the output of `tuilabel model`."
            ) from error
        self._network, self.card = read_model(data, self.shown)
        self._check_features()
        self.left_out = 0
        self._reasons: list[str] = []
        self.greyed = 0

    def _check_features(self) -> None:
        features, shape = self.card.features, self.card.images.shape
        name = inert(features.name)
        try:
            ours = feature_hash(features.name, shape)
        except TuilabelError as error:
            raise ModelFileError(f"{self.shown} needs the features {name}. {error}") from error
        if ours != features.hash:
            raise ModelFileError(
                f"{self.shown} needs version {inert(features.version)} of the features {name} "
                f"(hash {inert(features.hash, 12)}), and here is version "
                f"{feature_version(features.name)} (hash {inert(ours, 12)}): export the model "
                "again with this tuilabel."
            )

    def open(self, source: str, progress: Progress | None = None) -> Viewed:
        """Open a source, with the window of the model.

        Raises
        ------
        SourceError, UsageError, DownloadError
        """
        window = self.card.images.window
        return Viewed(source, progress, None if window is None else Window(*window))

    def fields(self, *, each: bool) -> list[str]:
        """Return the names of columns: with the probability of each class if asked for."""
        each = each or self.card.several
        own = [f"p_{one.name}" for one in self.card.classes] if each else []
        return ["path", "item_id", "class", "probability", *own]

    def rows(
        self, viewed: Viewed, *, each: bool, progress: Progress | None = None
    ) -> Iterator[dict[str, object]]:
        """Yield a row for each path of each image of a source.

        Raises
        ------
        ModelFileError
            The model returns what are no probabilities.
        PluginError
            The features are a plug-in's, which fails.
        """
        fields = self.fields(each=each)
        names = [one.name for one in self.card.classes]
        parts = list(_parts(viewed))
        count, done = sum(len(part.ids) for part in parts), 0
        for part in parts:
            for start in range(0, len(part.ids), CHUNK_ROWS):
                end = min(start + CHUNK_ROWS, len(part.ids))
                rows, images = self._images(part, range(start, end))
                shares = self._probabilities(images) if len(rows) else ()
                for row, own in zip(rows, shares, strict=True):
                    chosen = self._chosen(names, own)
                    for path in part.paths(row):
                        values = [path, part.ids[row], *chosen, *own]
                        yield dict(zip(fields, values, strict=False))
                done += end - start
                if progress is not None:
                    progress("predicting", done, count)

    def _chosen(self, names: Sequence[str], shares: Sequence[float]) -> tuple[object, object]:
        """Return the class and its probability, or the classes where there may be several."""
        if self.card.several:
            sure = [name for name, share in zip(names, shares, strict=True) if share >= SURE]
            return sure, None
        best = max(range(len(shares)), key=shares.__getitem__)
        return names[best], shares[best]

    def _probabilities(self, images: NDArray[np.uint8]) -> list[list[float]]:
        features = features_of(self.card.features.name, images)
        if features.shape[1] != self._network.width:
            raise ModelFileError(
                f"{self.shown} takes {counted(self._network.width, 'number')} of an image, and "
                f"the features {inert(self.card.features.name)} have {features.shape[1]:,}: "
                "export the model again."
            )
        with np.errstate(all="ignore"):
            found = self._network.probabilities(features)
        # Written so that NaN fails too.
        sound = bool(((found >= 0) & (found <= 1 + 1e-5)).all())
        if not sound or not (self.card.several or np.allclose(found.sum(axis=1), 1, atol=1e-3)):
            raise ModelFileError(
                f"{self.shown} returns numbers that are no probabilities: export the model again."
            )
        rounded: list[list[float]] = found.astype(float).round(6).tolist()
        return rounded

    def _images(self, part: _Part, rows: range) -> tuple[Sequence[int], NDArray[np.uint8]]:
        """Return the images of some rows as the model sees them, and the rows that have one."""
        shape = self.card.images.shape
        if part.seen.shape[1:] == shape:
            return rows, part.seen[rows.start : rows.stop]
        found = [(row, image) for row in rows if (image := self._image(part, row)) is not None]
        images = [image for _, image in found]
        # Without images nothing has this shape, which a hostile file may have made very large.
        return [row for row, _ in found], np.stack(images) if images else np.empty(0, np.uint8)

    def _image(self, part: _Part, row: int) -> NDArray[np.uint8] | None:
        shape = self.card.images.shape
        try:
            image = part.image(row)
        except SourceError as error:
            self._leave_out(inert(str(error), 200).rstrip("."))
            return None
        seen = as_seen(image, shape)
        if seen is None:
            size, expected = (f"{side[1]}x{side[0]}" for side in (image.shape, shape))
            path = shown_path(part.paths(row)[0])
            self._leave_out(f"{path} (has {size} pixels; the model expects {expected})")
            return None
        self.greyed += seen.ndim < image.ndim
        return seen

    def _leave_out(self, why: str) -> None:
        self.left_out += 1
        if len(self._reasons) < _MOST_NAMED:
            self._reasons.append(why)

    def notes(self) -> Iterator[str]:
        """Yield sentences about images that were left out, or seen in another way."""
        if self.left_out:
            images = counted(self.left_out, "image was", "images were")
            more, named = self.left_out - len(self._reasons), "; ".join(self._reasons)
            yield f"{images} left out: {named}{f'; and {more:,} more' if more > 0 else ''}."
        if self.greyed:
            images = counted(self.greyed, "image in colour was", "images in colour were")
            yield f"{images} turned to grey, since the model was fitted to grey images."


def sources_of(files: Sequence[str]) -> list[str]:
    """Return the sources that files are: images, such as of a pattern, are one list together.

    Where one of them is an image, every other file counts as one too, but for arrays: so a pattern
    may match anything.

    Raises
    ------
    UsageError, SourceError
        The list cannot be kept.
    """
    sources = (*ARRAY_FILES, *CELL_FILES)
    plain = [name for name in files if not name.endswith(sources) and Path(name).is_file()]
    if not any(map(_is_image, plain)):
        return list(files)
    among = set(plain)
    content = b"".join(os.fsencode(os.path.abspath(name)) + b"\0" for name in plain)  # noqa: PTH100
    images = keep_list(io.BytesIO(content), null=True, is_kept=False)
    return [images, *(name for name in files if name not in among)]


def _is_image(name: str) -> bool:
    try:
        with os.fdopen(open_regular(name), "rb") as file:
            return image_format(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False
