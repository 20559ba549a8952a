"""A summary of a session, from its events alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from tuilabel.events.payloads import Fitted
from tuilabel.session.annotators import Seen, agreement
from tuilabel.session.recall import Recall, Recalls
from tuilabel.session.remarks import Remarked
from tuilabel.session.spot_checks import CheckResult, results, sentence

if TYPE_CHECKING:
    from tuilabel.session.view import SessionView

STOPPING_FITS = 10
"""Number of the last fits whose moved predictions are in a summary."""


class AccuracySummary(TypedDict):
    """A measured accuracy with its 95% interval, all 0 to 1.

    `disputed` counts the items of an audit set that annotators disagree about, and that are
    therefore not among its `n`; 0 for a hold-out.
    """

    value: float
    low: float
    high: float
    n: int
    set: str
    disputed: int


class RateSummary(TypedDict):
    """The share of the images of a class that are found, with its 95% interval, all 0 to 1."""

    value: float
    low: float
    high: float
    found: int
    n: int


class BalancedSummary(TypedDict):
    """The mean recall of the classes that the measured set contains, with its 95% interval."""

    value: float
    low: float
    high: float
    n: int
    classes: int


class RecallSummary(TypedDict):
    """What the accuracy does not say: how well the newest fit finds each class.

    `balanced` is None for a single class, and `worst` where no class is found less often than the
    others. `missing` has the classes with labels of which the measured set contains no image.
    """

    balanced: BalancedSummary | None
    worst: str | None
    by_class: dict[str, RateSummary]
    missing: list[str]
    set: str


class AnnotatorSummary(TypedDict):
    """The work of one annotator.

    `labels` counts those that agree with the label in effect. `per_minute` counts answers per
    minute of working time: the time between answers, without gaps of more than five minutes. It is
    None for less than ten seconds of it. `last_seen` is in UTC, ISO 8601.
    """

    labels: int
    per_minute: float | None
    last_seen: str | None
    here: bool


class AgreementSummary(TypedDict):
    """Number of items that several annotators labelled, and of those they agree about."""

    items: int
    agreeing: int


class DisputeSummary(TypedDict):
    """A disputed item, under its name in the source, and the class of each annotator."""

    item: str
    reference: str
    answers: dict[str, str]
    audit: bool


class RemarkSummary(TypedDict):
    """A flag, or a note with its text, on an item under its name in the source; and whose it is."""

    item: str
    reference: str
    by: str
    text: str | None


class StoppingSummary(TypedDict):
    """How far the last fits moved the predictions of the stop set, the newest last.

    `moved` are shares from 0 to 1. `agreement` are Cohen's kappas, None if a fit predicted a
    single class. `n` is the number of predictions compared.
    """

    moved: list[float]
    agreement: list[float | None]
    n: int


class FittedSummary(TypedDict):
    """The model, features and strategy of the newest fit; never ``auto``."""

    model: str
    features: str
    strategy: str


class AskedSummary(TypedDict):
    """Labels in effect whose items were asked for one reason.

    `draw` has the least and the greatest probability with which they were drawn, None for queries.
    """

    labels: int
    draw: tuple[float, float] | None


class TallySummary(TypedDict):
    """How the newest fit predicts a class for the audit set, of a session of several classes.

    `found` of the images that have the class (`has`) are predicted to, and `wrong` of those that do
    not have it (`has_not`).
    """

    has: int
    found: int
    has_not: int
    wrong: int


class CheckSummary(TypedDict):
    """A random check of the rest for a class; see `tuilabel.session.spot_checks.CheckResult`.

    `text` says the same in a sentence.
    """

    by: str
    time: str
    look_for: str
    size: int
    drawn: int
    answered: int
    found: int
    unclear: int
    error: float
    at_most: int | None
    text: str


class Summary(TypedDict):
    """The output of `tuilabel status --json`, but for `asked`."""

    source: str
    groups: int | None
    window: tuple[float, float] | None
    labels: int
    by_class: dict[str, int]
    without_example: list[str]
    skipped: int
    skip_reasons: dict[str, int]
    flagged: list[RemarkSummary]
    notes: list[RemarkSummary]
    disputed: int
    pool_left: int | None
    rounds: int
    model: str | None
    strategy: str | None
    fitted: FittedSummary | None
    accuracy: AccuracySummary | None
    recall: RecallSummary | None
    tallies: dict[str, TallySummary] | None
    annotators: dict[str, AnnotatorSummary]
    agreement: AgreementSummary | None
    disputes: list[DisputeSummary]
    checks: list[CheckSummary]
    auto_labels: int
    stopping: StoppingSummary | None
    problems: list[str]


def summarise(view: SessionView, now: datetime | None = None) -> Summary:
    """Return a summary of a session.

    Parameters
    ----------
    view : SessionView
    now : datetime, optional
        The time by which somebody on another computer is taken to be there; by default the present.

    Returns
    -------
    Summary
        `by_class` has every class that can be chosen, in their order, and those with labels;
        `without_example` names those without. `groups` is the number of groups of which a frame has
        a label, None in a session without groups: every other number counts frames. `pool_left` is
        None if the
        session was never opened. `rounds` is the number of batches that a model was fitted after,
        without those taken back since; `fitted` and `accuracy` are of the newest such fit, None
        before the first. Where an image may have several classes, `accuracy` is of whole sets, and
        `tallies` has each class; otherwise it is None. `recall` is of each class, from the same fit
        as `accuracy`; None where an image may have several classes. `skip_reasons` counts the skips
        that have one, and `flagged` and `notes`
        list the items with a flag and every note. `disputed` counts the items about which
        annotators disagree, and `disputes` lists them; of a group, its first such frame stands for
        all. `agreement` is None where no item was labelled by several annotators.
        `auto_labels` counts the auto-labels in effect, which are in no other count. `stopping` is
        about the last `STOPPING_FITS` fits that were compared with the one before, None if there
        are none. `problems` are damaged or missing parts, as sentences.
    """
    known, opened = view.known, view.opened
    # A fit on labels that were taken back since says nothing about the labels that are left.
    fits = [
        event.payload
        for event in known.fits
        if isinstance(event.payload, Fitted) and event.payload.labels <= known.labels_counted
    ]
    accuracy = next((fit.accuracy for fit in reversed(fits) if fit.accuracy), None)
    answered = known.labels_held + known.skips_held + len(known.disputed) - len(known.unmeasured)
    settings = {} if opened is None else opened.settings
    names, agreed = known.classes.written_name, agreement(known)
    return Summary(
        source=view.source,
        groups=len(known.frames_by_group) if known.groups else None,
        window=view.window,
        labels=known.labels_held,
        by_class={
            **{names(info.id): 0 for info in known.classes},
            **{names(id_): count for id_, count in known.by_class.items()},
        },
        without_example=known.without_example(),
        skipped=known.skips_held,
        skip_reasons={why: count for why, count in known.skipped.most_common() if why},
        flagged=[_remark(view, item, flag) for item, flag in sorted(known.remarks.flagged.items())],
        notes=[
            _remark(view, item, note)
            for item in sorted(known.remarks.noted)
            for note in known.remarks.notes(item)
        ],
        disputed=len(known.disputes),
        pool_left=None if opened is None else opened.items - answered,
        rounds=max((fit.round for fit in fits), default=0),
        model=_text(settings.get("model")),
        strategy=_text(settings.get("strategy")),
        fitted=_fitted(fits[-1]) if fits else None,
        accuracy=None
        if accuracy is None
        else AccuracySummary(
            value=accuracy.value,
            low=accuracy.low,
            high=accuracy.high,
            n=accuracy.n,
            set=accuracy.set,
            disputed=known.audit_disputes if accuracy.set == "audit" else 0,
        ),
        recall=_recall(Recalls(known).newest(), names),
        tallies=_tallies(fits, names) if view.about.multi else None,
        annotators={
            by: _annotator(known.by_annotator[by], seen)
            for by, seen in view.seen(now or datetime.now(UTC)).items()
        },
        agreement=AgreementSummary(items=agreed.items, agreeing=agreed.agreeing)
        if agreed.items
        else None,
        disputes=[
            DisputeSummary(
                item=item,
                reference=view.reference(item),
                answers={vote.by: names(vote.class_id or "") for vote in known.votes(item)},
                audit=standing.audit,
            )
            for item, standing in known.disputes.items()
        ],
        checks=[_check(one, names(one.class_id)) for one in results(known)],
        auto_labels=known.auto_labels_held,
        stopping=_stopping([fit for fit in fits if fit.moved is not None]),
        problems=list(map(str, view.problems)),
    )


def _check(result: CheckResult, name: str) -> CheckSummary:
    return CheckSummary(
        by=result.by,
        time=result.at,
        look_for=name,
        size=result.size,
        drawn=result.drawn,
        answered=result.answered,
        found=result.found,
        unclear=result.unclear,
        error=result.error,
        at_most=result.at_most,
        text=sentence(result, name),
    )


def _remark(view: SessionView, item: str, remark: Remarked) -> RemarkSummary:
    reference = view.reference(item, remark.number)
    return RemarkSummary(item=item, reference=reference, by=remark.by, text=remark.text)


def _annotator(labels: int, seen: Seen) -> AnnotatorSummary:
    last = None if seen.last is None else seen.last.isoformat()
    return AnnotatorSummary(
        labels=labels, per_minute=seen.per_minute, last_seen=last, here=seen.is_here
    )


def asked(view: SessionView) -> dict[str, AskedSummary]:
    """Return why the items with a label in effect were asked, by reason.

    Reads every answer, and so takes longer than `summarise`. Auto-labels, disputes and answers
    without a reason are left out.
    """
    draws: dict[str, list[float | None]] = {}
    for label in view.labelled():
        if label.reason and not (label.is_disputed or label.is_imported):
            draws.setdefault(label.reason, []).append(label.draw)
    found = {}
    for reason, every in sorted(draws.items()):
        known = [draw for draw in every if draw is not None]
        range_ = (min(known), max(known)) if known else None
        found[reason] = AskedSummary(labels=len(every), draw=range_)
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _fitted(fit: Fitted) -> FittedSummary:
    return FittedSummary(model=fit.model, features=fit.features, strategy=fit.strategy)


def _recall(found: Recall | None, name: Callable[[str], str]) -> RecallSummary | None:
    if found is None:
        return None
    balanced, rates = found.balanced, found.by_class
    return RecallSummary(
        balanced=None
        if balanced is None
        else BalancedSummary(
            value=round(balanced.value, 6),
            low=round(balanced.low, 6),
            high=round(balanced.high, 6),
            n=sum(rate.n for rate in rates.values()),
            classes=len(rates),
        ),
        worst=None if found.worst is None else name(found.worst),
        by_class={
            name(id_): RateSummary(
                value=round(rate.value, 6),
                low=round(rate.low, 6),
                high=round(rate.high, 6),
                found=rate.correct,
                n=rate.n,
            )
            for id_, rate in rates.items()
        },
        missing=list(map(name, found.missing)),
        set=found.set,
    )


def _tallies(fits: Sequence[Fitted], name: Callable[[str], str]) -> dict[str, TallySummary]:
    newest = next((fit for fit in reversed(fits) if fit.tallies), None)
    if newest is None:
        return {}
    pairs = zip(newest.classes, newest.tallies, strict=False)
    return {
        name(id_): TallySummary(has=hit + miss, found=hit, has_not=wrong + absent, wrong=wrong)
        for id_, (hit, miss, wrong, absent) in pairs
    }


def _stopping(fits: Sequence[Fitted]) -> StoppingSummary | None:
    if not fits:
        return None
    last = fits[-STOPPING_FITS:]
    return StoppingSummary(
        moved=[fit.moved or 0.0 for fit in last],
        agreement=[fit.agreement for fit in last],
        n=fits[-1].stop_set or 0,
    )
