"""Colours of pictures as a usual screen shows them: sRGB with 8 bits.

A file states its colours as code points (generators/containers/color_codes.py), as an ICC profile,
or as the gamma of a PNG. HDR is tone-mapped by the filter that videos use, so that a picture looks
like a frame of a video.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image, ImageCms

from foundation.errors import BadInput, Unavailable
from generators.containers.color_codes import ColorCode, read_profile_color
from generators.media import ffmpeg

TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=709,tonemap=hable:desat=0:peak=10,"
    "zscale=t=709"
)
"""FFmpeg's filter from HDR to SDR (https://ffmpeg.org/ffmpeg-filters.html#tonemap), relative to 100
cd/m². Values above 1,000 cd/m², the maximum of phones and cameras, become white."""

_TO_SRGB = "zscale=t=linear,format=gbrpf32le,zscale=p=709,zscale=t=iec61966-2-1"
_SECONDS = 60.0
_SCREEN_GAMMA = 1 / 2.2
_SAME_GAMMA = 0.02
_ICC_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_CLEAR_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


def to_srgb(image: Image.Image, code: ColorCode | None = None) -> Image.Image:
    """Return the picture as RGB or RGBA in sRGB.

    Code points of HDR win over a profile, and a profile over other code points. A profile that is
    unreadable or belongs to other colours than those of the picture is ignored. Raises Unavailable
    if FFmpeg is missing or the disk is full, and BadInput `film.…` if FFmpeg fails.
    """
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else b""
    for stated in (code, read_profile_color(profile)):
        if stated is not None and stated.is_hdr:
            return _convert_code(_to_rgb(image), stated, name="HDR")
    converted = _apply_profile(image, profile) if profile else None
    if converted is not None:
        return converted
    if code is not None and not code.is_srgb:
        return _convert_code(_to_rgb(image), code, name="SDR")
    return _to_rgb(image) if profile or code is not None else _apply_gamma(image)


def _is_clear(image: Image.Image) -> bool:
    return image.mode in _CLEAR_MODES or "transparency" in image.info


def _to_rgb(image: Image.Image) -> Image.Image:
    return _to_8_bits(image).convert("RGBA" if _is_clear(image) else "RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda level: level / 256).convert("L")
    return image


def _apply_profile(image: Image.Image, data: bytes) -> Image.Image | None:
    """Return the picture converted with its ICC profile, or None if the profile does not fit."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode = _ICC_MODES[source.profile.xcolor_space.strip()]
        flat = _to_8_bits(image)
        # A profile for RGB is often left in a file that was saved as grey.
        is_grey = flat.mode in ("1", "L", "LA", "La")
        if (mode == "CMYK") != (flat.mode == "CMYK") or (mode == "L" and not is_grey):
            return None
        alpha = image.convert("RGBA").getchannel("A") if _is_clear(image) else None
        made = ImageCms.profileToProfile(
            flat if flat.mode == mode else flat.convert(mode),
            source,
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, KeyError):
        return None
    if made is not None and alpha is not None:
        made.putalpha(alpha)
    return made


def _apply_gamma(image: Image.Image) -> Image.Image:
    """Return the picture with the gamma of its PNG, unless it is that of a screen or unknown."""
    plain = _to_rgb(image)
    gamma = image.info.get("gamma")
    if not isinstance(gamma, float) or "srgb" in image.info or not 0.1 <= gamma <= 10:
        return plain
    if abs(gamma - _SCREEN_GAMMA) < _SAME_GAMMA:
        return plain
    table = [round(_encode_srgb((level / 255) ** (1 / gamma)) * 255) for level in range(256)]
    alpha = list(range(256)) if plain.mode == "RGBA" else []
    return plain.point(table * 3 + alpha)


def _encode_srgb(light: float) -> float:
    """Return the sRGB value of linear light, both 0 to 1 (IEC 61966-2-1)."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _convert_code(image: Image.Image, code: ColorCode, *, name: str) -> Image.Image:
    """Return an RGB or RGBA picture converted from these code points; transparency is kept."""
    known = code.resolve()
    size = f"{image.width}x{image.height}"
    stated = (
        f"setparams=color_primaries={known.primaries}:color_trc={known.transfer}:"
        "colorspace=gbr:range=pc"
    )
    mapped = f"{TONE_MAP if code.is_hdr else _TO_SRGB}:m=gbr:r=full"
    chain = f"format=gbrp,{stated},{mapped},format=gbrp,format=rgb24"
    plain = ("-f", "rawvideo", "-pix_fmt", "rgb24")
    arguments = (*plain, "-s", size, "-i", "file:in", "-vf", chain, *plain, "pipe:1")
    length = image.width * image.height * 3
    try:
        with tempfile.TemporaryDirectory(prefix="greenroom-film-") as made:
            folder = Path(made)
            (folder / "in").write_bytes(image.convert("RGB").tobytes())
            with ffmpeg.read_output(arguments, folder=folder, seconds=_SECONDS, name=name) as pipe:
                pixels = pipe.read(length + 1)
    except OSError as error:
        raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error
    if len(pixels) != length:
        raise BadInput("film.corrupt", file=name)
    shown = Image.frombytes("RGB", image.size, pixels)
    if image.mode == "RGBA":
        shown.putalpha(image.getchannel("A"))
    return shown
