"""Animated GIF, WebP and PNG files become videos."""

import struct

import numpy as np
import pytest
from PIL import Image

from foundation.errors import BadInput
from generators.containers import animated_images
from generators.video import video_files
from tests.generators.builders import encoded

COLOURS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 230, 30))


def animated(kind: str, *, frames: int = 4, delay: int = 250) -> bytes:
    shown = [Image.new("RGB", (64, 48), COLOURS[number % 4]) for number in range(frames)]
    more = {"lossless": True} if kind == "WEBP" else {}
    return encoded(
        shown[0], kind, save_all=True, append_images=shown[1:], duration=delay, loop=0, **more
    )


KINDS = pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])


@KINDS
def test_animation_becomes_a_video_of_its_frames(kind: str) -> None:
    data = animated(kind)
    assert video_files.is_video_or_audio(data)
    assert animated_images.inspect_animation(data, name="x").seconds == pytest.approx(1.0)
    film = video_files.decode_video(data, name="x")
    assert (film.mime, film.size) == ("video/mp4", (64, 48))
    assert film.seconds == pytest.approx(1.0, abs=0.3)
    seen = [
        np.asarray(frame.to_image().convert("RGB"), float).mean(axis=(0, 1))
        for frame in film.looked.frames
    ]
    for colour in COLOURS:
        assert any(np.abs(one - colour).max() < 25 for one in seen), colour


@KINDS
def test_single_frame_is_no_video(kind: str) -> None:
    assert not video_files.is_video_or_audio(encoded(Image.new("RGB", (64, 48)), kind))


@KINDS
def test_data_after_an_animation_is_refused(kind: str) -> None:
    with pytest.raises(BadInput) as refused:
        video_files.inspect_video(animated(kind) + b"PK\x03\x04", name="a.gif")
    assert refused.value.message.code == "film.trailing"
    assert refused.value.message.params["file"] == "a.gif"


@KINDS
@pytest.mark.parametrize("share", [0.1, 0.6, 0.97])
def test_truncated_animation_is_refused(kind: str, share: float) -> None:
    data = animated(kind)
    with pytest.raises(BadInput):
        video_files.inspect_video(data[: int(len(data) * share)], name="a.gif")


def test_excessive_animation_is_refused_before_decoding() -> None:
    gif = animated("GIF")
    for data, code in (
        (animated("GIF", frames=4, delay=400_000), "film.too_long"),
        (gif[:6] + struct.pack("<HH", 60_000, 60_000) + gif[10:], "film.too_large"),
        (gif[:-1] + b"\x21\xf9\x04\0\0\0\0\0" * 30_000 + gif[-1:], "film.corrupt"),
    ):
        with pytest.raises(BadInput) as refused:
            video_files.inspect_video(data, name="x")
        assert refused.value.message.code == code
