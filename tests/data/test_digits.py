import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from tuilabel.data import digits, open_dataset
from tuilabel.errors import SourceError, UsageError


def test_the_digits_are_those_of_scikit_learn() -> None:
    dataset = open_dataset("digits")
    assert dataset.source == "digits"
    assert dataset.class_names == tuple("0123456789")
    assert dataset.pool.shape == (1297, 8, 8)
    assert dataset.pool.dtype == np.uint8
    assert (dataset.pool.min(), dataset.pool.max()) == (0, 255)
    assert dataset.holdout is not None
    assert dataset.holdout.name == "hold-out"
    assert len(dataset.holdout) == 500
    assert dataset.truth is not None
    assert dataset.truth.dtype == dataset.holdout.truth.dtype == np.int16
    everything = np.concatenate([dataset.truth, dataset.holdout.truth])
    assert np.bincount(everything).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert len(set(dataset.ids)) == 1297


def test_the_holdout_is_the_same_for_ever() -> None:
    dataset = open_dataset("digits")
    assert dataset.holdout is not None
    joined = "".join(dataset.ids)
    assert (
        hashlib.sha256(joined.encode()).hexdigest()
        == "a7f64bc30543a4f7baeee67740ddeaee26f2324ed8418e5c834691c84302da52"
    )
    assert (
        hashlib.sha256(dataset.holdout.images.tobytes()).hexdigest()
        == "0c607a5f6cb7fb6455adc8d8cdec176dfeb7b634caa3ffdb953c9de80ef359d0"
    )


def test_the_values_agree_with_scikit_learn() -> None:
    original = pytest.importorskip("sklearn.datasets").load_digits()
    dataset = open_dataset("digits")
    assert dataset.truth is not None
    rows = [int(dataset.references(i)[0].removeprefix("digits[")[:-1]) for i in range(1297)]
    assert rows == sorted(rows)
    assert (dataset.truth == original.target[rows]).all()
    assert (np.rint(dataset.pool / 255 * 16) == original.images[rows]).all()


def test_the_first_of_each_split_can_be_taken() -> None:
    whole, part = open_dataset("digits"), open_dataset("digits", pool=40, test=7)
    assert list(part.ids) == list(whole.ids[:40])
    assert whole.holdout is not None
    assert part.holdout is not None
    assert (part.holdout.images == whole.holdout.images[:7]).all()
    with pytest.raises(UsageError, match=r"1298 .* 1,297"):
        open_dataset("digits", pool=1298)
    with pytest.raises(UsageError, match=r"501 .* 500"):
        open_dataset("digits", test=501)


def test_classes_can_be_renamed() -> None:
    names = [f"digit {i}" for i in range(10)]
    assert open_dataset("digits", classes=names).class_names == tuple(names)
    with pytest.raises(SourceError, match=r"2 classes were given .* digits has 10"):
        open_dataset("digits", classes=["odd", "even"])


def test_without_scikit_learn_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match="install scikit-learn"):
        open_dataset("digits")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not gzip", "cannot be read"), (gzip.compress(b"1,2\n" * 600), "as expected")],
    ids=["no gzip", "other numbers"],
)
def test_a_damaged_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(content)
    monkeypatch.setattr(digits, "_find", lambda: path)
    with pytest.raises(SourceError, match=message):
        open_dataset("digits")


def test_scikit_learn_stays_out_of_the_process(run_python) -> None:
    modules = run_python(
        "import sys, tuilabel.data as d; d.open_dataset('digits'); print(' '.join(sys.modules))"
    ).split()
    assert "tuilabel.data.digits" in modules
    assert not {"sklearn", "scipy", "PIL", "sqlite3", "urllib.request"} & set(modules)
