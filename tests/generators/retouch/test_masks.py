"""A region in percent is white in its mask, and everything else is black."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput
from generators.retouch.masks import MIN_REGION_PERCENT, MaskRegion, region_mask

SIDES = st.integers(0, 100 - MIN_REGION_PERCENT).flatmap(
    lambda low: st.tuples(st.just(low), st.integers(low + MIN_REGION_PERCENT, 100))
)


@given(across=SIDES, down=SIDES, width=st.integers(1, 200), height=st.integers(1, 200))
def test_region_is_white_and_the_rest_black(
    across: tuple[int, int], down: tuple[int, int], width: int, height: int
) -> None:
    drawn = np.asarray(
        Image.open(
            io.BytesIO(
                region_mask(MaskRegion(across[0], down[0], across[1], down[1]), width, height)
            )
        )
    )
    assert drawn.shape == (height, width)
    assert set(np.unique(drawn)) <= {0, 255}
    wanted = (across[1] - across[0]) * (down[1] - down[0]) / 10_000 * width * height
    white = int((drawn == 255).sum())
    assert white >= 1
    assert abs(white - wanted) <= 2 * (width + height) + 4, "at most one pixel per edge"


@pytest.mark.parametrize(
    "sides", [(-1, 0, 50, 50), (0, 0, 101, 50), (50, 0, 50, 50), (60, 0, 40, 50), (0, 0, 4, 50)]
)
def test_invalid_region_is_refused(sides: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadInput):
        MaskRegion(*sides)
