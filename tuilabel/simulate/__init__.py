"""The loop with the ground truth in the annotator's chair: what a strategy is worth.

`simulate` runs every combination of a `Plan` with every seed, through the very session and the
very learner that are behind the screen, and gives `Results`. Nothing here draws a screen;
matplotlib is imported when a plot is drawn.
"""

from __future__ import annotations

from tuilabel.simulate.grid import InterruptedSimulation, Standing, StandingCallback, simulate
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
    "Results",
    "Run",
    "Standing",
    "StandingCallback",
    "simulate",
]
