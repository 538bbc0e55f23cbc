"""Files as people of the trade have them, read in place (`GREENROOM_SHARED`)."""

import os
from pathlib import Path

import pytest

from foundation.errors import BadInput
from generators.media import pictures
from generators.video import video_files
from studio.ingest import pipeline

SHARED = Path(os.environ.get("GREENROOM_SHARED") or Path(__file__).parents[3] / "shared")


def field_file(name: str) -> bytes:
    for folder in ("field2", "field"):
        path = SHARED / "data" / folder / name
        if path.is_file():
            return path.read_bytes()
    pytest.skip(f"no {name} under {SHARED}; set GREENROOM_SHARED")


@pytest.mark.parametrize(
    ("name", "prompt", "seed"),
    [
        ("ai_a1111.gif", "a girl at the sea", 123456),
        ("ai_a1111.mp4", "a girl at the sea", 123456),
        ("ai_settings.mp4", "a girl at the sea", 123456),
        ("ai_fooocus.png", "a girl at the sea", 123456),
        ("ai_flux.jpg", "a girl at the sea", None),
        ("a1111_ru_be.jpg", "девушка у моря", 123456),
        ("a1111_ja_be.jpg", "海辺の少女", 123456),
        ("a1111_ru.webp", "Девушка у моря", 123456),
        ("invokeai.png", "a girl", 5),
        ("novelai.png", "1girl", 7),
        ("comfy.webp", "", 5),
        ("comfy_ext.jpg", "", 5),
    ],
)
def test_generated_file_is_recognized(name: str, prompt: str, seed: int | None) -> None:
    source = pipeline.prepare_upload(field_file(name), name=name).source
    assert (source.ai, source.engine) == ("generated", "unnamed")
    assert (source.prompt, source.seed) == (prompt, seed)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("sar_8_9.mp4", {(640, 480), (720, 540)}),
        ("mov_no_ftyp.mov", {(160, 120)}),
        ("gif_no_trailer.gif", {(64, 64)}),
    ],
)
def test_video_of_the_field_is_accepted(name: str, sizes: set[tuple[int, int]]) -> None:
    data = field_file(name)
    assert video_files.is_video_or_audio(data)
    assert video_files.decode_video(data, name=name).size in sizes


def test_transparent_animation_lies_on_white() -> None:
    film = video_files.decode_video(field_file("alpha_anim.webp"), name="x")
    for frame in film.looked.frames:
        assert min(frame.to_image().getpixel((1, 1))) > 240  # type: ignore[type-var,arg-type]  # RGB


@pytest.mark.parametrize(
    ("name", "grey"), [("pq.avif", (175, 195)), ("gray_linear.png", (136, 138))]
)
def test_colours_are_those_of_a_screen(name: str, grey: tuple[int, int]) -> None:
    pixel = pictures.decode_photo(field_file(name), name=name).pixels.getpixel((5, 5))
    assert all(grey[0] <= level <= grey[1] for level in pixel)  # type: ignore[union-attr]  # RGB


@pytest.mark.parametrize(
    "name", ["sony_mpf.jpg", "ultrahdr_like.jpg", "samsung_motion.jpg", "trailing_zeros.jpg"]
)
def test_picture_of_a_camera_is_a_photograph(name: str) -> None:
    assert pipeline.prepare_upload(field_file(name), name=name).source.engine == "camera"


@pytest.mark.parametrize(
    "name",
    [
        *("chap.mp4", "chap.mov", "twoaudio.mp4", "pcm.mov", "ac3.mp4", "prores.mov", "mjpeg.mov"),
        *("hlg.mp4", "pq.mp4"),
    ],
)
def test_video_of_a_camera_is_accepted(name: str) -> None:
    source = pipeline.prepare_upload(field_file(name), name=name)
    assert source.source.engine == "camera"
    assert source.rendered.mime == "video/mp4"


def test_archive_after_a_file_of_the_field_is_refused() -> None:
    with pytest.raises(BadInput):
        video_files.inspect_video(field_file("mov_no_ftyp.mov") + b"PK\x03\x04 a", name="x")
