"""A source: stripes that lie or stand, as many as `tuilabel stripes:N` names, or 100."""

import numpy as np

from tuilabel.data import Split, build_dataset, digests, resolve_classes
from tuilabel.errors import SourceError


def open_stripes(source, *, argument, classes, pool, test, **_):
    if argument and not (argument.isdecimal() and 10 <= int(argument) <= 10_000):
        raise SourceError(f"{source} is no number of images: use stripes:10 to stripes:10000.")
    n = int(argument or 100)
    truth = np.arange(n, dtype=np.int16) % 2
    images = np.random.default_rng(0).integers(0, 160, (n, 12, 12), dtype=np.uint8)
    images[truth == 0, ::3] += 95
    images[truth == 1, :, ::3] += 95

    def part(name, start, stop):
        own = images[start:stop]
        return Split(name, own, digests(own), lambda row: f"{start + row}", truth[start:stop])

    return build_dataset(
        source=source,
        class_names=resolve_classes(source, own=["lying", "standing"], given=classes),
        train=part("the pool", 0, n * 4 // 5),
        holdout=part("hold-out", n * 4 // 5, n),
        pool=pool,
        test=test,
    )
