"""Damaged sessions: every whole line counts, and what is lost is noticed."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.folders import (
    begin_line,
    everything,
    items,
    label,
    new_session,
    put,
    raw_line,
    texts,
)
from tuilabel.journal.journal import Journal
from tuilabel.journal.payloads import Batch


@pytest.fixture(scope="module")
def whole() -> Iterator[Path]:
    """Return a session of three runs, two of which have seen others."""
    with tempfile.TemporaryDirectory() as name:
        path = new_session(Path(name) / "s.tuilabel")
        anna, bob, cleo = (Journal(path, who) for who in ("anna", "bob", "cleo"))
        for place in range(4):
            for journal in (anna, bob):
                list(journal.read())
                journal.append(label(f"f1:{place}", round=place))
        bob.append(Batch(round=1, items=(), seen=bob.unrecorded()))
        anna.append(label("f1:not seen by anybody"))
        bob.close()
        cleo.append(label("f1:é"))
        yield path


def whole_lines(content: bytes) -> list[tuple[str, int]]:
    """Return id and number of each line with a right checksum, found without the program."""
    found = []
    for line in content.split(b"\n"):
        body, _, rest = line.rpartition(b',"crc":"')
        if rest == b'%08x"}' % crc32(body) and body:
            event = json.loads(line)
            found.append((event["id"], event["n"]))
    return found


Damage = Callable[[st.DataObject, Path], None]


def change_a_byte(data: st.DataObject, log: Path) -> None:
    content = bytearray(log.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    newline = st.just(10)
    content[place] = data.draw(
        (newline | st.integers(0, 255)).filter(lambda byte: byte != content[place])
    )
    log.write_bytes(content)


def cut(data: st.DataObject, log: Path) -> None:
    content = log.read_bytes()
    log.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])


def change_lines(data: st.DataObject, log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    how = data.draw(st.sampled_from(["swap", "repeat", "remove"]))
    if how == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    elif how == "repeat":
        lines.insert(other, lines[one])
    else:
        del lines[one]
    log.write_bytes(b"".join(lines))


def remove(_: st.DataObject, log: Path) -> None:
    log.unlink()


@pytest.mark.parametrize("damage", [change_a_byte, cut, change_lines, remove])
@settings(max_examples=60)
@given(st.data())
def test_damage_takes_only_its_lines_and_is_noticed(
    whole: Path, damage: Damage, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "s.tuilabel"
        shutil.copytree(whole, path)
        logs = sorted((path / "log").iterdir())
        before = {log: whole_lines(log.read_bytes()) for log in logs}
        log = data.draw(st.sampled_from(logs))
        content = log.read_bytes()
        damage(data, log)
        after = [line for log in logs if log.exists() for line in whole_lines(log.read_bytes())]

        journal = Journal(path)
        found = {event.id for event in journal.read()}
        found |= {event.id for event in journal.read()}
        problems = texts(journal)
        assert found == {id for id, _ in after}, "every line that is whole counts"
        lost = [n for id, n in before[log] if id not in found]
        seen = 5 if "anna" in log.name else 0
        if not problems:
            assert all(n > seen for n in lost), "only a tail that nobody has seen"
            left = [n for id, n in before[log] if id in found]
            assert left == list(range(1, len(left) + 1))

        log.with_stem("copy").write_bytes(content)
        healed = Journal(path)
        assert {event.id for event in healed.read()} == {
            id for lines in before.values() for id, _ in lines
        }
        list(healed.read())
        assert all(problem.healed for problem in healed.problems())


def make_sparse(log: Path) -> None:
    with log.open("ab") as file:
        file.truncate(4 * 2**30)


def make_links(log: Path) -> None:
    shutil.move(log, log.parent.parent / "elsewhere")
    log.symlink_to(log.parent.parent / "elsewhere")


def make_pipe(log: Path) -> None:
    log.unlink()
    os.mkfifo(log)


def make_folder(log: Path) -> None:
    log.unlink()
    log.mkdir()


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (make_sparse, "line 3: the line is damaged: it is longer than 1 MiB"),
        (make_links, "cannot be read .it is a link"),
        (make_pipe, "cannot be read .it is a pipe"),
        (make_folder, "cannot be read .it is a directory"),
    ],
)
def test_a_log_that_is_something_else(
    tmp_path: Path, make: Callable[[Path], None], found: str
) -> None:
    path = new_session(tmp_path / "s.tuilabel")
    put(path, begin_line(), raw_line(2), name="good")
    make(put(path, begin_line(), raw_line(2)))
    journal = Journal(path)
    assert len(items(list(journal.read()))) == (2 if make is make_sparse else 1)
    assert re.search(r"eve\.jsonl.*" + found, texts(journal))
    assert len(journal.problems()) == 1
    list(journal.read())
    assert len(journal.problems()) == 1


def test_a_log_that_may_not_be_read_is_named(powerless_dir: Path) -> None:
    path = new_session(powerless_dir / "s.tuilabel")
    put(path, begin_line(), raw_line(2)).chmod(0)
    journal = Journal(path)
    assert not list(journal.read())
    assert "eve.jsonl: it cannot be read (Permission denied)" in texts(journal)


def test_lines_that_are_damaged_in_other_ways(tmp_path: Path) -> None:
    path = new_session(tmp_path / "s.tuilabel")
    long = raw_line(4, payload={"item": "f1:a", "class_id": "c", "names": ["x" * 2**21]})
    put(
        path,
        *(begin_line(), raw_line(2), b"\n", b"\0" * 9000 + b"\n", b"\xff\xfe\n", raw_line(3)),
        *(long, raw_line(5), raw_line(6, id="ab"), raw_line(9)),
    )
    journal = Journal(path)
    assert len(items(list(journal.read()))) == 4
    for found in (
        "line 3: the line is empty",
        "lines 4 to 5: the line is damaged",
        "line 7: the line is damaged: it is longer than 1 MiB",
        "line 9: the event is invalid: Expected `str` of length",
        "line 10: events 7 to 8 are missing before it",
    ):
        assert found in texts(journal)


def test_a_log_that_becomes_shorter_or_goes(tmp_path: Path) -> None:
    path = new_session(tmp_path / "s.tuilabel")
    log = put(path, begin_line(), raw_line(2), raw_line(3))
    journal = Journal(path)
    assert len(list(journal.read())) == 3
    put(path, begin_line(), raw_line(2))
    assert not list(journal.read())
    assert "become shorter" in texts(journal)
    log.unlink()
    assert not list(journal.read())
    assert "removed while the session was open" in texts(journal)
    shutil.rmtree(path / "log")
    assert not list(journal.read())


def test_copies_count_once_in_any_order(tmp_path: Path) -> None:
    path = new_session(tmp_path / "s.tuilabel")
    log = put(path, begin_line(), *(raw_line(n, 9 - n) for n in range(2, 8)))
    log.with_stem("z").write_bytes(log.read_bytes())
    found = everything(path)
    assert len(found) == 7
    assert [event.t for event in found] == [1, 7, 2, 3, 4, 5, 6], "out of place, so they come last"
    assert not Journal(path).problems()
