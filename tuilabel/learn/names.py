"""What can be asked for by name, for those who only list or check names.

Importing this module loads neither numpy nor scikit-learn, so the command line can offer the
names without paying for either. The functions behind them are in `tuilabel.learn.models`,
`tuilabel.learn.strategies`, `tuilabel.learn.batch_strategies`, `tuilabel.learn.transformers` and
`tuilabel.learn.cold_start`. ``auto`` stands for what `tuilabel.learn.learner` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from tuilabel.errors import UsageError

AUTO = "auto"
MODEL_NAMES = (AUTO, "softmax", "mlp", "graph", "hybrid")
FEATURE_NAMES = (AUTO, "raw", "hog", "deskew-hog")
STRATEGY_NAMES = (
    AUTO,
    "least-confident",
    "margin",
    "entropy",
    "random",
    "committee",
    "diverse-margin",
    "badge",
    "typiclust",
)
COLD_START_NAMES = (AUTO, "random", "kmeans", "spectral")

GRAPH_MODELS = (AUTO, "graph", "hybrid")
"""The models that look at the label graph, where there is one."""

T = TypeVar("T")


def look_up(table: Mapping[str, T], kind: str, name: str) -> T:
    """Give what a table holds under a name.

    Parameters
    ----------
    table
        Name to thing.
    kind
        What the table holds, in the words of the message: ``"model"``.
    name
        The name asked for.

    Raises
    ------
    UsageError
        If there is no such name; the message lists those that exist.
    """
    try:
        return table[name]
    except KeyError:
        known = ", ".join(table)
        raise UsageError(f"There is no {kind} {name!r}: choose one of {known}.") from None
