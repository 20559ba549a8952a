"""Images as characters: one function for every kind of block and every depth of colour."""

from tuilabel.tui.pixels.drawing import Pixels, draw, draw_small
from tuilabel.tui.pixels.kinds import Kind, kind_for
from tuilabel.tui.pixels.sampling import CONTRAST_STEPS, adjust, fit

__all__ = ["CONTRAST_STEPS", "Kind", "Pixels", "adjust", "draw", "draw_small", "fit", "kind_for"]
