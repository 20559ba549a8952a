"""Answers as columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.session.answers import Ids

IDS = st.one_of(st.uuids().map(lambda id_: id_.hex), st.text(alphabet="aF 0é-", max_size=34))


@given(st.lists(st.lists(IDS, max_size=3), max_size=4))
def test_ids_are_those_that_were_added(parts: list[list[str]]) -> None:
    ids, expected = Ids(), [id_ for part in parts for id_ in part]
    for part in parts:
        ids.extend(part)
    assert [ids[row] for row in range(len(ids))] == expected
