"""Status and exports of a session that several annotators label."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hostile_sessions import foreign
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.events.payloads import Batch, ClassAdded, Decided, Measured, Payload, Skip
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.runs import Run
from tuilabel.session.classes import class_id_of


def tuilabel(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments, prog_name="tuilabel")
    assert result.exit_code == 0, result.output
    return result


def write(path: Path, by: str, *payloads: Payload, seconds: float = 6) -> None:
    """Let an annotator do something every few seconds, and leave."""
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def clock() -> datetime:
        nonlocal now
        now += timedelta(seconds=seconds)
        return now

    with Journal(path, by, "digits", clock) as journal:
        journal.read()
        for payload in payloads:
            journal.append([payload], by)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Return a session of anna and bob, who disagree about 2 and 3 and agree about 1."""
    path = tmp_path / "s.tuilabel"
    new_session(path, classes=("cat", "dog"), by="anna")
    labels = [label_of(f"{n}", "cat", f"{n}.png") for n in range(1, 5)]
    write(path, "anna", *labels, Skip(item="5", names=("5.png",)))
    write(path, "bob", *(label_of(f"{n}", "cat" if n == 1 else "dog") for n in (1, 2, 3)))
    return path


def rows(path: Path, *options: str) -> list[tuple[str, str, str, str]]:
    found = csv.DictReader(io.StringIO(tuilabel("export", str(path), *options).stdout))
    return [(row["item_id"], row["annotator"], row["class"], row["disputed"]) for row in found]


def test_status_says_who_disagrees_how_fast_they_are_and_how_often_they_agree(
    session: Path,
) -> None:
    lines = tuilabel("status", str(session)).stdout.splitlines()
    assert "disputed   2 images, with as many answers for one class as another:" in lines
    assert "  anna: cat, bob: dog (2)" in lines, "bob's label has no name of a file"
    assert any(line.startswith("by         anna: 2 labels, 10 answers a minute") for line in lines)
    assert any(line.startswith("by         bob: 1 label, 10 answers a minute") for line in lines)
    assert "agreement  33.3%: 1 of 3 images that several people labelled" in lines
    found = json.loads(tuilabel("status", str(session), "--json").stdout)
    assert found["disputed"] == 2
    assert found["disputes"][0] == {
        "item": "2",
        "reference": "2",
        "answers": {"anna": "cat", "bob": "dog"},
        "audit": False,
    }
    assert found["agreement"] == {"items": 3, "agreeing": 1}
    assert found["annotators"]["bob"]["labels"] == 1
    assert found["annotators"]["bob"]["per_minute"] == pytest.approx(10)
    assert found["annotators"]["bob"]["last_seen"].startswith("2026-01-01T00:00:")


def test_status_lists_the_first_disputes_and_json_all(session: Path) -> None:
    many = [label_of(f"x{n}", "cat") for n in range(20)]
    write(session, "anna", *many)
    write(session, "bob", *(label_of(f"x{n}", "dog") for n in range(20)))
    lines = tuilabel("status", str(session)).stdout.splitlines()
    assert sum("anna: cat, bob: dog" in line for line in lines) == 5
    assert any("17 more; the history (F6) lists them all" in line for line in lines)
    assert len(json.loads(tuilabel("status", str(session), "--json").stdout)["disputes"]) == 22


def test_who_is_here(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(session, "cleo", "digits") as journal:
        journal.append([Skip(item="9")], "cleo")
        here = json.loads(tuilabel("status", str(session), "--json").stdout)["annotators"]
        assert {by: found["here"] for by, found in here.items()} == {
            "anna": False,
            "bob": False,
            "cleo": True,
        }
        assert "cleo: 0 labels, here now" in tuilabel("status", str(session)).stdout
        # Whether a run on another computer goes on, its newest event tells.
        monkeypatch.setattr("tuilabel.session.view.this_run", lambda: Run("other", "", 1, 1))
        assert "cleo: 0 labels, here now" in tuilabel("status", str(session)).stdout
    with Journal(session, "dora", "digits", lambda: datetime(2026, 1, 1, tzinfo=UTC)) as journal:
        journal.append([label_of("9", "cat")], "dora")
        assert "dora: 1 label, last seen 202" in tuilabel("status", str(session)).stdout


def test_a_tie_is_exported_without_a_class_and_counted(session: Path) -> None:
    assert rows(session) == [
        ("1", "bob", "cat", "False"),
        ("2", "bob", "", "True"),
        ("3", "bob", "", "True"),
        ("4", "anna", "cat", "False"),
    ]
    errors = tuilabel("export", str(session)).stderr
    assert "2 images are disputed, and the class of each is empty." in errors
    write(session, "cleo", Decided(item="2", class_id=class_id_of("dog")))
    assert rows(session)[1] == ("2", "bob", "dog", "False")
    write(session, "cleo", ClassAdded(class_id_of("owl"), "owl"))
    write(session, "cleo", Decided(item="3", class_id=class_id_of("owl")))
    assert rows(session)[2] == ("3", "cleo", "owl", "False"), "nobody else has said owl"
    write(session, "bob", label_of("4", "dog"))
    assert "1 image is disputed" in tuilabel("export", str(session)).stderr


def test_all_answers_are_exported_on_request(session: Path) -> None:
    assert rows(session, "--all-answers") == [
        ("1", "anna", "cat", "False"),
        ("1", "bob", "cat", "False"),
        ("2", "anna", "cat", "True"),
        ("2", "bob", "dog", "True"),
        ("3", "anna", "cat", "True"),
        ("3", "bob", "dog", "True"),
        ("4", "anna", "cat", "False"),
        ("5", "anna", "", "False"),
    ]
    errors = tuilabel("export", str(session), "--all-answers").stderr
    assert "2 images are disputed." in errors


def test_disputed_audit_images_are_beside_the_accuracy(tmp_path: Path) -> None:
    from tuilabel.events.payloads import Fitted

    path = tmp_path / "s.tuilabel"
    measured = Measured(correct=92, n=100, set="audit", value=0.92, low=0.85, high=0.96)
    fit = Fitted(
        labels=0,
        round=1,
        model="softmax",
        features="raw",
        strategy="margin",
        fit_seconds=1,
        rank_seconds=1,
        classes=(),
        accuracy=measured,
    )
    new_session(path, fit, label_of("1", "cat", audit=True), label_of("2", "cat"), by="anna")
    write(path, "bob", label_of("1", "dog", audit=True), label_of("2", "dog"))
    output = tuilabel("status", str(path)).stdout
    assert "accuracy   92.0% (85.0% to 96.0%, 95%) on the audit set, n = 100, 1 disputed" in output
    assert "  anna: cat, bob: dog (1, in the audit set)" in output
    found = json.loads(tuilabel("status", str(path), "--json").stdout)
    assert (found["accuracy"]["disputed"], found["disputed"]) == (1, 2)


def test_status_names_damaged_and_missing_logs_and_the_command_that_helps(session: Path) -> None:
    assert "\ndamaged " not in tuilabel("status", str(session)).stdout
    bob = next((session / "log").glob("*bob*"))
    with Journal(session, "cleo", "digits") as journal:
        journal.read()
        journal.append([Batch(round=1, items=(), seen=journal.seen())], "cleo")
    content = bob.read_bytes()
    bob.unlink()
    output = tuilabel("status", str(session)).stdout
    assert f"damaged    log/{bob.name}: it is missing, but" in output
    assert f"`tuilabel check {session}` says how to heal the session" in output
    lines = content.splitlines(keepends=True)
    bob.write_bytes(b"".join([lines[0], *(b"damaged\n" for _ in range(9))]))
    output = tuilabel("status", str(session)).stdout
    assert output.count("\ndamaged    ") == 5
    assert " more problems; `tuilabel check " in output
    assert len(Reader(session).read())


def test_hostile_annotators_are_harmless_in_status(session: Path) -> None:
    for number, name in enumerate(("\x1b[2J", "\u202eevil", "x" * 4096, "[bold]")):
        write(session, name, label_of(f"{number}", "dog" if number % 2 else "cat"))
    result = tuilabel("status", str(session))
    assert not foreign(result.stdout)
    assert max(map(len, result.stdout.splitlines())) < 400
    names = json.loads(tuilabel("status", str(session), "--json").stdout)["annotators"]
    assert "␛[2J" in names
