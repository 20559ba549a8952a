"""Which job is sent, what is replaced, and what a lost child does to those it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.requests import ColdStart
from tuilabel.trainer.jobs import Centres, Job, Prepare, Start
from tuilabel.trainer.queue import MOST_LOSSES, JobQueue

PREPARE = Prepare("auto", "auto", "auto")


class Later(Centres):
    """A job that no screen waits for."""

    priority = PREPARE.priority


CENTRES = Centres(10, 0, Path("c.npz"))
LATER: Any = Later(10, 0, Path("l.npz"))


def ranking(generation: int = 1) -> Start:
    return Start(ColdStart(generation, "kmeans", "auto", "auto", (), (), 5, (0,)))


def taken(queue: JobQueue) -> list[Job]:
    """Take jobs as a child that is idle does, each after the end of the one before."""
    jobs = []
    while (entry := queue.take()) is not None:
        jobs.append(entry.job)
        queue.end(entry.id)
    return jobs


@pytest.fixture
def queue() -> JobQueue:
    return JobQueue()


def test_rankings_go_first_then_what_a_screen_waits_for(queue: JobQueue) -> None:
    for job in (LATER, CENTRES, ranking()):
        queue.submit(job)
    assert taken(queue) == [ranking(), CENTRES, LATER]


def test_jobs_of_one_priority_stay_in_their_order(queue: JobQueue) -> None:
    jobs = [Centres(number, 0, Path("c.npz")) for number in range(5)]
    for job in jobs:
        queue.submit(job)
    assert taken(queue) == jobs


def test_a_preparation_goes_before_what_it_is_for(queue: JobQueue) -> None:
    queue.submit(ranking())
    queue.submit(PREPARE)
    assert [queue.take().job, queue.take().job] == [PREPARE, ranking()]  # type: ignore[union-attr]


def test_a_newer_ranking_replaces_a_waiting_one_and_nothing_else(queue: JobQueue) -> None:
    queue.submit(ranking(1))
    assert queue.take() is not None
    for job in (ranking(2), CENTRES, LATER, ranking(3), CENTRES):
        queue.submit(job)
    queue.end(1)
    # 1 was on its way and is not taken back.
    assert taken(queue) == [ranking(3), CENTRES, CENTRES, LATER]


def test_the_child_has_one_job_of_each_priority_at_most(queue: JobQueue) -> None:
    for job in (LATER, LATER):
        queue.submit(job)
    assert queue.take().job is LATER  # type: ignore[union-attr]
    assert queue.take() is None
    queue.submit(CENTRES)
    queue.submit(CENTRES)
    assert queue.take().job is CENTRES  # type: ignore[union-attr]
    assert queue.take() is None
    queue.submit(ranking())
    assert queue.take().job == ranking()  # type: ignore[union-attr]
    assert len(queue.in_flight) == 3
    queue.end(3)
    assert queue.take() is None, "the ranking is still on its way"


def test_a_blocked_preparation_blocks_no_ranking(queue: JobQueue) -> None:
    queue.submit(LATER)
    queue.take()
    queue.submit(PREPARE)
    queue.submit(ranking())
    assert queue.take().job == ranking()  # type: ignore[union-attr]


def test_a_waiting_job_that_is_cancelled_is_gone(queue: JobQueue) -> None:
    number = queue.submit(CENTRES)
    assert queue.cancel(number) is False
    assert queue.take() is None
    assert queue.cancel(number) is False


def test_a_cancelled_job_on_its_way_keeps_its_place_until_it_ends(queue: JobQueue) -> None:
    first, second = queue.submit(CENTRES), queue.submit(CENTRES)
    queue.take()
    assert queue.cancel(first) is True
    assert queue.cancel(first) is False, "the child is told once"
    assert queue.find(first) is None
    assert queue.take() is None
    queue.end(first)
    assert queue.take().id == second  # type: ignore[union-attr]


def test_the_jobs_of_a_lost_child_wait_again(queue: JobQueue) -> None:
    for job in (LATER, CENTRES, ranking(1), CENTRES):
        queue.submit(job)
    queue.take()
    cancelled = queue.submit(LATER)
    queue.cancel(cancelled)
    queue.cancel(3)
    assert queue.lose_child() == []
    assert queue.in_flight == ()
    assert taken(queue) == [CENTRES, CENTRES, LATER]


def test_a_lost_ranking_waits_unless_a_newer_one_does(queue: JobQueue) -> None:
    queue.submit(ranking(1))
    queue.take()
    queue.lose_child()
    assert queue.take().job == ranking(1)  # type: ignore[union-attr]
    queue.submit(ranking(2))
    queue.lose_child()
    assert taken(queue) == [ranking(2)]


def test_a_cancelled_job_is_lost_with_its_child(queue: JobQueue) -> None:
    number = queue.submit(CENTRES)
    queue.take()
    queue.cancel(number)
    queue.lose_child()
    assert queue.take() is None


def test_a_job_that_several_children_did_not_survive_fails(queue: JobQueue) -> None:
    queue.submit(CENTRES)
    queue.submit(ranking())
    for _ in range(MOST_LOSSES - 1):
        queue.take()
        queue.end(2)
        queue.take()
        assert queue.lose_child() == []
    queue.take()
    (failed,) = queue.lose_child()
    assert failed.job is CENTRES
    assert queue.take() is None


def test_a_ranking_does_not_fail_so(queue: JobQueue) -> None:
    queue.submit(ranking())
    for _ in range(3 * MOST_LOSSES):
        assert queue.take() is not None
        assert queue.lose_child() == []


def test_each_new_child_prepares_again(queue: JobQueue) -> None:
    number = queue.submit(PREPARE)
    assert taken(queue) == [PREPARE]
    queue.lose_child()
    assert queue.take().id == number  # type: ignore[union-attr]
    queue.lose_child()
    assert taken(queue) == [PREPARE], "once, and not twice"


def test_a_preparation_that_ends_children_is_not_tried_for_ever(queue: JobQueue) -> None:
    queue.submit(PREPARE)
    for _ in range(MOST_LOSSES):
        queue.take()
        failed = queue.lose_child()
    assert [entry.job for entry in failed] == [PREPARE]
    queue.lose_child()
    assert queue.take() is None


acts = st.lists(
    st.sampled_from(["ranking", "centres", "later", "take", "end", "cancel", "lose"]),
    max_size=60,
)


@given(acts, st.randoms(use_true_random=False))
def test_no_job_is_lost_and_none_ends_twice(acts: list[str], random: Any) -> None:
    """Compare with a plain account: each job is replaced, cancelled, failed or ended once."""
    queue = JobQueue()
    makers = {"centres": CENTRES, "later": LATER}
    open_: dict[int, str] = {}
    newest_ranking = None
    for act in acts:
        if act in makers:
            open_[queue.submit(makers[act])] = act
        elif act == "ranking":
            newest_ranking = queue.submit(ranking())
        elif act == "take":
            entry = queue.take()
            # Whatever is on its way is less urgent than what follows it.
            flying = [e.job.priority for e in queue.in_flight]
            assert flying == sorted(flying, reverse=True)
            assert len(set(flying)) == len(flying)
            assert entry is None or entry.id in open_ or entry.job.replaceable
        elif act == "end" and queue.in_flight:
            ended = random.choice(queue.in_flight).id
            queue.end(ended)
            open_.pop(ended, None)
            newest_ranking = None if ended == newest_ranking else newest_ranking
        elif act == "cancel" and open_:
            number = random.choice(sorted(open_))
            queue.cancel(number)
            del open_[number]
        elif act == "lose":
            for entry in queue.lose_child():
                del open_[entry.id]
    left = set()
    for entry in queue.in_flight:
        if queue.find(entry.id):
            left.add(entry.id)
        queue.end(entry.id)
    while (entry := queue.take()) is not None:
        left.add(entry.id)
        queue.end(entry.id)
    assert left >= set(open_) | ({newest_ranking} - {None})


def test_no_two_queues_use_one_number() -> None:
    first, second = JobQueue(), JobQueue()
    assert first.submit(CENTRES) != second.submit(CENTRES)
