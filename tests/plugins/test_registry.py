"""The table of extension points: names, what is loaded, and plug-ins that cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from plugins.conftest import Install
from sessions import label_of, new_session

import tuilabel
from tuilabel import plugins
from tuilabel.cli import main
from tuilabel.errors import PluginError, SourceError, UsageError
from tuilabel.plugins import (
    GROUPS,
    load,
    named_source,
    names,
    plugin_lines,
    source_options,
    split_source,
    with_options,
)
from tuilabel.settings import resolve
from tuilabel.workspace.places import session_path

REPOSITORY = Path(__file__).resolve().parents[2]

LOADABLE = [
    (group, name)
    for group, (_, built_in) in GROUPS.items()
    for name, function in built_in.items()
    if function
]


def test_pyproject_lists_what_is_built_in() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {
        f"tuilabel.{group}": {name: function for name, function in built_in.items() if function}
        for group, (_, built_in) in GROUPS.items()
    }


@pytest.mark.parametrize(("group", "name"), LOADABLE)
def test_every_built_in_name_is_a_function(group: str, name: str) -> None:
    assert callable(load(group, name))


# When entry points are read.

SPY = """
import importlib.metadata, json, sys
discover = importlib.metadata.Distribution.discover
reads = []
def spy(**options):
    caller = sys._getframe(1)
    while caller.f_globals["__name__"].startswith("importlib"):
        caller = caller.f_back
    # Libraries have plug-ins of their own.
    if caller.f_globals["__name__"].startswith("tuilabel") and not {"name", "context"} & {*options}:
        reads.append(options)
    return discover(**options)
importlib.metadata.Distribution.discover = spy
from tuilabel.cli import main
found = []
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments, prog_name="tuilabel")
    except SystemExit:
        pass
    found.append(len(reads))
print(); print(json.dumps(found))
"""


def reads(*commands: tuple[str, ...], complete: str | None = None) -> list[int]:
    """Run commands in a fresh process; return how often all entry points were read after each."""
    own = dict(os.environ)
    if complete is not None:
        words = {"COMP_WORDS": complete, "COMP_CWORD": str(len(complete.split(" ")) - 1)}
        own |= {**words, "_TUILABEL_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", SPY, json.dumps(commands)],
        cwd=REPOSITORY,
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_only_unknown_names_and_lists_read_entry_points() -> None:
    # Each of these would read them: nothing is kept of what was not read.
    built_in = (
        ("--help",),
        ("label", "--help"),
        ("simulate", "--help"),
        ("settings",),
        ("digits", "--line", "--model", "mlp", "--strategy", "margin", "--features", "raw"),
        ("export", "digits", "--format", "jsonl"),
        ("status", "mnist:here"),
        ("status", "/tmp/no:where"),
        ("simulate", "digits", "--model", "softmax", "--budget", "20", "--seeds", "1"),
    )
    unknown = ("label", "digits", "--model", "nearst")
    assert dict(zip((*built_in, unknown), reads(*built_in, unknown), strict=True)) == {
        **dict.fromkeys(built_in, 0),
        unknown: 1,
    }
    assert reads(("doctor",)) == [1]


def test_completing_a_built_in_name_never_reads_entry_points() -> None:
    for words in ("tuilabel --model ml", "tuilabel export --format ", "tuilabel simulate --st"):
        assert reads((), complete=words) == [0]
    assert reads((), complete="tuilabel --model nea") == [1]


# Names of plug-ins.

ENTRIES = {
    "tuilabel.strategies": {"flat": "plain:flat"},
    "tuilabel.sources": {"dots": "plain:flat"},
    "tuilabel.writers": {"txt": "plain:flat"},
}
CODE = "def flat(*a, **k):\n    raise RuntimeError('no \\x1b[31mred')\n"


@pytest.fixture
def plain(install: Install) -> None:
    """Install a package whose functions fail."""
    install("plain", ENTRIES, CODE)


@pytest.mark.usefixtures("plain")
def test_names_of_plug_ins_come_after_the_built_in_ones() -> None:
    assert names("strategies") == (*GROUPS["strategies"].built_in, "flat")
    assert resolve({"strategy": "flat"}).strategy == "flat"
    assert "plain" not in sys.modules, "the trainer loads it, not the screen"
    assert list(plugin_lines()) == [
        "plug-in       strategy flat (plain 1.0)",
        "plug-in       source dots (plain 1.0)",
        "plug-in       export format txt (plain 1.0)",
    ]


@pytest.mark.usefixtures("plain")
def test_an_unknown_name_lists_all_and_finds_the_one_that_was_meant() -> None:
    with pytest.raises(
        UsageError, match=r"expected one of auto, .*typiclust, hunt, flat\. Did you mean"
    ):
        resolve({"strategy": "flatt"})
    with pytest.raises(UsageError, match=r"no export format 'tx': .*jsonl, .*txt\. Did .* 'txt'"):
        load("writers", "tx")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("words", ["tuilabel --strategy fl", "tuilabel simulate --strategy fl"])
def test_the_name_of_a_plug_in_is_completed(words: str) -> None:
    environ = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    environ["_TUILABEL_COMPLETE"] = "bash_complete"
    assert CliRunner().invoke(main, [], prog_name="tuilabel", env=environ).stdout == "plain,flat\n"


# Plug-ins that cannot be used: one sentence that names them and their package.


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("group", "name", "error"),
    [
        ("strategies", "flat", PluginError),
        ("sources", "dots", SourceError),
        ("writers", "txt", PluginError),
    ],
)
def test_a_function_that_fails_is_blamed(group: str, name: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        load(group, name)()
    noun = GROUPS[group].noun
    assert str(caught.value) == (
        f"The {noun} '{name}' of the package plain 1.0 failed (RuntimeError: no ␛[31mred): "
        "fix or uninstall it, or use another one."
    )


@pytest.mark.parametrize(
    ("target", "code", "reason"),
    [
        ("broken:fit", "import nothing_of_that_name", "ModuleNotFoundError: No module named"),
        ("broken:fit", "def fit(:", "SyntaxError: "),
        ("broken:fit", "raise SystemExit(3)", "SystemExit: 3"),
        ("broken:fit", "fat = 1", "AttributeError: "),
        ("broken:fit", "fit = [1]", "TypeError: broken:fit is list, not a function"),
        ("broken", "", "TypeError: broken is module, not a function"),
        ("not a target!", "", "failed ("),
    ],
)
def test_a_function_that_cannot_be_loaded(
    install: Install, target: str, code: str, reason: str
) -> None:
    install("broken", {"tuilabel.models": {"fit": target}}, code)
    with pytest.raises(PluginError) as caught:
        load("models", "fit")
    assert str(caught.value).startswith("The model 'fit' of the package broken 1.0 failed (")
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_built_in_name_stays_built_in_and_doctor_reports_the_other(install: Install) -> None:
    install("clash", {"tuilabel.models": {"mlp": "clash:fit"}, "tuilabel.features": {"raw": "x:y"}})
    assert load("models", "mlp").__module__ == "tuilabel.learn.models"
    assert names("models") == tuple(GROUPS["models"].built_in)
    assert list(plugin_lines()) == [
        f"! The {what} of the package clash 1.0 is not used, since that name is built in: rename "
        "or uninstall it."
        for what in ("model 'mlp'", "feature 'raw'")
    ]


def test_one_name_in_two_packages_is_in_neither(install: Install) -> None:
    for package in ("one", "two"):
        install(package, {"tuilabel.models": {"fit": f"{package}:fit"}})
    with pytest.raises(PluginError, match=r"'fit' is in more than one package \(one 1\.0 and two"):
        resolve({"model": "fit"})
    assert "fit" not in names("models")
    assert len(list(plugin_lines())) == 2
    assert all(line.startswith("! The model 'fit' is in more than") for line in plugin_lines())


@pytest.mark.parametrize("name", ["\x1b[31mred", "a b", "../up", "Big", "x" * 41, "fit\u202e"])
def test_a_hostile_name_is_shown_inert_and_never_used(install: Install, name: str) -> None:
    install("evil", {"tuilabel.models": {name: "evil:fit"}}, version="1\x1b[2J")
    (line,) = plugin_lines()
    assert line.startswith("! The model '")
    assert "of the package evil 1␛[2J is not used, since its name is invalid" in line
    assert line.isprintable()
    assert names("models") == tuple(GROUPS["models"].built_in)
    with pytest.raises(PluginError, match="its name is invalid"):
        load("models", name)


@pytest.mark.parametrize("text", ["no section", "[tuilabel.models]\nno equals sign", "\0\x1b"])
def test_damaged_metadata_of_a_package_changes_nothing_for_others(
    install: Install, text: str
) -> None:
    site = install("bad", {})
    (site / "bad-1.0.dist-info" / "entry_points.txt").write_text(text)
    install("plain", ENTRIES, CODE)
    assert "flat" in names("strategies")


def test_a_package_that_is_found_twice_counts_once(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = install("plain", ENTRIES, CODE)
    monkeypatch.syspath_prepend(str(site / ".." / site.name))
    plugins._installed.cache_clear()
    assert len(list(plugin_lines())) == 3


# Sources by name.


@pytest.mark.usefixtures("plain")
def test_a_source_is_a_name_a_colon_and_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert split_source("digits") == ("digits", None)
    assert split_source("mnist:x") == ("mnist", "x")
    assert split_source("dots:") == ("dots", "")
    assert split_source("dots:a:b") == ("dots", "a:b")
    assert split_source("dots") == ("", "dots")
    assert split_source("./dots:") == ("", "./dots:")
    assert named_source("dots:7") == "dots:7"
    assert named_source("dots:photos") == f"dots:{tmp_path}/photos"
    assert named_source("photos") == f"{tmp_path}/photos"
    assert named_source("mnist:no") == f"mnist:{tmp_path}/no"


@pytest.mark.usefixtures("plain")
def test_an_installed_source_comes_before_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("dots:7", "other:7"):
        (tmp_path / name).mkdir()
    assert split_source("dots:7") == ("dots", "7")
    assert split_source("other:7") == ("", "other:7")


@pytest.mark.usefixtures("plain")
def test_the_session_of_a_source_is_the_same_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    plain, path = session_path("dots:7"), session_path("dots:photos")
    monkeypatch.chdir("/")
    assert session_path("dots:7") == plain
    assert session_path(f"dots:{tmp_path}/photos") == path
    assert len({plain, path, session_path("dots:"), session_path("digits")}) == 4


@example({"root": "/\udcff", "where": "a+b&c=%3A;\n"})
@given(st.dictionaries(st.sampled_from(["where", "root", "null"]), st.text(min_size=1)))
def test_a_source_has_its_options_back(options: dict[str, str]) -> None:
    source = with_options("list:/a:b?c=d", **options)
    assert source_options(source) == options
    assert split_source(source) == ("list", "/a:b?c=d")
    assert named_source(source) == source


def test_a_source_with_options_is_legible() -> None:
    source = with_options("table:/x.csv", where='split == "a:b" and not size in (1, 2)')
    assert source == 'table?where=split == "a%3Ab" and not size in (1, 2):/x.csv'


def test_python_reads_a_session_in_a_store_from_any_folder(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from pathlib import Path\nfrom tuilabel.journal import store\n\n\n"
    code += "def kept(name):\n    return store.FolderStore(Path(name))\n"
    install("kept", {"tuilabel.stores": {"kept": "kept:kept"}}, code)
    monkeypatch.chdir(tmp_path)
    new_session(Path("kept:labels"), label_of("a", "cat", "a.png"))
    session = tuilabel.open_session("kept:labels")
    monkeypatch.chdir("/")
    assert session.labels(look=False)["class"].tolist() == ["cat"]
