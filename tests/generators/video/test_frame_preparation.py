"""Frames have square pixels and lie on white before they are encoded."""

import numpy as np
import pytest
from PIL import Image

from generators.media import pictures
from generators.media.pictures import RenditionProfile
from generators.video import video_files
from tests.generators.builders import encoded
from tests.generators.video.test_camera_films import convert_video
from tests.generators.video_builders import build_frames, encode_video, ffmpeg

HIDDEN = (255, 0, 0)


def stretched(ratio: str, *, turn: int = 0, suffix: str = "mp4", size: str = "720x480") -> bytes:
    """Return a video with non-square pixels, with a rotation flag on request."""
    film = encode_video(build_frames(("G", 0.2)))
    codec = ("-c:v", "libvpx", "-b:v", "1M") if suffix == "webm" else ("-c:v", "libx264")
    made = convert_video(
        film,
        "-i",
        "in",
        "-vf",
        f"scale={size.replace('x', ':')},setsar={ratio}",
        *codec,
        suffix=suffix,
    )
    if not turn:
        return made
    return convert_video(
        made, "-display_rotation", str(turn), "-i", "in", "-c", "copy", suffix=suffix
    )


@pytest.mark.parametrize(
    ("ratio", "size", "turn", "suffix", "shape"),
    [
        ("8/9", "720x480", 0, "mp4", (720, 540)),
        ("8/9", "720x480", 90, "mp4", (540, 720)),
        ("8/9", "720x480", 180, "mov", (720, 540)),
        ("8/9", "720x480", 0, "webm", (720, 540)),
        ("32/27", "720x480", 0, "mp4", (852, 480)),
        ("32/27", "720x480", 270, "mov", (480, 852)),
        ("4/3", "1440x1080", 0, "mp4", (1280, 720)),
        ("3/4", "1080x1440", 0, "mp4", (720, 1280)),
        ("1/1", "640x360", 90, "mp4", (360, 640)),
    ],
)
def test_pixels_become_square(
    ratio: str, size: str, turn: int, suffix: str, shape: tuple[int, int]
) -> None:
    data = stretched(ratio, turn=turn, suffix=suffix, size=size)
    assert video_files.decode_video(data, name="x").size == shape


@pytest.mark.parametrize("ratio", ["1/900", "900/1"])
def test_absurd_pixels_neither_fail_nor_grow(ratio: str) -> None:
    film = video_files.decode_video(stretched(ratio, size="320x240"), name="x")
    assert max(film.size) <= video_files.MAX_EDGE
    assert min(film.size) >= 2


def half_clear(size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Return a picture whose left half is transparent, over a hidden red."""
    alpha = Image.new("L", size, 255)
    alpha.paste(0, (0, 0, size[0] // 2, size[1]))
    image = Image.new("RGB", size, HIDDEN)
    image.paste((0, 0, 160), (size[0] // 2, 0, *size))
    image.putalpha(alpha)
    return image


def clear_animation(kind: str) -> bytes:
    shown = [half_clear(), half_clear().transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    more = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    if kind == "GIF":
        more = {"disposal": 2}
    shown[1].putpixel((60, 5), (0, 90, 0, 255))
    return encoded(
        shown[0], kind, save_all=True, append_images=shown[1:], duration=400, loop=0, **more
    )


def clear_video(*codec: str, suffix: str, pixels: str) -> bytes:
    raw = half_clear().tobytes() * 4
    source = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", "64x64", "-r", "10", "-i", "pipe:0")
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        ffmpeg(*source, *codec, "-pix_fmt", pixels, f"out.{suffix}", cwd=folder, data=raw)
        with open(f"{folder}/out.{suffix}", "rb") as file:
            return file.read()


ANIMATIONS = {
    "GIF": lambda: clear_animation("GIF"),
    "APNG": lambda: clear_animation("PNG"),
    "WebP": lambda: clear_animation("WEBP"),
    "VP8": lambda: clear_video(
        *("-c:v", "libvpx", "-auto-alt-ref", "0", "-b:v", "1M"), suffix="webm", pixels="yuva420p"
    ),
    "VP9": lambda: clear_video("-c:v", "libvpx-vp9", suffix="webm", pixels="yuva420p"),
    "ProRes": lambda: clear_video("-c:v", "prores_ks", suffix="mov", pixels="yuva444p10le"),
    "HEVC": lambda: clear_video(
        *("-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"),
        suffix="mov",
        pixels="yuva420p",
    ),
}


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_transparent_video_lies_on_white(kind: str) -> None:
    film = video_files.decode_video(ANIMATIONS[kind](), name="x")
    assert film.looked.frames
    for frame in film.looked.frames:
        pixels = np.asarray(frame.to_image().convert("RGB"), int)
        assert pixels[8:56, 4:24].min() > 235, "white where it is transparent"
        assert pixels[8:56, 40:56, 0].max() < 60, "blue where it is not"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("mime", ["image/jpeg", "image/webp", "image/png"])
@pytest.mark.parametrize("edge", [512, 24])
def test_transparent_still_lies_on_white_in_every_rendition(
    kind: str, mime: str, edge: int
) -> None:
    more = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    photo = pictures.decode_photo(encoded(half_clear(), kind, **more), name="x")
    rendered = pictures.render_photo(photo, RenditionProfile("p", edge, mime, 95))  # type: ignore[arg-type]  # one of three
    image = pictures.decode_photo(rendered.data, name="again").pixels
    assert image.mode == "RGB"
    pixels = np.asarray(image, int)
    assert pixels[:, : image.width // 3].min() > 225
