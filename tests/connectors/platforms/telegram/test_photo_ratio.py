"""A photo with one side over 20 times the other is rejected when it is scheduled."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.platforms.telegram.content_checks import MAX_PHOTO_RATIO, content_problem
from gate.contract.units import Medium
from tests.connectors.platforms.telegram.test_publisher import POST


@given(
    short=st.integers(1, 400),
    ratio=st.floats(1, 40),
    upright=st.booleans(),
    mime=st.sampled_from(["image/jpeg", "image/png", "video/mp4"]),
    several=st.booleans(),
)
def test_long_photo_is_rejected_and_long_video_is_not(
    short: int, ratio: float, upright: bool, mime: str, several: bool
) -> None:
    long = round(short * ratio)
    width, height = (short, long) if upright else (long, short)
    medium = Medium("a" * 64, mime, 1000, width=width, height=height)
    media = (Medium("b" * 64, "image/jpeg", 10), medium) if several else (medium,)
    wrong = content_problem(replace(POST, media=media))
    refused = mime != "video/mp4" and long > MAX_PHOTO_RATIO * short
    assert (wrong is not None and wrong.code == "telegram.photo_too_long") is refused


def test_photo_of_unknown_size_is_accepted() -> None:
    assert content_problem(replace(POST, media=(Medium("a" * 64, "image/jpeg", 1000),))) is None


@pytest.mark.parametrize("size", [(92, 2048), (2048, 92)])
def test_long_screenshot_is_rejected(size: tuple[int, int]) -> None:
    medium = Medium("a" * 64, "image/jpeg", 1000, width=size[0], height=size[1])
    wrong = content_problem(replace(POST, media=(medium,)))
    assert wrong is not None
    assert wrong.params["most"] == 20
