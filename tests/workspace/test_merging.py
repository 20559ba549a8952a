"""`tuilabel merge`: logs of another session, or of a copy, come into a session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from sessions import label_of

from tuilabel import durable_files
from tuilabel.cli import main
from tuilabel.errors import SaveError, SessionFileError, UsageError
from tuilabel.events.lines import decode, encode
from tuilabel.events.payloads import AUTO_ORIGIN, About, Bulk, BulkLine, ClassAdded, SpotCheck
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.session.spot_checks import draw
from tuilabel.session.view import SessionView
from tuilabel.workspace.checking import check_session
from tuilabel.workspace.merging import merge
from tuilabel.workspace.opening import open_dataset_of

pytestmark = pytest.mark.usefixtures("warm_decoders")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of twelve images."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in range(12):
        Image.new("L", (5, 5), 20 * value).save(folder / f"{value}.png")
    return folder


@pytest.fixture
def items(photos: Path, tmp_path: Path) -> list[str]:
    """Return the item ids of the images."""
    return list(open_dataset_of(SessionView(session(tmp_path / "x", photos))).ids)


def session(path: Path, photos: Path, uuid: str = "a", by: str = "anna") -> Path:
    assert create_session(path, About(uuid=uuid, source="folder photos"))
    with Journal(path, by, str(photos)) as journal:
        journal.append([ClassAdded(class_id_of(name), name) for name in ("cat", "dog")], by)
    return path


def label(path: Path, photos: Path, by: str, items: list[str], name: str = "cat") -> None:
    with Journal(path, by, str(photos)) as journal:
        journal.read()
        for item in items:
            journal.append([label_of(item, name, f"{item[-3:]}.png")], by)


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


@pytest.fixture
def pair(tmp_path: Path, photos: Path, items: list[str]) -> tuple[Path, Path]:
    """Return a session and another one of the same images, with three labels each."""
    a, b = session(tmp_path / "a", photos), session(tmp_path / "b", photos, "b", "bob")
    label(a, photos, "anna", items[:3])
    label(b, photos, "bob", items[2:5], "dog")
    return a, b


def test_another_session_of_the_same_images_is_adopted(
    pair: tuple[Path, Path], photos: Path, items: list[str]
) -> None:
    a, b = pair
    before = contents(b)
    merged = merge(a, b, "anna")
    assert (merged.adopted, merged.items, merged.unmatched, merged.refused) == ("b", 3, [], {})
    view = SessionView(a)
    assert (view.known.labels_held, len(view.known.disputed)) == (4, 1)
    assert check_session(a)["problems"] == []
    assert contents(b) == before
    label(b, photos, "bob", items[7:9])
    again = merge(a, b, "anna")
    assert (again.adopted, len(again.copied), len(again.present)) == (None, 1, 2)
    assert SessionView(a).known.labels_held == 6


def test_a_copy_on_which_somebody_labelled_comes_back(
    tmp_path: Path, photos: Path, items: list[str]
) -> None:
    a, copy = session(tmp_path / "a", photos), tmp_path / "copy"
    with Journal(a, "anna", str(photos)) as journal:
        journal.append([label_of(items[0], "cat")], "anna")
        shutil.copytree(a, copy)
        journal.append([label_of(items[1], "cat")], "anna")
    label(copy, photos, "bob", items[2:4])
    merged = merge(a, copy, "anna")
    assert (merged.adopted, len(merged.copied), len(merged.present)) == (None, 1, 2)
    assert SessionView(a).known.labels_held == 4
    # The other way, the log that has grown comes beside the shorter one, and heals it.
    merge(copy, a, "anna")
    assert SessionView(copy).known.labels_held == 4
    assert [event.id for event in SessionView(copy).events] == [
        event.id for event in SessionView(a).events
    ]


def test_auto_labels_come_with_their_file(pair: tuple[Path, Path], items: list[str]) -> None:
    a, b = pair
    with Journal(b, "bob", "") as journal:
        journal.read()
        line = BulkLine(item=items[9], class_id=class_id_of("dog"))
        name, sha256, count = journal.write_bulk([line])
        bulk = Bulk(file=name, sha256=sha256, count=count, origin=AUTO_ORIGIN)
        journal.append([bulk], "bob")
    assert f"bulk/{name}" in merge(a, b, "anna").copied
    assert SessionView(a).known.auto_labels_held == 1
    (b / "bulk" / name).write_bytes(b"?")
    (a / "bulk" / name).unlink()
    assert merge(a, b, "anna").refused == {f"bulk/{name}": "it is missing or damaged"}


def test_a_check_of_the_rest_comes_with_its_set(
    pair: tuple[Path, Path], photos: Path, items: list[str]
) -> None:
    into, other = pair
    with Journal(other, "bob", str(photos)) as journal:
        journal.read()
        lines = [BulkLine(item=item, class_id=class_id_of("cat")) for item in items]
        file, sha256, count = journal.write_bulk(lines)
        drawn = draw(items, 2, seed=1)
        check = SpotCheck(
            file=file,
            sha256=sha256,
            count=count,
            class_id=class_id_of("dog"),
            units=count,
            seed=1,
            items=drawn,
        )
        journal.append([check], "bob")
    merge(into, other, "anna")
    assert check_session(into)["spot_checks"] == ["check by bob: 2 items drawn as its seed says"]


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    pair: tuple[Path, Path], photos: Path
) -> None:
    a, b = pair
    (photos / "4.png").unlink()
    before = contents(a), contents(b)
    result = CliRunner().invoke(main, ["merge", str(a), str(b), "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "Would copy 2 files" in result.stdout
    assert "1 of 3 images answered" in result.stdout
    assert "is missing from the source" in result.stdout
    assert (contents(a), contents(b)) == before
    done = CliRunner().invoke(main, ["merge", str(a), str(b)])
    assert "Copied 2 files" in done.stdout
    assert SessionView(a).known.by_annotator["bob"] == 2, "the third is disputed"


def test_sessions_of_other_images_are_not_merged(
    tmp_path: Path, photos: Path, pair: tuple[Path, Path]
) -> None:
    a, b = session(tmp_path / "o", photos, "o"), pair[1]
    label(a, photos, "anna", ["f1:" + "0" * 32])
    before = contents(b)
    with pytest.raises(UsageError, match="None of the images labelled"):
        merge(b, a, "anna")
    assert contents(b) == before
    with pytest.raises(UsageError, match="is the same session"):
        merge(b, b, "anna")


def _no_session(b: Path) -> None:
    shutil.rmtree(b)


def _damaged(b: Path) -> None:
    (b / "session.json").write_bytes(b"{}")
    for log in (b / "log").iterdir():
        log.write_bytes(b"\0" * 5000)


def _used_up(b: Path) -> None:
    log = sorted((b / "log").iterdir())[-1]
    event = decode(log.read_bytes().splitlines()[1], "")
    with log.open("ab") as file:
        file.write(encode(event._replace(id="z", n=90, t=2**52)))


@pytest.mark.parametrize("damage", [_no_session, _damaged, _used_up])
def test_a_session_that_would_do_harm_is_refused_in_one_sentence(
    pair: tuple[Path, Path], damage: Callable[[Path], None]
) -> None:
    a, b = pair
    damage(b)
    before = contents(a)
    result = CliRunner().invoke(main, ["merge", str(a), str(b)])
    assert result.exit_code != 0
    assert contents(a) == before
    assert not isinstance(result.exception, SaveError)


def _link(log: Path) -> None:
    log.rename(log.parent.parent / "elsewhere")
    log.symlink_to(log.parent.parent / "elsewhere")


def _fifo(log: Path) -> None:
    log.unlink()
    os.mkfifo(log)


def _sparse(log: Path) -> None:
    with log.open("r+b") as file:
        file.truncate(2**32)


def _noise(log: Path) -> None:
    log.write_bytes(os.urandom(3000))


def _escape_codes(log: Path) -> None:
    log.rename(log.with_name("\x1b]0;x\x07.jsonl"))


@pytest.mark.parametrize("damage", [_link, _fifo, _sparse, _noise, _escape_codes])
def test_a_hostile_log_harms_nothing(
    pair: tuple[Path, Path], photos: Path, items: list[str], damage: Callable[[Path], None]
) -> None:
    a, b = pair
    label(b, photos, "carl", items[5:7])
    damage(next(log for log in (b / "log").iterdir() if "-carl-" in log.name))
    merged = merge(a, b, "anna")
    assert SessionView(a).known.by_annotator["bob"] == 2
    assert all(text.isprintable() for text in [*merged.copied, *merged.refused, *merged.present])
    assert all(log.name.isprintable() for log in (a / "log").iterdir())
    label(a, photos, "anna", items[10:])
    assert len({log.stem for log in (a / "log").iterdir()}) >= 5


def test_a_full_disk_is_one_sentence_and_the_merge_can_be_repeated(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = pair

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(durable_files, "write_whole", full)
        with pytest.raises(SaveError, match="repeat the merge"):
            merge(a, b, "anna")
    assert SessionView(a).known.labels_held == 3
    merge(a, b, "anna")
    assert SessionView(a).known.labels_held == 4


def test_a_session_without_its_source_is_merged_and_that_is_said(
    pair: tuple[Path, Path], photos: Path
) -> None:
    a, b = pair
    shutil.rmtree(photos)
    result = CliRunner().invoke(main, ["merge", str(a), str(b)])
    assert "Unknown: which of the images are in the source." in result.stdout
    assert SessionView(a).known.labels_held == 4


def test_what_cannot_be_read_is_no_session(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(SessionFileError):
        merge(session(tmp_path / "a", photos), photos, "anna")
