"""What a file of a model says about the model, beside its numbers."""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = 1

MOST_SIDE = 10_000
MOST_CLASSES = 1000
LONGEST_NAME = 200


@dataclass(frozen=True)
class ClassOfModel:
    """A class that a model predicts."""

    id: str
    name: str


@dataclass(frozen=True)
class FeaturesOfModel:
    """The features that a model takes.

    Attributes
    ----------
    name, version, hash : str
        How they are computed; see `tuilabel.learn.preparation.feature_hash`.
    width : int
        d, how many numbers an image has.
    """

    name: str
    version: str
    hash: str
    width: int


@dataclass(frozen=True)
class ImagesOfModel:
    """The images that features are computed of.

    Attributes
    ----------
    shape : tuple of int
        Height and width, and 3 for colours.
    window : (float, float) or None
        The values shown as black and as white, for images of more than 8 bits.
    """

    shape: tuple[int, ...]
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class AccuracyOfModel:
    """How many images of a set a model predicts right, none of which it was fitted to."""

    correct: int
    n: int
    set: str


@dataclass(frozen=True)
class ModelCard:
    """What is known about a model in a file.

    Attributes
    ----------
    model : str
        Its name in tuilabel.
    classes : tuple of ClassOfModel
        In the order of the probabilities.
    several : bool
        Whether an image may have several classes, each with a probability of its own.
    features : FeaturesOfModel
    images : ImagesOfModel
    temperature : float
        What scores were divided by. The numbers in the file contain it already.
    accuracy : AccuracyOfModel or None
    labels : int
        Number of labels that the model was fitted to.
    session : str
        The id of the session.
    tuilabel : str
        The version of the program.
    format : int
    """

    model: str
    classes: tuple[ClassOfModel, ...]
    several: bool
    features: FeaturesOfModel
    images: ImagesOfModel
    temperature: float
    accuracy: AccuracyOfModel | None
    labels: int
    session: str
    tuilabel: str
    format: int = FORMAT


def problem(card: ModelCard) -> str | None:
    """Return what is wrong with a card of the right types, in a few words; None if nothing is."""
    ids = {each.id for each in card.classes}
    if not 1 <= len(ids) == len(card.classes) <= MOST_CLASSES:
        return f"it has {len(card.classes)} classes, {len(ids)} of them different"
    if len(ids) == 1 and not card.several:
        return "it has only one class"
    longest = max(len(each.name) for each in card.classes)
    if longest > LONGEST_NAME:
        return f"a class has a name of {longest:,} characters"
    shape = card.images.shape
    is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    if not is_image or not all(1 <= side <= MOST_SIDE for side in shape):
        return f"its images have the shape {shape[:4]}"
    window = card.images.window
    if window is not None and not window[0] < window[1]:
        return f"its window is {window[0]:g} to {window[1]:g}"
    return None
