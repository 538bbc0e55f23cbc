"""Thumbnails stored with a picture."""

import io

import pytest
from PIL import Image

from generators.media import thumbnails
from tests.generators.builders import a_picture


@pytest.mark.parametrize(
    ("size", "edges"),
    [((2048, 900), thumbnails.THUMBNAIL_SIZES), ((640, 480), (320, 160)), ((90, 160), ())],
)
def test_thumbnails_are_only_smaller_than_the_picture(
    size: tuple[int, int], edges: tuple[int, ...]
) -> None:
    found = list(thumbnails.make_thumbnails(a_picture(*size), mark="x"))
    assert [max(one.width, one.height) for one in found] == list(edges)
    for one in found:
        image = Image.open(io.BytesIO(one.data))
        assert (image.format, image.size) == ("WEBP", (one.width, one.height))
        assert abs(image.width / image.height - size[0] / size[1]) < 0.03
        assert not image.getexif()
        assert "icc_profile" not in image.info


def test_thumbnails_of_two_pictures_share_no_bytes() -> None:
    plain = Image.new("RGB", (400, 400), (9, 9, 9))
    one, other = (
        [each.data for each in thumbnails.make_thumbnails(plain, mark=mark)] for mark in ("a", "b")
    )
    assert not set(one) & set(other)
