"""Images as characters, with any kind of block and any number of colours."""

from tuilabel.tui.images.drawing import Drawing, Pixels, draw, draw_at, draw_small
from tuilabel.tui.images.kinds import ImageKind, kind_for
from tuilabel.tui.images.sampling import CONTRAST_STEPS, adjust, fit

__all__ = [
    "CONTRAST_STEPS",
    "Drawing",
    "ImageKind",
    "Pixels",
    "adjust",
    "draw",
    "draw_at",
    "draw_small",
    "fit",
    "kind_for",
]
