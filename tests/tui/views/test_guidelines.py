"""Guidelines as rows: laid out by cells, and harmless whatever the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuilabel.errors import UsageError
from tuilabel.text import inert
from tuilabel.tui.text.pieces import cells_in
from tuilabel.tui.views.guidelines import guideline_rows
from tuilabel.workspace.guidelines import LARGEST_GUIDELINES, read_guidelines

EXAMPLE = """# Birds
Label the **largest** bird. If there are two,
take the left one.



- owl: round head
    - even from behind
2) duck

```
owl  # no heading
```
[more](https://example.org) ![](file:///etc/passwd)
"""


def lines(text: str, width: int = 40) -> list[str]:
    return ["".join(part for part, _ in row) for row in guideline_rows(text, width)]


def test_headings_lists_and_code_are_laid_out() -> None:
    assert lines(EXAMPLE) == [
        "Birds",
        "Label the largest bird. If there are",
        "two, take the left one.",
        "",
        "  · owl: round head",
        "      · even from behind",
        "  2) duck",
        "",
        "  owl  # no heading",
        "[more](https://example.org)",
        "![](file:///etc/passwd)",
    ]
    assert guideline_rows(EXAMPLE, 40)[0] == [("Birds", "strong")]
    assert lines("\n \n") == ["The guidelines are empty."]


@given(st.text(st.sampled_from("a 猫#-*1.`>\n\t"), max_size=300), st.integers(30, 90))
@example("```猫\na\n```a\n", 40)
@example("```a``` 猫\n~~~~ 猫", 40)
def test_every_row_fits_and_nothing_is_lost(text: str, width: int) -> None:
    rows = guideline_rows(text.expandtabs(4), width)
    assert all(cells_in(row) <= width for row in rows)
    drawn = "".join(part for row in rows for part, _ in row)
    for character in "a猫":
        if character in text:
            assert drawn.count(character) == text.count(character)


@given(st.binary(max_size=400))
def test_whatever_the_file_holds_is_harmless(tmp_path_factory, content: bytes) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path_factory.mktemp("guidelines") / "g.md"
    file.write_bytes(content)
    text = read_guidelines(str(file))
    assert all(inert(line, 10_000) == line for line in text.split("\n"))
    assert all(cell_len(line) <= 40 for line in lines(text))


def test_a_long_line_without_a_space_is_broken_at_once() -> None:
    assert len(lines("猫" * 20_000)) == 1000
    assert len(lines("# " + "x" * 60_000)) == 1500


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    large = tmp_path / "large.md"
    large.write_bytes(b"x" * (LARGEST_GUIDELINES + 1))
    for path, message in (
        (tmp_path / "none.md", "cannot be read .No such file or directory.: /.*none.md. Give"),
        (tmp_path, "it is a directory"),
        (Path("/dev/zero"), "it is a device"),
        (large, "it is larger than 65,536 bytes"),
    ):
        with pytest.raises(UsageError, match=message):
            read_guidelines(str(path))
