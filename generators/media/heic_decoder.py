"""Decoding of HEIC pictures by FFmpeg, confined like videos, because decoders of this phone format
have often been exploited.

No library is used, because the available wheels would load x265 (GPL) and libheif into the process.
"""

import tempfile
from pathlib import Path

from PIL import Image

from foundation.errors import BadInput, Unavailable
from generators.containers.heif import HeifStill
from generators.media import ffmpeg

_BY_TURNS = {
    1: Image.Transpose.ROTATE_90,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_270,
}
_BY_MIRROR = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)

SECONDS = 60.0
"""Time limit for one picture, in seconds of wall-clock time."""


def decode_heic(data: bytes, still: HeifStill, *, name: str) -> Image.Image:
    """Return the picture upright in RGB, with its colour profile.

    Raises BadInput `photo.corrupt` with `file`, and Unavailable if the disk is full or FFmpeg is
    not installed.
    """
    size = (still.width, still.height)
    try:
        with tempfile.TemporaryDirectory(prefix="greenroom-film-") as made:
            folder = Path(made)
            (folder / "in").write_bytes(_remove_rotation(data))
            plain = ("-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1")
            with ffmpeg.read_output(
                (*ffmpeg.input_arguments("in", "mov"), *plain),
                folder=folder,
                seconds=SECONDS,
                name=name,
            ) as out:
                raw = out.read(size[0] * size[1] * 3 + 1)
    except BadInput as error:
        raise BadInput("photo.corrupt", file=name) from error
    except OSError as error:
        raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error
    if len(raw) != size[0] * size[1] * 3:
        raise BadInput("photo.corrupt", file=name)
    image = Image.frombytes("RGB", size, raw)
    if still.turns:
        image = image.transpose(_BY_TURNS[still.turns])
    if still.mirror is not None:
        image = image.transpose(_BY_MIRROR[still.mirror])
    if still.profile:
        image.info["icc_profile"] = still.profile
    return image


def _remove_rotation(data: bytes) -> bytes:
    """Return the file without its rotation, which FFmpeg would apply to each tile regardless of the
    options."""
    for kind in (b"irot", b"imir"):
        data = data.replace(b"\0\0\0\x09" + kind, b"\0\0\0\x09free")
    return data
