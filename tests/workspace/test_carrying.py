"""A label is kept where only the metadata of its file changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tuilabel.cli import main
from tuilabel.data import watching
from tuilabel.workspace import reading
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in range(4):
        Image.linear_gradient("L").rotate(90 * value).save(folder / f"{value}.jpg")
    return folder


@pytest.fixture
def labelled(folder: Path) -> Iterator[Path]:
    """Label three of the files; yield the session."""
    options = SourceOptions(str(folder), ("cat", "dog"))
    with open_workspace(options, {"batch_size": 2, "audit": 0.0}, reads_on=True) as work:
        while work.session.labels < 3:
            label(work)
    return work.path


def label(work: Workspace) -> str:
    session = work.session
    assert session.current is not None
    name = work.dataset.references(session.current.row)[0]
    session.label(str(session.current_id), int(name[0]) % 2, by=work.annotator)
    return name


def comment(path: Path, text: str) -> None:
    """Write a comment into a JPEG, and leave its other bytes as they are."""
    content = path.read_bytes()
    length = (len(text) + 2).to_bytes(2)
    path.write_bytes(content[:2] + b"\xff\xfe" + length + text.encode() + content[2:])


def tuilabel(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, prog_name="tuilabel")
    assert result.exit_code == 0, result.output
    return result.output


def exported(session: Path) -> dict[str, tuple[str, str]]:
    """Return class and item id of each path, as they are exported."""
    rows = list(csv.DictReader(io.StringIO(tuilabel("export", str(session)))))
    found = {row["reference"]: (row["class"], row["item_id"]) for row in rows}
    assert len(found) == len(rows)
    return found


def reopened(folder: Path, path: Path, *, watch: bool = False, reads_on: bool = True) -> Workspace:
    options = SourceOptions(str(folder), watch=watch)
    return open_workspace(options, {"batch_size": 2}, path=path, reads_on=reads_on)


def test_labels_of_photographs_are_kept_by_a_command_and_exported_under_their_paths(
    folder: Path, labelled: Path
) -> None:
    before = exported(labelled)
    assert len(before) == 3
    first = next(iter(before))
    originals = {name: (folder / name).read_bytes() for name in before}
    for name in before:
        comment(folder / name, "seen")
    with reopened(folder, labelled, reads_on=False) as work:
        assert (work.session.changed, work.session.same) == (3, 3)
        assert "Only the metadata of 3 labelled files changed: `tuilabel carry " in work.outcome()
    assert "Only the metadata of 3 labelled files changed" in tuilabel(
        "status", str(labelled), "--unreadable"
    )
    said = tuilabel("carry", str(labelled))
    assert said.startswith("Kept the labels of 3 files. `tuilabel carry ")
    after = exported(labelled)
    assert {name: class_ for name, (class_, _) in after.items()} == {
        name: class_ for name, (class_, _) in before.items()
    }
    assert {item for _, item in after.values()}.isdisjoint(item for _, item in before.values())
    assert "changed" not in tuilabel("status", str(labelled), "--unreadable")
    assert tuilabel("carry", str(labelled)).startswith("No labelled file has changed")
    with reopened(folder, labelled, reads_on=False) as work:
        assert (work.session.labels, work.session.pool_left, work.session.changed) == (3, 1, 0)
    # Edited once more, and then restored.
    comment(folder / first, "again")
    assert "Kept the labels of 1 file." in tuilabel("carry", str(labelled))
    (folder / first).write_bytes(originals[first])
    assert "Kept the labels of 1 file." in tuilabel("carry", str(labelled))
    assert "changed" not in tuilabel("status", str(labelled), "--unreadable")
    assert exported(labelled)[first] == before[first]
    for count in (1, 1, 3):
        assert f"Undone: {count} changed file" in tuilabel("carry", str(labelled), "--revert")
    assert "nothing to undo" in tuilabel("carry", str(labelled), "--revert")
    for name, content in originals.items():
        (folder / name).write_bytes(content)
    assert exported(labelled) == before


def test_a_file_with_other_pixels_is_not_offered(folder: Path, labelled: Path) -> None:
    names = list(exported(labelled))
    Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM).rotate(45).save(
        folder / names[0]
    )
    comment(folder / names[1], "seen")
    with reopened(folder, labelled, reads_on=False) as work:
        assert (work.session.changed, work.session.same) == (2, 1)
    said = tuilabel("carry", str(labelled))
    assert "Kept the labels of 1 file." in said
    assert "1 file has changed since it was labelled: it is another image now." in said


def test_a_file_whose_metadata_changes_while_it_is_watched_is_offered(
    folder: Path, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "STABLE_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(reading, "FIRST_SECONDS", 60.0)
    with reopened(folder, labelled, watch=True) as work:
        session, name = work.session, next(iter(exported(labelled)))
        assert session.same == 0
        (folder / name).rename(tmp_path / name)
        comment(tmp_path / name, "seen")
        (tmp_path / name).rename(folder / name)
        assert work.reading is not None
        while not session.same:
            work.reading.take_in(30)
        assert (session.changed, session.labels) == (1, 3)
        session.carry(by=work.annotator)
        assert (session.changed, session.labels, session.pool_left) == (0, 3, 1)
        session.go_on(by=work.annotator)
        names = exported(labelled).keys()
        assert label(work) not in names
        assert session.labels == 4
