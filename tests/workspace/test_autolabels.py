"""Auto-labels: kept apart, honest, and taken back by one event."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from loop_fakes import ME

from tuilabel.autolabel.job import AutolabelOptions
from tuilabel.autolabel.text import outcome_lines
from tuilabel.cli import main
from tuilabel.errors import UsageError
from tuilabel.events.payloads import AUTO_ORIGIN
from tuilabel.exchange.csv_format import write_csv
from tuilabel.exchange.rows import label_rows
from tuilabel.session.summary import summarise
from tuilabel.session.view import SessionView
from tuilabel.workspace.autolabels import AutolabelOutcome, autolabel, take_back
from tuilabel.workspace.opening import SourceOptions, open_workspace

CLASSES = ("low", "high", "left")


def array_file(folder: Path, count: int = 90) -> str:
    """Write images of three plain kinds, without any truth; their class is their row modulo 3."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (count, 8, 8), dtype=np.uint8)
    images[0::3, 5:] += 150
    images[1::3, :3] += 150
    images[2::3, :, :3] += 150
    path = folder / "kinds.npz"
    np.savez(path, images=images)
    return str(path)


@pytest.fixture
def labelled(own_home: Path, tmp_path: Path) -> Path:
    """A session over the array file with some labels, all right, audit images among them."""
    flags = {"model": "softmax", "features": "raw", "strategy": "margin", "audit": 0.5}
    options = SourceOptions(array_file(tmp_path), classes=CLASSES)
    with open_workspace(options, flags) as work:
        for _ in range(60):
            slot, item = work.session.current, work.session.current_id
            assert slot is not None
            assert item is not None
            work.session.label(item, slot.row % 3, by=ME)
        return work.path


def files_of(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def digits(own_home: Path) -> Path:
    """A session over scikit-learn's digits, which have a hold-out, with sixty right labels."""
    flags = {"model": "softmax", "features": "raw", "strategy": "margin", "cold_start": "random"}
    with open_workspace(SourceOptions("digits"), flags) as work:
        truth = work.dataset.truth
        assert truth is not None
        for _ in range(60):
            slot, item = work.session.current, work.session.current_id
            assert slot is not None
            assert item is not None
            work.session.label(item, int(truth[slot.row]), by=ME)
        return work.path


def lines_of(outcome: AutolabelOutcome, path: Path, session: str | None = None) -> list[str]:
    found, by_class, replaced = outcome.found, outcome.by_class, outcome.replaced
    return list(outcome_lines(found, by_class, None, path, replaced=replaced, session=session))


def test_the_rest_is_labelled_apart_from_a_persons_labels(labelled: Path) -> None:
    before = summarise(SessionView(labelled))
    outcome = autolabel(labelled, AutolabelOptions("naive"))
    assert len(outcome.labels) == outcome.found.unanswered == 30
    assert outcome.saved
    view = SessionView(labelled)
    assert view.known.auto_labels_held == 30
    after = summarise(view)
    changed = {name for name in after if after[name] != before[name]}  # type: ignore[literal-required]
    assert changed == {"auto_labels", "annotators"}, "who is seen again"
    for label in list(view.labelled())[60:]:
        assert label.origin == AUTO_ORIGIN
        row = int(label.references[0].split("[")[1].rstrip("]"))
        assert label.class_name == CLASSES[row % 3]
        assert label.probability is not None
        assert 0 < label.probability <= 1


def test_what_was_done_is_written_with_it(labelled: Path) -> None:
    autolabel(labelled, AutolabelOptions("confident", threshold=0.5))
    (batch,) = SessionView(labelled).known.auto_batches()
    bulk: Any = batch.event.payload
    assert (bulk.method, bulk.threshold, bulk.model) == ("confident", 0.5, "softmax")
    assert bulk.settings["features"] == "raw"
    assert bulk.calibration["fitted_on"] in ("audit", None)
    assert bulk.estimate["measured"]["name"] == "audit"
    assert bulk.count == batch.held
    autolabel(labelled, AutolabelOptions("naive"))
    again: Any = SessionView(labelled).known.auto_batches()[-1].event.payload
    assert again.replaces == (batch.event.id,), "what it leaves out has no label any more"


def test_one_event_takes_a_batch_back(labelled: Path) -> None:
    autolabel(labelled, AutolabelOptions("naive"))
    before = len(SessionView(labelled).events)
    batch = take_back(labelled)
    assert batch is not None
    assert batch.held > 0
    view = SessionView(labelled)
    assert [event.kind for event in view.events[before:]] == ["begin", "undo", "ended"]
    assert view.known.auto_labels_held == 0
    assert take_back(labelled) is None


def test_a_dry_run_writes_nothing_and_works_while_somebody_labels(labelled: Path) -> None:
    before = files_of(labelled)
    outcome = autolabel(labelled, AutolabelOptions("naive"), dry_run=True)
    assert len(outcome.labels) == 30
    assert not outcome.saved
    assert files_of(labelled) == before
    with open_workspace(SourceOptions(), {}, path=labelled) as work:
        assert autolabel(labelled, AutolabelOptions("naive")).saved
        work.session.take_in(work.journal.read())
        assert work.session.known.auto_labels_held == 30


def test_a_person_who_answers_later_has_the_last_word(labelled: Path) -> None:
    autolabel(labelled, AutolabelOptions("naive"))
    with open_workspace(SourceOptions(), {}, path=labelled) as work:
        item, slot = work.session.current_id, work.session.current
        assert item is not None
        assert slot is not None
        work.session.label(item, 0, by=ME)
    view = SessionView(labelled)
    assert view.known.auto_label(item) is None
    rows = [row for row in label_rows(view.labelled()) if row["item_id"] == item]
    assert [(row["origin"], row["class"]) for row in rows] == [("human", "low")]


def test_auto_labels_train_no_fit_and_measure_nothing(labelled: Path) -> None:
    autolabel(labelled, AutolabelOptions("naive"))
    with open_workspace(SourceOptions(), {}, path=labelled) as work:
        work.session.learn_again()
        request = work.session.take_request()
    known = {work.dataset.row_of(item) for item, _ in work.session.known.items()}
    assert {*request.items, *request.audit_items} == known  # type: ignore[union-attr]


def test_in_order_labels_everything_and_measures_with_the_hold_out(digits: Path) -> None:
    seen: list[int] = []
    outcome = autolabel(
        digits,
        AutolabelOptions("ordered", step=400),
        dry_run=True,
        progress=lambda what, done, total: seen.append(done),
    )
    assert len(outcome.labels) == 1297 - 60
    assert outcome.found.estimate.measured is not None
    assert outcome.found.estimate.measured.n == 500
    assert seen[-1] == 1297 - 60
    again = autolabel(digits, AutolabelOptions("ordered", step=400), dry_run=True)
    assert again.labels == outcome.labels
    assert again.found.estimate == outcome.found.estimate


def test_a_student_is_told_with_and_without_auto_labels(digits: Path) -> None:
    options = AutolabelOptions("naive", student="softmax")
    outcome = autolabel(digits, options, dry_run=True)
    assert outcome.found.taught is not None
    assert outcome.found.untaught is not None
    assert outcome.found.taught.n == outcome.found.untaught.n == 500
    text = "\n".join(outcome_lines(outcome.found, {}, "softmax", None))
    assert "fitted on annotators' labels alone" in text
    assert "Nothing was written (--dry-run)." in text


def test_surer_labels_are_fewer_and_better(digits: Path) -> None:
    all_, sure = (
        autolabel(digits, AutolabelOptions("confident", threshold=p), dry_run=True)
        for p in (0.0, 0.5)
    )
    assert len(sure.labels) < len(all_.labels)
    assert sure.found.estimate.measured is not None
    assert all_.found.estimate.measured is not None
    assert sure.found.estimate.measured.value > all_.found.estimate.measured.value


def test_the_export_says_where_a_label_comes_from(labelled: Path) -> None:
    autolabel(labelled, AutolabelOptions("naive"))
    view = SessionView(labelled)
    text = io.StringIO()
    write_csv(label_rows(view.labelled(), {AUTO_ORIGIN}), text)
    assert text.getvalue().count(",auto,") == 30
    assert len(list(label_rows(view.labelled(), {"human"}))) == 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            AutolabelOptions("nix"),
            "There is no method 'nix': choose one of confident, ordered, naive.",
        ),
        (AutolabelOptions("naive", student="nix"), "choose one of softmax, mlp."),
        (AutolabelOptions("naive", threshold=0.5), "leave it out, or choose 'confident'"),
        (AutolabelOptions("confident", threshold=95), "95"),
        (AutolabelOptions("confident", step=10), "--step 10 needs --method ordered"),
        (AutolabelOptions("ordered", step=0), "a whole number of 1 or more"),
    ],
)
def test_invalid_options_are_one_sentence(
    labelled: Path, options: AutolabelOptions, words: str
) -> None:
    before = files_of(labelled)
    with pytest.raises(UsageError) as caught:
        autolabel(labelled, options)
    assert words in str(caught.value)
    assert files_of(labelled) == before


def test_without_a_label_there_is_nothing_to_do(own_home: Path, tmp_path: Path) -> None:
    with open_workspace(SourceOptions(array_file(tmp_path), classes=CLASSES), {}) as work:
        path = work.path
    with pytest.raises(UsageError, match="There is no label to fit a model to"):
        autolabel(path, AutolabelOptions("naive"))


def test_the_command_labels_tells_and_takes_back(labelled: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["autolabel", str(labelled), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "Saved in" in run("--method", "naive")
    assert "30 auto-labels" in run("--revert")
    assert "There is no batch" in run("--revert")


def test_the_same_labels_give_the_same_report_and_earlier_auto_labels_are_mentioned(
    digits: Path,
) -> None:
    options = AutolabelOptions("confident", threshold=0.5)
    first, second = autolabel(digits, options), autolabel(digits, options)
    assert first.found.calibration == second.found.calibration
    assert first.found.calibration.temperature != 1
    text = "\n".join(lines_of(second, digits))
    assert f"The new auto-labels replace {len(first.labels):,} earlier auto-labels." in text
    assert "replace" not in "\n".join(lines_of(first, digits))


@pytest.mark.parametrize(
    ("session", "command"),
    [
        (None, "tuilabel autolabel '/some where/a.tuilabel' --revert"),
        ("my photos", "tuilabel autolabel 'my photos' --revert"),
    ],
)
def test_the_command_that_takes_the_batch_back_names_the_session(
    labelled: Path, session: str | None, command: str
) -> None:
    outcome = autolabel(labelled, AutolabelOptions("naive"))
    lines = lines_of(outcome, Path("/some where/a.tuilabel"), session)
    assert f"`{command}`" in "\n".join(lines)
