"""What `status` says beside the accuracy."""

from __future__ import annotations

from tuilabel.commands.text import _recall_lines
from tuilabel.session.summary import BalancedSummary, RateSummary, RecallSummary


def test_balanced_accuracy_the_worst_class_and_those_not_measured_have_a_line_each() -> None:
    recall = RecallSummary(
        balanced=BalancedSummary(value=0.525, low=0.34, high=0.75, n=14, classes=2),
        worst="\x1b[1mdefect",
        by_class={"\x1b[1mdefect": RateSummary(value=0.25, low=0.05, high=0.7, found=1, n=4)},
        missing=["rust"],
        set="audit",
    )
    lines = list(_recall_lines({"recall": recall}))  # type: ignore[typeddict-item]
    assert len(lines) == 3
    assert lines[0].startswith("balanced   52.5% (34.0% to 75.0%")
    assert lines[0].endswith("the mean recall of 2 classes, n = 14")
    assert "defect: 25.0% (5.0% to 70.0%" in lines[1]
    assert lines[1].endswith("1 of 4 images found")
    assert lines[2] == "unmeasured no audit image of `rust` yet"
    assert "\x1b" not in "".join(lines)


def test_where_nothing_was_measured_nothing_is_said() -> None:
    assert not list(_recall_lines({"recall": None}))  # type: ignore[typeddict-item]
