"""Compute the centres of a pool: ``python -m tuilabel.trainer.centres POOL K SEED OUT``.

POOL is an `ArrayFile` as JSON. OUT becomes an ``.npz`` file with `pictures` and `shares`, see
`tuilabel.learn.centres`. It appears under its name once it is complete.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tuilabel.data import ArrayFile
from tuilabel.data.cache_files import replacing
from tuilabel.learn.centres import cluster_pictures


def main() -> None:
    """Compute the centres and write them."""
    pool, clusters, seed, out = sys.argv[1:]
    rng = np.random.default_rng(int(seed))
    images = ArrayFile.from_json(json.loads(pool)).open()
    pictures, shares = cluster_pictures(images, int(clusters), rng)
    with replacing(Path(out)) as file:
        np.savez(file, pictures=pictures, shares=shares)


if __name__ == "__main__":
    main()
