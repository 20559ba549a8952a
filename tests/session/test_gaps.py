"""Logs may lack events anywhere: the session opens all the same, with every label it has."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking

from tuilabel.session import LoopSettings, Session
from tuilabel.session.labels import Labels

ITEMS = 120


def label_for_a_while(log: FakeLog, rng: np.random.Generator) -> None:
    """Label, skip, undo and train, over several openings."""
    for _ in range(3):
        items = cast(Any, FakeItems(ITEMS, holdout=False))
        session = Session(items, log.reopened(), LoopSettings(batch_size=5), ME)
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
    log = FakeLog()
    label_for_a_while(log, rng)
    whole = list(log.written)
    for _ in range(10):
        start, count = int(rng.integers(len(whole))), int(rng.integers(1, 30))
        kept = [
            event
            for place, event in enumerate(whole)
            if not start <= place < start + count and rng.random() > 0.05
        ]
        log.written = list(kept)
        items = cast(Any, FakeItems(ITEMS, holdout=False))
        session = Session(items, log.reopened(), LoopSettings(batch_size=5), ME)
        expected = Labels(log.bulk_lines)
        for number, event in enumerate(kept):
            expected.apply(event, number)
        assert session.known.training == expected.training
        assert session.known.audit == expected.audit
        item = session.current_id
        assert item is not None
        # After an undo the item that is asked may have an earlier answer.
        standing = session.known.standing(item)
        is_new = standing is None or standing.class_id is None
        session.label(item, 0, by=ME)
        assert session.labels == expected.labels_held + is_new
