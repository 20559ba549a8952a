"""Packages with plug-ins, installed into a folder of their own as pip would."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tuilabel import plugins

Entries = Mapping[str, Mapping[str, str]]
Install = Callable[..., Path]

EXAMPLE = Path(__file__).parent / "example"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder for packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def example(site: Path) -> Path:
    """Install the example package; return the folder to put on PYTHONPATH."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    shutil.copytree(EXAMPLE / "tuilabel_example", site / "tuilabel_example")
    write_metadata(site, project["name"], project["version"], project["entry-points"])
    return site


@pytest.fixture
def install(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a package for this process: its name, entries and code."""
    monkeypatch.syspath_prepend(str(site))
    plugins._installed.cache_clear()

    def install(name: str, entries: Entries, code: str = "", version: str = "1.0") -> Path:
        (site / f"{name}.py").write_text(code)
        write_metadata(site, name, version, entries)
        plugins._installed.cache_clear()
        return site

    before = set(sys.modules)
    yield install
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(site)):
            del sys.modules[module]
    plugins._installed.cache_clear()


def write_metadata(site: Path, name: str, version: str, entries: Entries) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, functions in entries.items():
        lines.append(f"[{group}]")
        lines += [f"{function} = {target}" for function, target in functions.items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
