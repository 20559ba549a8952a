"""A repaired session may lack events anywhere: it opens all the same, with every label it has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from loop_fakes import ME

from tests.loop_fakes import FakeItems, FakeLog, fake_ranking
from tuilabel.journal import Ledger, SessionInfo
from tuilabel.journal.validate import is_valid
from tuilabel.session import LoopSettings, Session

CLASSES = ("cat", "dog", "bird")
ITEMS = 120


def label_for_a_while(log: FakeLog, rng: np.random.Generator) -> None:
    """Label, skip, undo and train, over several openings."""
    for _ in range(3):
        items = cast(Any, FakeItems(ITEMS, holdout=False))
        session = Session(items, log, LoopSettings(batch_size=5), ME)
        for _ in range(25):
            request = session.take_request()
            if request is not None:
                session.accept_ranking(fake_ranking(request, ITEMS, len(CLASSES)), by=ME)
            item, chance = session.current_id, rng.random()
            assert item is not None
            if chance < 0.1:
                session.undo(by=ME)
            elif chance < 0.2:
                session.skip(item, by=ME)
            else:
                session.label(item, int(rng.integers(len(CLASSES))), by=ME)


@pytest.mark.parametrize("seed", range(8))
def test_a_session_opens_whatever_events_it_lacks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = FakeLog(SessionInfo("fake", CLASSES))
    label_for_a_while(log, rng)
    # As a file gives them back: with lists where there were tuples.
    whole = [replace(event, body=json.loads(json.dumps(event.body))) for event in log.written]
    assert all(is_valid(event, CLASSES) for event in whole)
    for _ in range(10):
        start, count = int(rng.integers(len(whole))), int(rng.integers(1, 30))
        kept = [
            event
            for place, event in enumerate(whole)
            if not start <= place < start + count and rng.random() > 0.05
        ]
        log.written = list(kept)
        items = cast(Any, FakeItems(ITEMS, holdout=False))
        session = Session(items, log, LoopSettings(batch_size=5), ME)
        expected = Ledger.of(kept)
        assert {event.uuid for event in session.ledger.labels()} == {
            event.uuid for event in expected.labels()
        }
        item = session.current_id
        assert item is not None
        session.label(item, 0, by=ME)
        assert session.labels == expected.labels_held + 1
