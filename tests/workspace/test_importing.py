"""Imports: matched with images, written as one event, trained on and exported, taken back whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from loop_fakes import ME, fake_ranking
from PIL import Image

from tuilabel.cli import main
from tuilabel.events.imports import ImportRow
from tuilabel.events.payloads import IMPORT, SUGGESTED, Bulk, Label
from tuilabel.learn.requests import ColdStart, Fit
from tuilabel.session.summary import asked, summarise
from tuilabel.session.undoing import refusal
from tuilabel.session.values import Annotator
from tuilabel.session.view import SessionView
from tuilabel.tui.views.history import History
from tuilabel.tui.views.item import item_details
from tuilabel.workspace.importing import plan_import
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders", "own_home")

NAMES = [f"{'deep/' * (n % 2)}{n}.png" for n in range(20)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for n, name in enumerate(NAMES):
        pixels = np.random.default_rng(n).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def opened(photos: Path, path: Path, **flags: Any) -> Workspace:
    options = SourceOptions(str(photos), classes=("cat", "dog"))
    return open_workspace(options, {"audit": 0.5, "batch_size": 4, **flags}, path=path)


@pytest.fixture
def session(photos: Path, tmp_path: Path) -> Path:
    """A session with two labels, both `cat`."""
    with opened(photos, tmp_path / "s.tuilabel") as work:
        for _ in range(2):
            work.session.label(str(work.session.current_id), 0, by=ME)
        return work.path


def run(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)), prog_name="tuilabel")
    assert result.exit_code == status, result.output
    return result


def table(path: Path, rows: Sequence[tuple[str, str]], head: str = "path,class") -> Path:
    path.write_text("\n".join([head, *(",".join(row) for row in rows)]) + "\n")
    return path


def every(tmp_path: Path, name: str = "dog") -> Path:
    return table(tmp_path / "l.csv", [(place, name) for place in NAMES])


def exported(session: Path, out: Path, *options: str) -> bytes:
    run("export", session, "-o", out, *options)
    return out.read_bytes()


def bytes_of(session: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in session.rglob("*") if path.is_file()}


def test_no_command_is_silent_about_labels_that_do_not_count(session: Path, tmp_path: Path) -> None:
    (log,) = (session / "log").iterdir()
    whole = log.read_bytes()
    damaged = whole.replace(b'"kind":"label"', b'"kind":"lab3l"', 1)
    (session / "log" / "notes.txt").touch()
    assert "incomplete" not in run("export", session).stderr
    log.write_bytes(damaged)
    line = damaged[: damaged.index(b"lab3l")].count(b"\n") + 1
    said = f"{session} is incomplete: `tuilabel check {session}` says how to heal it. 1 part is "
    said += f"damaged or missing, the first in log/{log.name}, line {line}: its checksum is wrong"
    assert said in run("export", session).stderr
    for command in (["import", session, every(tmp_path)], ["autolabel", session, "--dry-run"]):
        assert said in " ".join(run(*command).stdout.split())
    # Nothing is copied of what cannot be read, and that is said.
    (session / "log").rename(session / "elsewhere")
    other = opened(tmp_path / "photos", tmp_path / "other.tuilabel")
    other.close()
    assert (
        "Not copied: log: it cannot be read" in run("merge", other.path, session, status=1).stdout
    )


def test_an_import_is_one_file_and_one_event(session: Path, tmp_path: Path) -> None:
    before = len(SessionView(session).events)
    said = run("import", session, every(tmp_path)).stdout
    assert "Matched: 20 by path. To import: 20 images." in said
    assert "2 images have another label in the session already" in said
    view = SessionView(session)
    written = [event.payload for event in view.events[before:]]
    (bulk,) = (payload for payload in written if isinstance(payload, Bulk))
    assert (bulk.origin, bulk.count, bulk.method) == (IMPORT, 20, "l.csv")
    assert len(written) == 3, "with the beginning and the end of a log"
    assert len(list((session / "bulk").iterdir())) == 1
    found = summarise(view)
    assert (found["labels"], found["by_class"]) == (20, {"cat": 2, "dog": 18})
    assert found["auto_labels"] == 0
    known = view.known
    assert len(known.training) + len(known.audit) + len(known.unmeasured) == 20
    assert known.unmeasured
    assert found["pool_left"] == len(known.unmeasured), "they are asked, to measure"


def test_a_dry_run_and_a_bad_file_write_nothing(session: Path, tmp_path: Path) -> None:
    before = bytes_of(session)
    said = run("import", session, every(tmp_path), "--dry-run").stdout
    assert "To import: 20 images" in said
    assert "Nothing was written" in said
    bad = table(tmp_path / "bad.csv", [("1.png", "dog"), ("2.png", "dog", "x")])  # type: ignore[list-item]
    refused = run("import", session, bad, status=2)
    assert "Line 3 of " in refused.stderr
    nothing = run("import", session, table(tmp_path / "n.csv", [("x", "dog")]), status=2)
    assert "nothing to import" in nothing.stderr
    assert bytes_of(session) == before


def test_rows_are_matched_by_content_then_path_then_name(
    session: Path, photos: Path, tmp_path: Path
) -> None:
    view = SessionView(session)
    item = next(iter(view.known.items()))[0]
    (photos / "20.png").write_bytes((photos / NAMES[0]).read_bytes())
    Image.new("L", (9, 9)).save(photos / "deep" / "2.png")
    rows = [
        (item, "nowhere.png", "dog"),
        ("", str(photos / "deep" / "5.png"), "dog"),
        ("", "/elsewhere/photos/deep/7.png", "dog"),
        ("", "C:\\\\x\\\\9.png", "dog"),
        ("", "20.png", "dog"),
        ("", "sub/2.png", "dog"),
        ("", "../../etc/passwd", "dog"),
        ("", "", "dog"),
        ("f1:" + "0" * 32, "4.png", "dog"),
        ("7", "4.png", "dog"),
    ]
    lines = (json.dumps(dict(zip(("item_id", "file", "class"), row, strict=True))) for row in rows)
    file = tmp_path / "l.jsonl"
    file.write_text("\n".join(lines))
    said = run("import", session, file).stdout
    assert "4 by path" in said
    assert "1 by content" in said
    assert "1 by name" in said
    assert "Unmatched, since no image has the content, path or name: 3 rows (line 7: " in said
    assert "Unmatched, since several images have the name: 1 row (line 6: sub/2.png)" in said
    view = SessionView(session)
    places = {label.references[0] for label in view.labelled() if label.is_imported}
    assert {"deep/5.png", "deep/7.png", "deep/9.png", "4.png"} <= places


def test_unknown_classes_conflicts_and_rows_without_a_class_are_left_out(
    session: Path, tmp_path: Path
) -> None:
    rows = [("2.png", "bird"), ("4.png", "cat"), ("4.png", "dog"), ("6.png", ""), ("8.png", "cat")]
    rows += [("8.png", "cat"), ("x\x1b[2J.png", "cat")]
    said = run("import", session, table(tmp_path / "l.csv", rows)).stdout
    assert "unknown class `bird`: 1 row. `tuilabel classes " in said
    assert "In conflict and left out" in said
    assert "(line 4: 4.png)" in said
    assert "without a class: 1 row" in said
    assert "Imported 1 label as one event" in said
    assert "\x1b" not in said


def test_a_column_that_is_no_class_takes_little_memory(session: Path) -> None:
    rows = (ImportRow(n, "", "2.png", f"class {n}") for n in range(3000))
    found = plan_import(session, rows, "l.csv")
    assert len(found.unknown) + found.unlisted == found.unknown.total() + found.unlisted == 3000
    assert len(found.unknown) < 2000


def test_annotators_and_times_are_kept_and_name_whom_they_name(
    session: Path, tmp_path: Path
) -> None:
    rows: Any = [("2.png", "dog", "ana", "2020-02-03T04:05:06+01:00"), ("4.png", "dog", "", "x")]
    file = table(tmp_path / "l.csv", rows, "path,class,annotator,time")
    run("import", session, file, "--by", "bob")
    found = {one.references[0]: one for one in SessionView(session).labelled() if one.is_imported}
    view = SessionView(session)
    stand = {label.references[0]: label.annotator for label in view.labelled()}
    assert (stand["2.png"], stand["4.png"]) == ("ana", "bob")
    assert found["2.png"].time == "2020-02-03T04:05:06+01:00"
    assert found["4.png"].time.endswith("+00:00")
    assert {one.origin for one in found.values()} == {IMPORT}
    assert exported(session, tmp_path / "i.csv", "--origin", "import").count(b"\n") == 3


def test_anybody_takes_it_back_as_a_whole_and_no_desk_does(
    session: Path, photos: Path, tmp_path: Path
) -> None:
    run("import", session, every(tmp_path), "--by", "me")
    with opened(photos, session) as work:
        loop = work.session
        assert loop.labels == 20
        first = loop.undo(by=ME)
        assert first is not None
        assert loop.undo(by=ME) is not None
        assert loop.undo(by=ME) is None, "there are two answers; the import is no answer"
        (bulk,) = (event for event in loop.events if isinstance(event.payload, Bulk))
        assert refusal(bulk, loop.known, "anybody") is None
        loop.take_back(bulk, by=Annotator("bob"))
        assert loop.labels == 0
        assert not loop._rows.answered.any()
    assert run("import", session, "--revert").stdout == "There is no import to undo.\n"
    run("import", session, every(tmp_path, "cat"))
    assert "Undone: 20 imported labels of " in run("import", session, "--revert").stdout
    assert SessionView(session).known.labels_held == 0


def test_a_session_that_is_open_takes_an_import_in(
    session: Path, photos: Path, tmp_path: Path
) -> None:
    with opened(photos, session) as work:
        loop = work.session
        run("import", session, every(tmp_path))
        loop.take_in(work.journal.read())
        known = loop.known
        assert (loop.labels, loop.pool_left) == (20, len(known.unmeasured))
        material = loop.material()
        ids = work.dataset.ids
        assert {ids[row] for row in material.training} == set(known.training)
        assert {ids[row] for row in material.audit} == set(known.audit)
        asked_for = set()
        while loop.current is not None:
            assert loop.current.audit
            asked_for.add(loop.current_id)
            loop.label(str(loop.current_id), 1, by=ME)
            loop.go_on(by=ME)
        assert asked_for
        assert not known.unmeasured
        assert asked_for <= set(known.audit)
        # One that was imported can be corrected, and said more about.
        item = next(item for item, found in known.items() if found.given.rank == 2)
        history = History(loop.events, known)
        details = dict(item_details(item, work.dataset, loop, None))
        assert details["class"] == "dog"
        changed = loop.relabel(item, 0, by=ME)
        assert isinstance(changed.payload, Label)
        assert known.training[item] == loop.classes.ids[0]
        history.grow()
        assert any("20 imported labels" in history.row(n).about for n in range(len(history)))
        place = history.place_of(changed)
        assert place is not None
        assert "was dog" in dict(history.details(place))["class"]


def test_a_model_is_fitted_to_an_import_before_anybody_has_labelled(
    photos: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new.tuilabel"
    with opened(photos, path) as work:
        assert isinstance(work.session.take_request(), ColdStart)
        rows = [(name, "cat" if n % 3 else "dog") for n, name in enumerate(NAMES[:12])]
        run("import", path, table(tmp_path / "l.csv", rows))
        work.session.take_in(work.journal.read())
        assert work.session.request_is_due
    with opened(photos, path) as work:
        loop = work.session
        request = loop.take_request()
        assert isinstance(request, Fit)
        ids = {work.dataset.ids[row] for row in request.items}
        assert ids == set(loop.known.training)
        assert ids
        event = loop.accept_ranking(fake_ranking(request, len(NAMES), 2), by=ME)
        assert event is not None
        (bulk,) = (event for event in loop.events if isinstance(event.payload, Bulk))
        loop.take_back(bulk, by=ME)
        assert isinstance(loop.take_request(), ColdStart | None)


def test_suggestions_are_shown_before_the_model_has_any(
    session: Path, photos: Path, tmp_path: Path
) -> None:
    file = table(tmp_path / "l.csv", [(n, "dog", "0.9") for n in NAMES], "file,label,probability")  # type: ignore[misc]
    assert "20 suggestions" in run("import", session, file, "--as", "suggestions").stdout
    with opened(photos, session) as work:
        loop = work.session
        assert loop.labels == 2
        while loop.current is not None and loop.current.audit:
            loop.label(str(loop.current_id), 0, by=ME)
        guess = loop.guess()
        assert guess is not None
        assert (guess.origin, guess.probability) == ("l.csv", 0.9)
        (bulk,) = (event.payload for event in loop.events if isinstance(event.payload, Bulk))
        assert bulk.origin == SUGGESTED
    assert "Undone: 20 suggestions" in run("import", session, "--revert").stdout


def test_a_models_labels_are_no_labels(session: Path, tmp_path: Path) -> None:
    rows: Any = [("2.png", "dog", "auto"), ("4.png", "dog", "human")]
    file = table(tmp_path / "l.csv", rows, "path,class,origin")
    said = run("import", session, file).stdout
    assert "labels of a model (origin auto): 1 row" in said
    assert "Imported 1 label" in said
    assert "To import: 2 images" in run("import", session, file, "--as=suggestions").stdout


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_export_import_export_gives_the_same_bytes(
    session: Path, photos: Path, tmp_path: Path, ending: str
) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    (photos / "copy.png").write_bytes((photos / NAMES[3]).read_bytes())
    with opened(photos, session) as work:
        for place in range(8):
            work.session.label(str(work.session.current_id), place % 2, by=ME, ms=place)
            work.session.go_on(by=ME)
    first = exported(session, tmp_path / f"1.{ending}")
    assert ending == "parquet" or first.count(b"\n") >= 10
    run("import", session, tmp_path / f"1.{ending}")
    assert exported(session, tmp_path / f"2.{ending}") == first, "into the same session"
    with opened(photos, tmp_path / "other.tuilabel") as work:
        other = work.path
    run("import", other, tmp_path / f"1.{ending}")
    assert exported(other, tmp_path / f"3.{ending}") == first, "into another one"
    assert asked(SessionView(other)) == {}, "their draws are those of the other session"


def test_paths_of_another_machine_are_replaced(session: Path, tmp_path: Path) -> None:
    rows = [
        ("/mnt/old/deep/3.png", "dog"),
        (r"C:\old\deep\5.png", "dog"),
        ("/mnt/older/7.png", "dog"),
    ]
    file = table(tmp_path / "l.csv", rows)
    for number in (3, 5):  # now several images have the name
        (tmp_path / "photos" / "also").mkdir(exist_ok=True)
        Image.new("L", (9, number)).save(tmp_path / "photos" / "also" / f"{number}.png")
    photos = tmp_path / "photos"
    (photos / "deep").rename(photos / "deeper")
    said = run("import", session, file, "--dry-run").stdout
    assert "several images have the name: 2 rows" in said
    maps = ("--map", f"/mnt/old/deep={photos}/deeper/", "--map", "C:/old/deep=deeper")
    assert "Matched: 2 by path, 1 by name." in run("import", session, file, *maps).stdout
    for wrong in ("a", "=b"):
        assert "--map is" in run("import", session, file, "--map", wrong, status=2).stderr


def test_bad_lines_are_left_out_on_request(session: Path, tmp_path: Path) -> None:
    file = table(tmp_path / "l.csv", [("2.png", "dog"), ("4.png", "dog", "x"), ("6.png", "dog")])  # type: ignore[list-item]
    assert "Line 3 of" in run("import", session, file, status=2).stderr
    said = run("import", session, file, "--skip-bad").stdout
    assert "cannot be read: 1 line (line 3: it has 3 cells; expected 2)." in said
    assert "Imported 2 labels" in said


def test_a_format_that_was_guessed_wrongly_is_named(session: Path, tmp_path: Path) -> None:
    file = tmp_path / "l.jsonl"
    file.write_text('{"image": "2.png", "label": "dog", "answer": "accept"}\n{"image": 3}\n')
    said = run("import", session, file, status=2).stderr
    assert "Line 2 of" in said
    assert "it looked like prodigy (it has image and answer)" in said
    said = run("import", session, file, "--format", "label-studio", status=2).stderr
    assert "It looks like prodigy (it has image and answer): try --format prodigy." in said


def test_the_likeliest_suggestion_about_an_image_counts(session: Path, tmp_path: Path) -> None:
    rows: Any = [("2.png", "dog", "0.3"), ("2.png", "cat", "0.6"), ("4.png", "dog", "0.5")]
    rows += [("4.png", "cat", "0.5"), ("6.png", "cat", ""), ("6.png", "dog", "0.1")]
    file = table(tmp_path / "l.csv", rows, "path,class,probability")
    said = run("import", session, file, "--as", "suggestions").stdout
    assert "disagree about the image: 1 image (line 5: 4.png)" in said
    view = SessionView(session)
    items = {one: f"{one}.png" for one in ("2", "6")}
    known = {
        one.references[0]: (view.known.classes.name(one.class_id), one.probability)
        for event in view.known.bulk_events()
        for one in view.known.files.lines(event)
    }
    assert known == {items["2"]: ("cat", 0.6), items["6"]: ("dog", 0.1)}


def test_class_folders_are_matched_by_content(session: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "sorted"
    for place, name in (
        ("train/dog/renamed.png", "2.png"),
        ("train/cat/deep/x.png", "deep/3.png"),
        ("bird/4.png", "4.png"),
        ("dog/copy.png", "6.png"),
        ("cat/again.png", "6.png"),
        ("7.png", "deep/7.png"),
    ):
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_bytes((photos / name).read_bytes())
    (out / "dog" / "8.png").write_bytes(b"another")  # no image of the session, by this name
    (out / "dog" / "copy.txt").write_text("beside")
    said = run("import", session, out).stdout
    assert "sorted, read as folders: 7 rows." in said
    assert "Matched: 5 by content" in said
    assert "path or name: 1 row (file 4: dog/8.png)" in said
    assert "unknown class `bird`" in said
    assert "disagree about the image: 1 image (file 5: 6.png)" in said
    assert "without a class: 1 row" in said
    view = SessionView(session)
    found = {one.references[0]: one.class_name for one in view.labelled() if one.is_imported}
    assert found["2.png"] == "dog"
    assert found["deep/3.png"] == "cat"


def test_suggestions_order_the_queue_by_their_doubt(photos: Path, tmp_path: Path) -> None:
    session = tmp_path / "new.tuilabel"
    opened(photos, session).close()
    shares = {name: (7 * n % 20) / 20 for n, name in enumerate(NAMES) if n % 4}
    rows: Any = [(name, "dog", str(share)) for name, share in shares.items()]
    file = table(tmp_path / "l.csv", rows, "path,class,probability")
    run("import", session, file, "--as", "suggestions")
    with opened(photos, session) as work:
        loop, ids = work.session, work.dataset.ids
        references = {ids[row]: work.dataset.references(row)[0] for row in range(len(ids))}
        assert loop.take_request() is None, "no cold start takes the place of suggestions"
        asked_for = []
        while loop.current is not None:
            if not loop.current.audit:
                asked_for.append(references[str(loop.current_id)])
            loop.label(str(loop.current_id), 0, by=ME)
            loop.go_on(by=ME)
        known = [name for name in asked_for if name in shares]
        assert len(known) > 4
        assert known == sorted(known, key=lambda name: (shares[name], NAMES.index(name)))
        assert asked_for[: len(known)] == known, "those without a suggestion come last"
        asked_by = {
            event.payload.reason for event in loop.events if isinstance(event.payload, Label)
        }
        assert "doubt" in asked_by


def test_two_imports_that_contradict_each_other_come_first(
    session: Path, photos: Path, tmp_path: Path
) -> None:
    for name in ("dog", "cat"):
        rows: Any = [(one, "dog" if n > 9 else name, "0.9") for n, one in enumerate(NAMES)]
        file = table(tmp_path / f"{name}.csv", rows, "path,class,probability")
        run("import", session, file, "--as", "suggestions")
    doubts = SessionView(session).known
    doubts.read_bulk()
    assert sorted(doubts.doubts.values()) == [0.0] * 10 + [0.9] * 10
    run("import", session, "--revert")
    with opened(photos, session) as work:
        assert set(work.session.known.doubts.values()) == {0.9}
        work.session.known.read_bulk()


def test_an_import_starts_a_session_with_the_classes_that_are_named(
    photos: Path, tmp_path: Path
) -> None:
    file = every(tmp_path)
    start = ("import", photos, file, "--classes", "cat,dog")
    assert "no session for the folder" in run("import", photos, file, status=2).output
    assert "--dry-run writes nothing" in run(*start, "--dry-run", status=2).output
    run("import", photos, tmp_path / "missing.csv", "--classes", "cat,dog", status=2)
    assert "no session for the folder" in run("status", photos, status=2).output
    assert "Imported 20 labels" in run(*start).output
    assert "leave out --classes" in run(*start, status=2).output
    assert "Imported 20 labels" in run("import", photos, file).output
