"""Parts of files: how they are written, where they are, and their ids."""

from __future__ import annotations

import hashlib
from math import inf, nan

import numpy as np
import pytest
from fuzzing import check_sentence
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.data.decoding.decoder import _upright
from tuilabel.data.part import (
    Box,
    PartError,
    box_part,
    frame_of,
    frame_part,
    part_digest,
    share_part,
    stored_box,
    upright_box,
)


def test_an_id_is_the_documented_hash_for_ever() -> None:
    file = hashlib.blake2b(b"a file", digest_size=16)

    def documented(part: str) -> str:
        return hashlib.blake2b(f"f1:{file.hexdigest()}#{part}".encode(), digest_size=16).hexdigest()

    box = stored_box(box_part(40, 30, 160, 110), (200, 200), 1)
    found = part_digest(file.digest(), "xywh=40,30,120,80", box).hex()
    assert found == documented("xywh=40,30,120,80") == "bf8997e45a47b9023be21681e35968c8"
    found = part_digest(file.digest(), frame_part(2)).hex()
    assert found == documented("frame=2") == "118c94e6ec96923cff9ce2b81ab48a79"
    shares = share_part(0.2, 0.15, 0.6, 0.4)
    same = part_digest(file.digest(), shares, stored_box(shares, (200, 200), 1))
    assert same.hex() == documented("xywh=40,30,120,80"), "in stored pixels, however it is written"


def test_edges_are_rounded_halves_up() -> None:
    assert box_part(0.4, 0.5, 9.5, 9.49) == "xywh=0,1,10,8"
    assert box_part(-0.4, -0.5, 1, 1) == "xywh=0,0,1,1"
    assert frame_of(frame_part(12)) == 12
    assert frame_of(box_part(1, 1, 2, 2)) == frame_of("") == 1


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ((nan, 0, 1, 1), "is not one in pixels"),
        ((0, 0, inf, 1), "is not one in pixels"),
        ((0, 0, 1e300, 1), "is not one in pixels"),
        ((5, 5, 5, 9), "has no pixel"),
        ((5, 5, 2, 9), "has no pixel"),
        ((0.6, 0, 1.4, 9), "has no pixel"),
        ((-3, 0, 4, 9), "begins outside of the image"),
    ],
)
def test_what_is_no_box_has_a_reason(edges: tuple[float, ...], reason: str) -> None:
    with pytest.raises(PartError, match=f"the box from .* {reason}"):
        box_part(*edges)


@pytest.mark.parametrize(
    ("sides", "reason"),
    [
        ((0, 0, 30, 40), "shares of the image, from 0 to 1"),
        ((nan, 0, 0.5, 0.5), "shares of the image"),
        ((-0.2, 0, 0.5, 0.5), "shares of the image"),
        ((0.5, 0.5, 0, 0.5), "has no pixel"),
        ((0.5, 0.5, 0.2, -0.1), "has no pixel"),
    ],
)
def test_what_is_no_share_has_a_reason(sides: tuple[float, ...], reason: str) -> None:
    with pytest.raises(PartError, match=reason):
        share_part(*sides)


def test_shares_beyond_an_edge_by_rounding_end_there() -> None:
    assert share_part(0.5, -0.00004, 0.50003, 1.0001) == "xywh=percent:50,0,50,100"
    assert share_part(1 / 3, 0, 0.1, 0.1) == "xywh=percent:33.3333,0,10,10"
    with pytest.raises(PartError, match="has no pixel"):
        stored_box(share_part(0, 0, 0.00001, 1), (100, 100), 1)
    with pytest.raises(PartError, match="the box 0,0,101,1 is not inside of the image of 100x100"):
        stored_box(box_part(0, 0, 101, 1), (100, 100), 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@given(data=st.data())
def test_a_box_in_shares_is_where_it_is_in_the_upright_image(
    orientation: int, data: st.DataObject
) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    stored = np.arange(height * width).reshape(height, width)
    upright = _upright(stored, orientation)
    high, wide = upright.shape
    left, right = sorted(data.draw(st.tuples(st.integers(0, wide), st.integers(0, wide))))
    top, bottom = sorted(data.draw(st.tuples(st.integers(0, high), st.integers(0, high))))
    if left == right or top == bottom:
        return
    part = share_part(left / wide, top / high, (right - left) / wide, (bottom - top) / high)
    box = stored_box(part, (width, height), orientation)
    assert upright_box(box, (width, height), orientation) == (left, top, right, bottom)
    cut = _upright(stored[box.top : box.bottom, box.left : box.right], orientation)
    assert (cut == upright[top:bottom, left:right]).all()


@given(st.tuples(*[st.floats()] * 4))
def test_any_numbers_are_a_box_in_an_image_or_refused(numbers: tuple[float, ...]) -> None:
    for write in (box_part, share_part):
        try:
            box = stored_box(write(*numbers), (50, 40), 6)
        except PartError as error:
            check_sentence(error)
        else:
            assert 0 <= box.left < box.right <= 50
            assert 0 <= box.top < box.bottom <= 40
            assert Box(*box).size[0] > 0
