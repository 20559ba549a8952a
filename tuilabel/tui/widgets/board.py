"""The widgets of the labelling screen and their layout."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widget import Widget

from tuilabel.session import Slot
from tuilabel.tui.images import adjust
from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.terminal.round_trips import SLOW
from tuilabel.tui.terminal.size import WIDE
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.labelling import Presenter
from tuilabel.tui.views.look import Looked, Sight
from tuilabel.tui.widgets.accuracy_line import AccuracyLine
from tuilabel.tui.widgets.bar import Bar
from tuilabel.tui.widgets.batch_rows import BatchRows, rows_taken
from tuilabel.tui.widgets.batch_strip import BatchStrip
from tuilabel.tui.widgets.legend import legend_of
from tuilabel.tui.widgets.look_panel import LookPanel
from tuilabel.tui.widgets.picture import Picture
from tuilabel.tui.widgets.suggestions import Suggestions

_LEAST_SIDE, _MOST_SIDE = 5, 22
"""Least and most rows of the side below the batch in rows."""

_LEAST_PROBLEM = 4
"""Cells that a problem of the trainer is given at least: its sign."""


class Board(Vertical):
    """Arranges the widgets and shows the presenter's values in them.

    Parameters
    ----------
    presenter : Presenter
    image_of : callable
        Returns the (H, W) or (H, W, 3) uint8 image of a row of the dataset.
    sight_of : callable
        Returns what to draw large for a row of the dataset.
    looked : callable
        Returns what stands beside the image in place of the accuracy; None for the accuracy.
    source_name : str
    actions : sequence of Action
        Those that the footer may show.
    view : str
        ``"single"`` or ``"row"``: one image at a time, or the whole batch in rows.
    """

    def __init__(
        self,
        presenter: Presenter,
        image_of: Callable[[int], NDArray[np.uint8]],
        sight_of: Callable[[int], Sight],
        looked: Callable[[], Looked | None],
        source_name: str,
        actions: Sequence[Action],
        view: str = "single",
    ) -> None:
        super().__init__()
        self._presenter = presenter
        self._image_of = image_of
        self._sight_of = sight_of
        self._looked = looked
        self._source_name = source_name
        self.actions = actions
        self._header = Bar(id="header")
        self._picture = Picture(overlaid=True, id="picture")
        self._rows = BatchRows(self._adjusted, id="rows")
        self._suggestions = Suggestions(id="suggestions")
        self._accuracy = AccuracyLine(id="curve")
        self._look = LookPanel(id="look")
        self._strip = BatchStrip(image_of, id="strip")
        self._legend = legend_of(presenter)
        self._status = Bar(id="status")
        self._side = Vertical(self._suggestions, self._accuracy, self._look, id="side")
        self._heights: dict[Widget, int | str] = {}
        self._legend_of = 0
        self._classes_of = presenter.classes.version
        self._is_over = self._can_accept = False
        self.view = view
        self.set_class(view == "row", "-rows")

    def compose(self) -> ComposeResult:
        """Lay the widgets out, top to bottom."""
        yield self._header
        with Horizontal(id="main"):
            yield self._picture
            yield self._rows
            yield self._side
        yield self._strip
        yield self._legend
        yield self._status

    def fit_to(self, width: int, height: int) -> None:
        """Divide the space of a terminal of this size among the widgets."""
        wide = width >= WIDE[0] and height >= WIDE[1]
        self.set_class(wide, "-wide")
        # A thumbnail is twice as wide as high, with a column between two of them.
        rows = max(4, min(width // 20, (height - 16) // 2)) if wide else 4
        legend = self._legend.rows_needed(width)
        side: int | str = "1fr"
        if self.view == "row":
            # The rows that the images of a full batch leave: a short last batch moves nothing.
            free = max(0, height - 2 - legend)
            box = Size(width, max(0, free - _LEAST_SIDE))
            taken = rows_taken(self._presenter.session.settings.batch_size, box)
            side = max(_LEAST_SIDE, min(free - taken, _MOST_SIDE))
        needs = ((self._strip, rows + 1), (self._legend, legend), (self._side, side))
        for widget, needed in needs:
            # Setting the same height again would redraw the whole screen.
            if self._heights.get(widget) != needed:
                self._heights[widget] = needed
                widget.styles.height = needed

    def change_view(self) -> None:
        """Switch between one image at a time and the whole batch in rows."""
        self.view = "single" if self.view == "row" else "row"
        self.set_class(self.view == "row", "-rows")
        self.fit_to(*self.app.size)
        (self._rows if self.view == "row" else self._picture).uncover()

    @property
    def across(self) -> int:
        """How many places of the batch stand beside each other."""
        return self._rows.across if self.view == "row" else len(self._presenter.session.batch)

    @property
    def painted(self) -> bool:
        """Whether the image that is asked about went into a frame."""
        return self._rows.painted if self.view == "row" else self._picture.painted

    def stands_already(self) -> bool:
        """Return whether the image that is asked about is on a page that was shown before."""
        return self.view == "row" and self._rows.holds(self._presenter.thumbnails())

    def show_image(self, slot: Slot | None) -> None:
        """Draw the image that is asked about, or the closing words where there is none."""
        words = self._presenter.ending_lines() if slot is None else ()
        if self.view == "row":
            self._rows.show_batch(self._presenter.thumbnails(), words)
        elif slot is None:
            self._picture.clear(words)
        else:
            self._picture.show_image(self._sight_of(slot.row))
        self.show_look()

    def show_again(self) -> None:
        """Draw the image that is asked about as it is looked at now; it stays as seen as it was."""
        slot = self._presenter.session.current
        if slot is not None and self.view == "single":
            self._picture.show_image(self._sight_of(slot.row))
        self.show_look()

    def show_look(self) -> None:
        """Show what stands beside the image."""
        looked = self._looked()
        self.set_class(looked is not None, "-look")
        self._look.show_look(looked)

    # Pictures that are drawn elsewhere.

    @property
    def box(self) -> tuple[int, int]:
        """Width and height in pixels of the largest image that is worth drawing."""
        return self._picture.box

    def has_captions(self, has: bool) -> None:
        """Keep a row below the image for the name of its file, or none."""
        self._picture.has_captions = has

    def planned(self, key: Hashable) -> Callable[[NDArray[np.uint8]], Any]:
        """Return a function that draws an image as it would be drawn now, in any thread."""
        return self._picture.planned(key)

    def keep(self, made: Any) -> None:
        """Keep what a function of `planned` has returned."""
        self._picture.keep(made)

    def follow_line(self) -> None:
        """Send pictures of a size that suits the line to the terminal."""
        overlay, terminal = (
            getattr(self.app, "overlay", None),
            getattr(self.screen, "terminal", None),
        )
        if overlay is None or terminal is None:
            return
        rate = terminal.round_trips.rate
        if terminal.round_trips.slow:
            # It may be known before anything was measured.
            rate = min(rate or SLOW, SLOW)
        overlay.follow(rate)

    def _adjusted(self, row: int) -> NDArray[np.uint8]:
        look = self._picture
        return adjust(self._image_of(row), inverted=look.inverted, contrast=look.contrast)

    def invert(self) -> None:
        """Swap dark and light."""
        self._picture.invert()
        self._rows.forget()

    def change_contrast(self, step: int) -> None:
        """Raise or lower the contrast."""
        self._picture.change_contrast(step)
        self._rows.forget()

    def prepare(self, rows: Sequence[int], thumbnails: Sequence[int]) -> None:
        """Draw ahead of time: images at full size, and a few thumbnails."""
        if self.view == "row":
            self._rows.prepare(thumbnails)
            return
        for row in rows:
            self._picture.prepare(self._sight_of(row))
        self._strip.prepare(thumbnails)

    def prepare_batch(self) -> bool:
        """Draw a few images of the batch that are not drawn yet; return whether others are left."""
        batch = self._rows if self.view == "row" else self._strip
        return batch.prepare([place.row for place in self._presenter.thumbnails()])

    def show_progress(self, line: str = "") -> None:
        """Show the header, the batch and the curve.

        Parameters
        ----------
        line : str
            A few words about the line to the terminal, or nothing.
        """
        header = self._presenter.header(self._source_name, line, self.app.size.width)
        self._header.show_bar(*header)
        is_over = self._presenter.session.current is None
        thumbnails = self._presenter.thumbnails()
        if self.view == "row":
            self._rows.show_batch(thumbnails, self._presenter.ending_lines() if is_over else ())
        else:
            self._strip.show_batch(thumbnails)
        if self._is_over != is_over:
            self._is_over = is_over
            self._legend.show_only(() if is_over else None)
        classes = self._presenter.classes
        if self._classes_of != classes.version:
            self._classes_of = classes.version
            self.fit_to(*self.app.size)
            self._legend.redraw()
        if len(classes.open) > 10 and self._legend_of != self._presenter.session.round:
            # Once per round, so that the classes do not move in between.
            self._legend_of = self._presenter.session.round
            self._legend.prefer(self._presenter.usual_classes())
        title, values, caption = self._presenter.curve()
        chance = 1 / max(1, len(classes.open))
        if self._presenter.session.about.multi:
            chance = 0.5 ** len(classes.open)
        remark = self._presenter.without_example() or self._presenter.stopping()
        recall = self._presenter.recall()
        self._accuracy.show_accuracy(
            title, values, caption, chance=chance, recall=recall, remark=remark
        )

    def show_suggestions(self, mode: str, last: tuple[Slot, int | None] | None) -> None:
        """Show the model's suggestions.

        Parameters
        ----------
        mode : str
            One of `tuilabel.settings.SUGGESTIONS`.
        last : tuple of Slot and class index, or None
            The last answer, for the mode that shows suggestions after it.
        """
        presenter = self._presenter
        title = presenter.model_title()
        slot, chosen = presenter.session.current, None
        self._can_accept = mode == "before" and presenter.session.suggestion() is not None
        if presenter.session.about.multi:
            self._can_accept = presenter.session.current is not None
        if mode == "after":
            slot, chosen = last or (None, None)
            title = "the model on your last answer"
        if presenter.session.current is None:
            self._suggestions.show_sentence(title if presenter.session.recipe else "", "")
        elif mode == "off":
            self._suggestions.show_sentence(
                title, f"suggestions are off{presenter.keymap.hint('suggestions')}"
            )
        elif slot is None:
            self._suggestions.show_sentence(title, "comes with your next label")
        elif slot.audit:
            self._suggestions.show_sentence(title, "audit image: drawn at random, no suggestion")
        elif mode == "before" and presenter.session.is_check:
            self._suggestions.show_sentence(title, "check: drawn at random, no suggestion")
        elif mode == "before" and presenter.session.guess() is not None:
            self._suggestions.show_sentence(title, presenter.guess())
        elif slot.probabilities is None:
            self._suggestions.show_sentence(
                title,
                "no suggestion: chosen without the model"
                if presenter.session.recipe
                else "suggestions come with the first fit",
            )
        else:
            self._suggestions.show_bars(title, presenter.bars(slot, chosen))

    def show_classes(self, classes: Sequence[int] | None, marked: int | None = None) -> None:
        """Show the keys of some classes, one of them marked; None shows all as usual."""
        if not self._is_over:
            self._legend.show_only(classes, marked)

    def show_marks(self, classes: Collection[int]) -> None:
        """Show which classes are marked for the image."""
        self._legend.show_marks(classes)

    def ways(self) -> list[list[Piece]]:
        """Return the keys that a person needs first: to the help, and out."""
        ways = [action for action in self.actions if action.id in ("help", "quit") and action.keys]
        return [_key_pieces(action) for action in ways]

    def show_status(
        self,
        message: Piece | None,
        act: Piece,
        trainer: Piece,
        lost: str = "",
        feeds: str = "",
        *,
        has_ways: bool = False,
    ) -> None:
        """Show a sentence if there is one, else what is saved, the trainer and the keys.

        Parameters
        ----------
        message : Piece or None
            The sentence.
        act : Piece
            What the newest key did, where the screen does not show it otherwise.
        trainer : Piece
            What the trainer is doing.
        lost : str
            Shown in place of the number of saved answers, if the session is no longer there.
        feeds : str
            What others follow, and fails.
        has_ways : bool
            Whether the `ways` stand beside a sentence.
        """
        if message is not None:
            ways = self.ways() if has_ways else []
            self._status.show_bar([(" " + message[0], message[1])], ways)
            return
        acts = self._presenter.session.desk.acts
        left: list[Piece] = [(f" ✓ {acts:,} saved", "good")] if acts else [(" ready", "muted")]
        left = [(f" ✗ {lost}", "bad")] if lost else left
        left += [("  " + text, style) for text, style in ((feeds, "bad"), act, trainer) if text]
        in_vain = {
            *([] if self._can_accept else ["accept"]),
            *(["skip"] if self._presenter.session.current is None else []),
        }
        right = [
            _key_pieces(action)
            for action in self.actions
            if action.footer and action.keys and action.id not in in_vain
        ]
        # The trainer's progress is shown elsewhere as well, and a problem that it works around was
        # shown whole when it came. The keys are shown only here; a failure is worth their place.
        if trainer[0] and trainer[1] != "bad" and not self._status.has_room(left, right):
            left.pop()
            room = self._status.room_beside(left, right)
            if trainer[1] != "muted":
                left.append((fitted("  " + trainer[0], max(_LEAST_PROBLEM, room)), trainer[1]))
        self._status.show_bar(left, right)


def _key_pieces(action: Action) -> list[Piece]:
    return [(f"{action.shown_keys[0]} ", "strong"), (f"{action.label}  ", "muted")]
