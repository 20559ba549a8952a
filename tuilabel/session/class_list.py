"""The classes of one run: each has an index that never changes while the session is open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tuilabel.session.classes import Classes, class_id_of


class ClassList:
    """The classes in the order in which a run learned of them.

    What is under way when the classes change (a ranking, a chord, a mark on a screen) has an index
    or an id, and both mean the same class for as long as the run lasts.

    Parameters
    ----------
    classes : Classes
        What everybody said about them.
    source : sequence of str
        The names of the source's own classes, in the order of its ground truth.

    Attributes
    ----------
    ids : sequence of str
        Class ids by index. New ones are appended.
    """

    def __init__(self, classes: Classes, source: Sequence[str]) -> None:
        self._classes = classes
        self._source = tuple(map(class_id_of, source))
        self._index: dict[str, int] = {}
        self._version = -1
        self._ids: tuple[str, ...] = ()
        self._names: tuple[str, ...] = ()
        self._open: tuple[int, ...] = ()

    @property
    def version(self) -> int:
        """Grows whenever the classes may have changed."""
        return self._classes.version

    def _bring_up_to_date(self) -> None:
        classes = self._classes
        if self._version == classes.version:
            return
        self._version = classes.version
        for id_ in (*(info.id for info in classes.every()), *self._source):
            self._index.setdefault(id_, len(self._index))
        self._ids = tuple(self._index)
        self._names = tuple(map(classes.own_name, self._ids))
        self._open = tuple(self._index[info.id] for info in classes)

    @property
    def ids(self) -> tuple[str, ...]:
        """The class ids by index."""
        self._bring_up_to_date()
        return self._ids

    @property
    def names(self) -> tuple[str, ...]:
        """The names by index, also of classes that were retired or merged."""
        self._bring_up_to_date()
        return self._names

    @property
    def open(self) -> tuple[int, ...]:
        """The indices of the classes that can be chosen, in the order of their events."""
        self._bring_up_to_date()
        return self._open

    def index(self, class_id: str) -> int | None:
        """Return the index of the class that answers to a class count for; None if unknown."""
        self._bring_up_to_date()
        return self._index.get(self._classes.resolved(class_id))

    def spread(self, shares: Mapping[str, float]) -> tuple[float, ...]:
        """Return probabilities by index, from those by class id; only of classes to choose."""
        columns = [0.0] * len(self.ids)
        is_open = set(self.open)
        for class_id, share in shares.items():
            index = self.index(class_id)
            if index in is_open:
                columns[index] += share
        return tuple(columns)

    def columns(self, labelled: Collection[str], *, has_truth: bool) -> tuple[str, ...]:
        """Return the ids of the classes that a model has to tell apart.

        Parameters
        ----------
        labelled : collection of str
            Ids of the classes that have labels.
        has_truth : bool
            Whether the model is measured on the source's ground truth.

        Returns
        -------
        tuple of str
            The classes that can be chosen, those that have labels, and those of the ground truth,
            in the order of their indices.
        """
        truth = self.of_source if has_truth else ()
        wanted = {*truth, *(self.ids[index] for index in self.open), *labelled}
        return tuple(id_ for id_ in self.ids if id_ in wanted)

    def of_truth(self, number: int) -> int:
        """Return the index of a class of the source's ground truth."""
        self._bring_up_to_date()
        return self._index[self.of_source[number]]

    @property
    def of_source(self) -> tuple[str, ...]:
        """The class ids of the source's own classes, in the order of its ground truth."""
        return tuple(map(self._classes.resolved, self._source))
