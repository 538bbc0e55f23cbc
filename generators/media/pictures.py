"""Decoding and rendering of pictures: they are safely decoded, set upright, stripped of metadata,
and resized to a platform's profile.

Order for a rendition: `decode_photo` → `render_photo` (resize, strip) →
`content_credentials.sign_media` last → hash. The same photo and profile give the same bytes on the
same build of Pillow.
"""

import hashlib
import io
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal, TypeVar

from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

from foundation.errors import BadInput
from generators.containers.still_images import PictureContainer, inspect_picture
from generators.media import colors, heic_decoder, perceptual_hashes
from generators.provenance import generator_metadata

OutputMime = Literal["image/jpeg", "image/png", "image/webp"]
PictureMime = Literal[OutputMime, "image/gif", "image/heic", "image/avif"]
_FORMATS: dict[PictureMime, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/heic": "HEIF",
    "image/avif": "AVIF",
}
"""Supported input formats, by Pillow's names for them."""

_MIMES: dict[str, PictureMime] = {kind: mime for mime, kind in _FORMATS.items()}
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_GARBLED = (*_DAMAGE, ArithmeticError, AttributeError, LookupError, TypeError, struct.error)
"""Exceptions that Pillow raises for EXIF data that is truncated or has values of unexpected types.
"""

_UPRIGHT: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transformation that sets a picture upright, by EXIF orientation."""

_YEARS = range(1826, 9999)
"""Plausible years, starting with the first photograph. Clocks that were never set give other years,
and the conversion of a time zone could exceed the range of dates."""

PAPER = (255, 255, 255)
"""The background of transparent pictures and videos."""

_T = TypeVar("_T")
_TAKEN = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)")
_QUALITY_STEP = 6
_LEAST_QUALITY = 70
_LEAST_EDGE = 640
"""Minimum quality and edge in pixels to which a picture that is too large is reduced: first its
quality, then its size."""


@dataclass(frozen=True)
class RenditionProfile:
    """The requirements of a platform: the longest edge in pixels, the format, its quality (1 to
    100; PNG ignores it), and the maximum bytes (0: any).

    A picture that is too large loses quality first, then size.
    """

    name: str
    max_edge: int
    mime: OutputMime = "image/jpeg"
    quality: int = 86
    max_bytes: int = 0


ORIGINAL_PROFILE = RenditionProfile("original", 4096, "image/jpeg", 92)
POST_PROFILE = RenditionProfile("post", 2048, "image/jpeg", 88, max_bytes=1_900_000)
"""The profile accepted by all current platforms: the strictest accepts 2,000,000 bytes, and the
provenance mark is added later."""

PREVIEW_PROFILE = RenditionProfile("preview", 640, "image/webp", 78)


@dataclass(frozen=True)
class CaptureTime:
    """The time at which a picture was taken, in the camera's local time, with its time zone if the
    camera recorded one."""

    day: date
    clock: time
    zone: timezone | None = None

    def to_utc(self, zone: tzinfo) -> datetime:
        """Return the time in UTC; `zone` (the creator's) applies if the camera recorded none."""
        return datetime.combine(self.day, self.clock, tzinfo=self.zone or zone).astimezone(UTC)


@dataclass(frozen=True)
class DecodedPhoto:
    """A decoded picture, upright, in sRGB. `preview` is the thumbnail embedded in its file, which
    is never stored; `hidden_preview` is True if it shows something else."""

    pixels: Image.Image = field(repr=False)
    mime: PictureMime
    sha256: str
    taken: CaptureTime | None = None
    had_location: bool = False
    preview: Image.Image | None = field(default=None, repr=False)
    hidden_preview: bool = False
    has_hidden_signature: bool = False
    """True if its pixels contain the signature of a generator."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        return self.pixels.width, self.pixels.height


@dataclass(frozen=True)
class RenderedPicture:
    """A picture or video rendered for one profile. `phash`, `dhash` and each of `turned` have 8
    bytes."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    profile: str
    sha256: str
    phash: bytes
    dhash: bytes
    turned: tuple[bytes, ...] = field(default=(), repr=False)


def inspect_complete_picture(data: bytes, *, name: str) -> PictureContainer:
    """Return the container of a received file that has all its pixels. One without an end mark is
    decoded, because only its pixels tell whether it is complete. Raises BadInput as
    `decode_photo`."""
    container = inspect_picture(data, name=name)
    if not container.has_end:
        decode_photo(data, name=name)
    return container


def decode_photo(data: bytes, *, name: str) -> DecodedPhoto:
    """Decode an upload by its content; its name is ignored.

    Raises BadInput `photo.unsupported`, `.corrupt`, `.too_large`, `.too_heavy`, `.trailing` or
    `.animated`, with `file`.
    """
    found = inspect_picture(data, name=name)
    try:
        image = _decode_pixels(found, name)
        exif = _read_exif_or(image.getexif, Image.Exif())
        taken = _read_exif_or(lambda: _read_capture_time(exif), None)
        located = _read_exif_or(lambda: bool(exif.get_ifd(ExifTags.IFD.GPSInfo)), False)
        preview = _read_exif_or(lambda: _exif_thumbnail(exif), None)
        hidden_signature = generator_metadata.has_hidden_signature(image)
        upright = _apply_orientation(colors.to_srgb(image, found.color), exif)
    except _DAMAGE as error:
        raise BadInput("photo.corrupt", file=name) from error
    # Only pixels: no info, no profile, no EXIF.
    bare = Image.frombytes(upright.mode, upright.size, upright.tobytes())
    return DecodedPhoto(
        pixels=bare,
        mime=_MIMES[found.kind],
        sha256=hashlib.sha256(data).hexdigest(),
        taken=taken,
        had_location=located,
        preview=preview,
        hidden_preview=preview is not None and not _is_similar(preview, image),
        has_hidden_signature=hidden_signature,
    )


def _read_exif_or(read: Callable[[], _T], otherwise: _T) -> _T:
    """Read a value from EXIF, or return `otherwise`. EXIF is never published, so a picture with
    unreadable EXIF is not rejected."""
    try:
        return read()
    except _GARBLED:
        return otherwise


def _apply_orientation(image: Image.Image, exif: Image.Exif) -> Image.Image:
    """Return the picture upright, without rewriting its EXIF as Pillow's own function does."""
    turn = _read_exif_or(lambda: _UPRIGHT.get(exif.get(ExifTags.Base.Orientation)), None)
    return image if turn is None else image.transpose(turn)


def _decode_pixels(found: PictureContainer, name: str) -> Image.Image:
    """Return the decoded pixels: by Pillow, or by FFmpeg for HEIC, in a confined process."""
    still = found.still
    if still is not None and still.kind == "HEIF":
        upright = heic_decoder.decode_heic(found.own, still, name=name)
        if still.exif:
            exif = upright.getexif()
            _read_exif_or(lambda: exif.load(still.exif), None)
            # Its boxes already set it upright.
            _read_exif_or(lambda: exif.pop(ExifTags.Base.Orientation, None), None)
        return upright
    if not found.has_end and not _has_all_pixels(found.own):
        raise BadInput("photo.corrupt", file=name)
    file = io.BytesIO(found.own)
    image: Image.Image = (
        JpegImageFile(file)  # Pillow's `open` would also read the pictures after the first one.
        if found.kind == "JPEG"
        else Image.open(file, formats=(found.kind,))
    )
    size = (found.width, found.height)
    turned = still is not None and image.size == size[::-1]
    if (image.size != size and not turned) or getattr(image, "n_frames", 1) != 1:
        raise BadInput("photo.corrupt", file=name)
    image.load()
    if found.kind == "PNG" and found.color is not None:
        # `cICP` takes precedence over every other statement (PNG, third edition, §4.3).
        image.info.pop("icc_profile", None)
    return image


def _has_all_pixels(jpeg: bytes) -> bool:
    """Return True if a JPEG whose end mark was added has all its pixels.

    The decoder fills missing pixels without an error. They are missing if data before the end mark
    changes the picture.
    """
    filler = bytes(range(1, 255)) * 4
    longer = JpegImageFile(io.BytesIO(jpeg[:-2] + filler + jpeg[-2:]))
    return JpegImageFile(io.BytesIO(jpeg)).tobytes() == longer.tobytes()


def render_photo(
    photo: DecodedPhoto, profile: RenditionProfile, *, xmp: bytes = b""
) -> RenderedPicture:
    """Render the photo for a platform: never enlarged, on white where it is transparent, and
    without metadata except the given `xmp`."""
    flat = flatten_on(photo.pixels, PAPER)
    image = _shrink_to_edge(flat, profile.max_edge)
    data = _encode_rendition(image, profile, xmp)
    quality = profile.quality
    edge = max(image.size)
    while profile.max_bytes and len(data) > profile.max_bytes and edge > _LEAST_EDGE:
        if quality - _QUALITY_STEP >= _LEAST_QUALITY and profile.mime != "image/png":
            quality -= _QUALITY_STEP
        else:
            edge = edge * 7 // 8
        image = _shrink_to_edge(flat, edge)
        data = _encode_rendition(image, replace(profile, quality=quality), xmp)
    return RenderedPicture(
        data=data,
        mime=profile.mime,
        width=image.width,
        height=image.height,
        profile=profile.name,
        sha256=hashlib.sha256(data).hexdigest(),
        phash=perceptual_hashes.phash(image),
        dhash=perceptual_hashes.dhash(image),
        turned=perceptual_hashes.transformed_hashes(image),
    )


def _shrink_to_edge(image: Image.Image, edge: int) -> Image.Image:
    """Return the picture with no edge longer than `edge`."""
    if max(image.size) <= edge:
        return image
    share = edge / max(image.size)
    target = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


def flatten_on(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Return the picture on a plain background, which is visible where the picture is transparent.
    Rate a picture both on black and on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    plain = Image.new("RGB", image.size, background)
    plain.paste(image, mask=image.getchannel("A"))
    return plain


def _encode_rendition(image: Image.Image, profile: RenditionProfile, xmp: bytes) -> bytes:
    buffer = io.BytesIO()
    if profile.mime == "image/jpeg":
        image.save(
            buffer,
            "JPEG",
            quality=profile.quality,
            progressive=True,
            optimize=True,
            exif=b"",
            xmp=xmp or None,
        )
    elif profile.mime == "image/webp":
        image.save(
            buffer, "WEBP", quality=profile.quality, method=4, exif=b"", icc_profile=None, xmp=xmp
        )
    else:
        notes = PngInfo()
        if xmp:
            notes.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(buffer, "PNG", compress_level=6, pnginfo=notes)
    return buffer.getvalue()


def _read_capture_time(exif: Image.Exif) -> CaptureTime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    found = _TAKEN.fullmatch(str(details.get(ExifTags.Base.DateTimeOriginal, "")).strip("\x00 "))
    if found is None or int(found[1]) not in _YEARS:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    zone = _parse_utc_offset(str(details.get(ExifTags.Base.OffsetTimeOriginal, "")))
    try:
        return CaptureTime(date(year, month, day), time(hour, minute, second), zone)
    except ValueError:
        return None


def _parse_utc_offset(text: str) -> timezone | None:
    found = _OFFSET.fullmatch(text.strip("\x00 "))
    if found is None:
        return None
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(away if found[1] == "+" else -away)


def _exif_thumbnail(exif: Image.Exif) -> Image.Image | None:
    """Return the thumbnail in EXIF, or None if there is none or it cannot be decoded."""
    entries = exif.get_ifd(ExifTags.IFD.IFD1)
    start = entries.get(ExifTags.Base.JpegIFOffset)
    length = entries.get(ExifTags.Base.JpegIFByteCount)
    # Pillow stores the block it parsed; offsets count from its TIFF header.
    raw = getattr(exif, "_loaded_exif", None)
    if not (isinstance(start, int) and isinstance(length, int) and isinstance(raw, bytes)):
        return None
    body = raw[6:] if raw.startswith(b"Exif\x00\x00") else raw
    try:
        preview = Image.open(io.BytesIO(body[start : start + length]), formats=("JPEG",))
        if preview.width * preview.height > 1_000_000:
            return None
        preview.load()
    except _DAMAGE:
        return None
    return preview


def _is_similar(preview: Image.Image, image: Image.Image) -> bool:
    return (
        perceptual_hashes.hamming_distance(
            perceptual_hashes.dhash(preview), perceptual_hashes.dhash(image)
        )
        <= 14
    )
