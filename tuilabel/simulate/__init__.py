"""Simulations: the ground truth answers instead of an annotator, to compare strategies.

`simulate` runs every combination of a `Plan` with every seed, with the same session and learner
that the screen uses, and returns `Results`. Nothing here draws a screen; matplotlib is imported
only to draw a plot.
"""

from __future__ import annotations

from tuilabel.simulate.grid import (
    InterruptedSimulation,
    ProgressCallback,
    SimulationProgress,
    simulate,
)
from tuilabel.simulate.kept_runs import KeptRuns
from tuilabel.simulate.plan import Combination, Plan
from tuilabel.simulate.results import Description, MeanPoint, Needed, Results
from tuilabel.simulate.run import Run

__all__ = [
    "Combination",
    "Description",
    "InterruptedSimulation",
    "KeptRuns",
    "MeanPoint",
    "Needed",
    "Plan",
    "ProgressCallback",
    "Results",
    "Run",
    "SimulationProgress",
    "simulate",
]
