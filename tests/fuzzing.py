"""Hostile bytes for parsers: few examples in a usual run, more by TUILABEL_TEST_EXAMPLES."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tuilabel.text import inert

fuzzed = settings(
    max_examples=int(os.environ.get("TUILABEL_TEST_EXAMPLES", "30")),
    # A folder is not made again for each example: each writes its file anew.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


def files_with(*parts: bytes) -> st.SearchStrategy[bytes]:
    """Return files made of some parts, of paths that nobody should follow, and of any bytes."""
    usual = (b"\n", b"\r\n", b"\0", b",", b"\t", b'"', b"a.png", b"../a.png", b"/dev/zero")
    odd = (b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"pipe", b"loop", b"sub", b"\x1b[31m")
    part = st.one_of(st.sampled_from((*parts, *usual, *odd)), st.binary(max_size=12))
    return st.lists(part, max_size=40).map(b"".join)


def check_sentence(error: Exception) -> None:
    """Fail for an error that is not harmless in a terminal."""
    sentence = str(error)
    assert sentence
    assert inert(sentence, len(sentence)) == sentence
