import os
from pathlib import Path

import pytest

from tuilabel.data import open_dataset
from tuilabel.errors import SourceError


def test_opening_the_package_loads_nothing_heavy(run_python) -> None:
    loaded = set(run_python("import sys, tuilabel.data; print(' '.join(sys.modules))").split())
    heavy = {"PIL", "sklearn", "scipy", "sqlite3", "urllib.request", "textual", "rich", "click"}
    assert not heavy & loaded
    assert "tuilabel.data.folder" not in loaded


def test_a_missing_source_lists_what_there_is(cache_dir: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_dataset("dijits", cache_dir=cache_dir)
    message = str(caught.value)
    assert "'dijits' is not a source, and there is no file or folder of that name" in message
    for name in ("digits", "mnist,", "mnist:DIR", "a folder of images", ".npz"):
        assert name in message
    assert caught.value.exit_code == 2


def test_a_file_of_another_kind_is_found_and_refused(tmp_path: Path, cache_dir: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2")
    with pytest.raises(SourceError, match="no column of paths"):
        open_dataset(str(tmp_path / "x.csv"), cache_dir=cache_dir)
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(SourceError, match="neither a folder nor a regular file"):
        open_dataset(str(tmp_path / "pipe.npz"), cache_dir=cache_dir)


@pytest.mark.parametrize("source", ["\x1b[31mred", "a\nb", "bad\udcff", "null\0byte", "~nobody0/x"])
def test_any_string_is_refused_with_an_inert_sentence(source: str, cache_dir: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_dataset(source, cache_dir=cache_dir)
    message = str(caught.value)
    message.encode()
    assert message.isprintable()


@pytest.mark.parametrize("source", ["", "mnist:"])
def test_an_empty_name_is_refused(source: str, cache_dir: Path) -> None:
    with pytest.raises(SourceError, match="is empty"):
        open_dataset(source, cache_dir=cache_dir)


def test_the_users_cache_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_quartet, quartet
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("HOME", str(tmp_path))
    open_dataset(f"mnist:{write_quartet(quartet)}")
    assert [path for path in tmp_path.rglob("*.ids.npy") if "tuilabel" in path.parts]


def test_a_folder_named_like_a_source_is_opened_by_its_path(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_dataset("digits", cache_dir=cache_dir).source == "digits"
    with pytest.raises(SourceError, match="is empty"):
        open_dataset("./digits", classes=["a"], cache_dir=cache_dir)
