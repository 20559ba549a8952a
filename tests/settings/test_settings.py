"""Settings in effect: flags over the session's over the environment over the file over defaults."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from tuilabel.cli import main
from tuilabel.errors import UsageError
from tuilabel.settings import PERSON, SETTINGS, Settings, config_file, resolve, settings_table
from tuilabel.workspace.opening import SourceOptions, open_workspace

# Per field: a value for each layer, from the strongest to the weakest, and the default.
VALUES: dict[str, tuple[Any, Any, str, Any, Any]] = {
    "model": ("mlp", "softmax", "graph", "hybrid", "auto"),
    "features": ("raw", "hog", "deskew-hog", "raw", "auto"),
    "strategy": ("margin", "entropy", "random", "least-confident", "auto"),
    "cold_start": ("random", "kmeans", "spectral", "kmeans", "auto"),
    "epsilon": (0.1, 0.2, "0.3", 0.4, 0.0),
    "batch_size": (1, 2, "3", 4, 10),
    "seed": (1, 2, "3", 4, 0),
    "audit": (0.1, 0.2, "0.3", 0.4, 0.1),
    "yesno_keys": ("12", "ab", "kl", "+-", "fj"),
    "annotator": ("flag", None, "environ", "file", None),
    "key_delay": (0, None, "200", 1000, 500),
    "cache_size": (1, None, "20", 100_000, 4),
    "suggestions": ("after", "off", "before", "after", "before"),
    "guidelines": ("/a.md", "/b.md", "/c.md", "/d.md", ""),
    # A session has no say in what belongs to a person and a terminal.
    "color": ("none", None, "16", "256", "auto"),
    "theme": ("plain", None, "ansi", "high-contrast", "auto"),
    "background": ("light", None, "dark", "light", "auto"),
    "link": ("slow", None, "fast", "slow", "auto"),
    "graphics": ("kitty", None, "off", "sixel", "off"),
    "keymap": ("vim", None, "default", "prodigy", "default"),
    "view": ("row", None, "single", "row", "single"),
    "blocks": ("ascii", None, "half", "braille", "auto"),
}

OF_PERSON = list(VALUES)[list(VALUES).index("color") :]


def toml(path: Path, **values: Any) -> Path:
    lines = (f"{name} = {value!r}\n".replace("'", '"') for name, value in values.items())
    path.write_text("".join(lines))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name a settings file that is not there."""
    return tmp_path / "settings.toml"


def test_every_setting_is_tried() -> None:
    assert {*VALUES, "keys", "class_keys"} == set(asdict(Settings()))


@pytest.mark.parametrize("name", VALUES)
def test_the_strongest_layer_that_says_something_holds(name: str, file: Path) -> None:
    flag, stored, environ, in_file, default = VALUES[name]
    if default is None:
        default = getpass.getuser()
    toml(file, **{name: in_file})
    environment = {f"TUILABEL_{name.upper()}": environ}
    type_ = type(in_file)
    missing = file.with_name("missing")

    def found(*layers: Any) -> Any:
        return getattr(resolve(*layers), name)

    assert found({name: flag}, {name: stored}, environment, file) == flag
    if stored is None:
        assert found({}, {name: flag}, environment, file) == type_(environ)
    else:
        assert found({name: None}, {name: stored}, environment, file) == stored
    assert found({}, {"items": 5}, environment, file) == type_(environ)
    assert found({}, None, {f"TUILABEL_{name.upper()}": ""}, file) == in_file
    assert found({}, None, {}, missing) == default


def test_a_number_of_colours_may_be_a_number(file: Path) -> None:
    file.write_text("color = 256")
    assert resolve({}, environ={}, file=file).color == "256"


def test_nothing_said_gives_the_defaults(file: Path) -> None:
    assert resolve({}, environ={}, file=file) == Settings(annotator=getpass.getuser())


def test_names_in_the_file_may_have_hyphens(file: Path) -> None:
    file.write_text('cold-start = "random"\nbatch-size = 7\n')
    settings = resolve({}, environ={}, file=file)
    assert (settings.cold_start, settings.batch_size) == ("random", 7)


def test_the_process_environment_and_the_users_file_are_read(
    monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    assert config_file().is_relative_to(own_home)
    config_file().parent.mkdir(parents=True)
    toml(config_file(), model="mlp", seed=5)
    monkeypatch.setenv("TUILABEL_SEED", "9223372036854775807")
    settings = resolve({})
    assert (settings.model, settings.seed) == ("mlp", 2**63 - 1)


BAD: list[tuple[str, Any]] = [
    *(("batch_size", value) for value in (0, -1, 10_001, "ten", "", "1.5", 2.5, True, [1])),
    *(("seed", value) for value in (-1, 2**63, "x", 0.5, False, float("inf"))),
    *(("audit", value) for value in (-0.1, 0.6, "nan", float("nan"), "much", True)),
    *(("epsilon", value) for value in (-0.1, 1.1, "nan", "some", True)),
    *(("key_delay", value) for value in (-1, 10_001, "soon", 0.5, True)),
    *(("cache_size", value) for value in (0, 100_001, "4 GB", 0.5, True)),
    *(("annotator", value) for value in ("  ", "x" * 65, 5, ["me"])),
    *(("model", value) for value in ("forest", 5, ["mlp"])),
    *(("features", value) for value in ("pixels", 5, ["raw"])),
    *(("strategy", value) for value in ("best", "")),
    *(("cold_start", value) for value in ("warm", 1.0)),
    *(("suggestions", value) for value in ("sometimes", True)),
    *(("guidelines", value) for value in (5, True, ["a.md"], "a\0.md", "a\x1b[2J.md")),
    *((name, value) for name in OF_PERSON for value in ("Purple", 8, True, ["auto"])),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_flag_is_refused(name: str, value: Any, file: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve({name: value}, environ={}, file=file)
    message = str(caught.value)
    assert repr(value) in message
    assert name.replace("_", " ") in message.replace("-", " ")
    assert "; expected " in message


@pytest.mark.parametrize("name", VALUES)
def test_a_bad_value_is_said_to_come_from_where_it_comes_from(name: str, file: Path) -> None:
    bad = "x" * (65 if name != "guidelines" else 1001)
    variable = f"TUILABEL_{name.upper()}"
    if VALUES[name][1] is not None:
        of_session = rf"^The {name.replace('_', ' ')} of the session is 'x+(\.\.\.x+)?'; "
        if SETTINGS[name].values.group:
            of_session = rf"^The session uses the {name} 'x+'"
        with pytest.raises(UsageError, match=of_session):
            resolve({}, {name: bad}, {}, file)
    with pytest.raises(UsageError, match=rf"^{variable} is 'x+(\.\.\.x+)?'; "):
        resolve({}, None, {variable: bad}, file)
    toml(file, **{name: bad})
    with pytest.raises(UsageError, match=rf"^{file}: {name} is 'x+(\.\.\.x+)?'; "):
        resolve({}, None, {}, file)
    with pytest.raises(UsageError, match=rf"^{SETTINGS[name].option} is 'x+(\.\.\.x+)?'; "):
        resolve({name: bad}, None, {}, file)


def test_a_bad_value_under_a_good_one_does_no_harm(file: Path) -> None:
    toml(file, seed=-1)
    assert resolve({"seed": 1}, environ={"TUILABEL_SEED": "x"}, file=file).seed == 1


def test_an_unknown_name_in_the_file_is_refused(file: Path) -> None:
    toml(file, modle="mlp")
    with pytest.raises(UsageError, match=r"settings.toml sets 'modle'.*choose among model, "):
        resolve({}, environ={}, file=file)


@pytest.mark.parametrize("content", [b"model = ", b"\xff", b"model = mlp", b"seed = 1\nseed = 2"])
def test_a_file_that_is_no_toml_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"settings.toml cannot be read as TOML: .*Fix or remove"):
        resolve({}, environ={}, file=file)


DEEP = 100_000


@pytest.mark.parametrize(
    "content",
    [
        *("model = " + "[" * 30_000, "model = " + "{a = " * 10_000, "[" * 30_000),
        *(f"{'a.' * 30_000}a = 1", f"[{'a.' * 30_000}a]", f"model = {{{'a.' * 30_000}a = 1}}"),
        *("model = " + "[" * DEEP + "]" * DEEP, "model = '" + "x" * 2**20 + "'", "\n" * 2**17),
        *(f"seed = {'9' * 60_000}", f"seed = 0x{'f' * 60_000}", f"model = {'[' * 90}{']' * 90}"),
    ],
)
def test_a_file_that_is_deep_or_huge_is_one_short_sentence_at_once(
    file: Path, content: str
) -> None:
    file.write_text(content)
    with pytest.raises(UsageError) as caught:
        resolve({}, environ={}, file=file)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert len(message) < len(str(file)) + 400
    assert "\n" not in message


@pytest.mark.parametrize("name", ["{}a = 1", "[{}a]", "model = {{{}a = 1}}"])
def test_a_name_of_too_many_parts_is_not_parsed(file: Path, name: str) -> None:
    # Parsing 30,000 parts takes ten seconds.
    for dots, found in ((200, "sets 'a'|model is "), (201, "nested too deeply")):
        file.write_text(name.format("a." * dots))
        with pytest.raises(UsageError, match=found):
            resolve({}, environ={}, file=file)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("kind", ["pipe", "socket", "directory", "device"])
def test_what_is_no_file_is_refused_at_once(file: Path, kind: str) -> None:
    with contextlib.ExitStack() as stack:
        if kind == "pipe":
            os.mkfifo(file)
        elif kind == "socket":
            bound = stack.enter_context(socket.socket(socket.AF_UNIX))
            stack.callback(os.chdir, Path.cwd())
            os.chdir(file.parent)  # a short name: that of a socket has at most 107 bytes
            bound.bind(file.name)
        elif kind == "directory":
            file.mkdir()
        else:
            file.symlink_to("/dev/zero")
        with pytest.raises(UsageError, match=r"settings.toml cannot be read \(.*Fix or remove it"):
            resolve({}, environ={}, file=file)


def test_what_the_file_says_is_harmless_in_the_message(file: Path) -> None:
    for content in (
        '"\\u001b]0;owned\\u0007" = 1',
        'model = "\\u001b[31m\\u202e"',
        '[keys]\n"\\u001b]52;c;x\\u0007" = 5',
        "[class_keys]\n'\\u009b' = 5",
    ):
        file.write_text(content)
        with pytest.raises(UsageError) as caught:
            resolve({}, environ={}, file=file)
        assert str(caught.value).isprintable()


def test_a_home_that_is_no_directory_has_no_file(file: Path) -> None:
    file.write_text("")
    assert resolve({}, environ={}, file=file / "settings.toml").model == "auto"


def test_an_annotators_name_is_made_harmless(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = resolve({"annotator": " Zoë\x1b[31m\udcff "}, environ={}, file=file).annotator
    assert name == "Zoë␛[31m�"
    name.encode()
    monkeypatch.setenv("LOGNAME", "caf\udce9")
    assert resolve({}, environ={}, file=file).annotator == "caf�"


def test_a_user_without_a_name_is_a_number(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert resolve({}, environ={}, file=file).annotator == str(os.getuid())


# What is made from the declarations.


def test_every_value_of_a_choice_is_taken_from_any_place(file: Path) -> None:
    for name, setting in SETTINGS.items():
        for value in setting.values.choices:
            for found in (resolve({name: value}, environ={}, file=file), Settings(**{name: value})):
                assert getattr(found, name) == value
            assert getattr(resolve({}, environ={setting.variable: value}, file=file), name) == value


@pytest.mark.parametrize("command", ["label", "demo", "settings"])
def test_every_setting_but_the_tables_is_an_option(command: str) -> None:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    options = {option.name: option for option in found.params if isinstance(option, click.Option)}
    for name, setting in SETTINGS.items():
        of_others = command == "demo" and name == "yesno_keys"
        assert (name in options) != (setting.is_table or of_others)
        if name in options:
            assert options[name].opts == [setting.option]
            assert options[name].help == f"{setting.help}  [default: {setting.default}]"


def test_home_takes_the_settings_of_a_person() -> None:
    found = main.get_command(click.Context(main), "home")
    assert found is not None
    assert {option.name for option in found.params} == {
        name
        for name, setting in SETTINGS.items()
        if setting.scope == PERSON and not setting.is_table
    }


def test_the_default_in_the_help_is_the_default(file: Path) -> None:
    found = resolve({}, environ={}, file=file)
    for name, setting in SETTINGS.items():
        if name != "annotator" and not setting.is_table:
            assert setting.values.read(setting.default, "here") == getattr(found, name)


def test_the_table_for_the_documentation_has_a_row_for_each() -> None:
    rows = [line.strip("| ").split(" | ") for line in settings_table().splitlines()[2:]]
    assert [row[0] for row in rows] == [f"`{name}`" for name in SETTINGS]
    assert {len(row) for row in rows} == {7}
    by_name = dict(zip(SETTINGS, rows, strict=True))
    assert by_name["batch_size"][1:6] == [
        *("`--batch-size`", "`TUILABEL_BATCH_SIZE`", "a whole number from 1 to 1,000", "10"),
        "session",
    ]
    assert by_name["graphics"][3] == "`off`, `sixel`, `kitty`"


# Tables of keys.


def test_tables_of_keys_are_read(file: Path) -> None:
    file.write_text(
        '[keys]\nundo = "z"\nmore-contrast = ["k", "K"]\n[class_keys]\n"my cat" = "c"\n'
    )
    settings = resolve({}, environ={}, file=file)
    assert settings.keys == (("undo", ("z",)), ("more_contrast", ("k", "K")))
    assert settings.class_keys == (("my cat", "c"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("keys = 5", r"keys is 5; expected a table \[keys\] of actions"),
        ("class_keys = []", r"class_keys is \[\]; expected a table"),
        ("[keys]\nundo = 5", r"keys.undo is 5; expected a key"),
        ('[keys]\nundo = ""', r"keys.undo is ''; expected a key"),
        ('[keys]\nundo = ["a", 1]', r"keys.undo is \['a', 1\]; expected"),
        ("[class_keys]\ncat = true", r"class_keys.cat is True; expected a key"),
        ('[class_keys]\ncat = ["c"]', r"class_keys.cat is \['c'\]; expected a key"),
    ],
)
def test_tables_of_anything_else_are_refused(file: Path, content: str, message: str) -> None:
    file.write_text(content)
    with pytest.raises(UsageError, match=rf"^{file}: {message}"):
        resolve({}, environ={}, file=file)


# The command.


def shown(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["settings", *arguments], prog_name="tuilabel")


def origins(output: str) -> dict[str, tuple[str, str]]:
    return {
        fields[0]: (fields[1], fields[2])
        for line in output.split("\n\n")[1].splitlines()
        if len(fields := re.split(r"  +", line)) == 3
    }


def test_what_holds_is_shown_with_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where = str(config_file())
    result = shown()
    assert result.exit_code == 0
    assert f"{where} (not created yet)" in result.output
    assert set(origins(result.output)) == set(VALUES)
    assert {origin for _, origin in origins(result.output).values()} == {"default"}

    config_file().parent.mkdir(parents=True)
    config_file().write_text('theme = "plain"\nmodel = "mlp"\n[keys]\nundo = ["z", "Delete"]\n')
    monkeypatch.setenv("TUILABEL_BATCH_SIZE", "7")
    monkeypatch.setenv("TUILABEL_COLOR", "16")
    session = tmp_path / "digits.tuilabel"
    flags = {"model": "softmax", "batch_size": 5, "theme": "ansi"}
    with open_workspace(SourceOptions("digits"), flags, path=session):
        pass
    found = origins(shown().output)
    assert found["batch_size"] == ("7", "TUILABEL_BATCH_SIZE")
    assert found["keys: undo"] == ("z or Delete", where)
    found = origins(shown(str(session), "--view", "row").output)
    assert found["model"] == ("softmax", "session")
    assert found["batch_size"] == ("5", "session")
    assert found["theme"] == ("plain", where)
    assert found["color"] == ("16", "TUILABEL_COLOR")
    assert found["view"] == ("row", "option")

    found = json.loads(shown(str(session), "--json").output)
    assert (found["file"], found["session"]) == (where, str(session))
    assert found["settings"]["model"] == {"value": "softmax", "origin": "session"}
    assert found["settings"]["keys"]["value"] == {"undo": ["z", "Delete"]}
    assert set(found["settings"]) == set(asdict(Settings()))


def test_the_columns_of_what_holds_are_straight() -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text('annotator = "猫 cafe\u0301"\n[class_keys]\n"猫咪" = "c"\n')
    lines = shown().output.split("\n\n")[1].splitlines()
    places = {cell_len(line[: re.search(r"\S+$", line).start()]) for line in lines}  # type: ignore[union-attr]
    assert len(places) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[keys]\nundo = "ctrl+m"', "undo: 'ctrl+m' cannot be used: terminals send it as Enter"),
        ('[keys]\nundo = "space"', "gives undo the key 'Space'"),
        ('[keys]\nundoo = "z"', "'undoo', which is not an action"),
        ('theme = "pink"', ": theme is 'pink'; expected one of auto, tuilabel"),
        ("theme = ", "cannot be read as TOML"),
    ],
)
def test_what_is_wrong_with_the_file_is_one_sentence(content: str, message: str) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(content)
    result = shown()
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_session_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = shown(str(tmp_path / "none.tuilabel"))
    assert result.exit_code == 2
    assert result.stderr.startswith("tuilabel: ")
