"""Measure features for a softmax, their time for 70,000 images and accuracy: ``--mnist DIR``.

It compares tuilabel's pixels, gradients and deskewed gradients with scikit-image's `hog` (the
extra ``bench``), with and without deskewed digits. Accuracy is that of tuilabel's softmax fitted
to random labels, on all test images; mean and standard deviation over seeds. Run it on an
otherwise idle machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from round import clock, print_machine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from tuilabel.data import Dataset, open_dataset
from tuilabel.learn.features import CHUNK_ROWS, unit_rows
from tuilabel.learn.graph import usable_cores
from tuilabel.learn.models import fit_model, warm_up
from tuilabel.learn.transformers import Deskew, Hog

LABELS = (50, 200, 1000)
IMAGES = 70_000
TIMED_BY_SKIMAGE = 4000
"""Images on which scikit-image is timed; its time for all is extrapolated."""

Transform = Callable[[NDArray[Any]], NDArray[np.float32]]

OWN: Mapping[str, Any] = {
    "raw": FunctionTransformer(unit_rows),
    "hog": Hog(),
    "deskew-hog": make_pipeline(Deskew(), Hog()),
}
SKIMAGE: Mapping[str, Mapping[str, Any]] = {
    "8 directions, cells of 4, no blocks": {
        "orientations": 8,
        "pixels_per_cell": (4, 4),
        "cells_per_block": (1, 1),
    },
    "9 directions, cells of 4, blocks of 2": {
        "orientations": 9,
        "pixels_per_cell": (4, 4),
        "cells_per_block": (2, 2),
    },
    "8 directions, cells of 7, blocks of 2": {
        "orientations": 8,
        "pixels_per_cell": (7, 7),
        "cells_per_block": (2, 2),
    },
}


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", required=True, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--seeds", type=int, default=5, help="draws of random labels (5)")
    arguments = parser.parse_args()

    print_machine(f"scikit-image {version('scikit-image')}")
    dataset = open_dataset(f"mnist:{arguments.mnist}")
    assert dataset.holdout is not None
    images = np.concatenate([dataset.pool, dataset.holdout.images])[:IMAGES]
    cores = usable_cores()
    print(
        f"seconds for {len(images):,} images on one core and on {cores} (* extrapolated from "
        f"{TIMED_BY_SKIMAGE:,} images); accuracy of a softmax in percent, {arguments.seeds} draws\n"
    )
    print(
        f"{'':62}{'numbers':>8}{'1 core':>9}{f'{cores} cores':>9}"
        + "".join(f"{f'{count} labels':>15}" for count in LABELS)
    )
    with threadpool_limits(1):
        warm_up()
        for name, transformer in OWN.items():
            transform = transformer.fit(images[:1]).transform
            (one,) = clock(lambda transform=transform: in_chunks(transform, images, 1), 1)
            (all_,) = clock(lambda transform=transform: in_chunks(transform, images, cores), 1)
            print_row(
                f"tuilabel {name}", transform, f"{one:.2f}", f"{all_:.2f}", dataset, arguments.seeds
            )
        upright = Deskew().fit(images[:1]).transform
        for name, options in SKIMAGE.items():
            for prefix, before in (("", None), ("deskewed, ", upright)):
                transform = skimage_hog(options, before)
                some = images[:TIMED_BY_SKIMAGE]
                (one,) = clock(lambda transform=transform: transform(some), 1)  # noqa: B023
                print_row(
                    f"scikit-image {prefix}{name}",
                    transform,
                    f"{one * len(images) / len(some):.0f}*",
                    "-",
                    dataset,
                    arguments.seeds,
                )
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


def skimage_hog(options: Mapping[str, Any], before: Transform | None) -> Transform:
    """Return a transform that calls scikit-image for one image after another, as it requires."""
    from skimage.feature import hog

    def transform(images: NDArray[Any]) -> NDArray[np.float32]:
        if before is not None:
            images = before(images)
        rows = [hog(image, **options) for image in images]
        return np.array(rows, dtype=np.float32)

    return transform


def in_chunks(transform: Transform, images: NDArray[Any], threads: int) -> int:
    """Transform all images in chunks, as the child does, and return the number of values."""
    chunks = [images[start : start + CHUNK_ROWS] for start in range(0, len(images), CHUNK_ROWS)]
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda chunk: transform(chunk).size, chunks))


def print_row(
    name: str, transform: Transform, one: str, several: str, dataset: Dataset, seeds: int
) -> None:
    """Measure accuracies and print a row."""
    assert dataset.truth is not None
    assert dataset.holdout is not None
    test = transform(dataset.holdout.images)
    columns = []
    for count in LABELS:
        accuracies = []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            rows = rng.choice(len(dataset), count, replace=False)
            model = fit_model(
                "softmax",
                transform(dataset.pool[rows]),
                dataset.truth[rows],
                n_classes=len(dataset.class_names),
                rng=rng,
            )
            predicted = model.probabilities(test).argmax(axis=1)
            accuracies.append(100 * float((predicted == dataset.holdout.truth).mean()))
        spread = statistics.stdev(accuracies) if seeds > 1 else 0.0
        columns.append(f"{statistics.mean(accuracies):7.2f} ± {spread:4.2f}")
    shown = "".join(f"{column:>15}" for column in columns)
    print(f"{name:62}{test.shape[1]:8}{one:>9}{several:>9}{shown}", flush=True)


if __name__ == "__main__":
    main()
