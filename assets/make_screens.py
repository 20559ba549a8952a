"""Make pictures of every screen, as different kinds of terminals show it, for people to check.

    python assets/make_screens.py --out /tmp/screens
    python assets/make_screens.py --out /tmp/screens --only label,curve --sizes 80x24 \\
        --colors 16,none --backgrounds light --mnist ../shared/data/mnist

The real program runs on a pseudo-terminal, once for each size, number of colours and background,
and visits all screens; the terminal reports its background as a real one does. Each screen is
drawn as SIZE/SCREEN-COLORS-BACKGROUND.png in the terminal's own colours, and written as characters
beside it (.txt); SHEETS/SCREEN-SIZE.png shows one screen in all its variants. The script waits for
text on the screen, and the session is made once from a seed and copied for each run, so that only
times differ from run to run. It needs Linux, the packages of `pip install -e ".[dev]"`, and a
monospaced font.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from assets.make_pictures import settled  # noqa: E402
from assets.screen_png import LOOKS, NoFontError, draw, font, sheet  # noqa: E402
from assets.screen_tours import PictureTerminal, Tour, tours  # noqa: E402
from tests.pty.labelling import Home  # noqa: E402

if TYPE_CHECKING:
    from tuilabel.trainer.runner import TrainerEvent
    from tuilabel.tui.app.labelling import TuilabelApp
    from tuilabel.workspace.opening import Workspace

LABELS = 84
"""Labels of the session that is shown: eight batches and a part of the ninth."""

SILENCE = 0.1
"""Seconds without a byte after which a screen counts as complete."""

SIZES, DEPTHS, BACKGROUNDS = "80x24,140x45", "truecolor,256,16,none", "dark,light"


@dataclass(frozen=True)
class Variant:
    """One kind of terminal."""

    size: str
    depth: str
    background: str

    @property
    def columns_and_rows(self) -> tuple[int, int]:
        """The size as numbers."""
        columns, rows = map(int, self.size.split("x"))
        return columns, rows


# The session.


def world(folder: Path) -> str:
    """Make a folder of coloured pictures whose classes have names of several scripts.

    Returns
    -------
    str
        The class names, as `--classes` takes them; the class of a picture is in its file name.
    """
    names = "猫科动物,鸟,كلب,שועל,🐟 fish,👩‍🚀,naïve,ไก่,ひつじ,a class with a long name,vlk,kůň"
    names += ",žába,yak"
    rng = np.random.default_rng(7)
    folder.mkdir()
    for number in range(280):
        label = number % 14
        image = Image.new("RGB", (40, 30), tuple(rng.integers(0, 120, 3).tolist()))
        pen = ImageDraw.Draw(image)
        colour = tuple(int(128 + 127 * np.sin(label * angle)) for angle in (1.0, 1.7, 2.9))
        left, top = rng.integers(2, 10, 2).tolist()
        draw_shape = (pen.ellipse, pen.rectangle)[label % 2]
        draw_shape((left, top, left + 14 + label, top + 16), fill=colour)
        image.save(folder / f"{number:03}-{label}.png")
    return names


def open_source(source: str, classes: str | None) -> Workspace:
    """Open the session to show."""
    from tuilabel.workspace.opening import SourceOptions, open_workspace

    names = None if classes is None else tuple(classes.split(","))
    return open_workspace(SourceOptions(source, classes=names), {"annotator": "you"})


async def prepare(source: str, classes: str | None) -> None:
    """Label with the ground truth and a few mistakes, through the labelling screen."""
    from tuilabel.tui.app.labelling import TuilabelApp
    from tuilabel.tui.screens.label import LabelScreen

    with open_source(source, classes) as workspace:
        dataset = workspace.dataset
        app = TuilabelApp(workspace)
        prepared = features_prepared(app)
        async with app.run_test(size=(80, 24)) as pilot:
            screen = app.screen
            assert isinstance(screen, LabelScreen)
            await settled(screen)
            while screen.loop.labels < LABELS:
                slot = screen.loop.current
                assert slot is not None
                if dataset.truth is not None:
                    label = int(dataset.truth[slot.row])
                else:
                    label = int(re.findall(r"-(\d+)\.png", dataset.references(slot.row)[0])[0])
                acts = screen.loop.desk.acts
                if acts == 25:
                    await pilot.press("space")
                elif acts == 40:
                    screen.choose_class((label + 1) % len(dataset.class_names))
                    await settled(screen)
                    await pilot.press("u")
                else:
                    screen.choose_class(label)
                await settled(screen)
                if screen.loop.labels == len(dataset.class_names):
                    # The next images depend on the features that the trainer has when it ranks.
                    await prepared.wait()
                    await settled(screen)


def features_prepared(app: TuilabelApp) -> asyncio.Event:
    """Return an event that is set once the trainer has prepared its features."""
    from tuilabel.trainer.jobs import Prepared
    from tuilabel.trainer.messages import Finished

    prepared, handle = asyncio.Event(), app.trainer.handle

    def listen(event: TrainerEvent) -> None:
        handle(event)
        if isinstance(event, Finished) and isinstance(event.answer, Prepared):
            prepared.set()

    app.trainer.handle = listen  # type: ignore[method-assign]
    return prepared


def prepared(path: Path, source: str, classes: str | None) -> Home:
    """Make a home that contains the session."""
    home = Home.under(path)
    before = dict(os.environ)
    os.environ.update(home.env)
    try:
        asyncio.run(prepare(source, classes))
    finally:
        os.environ.clear()
        os.environ.update(before)
    return home


def warm_up(home: Home, plan: list[Tour], path: Path) -> None:
    """Simulate the random baseline once, because it takes long, and keep only its result."""
    here = copied(home, path)
    (tour,) = (tour for tour in plan if "curve" in tour.screens)
    terminal = PictureTerminal(here, [*tour.arguments], (80, 24), LOOKS["dark"])
    try:
        for screen in tour.visit(terminal):
            if screen == "curve":
                break
    finally:
        terminal.close()
    kept = Path("CACHE", "tuilabel", "baselines")
    shutil.copytree(here.path / kept, home.path / kept)
    shutil.rmtree(here.path)


def copied(home: Home, path: Path) -> Home:
    """Copy a home."""
    shutil.copytree(home.path, path)
    env = {key: value.replace(str(home.path), str(path)) for key, value in home.env.items()}
    return Home(path, env)


# The pictures.


def main() -> int:
    """Make the pictures and return an exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--only", help="names of screens (all)")
    parser.add_argument("--sizes", default=SIZES, help=f"of the terminal ({SIZES})")
    parser.add_argument("--colors", default=DEPTHS, help=f"of the terminal ({DEPTHS})")
    parser.add_argument("--backgrounds", default=BACKGROUNDS, help=f"({BACKGROUNDS})")
    parser.add_argument(
        "--mnist", type=Path, metavar="DIR", help="folder of MNIST's IDX files, instead of digits"
    )
    parser.add_argument(
        "--world", action="store_true", help="coloured pictures and class names of many scripts"
    )
    options, further = parser.parse_known_args()
    try:
        font()
    except NoFontError as error:
        print(error, file=sys.stderr)
        return 1
    variants = [
        Variant(size, depth, background)
        for size in options.sizes.split(",")
        for depth in options.colors.split(",")
        for background in options.backgrounds.split(",")
    ]
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        classes = world(place / "pictures") if options.world else None
        source = f"mnist:{options.mnist.resolve()}" if options.mnist else "digits"
        source = str(place / "pictures") if options.world else source
        plan = tours(source, classes)
        wanted = set(options.only.split(",")) if options.only else None
        known = {screen for tour in plan for screen in tour.screens}
        if wanted is not None and not wanted <= known:
            print(f"There is no {wanted - known}; there are {sorted(known)}.", file=sys.stderr)
            return 2
        (place / "home").mkdir()
        home = prepared(place / "home", source, classes)
        if classes is None and (wanted is None or {"curve", "curve-confidence"} & wanted):
            warm_up(home, plan, place / "warm")
        for number, variant in enumerate(variants):
            here = copied(home, place / f"run{number}")
            for tour in plan:
                if wanted is None or wanted & set(tour.screens):
                    photograph(here, tour, variant, options.out, wanted, further)
            shutil.rmtree(here.path)
            print(f"{variant.size} {variant.depth} {variant.background}", flush=True)
    make_sheets(options.out, variants, [s for tour in plan for s in tour.screens])
    return 0


def photograph(
    home: Home,
    tour: Tour,
    variant: Variant,
    out: Path,
    wanted: set[str] | None,
    further: list[str],
) -> None:
    """Start the program and draw the wanted screens of a tour."""
    folder = out / variant.size
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [*tour.arguments, "--color", variant.depth, *further]
    look = LOOKS[variant.background]
    missing = set(tour.screens) if wanted is None else wanted & set(tour.screens)
    terminal = PictureTerminal(home, arguments, variant.columns_and_rows, look)
    try:
        for screen in tour.visit(terminal):
            if screen in missing:
                terminal.settle(SILENCE)
                name = f"{screen}-{variant.depth}-{variant.background}.png"
                draw(terminal.rows(), look).save(folder / name)
                (folder / name).with_suffix(".txt").write_text(terminal.text, encoding="utf-8")
                missing.discard(screen)
            if not missing:
                break
    finally:
        terminal.close()


def make_sheets(out: Path, variants: list[Variant], screens: list[str]) -> None:
    """Put all variants of each screen and size on a sheet."""
    sheets = out / "SHEETS"
    sheets.mkdir(exist_ok=True)
    for size in dict.fromkeys(variant.size for variant in variants):
        for screen in screens:
            pictures = [
                (f"{screen} {v.size} {v.depth} {v.background}", path)
                for v in variants
                if v.size == size
                and (path := out / size / f"{screen}-{v.depth}-{v.background}.png").exists()
            ]
            if pictures:
                scale = 1.0 if variants[0].columns_and_rows[0] <= 80 else 0.6
                whole = sheet(pictures, columns=2, scale=scale)
                whole.save(sheets / f"{screen}-{size}.png")


if __name__ == "__main__":
    raise SystemExit(main())
