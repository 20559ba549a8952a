"""`tuilabel show`, and the sheets of other commands: what is printed of which image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sessions import label_of, new_session

from tuilabel.autolabel.job import AutolabelOptions
from tuilabel.cli import main
from tuilabel.data import Dataset, open_dataset
from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    About,
    Asked,
    Batch,
    Bulk,
    BulkLine,
    ClassAdded,
    Decided,
    Skip,
    Undo,
)
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.workspace.autolabels import autolabel
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.places import remember

pytestmark = pytest.mark.usefixtures("warm_decoders")

NAMES = ("cat", "dog")
BLOCK = re.compile("[▀▄█▌▐▘▝▖▗▛▜▙▟▚▞]")


def show(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["show", *arguments], prog_name="tuilabel", env=environ)


def printed(*arguments: str, **environ: str) -> str:
    result = show(*arguments, **environ)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str) -> str:
    """Check that nothing was printed but one sentence; return the sentence."""
    result = show(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("tuilabel: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a photograph, a grey drawing, a copy of it, and four others."""
    folder = tmp_path / "pets"
    folder.mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (200, 300, 3), np.uint8)).save(folder / "photo.png")
    for number in range(5):
        drawing = rng.integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(drawing).save(folder / f"{number}.png")
    (folder / "copy.png").write_bytes((folder / "0.png").read_bytes())
    return folder


@pytest.fixture
def dataset(folder: Path, own_home: Path) -> Dataset:
    return open_dataset(str(folder), classes=NAMES, cache_dir=own_home / "cache" / "tuilabel")


@pytest.fixture
def ids(dataset: Dataset) -> dict[str, str]:
    """Return the ids of the items by the path of each."""
    return {
        path: dataset.ids[row] for row in range(len(dataset)) for path in dataset.references(row)
    }


@pytest.fixture
def journal(dataset: Dataset, tmp_path: Path) -> Iterator[Journal]:
    """Return the journal of a new session, which becomes the last one; the test closes it.

    The first three events say whose log it is and name the classes.
    """
    path = tmp_path / "s.tuilabel"
    assert create_session(path, About(uuid="show", source="folder pets"))
    with Journal(path, BY, dataset.source) as journal:
        journal.append([ClassAdded(class_id_of(name), name) for name in NAMES], BY)
        remember(path)
        yield journal


BY = "zoë"
CAT, DOG = map(class_id_of, NAMES)


def label(journal: Journal, item: str, name: str, *references: str, **other: Any) -> Event:
    more = {"round": 3, "ms": 1234, **other}
    return journal.append([label_of(item, name, *references, **more)], BY)[0]


def known(text: str) -> dict[str, list[str]]:
    """Return what is printed below a picture, by its name; a value may have several lines."""
    found: dict[str, list[str]] = {}
    name = ""
    lines = text.rstrip("\n").split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith("item "))
    for line in lines[start:]:
        name = line[:9].strip() or name
        found.setdefault(name, []).append(line[9:])
    return found


# What is known of an image.


def test_a_label_is_shown_with_all_that_is_known(journal: Journal, ids: dict[str, str]) -> None:
    item = ids["0.png"]
    label(journal, item, "cat", "0.png", probabilities={DOG: 0.25, CAT: 0.75}, accepted=True)
    found = known(printed("0.png"))
    assert found["item"] == [item]
    assert {*found["image"], *found["also"]} == {"0.png", "copy.png"}
    assert found["size"] == ["8 x 8 pixels, grey"]
    assert found["class"] == ["cat"]
    assert found["who"] == ["zoë, round 3"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", found["time"][0])
    assert found["took"] == ["1,234 ms"]
    assert found["model"] == ["cat 75.0%, dog 25.0% when it was asked; its suggestion was accepted"]
    assert re.fullmatch(r"#4 [-\d]+ [:\d]+ label cat by zoë", found["events"][0])
    assert "use" not in found
    assert "truth" not in found


def test_undo_and_relabel_are_part_of_its_history(journal: Journal, ids: dict[str, str]) -> None:
    item = ids["1.png"]
    first = label(journal, item, "cat")
    journal.append([Undo(first.id, item)], BY)
    label(journal, item, "dog")
    label(journal, item, "cat", relabel=True)
    label(journal, ids["2.png"], "cat")
    found = known(printed("1.png"))
    assert found["class"] == ["cat"]
    events = [re.sub(r" [-\d]+ [:\d]+ ", " ", line) for line in found["events"] if line]
    assert events == [
        "#4 label (cat) by zoë",
        "#5 undo of #4 by zoë",
        "#6 label (dog) by zoë",
        "#7 relabel cat by zoë",
    ]
    assert "#8 " not in printed("1.png")


def test_a_dispute_and_a_decision_say_who_said_what(journal: Journal, ids: dict[str, str]) -> None:
    item = ids["1.png"]
    for by, name in (("anna", "cat"), ("bob", "dog")):
        journal.append([label_of(item, name, "1.png")], by)
    found = known(printed("1.png"))
    assert (found["class"], found["votes"]) == (["disputed"], ["anna: cat, bob: dog"])
    journal.append([Decided(item=item, class_id=DOG)], "cleo")
    found = known(printed("1.png"))
    assert found["class"] == ["dog, decided by cleo"]
    assert "decided dog by cleo" in found["events"][-1]


def test_a_skip_and_no_answer_at_all(journal: Journal, ids: dict[str, str]) -> None:
    journal.append([Skip(item=ids["1.png"], round=1)], BY)
    assert known(printed("1.png"))["class"] == ["skipped"]
    found = known(printed("2.png"))
    assert found["class"] == ["no label yet"]
    assert not {"who", "time", "took", "model", "events"} & set(found)


def test_an_audit_image_says_what_it_is_for(journal: Journal, ids: dict[str, str]) -> None:
    label(journal, ids["1.png"], "cat", audit=True)
    journal.append([Batch(round=1, items=(Asked(ids["2.png"], "audit", 0.1),))], BY)
    for name in ("1.png", "2.png"):
        assert known(printed(name))["use"] == [
            "audit set: measures accuracy, not used for training"
        ]


def test_the_newest_ranking_tells_what_the_model_holds(
    journal: Journal, ids: dict[str, str]
) -> None:
    for number, share in ((1, 0.5), (2, 0.9)):
        asked = Asked(ids["1.png"], "margin", None, {CAT: share, DOG: 0.1})
        journal.append([Batch(round=number, items=(Asked(ids["2.png"], "order"), asked))], BY)
    assert known(printed("1.png"))["model"] == ["cat 90.0%, dog 10.0% in round 2"]


def test_an_auto_label_is_not_a_persons(journal: Journal, ids: dict[str, str]) -> None:
    line = BulkLine(item=ids["1.png"], class_id=DOG, probability=0.875)
    name, sha256, count = journal.write_bulk([line])
    bulk = Bulk(file=name, sha256=sha256, count=count, origin="auto", round=1, method="naive")
    (event,) = journal.append([bulk], BY)
    found = known(printed("1.png"))
    assert found["class"] == ["dog (auto-label)"]
    assert found["model"] == ["dog 87.5%"]
    journal.append([Undo(event.id)], BY)
    found = known(printed("1.png"))
    assert found["class"] == ["no label yet"]


def test_ground_truth_is_shown_where_the_source_has_it(tmp_path: Path) -> None:
    path = tmp_path / "d.tuilabel"
    new_session(path, classes="0123456789")
    dataset = open_dataset("digits")
    assert dataset.truth is not None
    found = known(printed("--session", str(path), dataset.references(3)[0]))
    assert found["truth"] == [str(dataset.truth[3])]


def test_what_a_session_holds_is_hostile(journal: Journal, ids: dict[str, str]) -> None:
    journal.append([ClassAdded("c1:\x1b[31m", "\x1b[2Jcow")], BY)
    label(journal, ids["1.png"], "cat", probabilities={"c1:\x1b[31m": 0.5})
    label(journal, "f1:" + "ff" * 16, "\x1b[2Jdog", "\x1b]0;x\x07.png")
    text = printed("1.png")
    assert "\x1b" not in text
    assert known(text)["model"] == ["␛[2Jcow 50.0% when it was asked"]
    result = show("ffffffff")
    assert result.exit_code == 2
    assert "\x1b" not in result.output


# The picture.


def test_a_pipe_gets_letters_and_no_colours(journal: Journal) -> None:
    text = printed("photo.png")
    assert "\x1b" not in text
    picture = text.split("item ")[0]
    assert picture.isascii()
    assert len(set(picture)) > 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--color", "truecolor"), "38;2;"),
        (("--color", "256"), "38;5;"),
        (("--color", "16"), "\x1b["),
    ],
)
def test_colours_can_be_had_in_a_pipe(
    journal: Journal, arguments: tuple[str, ...], code: str
) -> None:
    text = printed("photo.png", *arguments, TERM="xterm-256color", LANG="C.UTF-8")
    assert code in text
    assert "\x1b" not in text.split("item ")[1]


def test_force_color_is_heeded_and_a_setting_is_not(journal: Journal) -> None:
    assert "\x1b" not in printed("photo.png", TUILABEL_COLOR="truecolor", TERM="xterm")
    assert "38;2;" in printed("photo.png", FORCE_COLOR="3", TERM="xterm")


def test_blocks_can_be_chosen(journal: Journal) -> None:
    half = printed("photo.png", "--blocks", "half", "--color", "truecolor")
    assert {"▀", "▄"} & set(half)
    assert not {"▌", "▖", "⠁"} & set(half)
    result = show("photo.png", "--blocks", "round")
    assert result.exit_code == 2
    assert "expected one of auto, octant" in result.stderr


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (140, 45), (20, 10)])
def test_the_picture_is_as_large_as_the_terminal_allows(
    journal: Journal, columns: int, lines: int
) -> None:
    text = printed("photo.png", COLUMNS=str(columns), LINES=str(lines))
    picture, details = text.split("item ")
    rows = picture.rstrip("\n").split("\n")
    room = max((lines - 1) // 2, lines - 1 - details.count("\n"))
    # Three by two, and a cell is twice as high as wide.
    assert len(rows) == min(room, columns // 3)
    assert max(map(len, rows)) <= columns


def test_the_picture_comes_from_the_source_at_full_size(journal: Journal, folder: Path) -> None:
    """A thumbnail has 96 pixels, too few for stripes of three."""
    pixels = np.zeros((300, 300), np.uint8)
    pixels[:, ::6] = pixels[:, 1::6] = pixels[:, 2::6] = 255
    Image.fromarray(pixels).save(folder / "stripes.png")
    text = printed("stripes.png", "--blocks", "half", COLUMNS="320", LINES="170")
    first = text.split("\n")[0]
    assert first.startswith("███   ███   ")


def test_several_images_are_shown_one_after_another(journal: Journal, ids: dict[str, str]) -> None:
    text = printed("1.png", ids["2.png"][:11], "photo.png")
    assert re.findall(r"^image +(.*)$", text, re.MULTILINE) == ["1.png", "2.png", "photo.png"]


# What cannot be shown.


def test_names_that_stand_for_nothing_print_nothing(journal: Journal) -> None:
    assert "There is no event #7" in refused("7")
    assert "is not an image in" in refused("1.png", "nothing.png")
    assert "too short for an item id" in refused("abc")


def test_the_first_word_may_be_the_session(journal: Journal, folder: Path, own_home: Path) -> None:
    expected = printed("1.png")
    (own_home / "last").unlink(missing_ok=True)
    assert printed(str(journal.path), "1.png") == expected


def test_there_is_no_session(own_home: Path) -> None:
    assert "No session has been opened here" in refused()
    assert "There is no session 'nowhere'" in refused("--session", "nowhere", "1.png")


def test_the_source_is_gone(journal: Journal, folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    assert "pets, the source of the session, is gone: put it back" in refused("1.png")


def test_an_image_that_left_the_source_is_described(journal: Journal, folder: Path) -> None:
    item = "ab" * 16
    label(journal, item, "cat", "gone.png")
    result = show("4", "1.png")
    assert result.exit_code == 2
    assert known(result.stdout)["class"] == ["cat", "no label yet"]
    assert re.findall(r"^image +(.*)$", result.stdout, re.MULTILINE) == ["gone.png", "1.png"]
    assert "The image abababab is no longer in " in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_damaged_image_is_named(
    journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "broken.png").write_bytes((folder / "photo.png").read_bytes()[:999])
    assert "broken.png cannot be read as an image" in refused("broken.png")

    # It was damaged after it had been listed.
    monkeypatch.setattr(DecodeService, "decode", lambda *_, **__: Refused("cut short"))
    result = show("1.png")
    assert result.exit_code == 2
    assert known(result.stdout)["class"] == ["no label yet"]
    assert "1.png can no longer be read (cut short)" in result.stderr


def test_nothing_is_written_and_nothing_locked(journal: Journal, ids: dict[str, str]) -> None:
    """Another process labels meanwhile: the journal is open all the time."""
    label(journal, ids["1.png"], "cat")
    files = {path: path.stat().st_mtime_ns for path in journal.path.rglob("*")}
    assert known(printed("1.png"))["class"] == ["cat"]
    assert {path: path.stat().st_mtime_ns for path in journal.path.rglob("*")} == files
    label(journal, ids["1.png"], "dog")
    assert known(printed("1.png"))["class"] == ["dog"]


# Contact sheets.


def captions(text: str) -> list[str]:
    return re.findall(r"#\d+ \w+", text)


def test_without_an_item_the_newest_labels_are_shown(journal: Journal, ids: dict[str, str]) -> None:
    for name in ("0.png", "1.png", "2.png", "photo.png"):
        label(journal, ids[name], "cat")
    journal.append([Skip(item=ids["3.png"])], BY)
    label(journal, ids["1.png"], "dog", relabel=True)
    label(journal, "ff" * 16, "dog")
    assert captions(printed()) == ["#9 dog", "#7 cat", "#6 cat", "#4 cat"]


def test_as_many_images_as_fit_are_in_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "d.tuilabel"
    items = list(open_dataset("digits").ids[:99])
    new_session(path, *(label_of(item, "7") for item in items), classes="0123456789")
    for columns, lines, count in ((80, 24, 18), (140, 45, 60), (30, 8, 2), (1, 1, 1)):
        text = printed("--session", str(path), COLUMNS=str(columns), LINES=str(lines))
        shown = len(re.findall(r"#\d+ 7", text)) if columns > 1 else 1
        assert shown == count
        if columns > 12:
            rows = text.rstrip("\n").split("\n")
            assert len(rows) <= lines - 1
            assert max(map(len, rows)) <= columns


def test_a_session_without_labels_has_no_sheet(journal: Journal) -> None:
    assert printed() == "There is no labelled image to show.\n"


def test_a_damaged_image_is_dark_in_the_sheet(
    journal: Journal, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuilabel.data.dataset import ArrayDataset
    from tuilabel.errors import SourceError

    for name in ("0.png", "1.png"):
        label(journal, ids[name], "cat")
    whole, real = printed(), ArrayDataset.image

    def image(self: ArrayDataset, row: int) -> Any:
        if self.ids[row] == ids["1.png"]:
            raise SourceError("damaged")
        return real(self, row)

    monkeypatch.setattr(ArrayDataset, "image", image)
    assert captions(printed()) == captions(whole)
    assert printed() != whole


def test_status_shows_each_class_where_it_is_asked_for(
    journal: Journal, ids: dict[str, str]
) -> None:
    for name in ("0.png", "1.png", "2.png"):
        label(journal, ids[name], "cat")
    label(journal, ids["3.png"], "dog")

    def status(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["status", *arguments], prog_name="tuilabel")

    plain, pictures = status(), status("--pictures")
    assert pictures.exit_code == 0
    assert pictures.stdout.startswith(plain.stdout)
    assert re.findall("cat|dog", pictures.stdout.removeprefix(plain.stdout)) == ["cat"] * 3 + [
        "dog"
    ]
    both = status("--json", "--pictures")
    assert both.exit_code == 2
    assert "--pictures cannot be part of --json" in both.stderr


def test_a_dry_run_of_autolabel_shows_a_sample_on_a_terminal(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"model": "softmax", "features": "raw", "strategy": "margin", "cold_start": "random"}
    with open_workspace(SourceOptions("digits"), flags) as work:
        truth = work.dataset.truth
        assert truth is not None
        for _ in range(30):
            slot, item = work.session.current, work.session.current_id
            assert slot is not None
            assert item is not None
            work.session.label(item, int(truth[slot.row]), by=work.annotator)
        path = work.path
    outcome = autolabel(path, AutolabelOptions("naive"), dry_run=True)
    assert len(outcome.labels) == outcome.found.unanswered

    def run(*arguments: str) -> str:
        command = ["autolabel", "--method", "naive", *arguments]
        result = CliRunner().invoke(main, command, prog_name="tuilabel")
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "confident:" not in run("--dry-run")
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setenv("NO_COLOR", "1")
    text = run("--dry-run")
    least, most = text.split("Least confident:")[1].split("Most confident:")
    shares = [[float(n) for n in re.findall(r"\d >?([\d.]+)%", part)] for part in (least, most)]
    assert len(shares[0]) == len(shares[1]) == 5
    assert sorted(shares[0] + shares[1]) == shares[0] + shares[1]
    assert "confident:" not in run()
