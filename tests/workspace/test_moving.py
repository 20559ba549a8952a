"""Images that another process moves while a session is open."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tuilabel.cli import main
from tuilabel.errors import SourceError
from tuilabel.session import Annotator
from tuilabel.workspace.opening import SourceOptions, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders")


def export(*arguments: object) -> None:
    result = CliRunner().invoke(main, ["export", *map(str, arguments)], prog_name="tuilabel")
    assert result.exit_code == 0, result.output


def test_an_open_session_finds_images_that_another_process_moves(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(4):
        Image.new("L", (8, 8), 50 * number).save(photos / f"{number}.png")
    options = SourceOptions(str(photos), classes=("cat", "dog"))
    with open_workspace(options, {"batch_size": 4}, path=tmp_path / "s.tuilabel") as work:
        session = work.session
        item = str(session.current_id)
        session.label(item, 0, by=Annotator("me"))
        row = session.items.row_of(item)
        assert row is not None
        (name,) = session.items.references(row)
        export(work.path, "-o", out, "--format", "folders", "--files", "move")
        assert not (photos / name).exists()
        with pytest.raises(SourceError, match="can no longer be read"):
            session.items.full_image(row)
        session.take_in(work.journal.read())
        before = session.items.full_image(row)
        assert session.items.file(row) == out / "cat" / name
        # A file that was put in its new place is not taken for it.
        moved = (out / "cat" / name).read_bytes()
        Image.new("L", (8, 8), 255).save(out / "cat" / name)
        with pytest.raises(SourceError, match="its content has changed"):
            session.items.full_image(row)
        (out / "cat" / name).write_bytes(moved)
        export(work.path, "--undo", out)
        session.take_in(work.journal.read())
        assert session.items.file(row) == photos / name
        assert (session.items.full_image(row) == before).all()
