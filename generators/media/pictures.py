"""Pictures in and out: read safely, set upright, stripped of everything but pixels, cut to a
destination's profile.

Order for a rendition: `read` → `render` (resize, strip) → `content_credentials.sign_media` last →
hash. Same photo and profile: same bytes, on the same build of Pillow.
"""

import hashlib
import io
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal, TypeVar

from PIL import ExifTags, Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

from foundation.errors import BadInput
from generators.containers.still_images import PictureContainer, inspect_picture
from generators.media import heic_decoder, perceptual_hashes
from generators.provenance import embedded_claims, generator_metadata

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
"""What is read, by Pillow's name of it."""

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
"""What Pillow raises of EXIF that is cut, or whose values are of other types than their tags
have."""

_UPRIGHT: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the orientation that EXIF says, what sets a picture upright."""

_YEARS = range(1826, 9999)
"""From the first photograph on: clocks that were never set say others, and a zone may lead out of
the calendar."""

_T = TypeVar("_T")
_TAKEN = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)")
_QUALITY_STEP = 6
_LEAST_QUALITY = 70
_LEAST_EDGE = 640
"""How a picture that weighs too much yields: its quality down to here, then its size."""


@dataclass(frozen=True)
class RenditionProfile:
    """What a destination takes: the longest edge in pixels, the format, its quality (1 to 100; PNG
    ignores it), and the most bytes (0: any), for which the quality yields first, then the size."""

    name: str
    max_edge: int
    mime: OutputMime = "image/jpeg"
    quality: int = 86
    max_bytes: int = 0


ORIGINAL_PROFILE = RenditionProfile("original", 4096, "image/jpeg", 92)
POST_PROFILE = RenditionProfile("post", 2048, "image/jpeg", 88, max_bytes=1_900_000)
"""Fits every place of today: the narrowest takes 2,000,000 bytes, and the mark of its maker comes
on top."""

PREVIEW_PROFILE = RenditionProfile("preview", 640, "image/webp", 78)


@dataclass(frozen=True)
class CaptureTime:
    """When a camera says the picture was taken: its wall clock, and its zone when it wrote one."""

    day: date
    clock: time
    zone: timezone | None = None

    def to_utc(self, zone: tzinfo) -> datetime:
        """The moment, UTC; `zone` (the creator's) where the camera wrote none."""
        return datetime.combine(self.day, self.clock, tzinfo=self.zone or zone).astimezone(UTC)


@dataclass(frozen=True)
class DecodedPhoto:
    """A decoded picture, upright, in sRGB. `preview` is the thumbnail its file brought along, which
    is never kept; `hidden_preview` says that it shows something else."""

    pixels: Image.Image = field(repr=False)
    mime: PictureMime
    sha256: str
    taken: CaptureTime | None = None
    had_location: bool = False
    preview: Image.Image | None = field(default=None, repr=False)
    hidden_preview: bool = False
    lineage: Mapping[str, str] = field(default_factory=dict, repr=False)
    claim: str = ""
    """The source type of a model's work that its metadata names."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        return self.pixels.width, self.pixels.height


@dataclass(frozen=True)
class RenderedPicture:
    """One picture, or film, for one profile; `phash` and `dhash` are 8 bytes each, and so is each
    of `turned`; none of what looks like nothing."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    profile: str
    sha256: str
    phash: bytes
    dhash: bytes
    turned: tuple[bytes, ...] = field(default=(), repr=False)


def _read_lineage(image: Image.Image, exif: Image.Exif) -> dict[str, str]:
    """What the program that made a picture wrote into it about how."""
    comment = _read_exif_or(
        lambda: exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment), None
    )
    tags = _read_exif_or(lambda: dict(exif), dict[int, object]())
    return generator_metadata.read_generator_metadata(image, tags, comment, _xmp_packet(image))


def _xmp_packet(image: Image.Image) -> bytes:
    """The XMP of a picture, also where its file holds it compressed (PNG)."""
    found = image.info.get("XML:com.adobe.xmp", image.info.get("xmp", b""))
    if isinstance(found, str):
        return found.encode(errors="replace")
    return found if isinstance(found, bytes) else b""


def decode_photo(data: bytes, *, name: str) -> DecodedPhoto:
    """Decode an upload by its content, never by its name.

    Raises BadInput `photo.unsupported`, `.corrupt`, `.too_large`, `.trailing` or `.animated`, with
    `file`.
    """
    found = inspect_picture(data, name=name)
    try:
        image = _decode_pixels(data, found, name)
        exif = _read_exif_or(image.getexif, Image.Exif())
        taken = _read_exif_or(lambda: _read_capture_time(exif), None)
        located = _read_exif_or(lambda: bool(exif.get_ifd(ExifTags.IFD.GPSInfo)), False)
        preview = _read_exif_or(lambda: _exif_thumbnail(exif), None)
        lineage = _read_lineage(image, exif)
        claim = embedded_claims.declared_source_type(data, _xmp_packet(image))
        upright = _apply_orientation(_to_srgb(image), exif)
    except _DAMAGE as error:
        raise BadInput("photo.corrupt", file=name) from error
    bare = Image.frombytes(
        upright.mode, upright.size, upright.tobytes()
    )  # pixels alone: no info, no profile, no EXIF
    return DecodedPhoto(
        pixels=bare,
        mime=_MIMES[found.kind],
        sha256=hashlib.sha256(data).hexdigest(),
        taken=taken,
        had_location=located,
        preview=preview,
        hidden_preview=preview is not None and not _is_similar(preview, image),
        lineage=lineage,
        claim=claim,
    )


def _read_exif_or(read: Callable[[], _T], otherwise: _T) -> _T:
    """What EXIF says. None of it leaves, so that what cannot be read of it says nothing, and costs
    nobody a picture."""
    try:
        return read()
    except _GARBLED:
        return otherwise


def _apply_orientation(image: Image.Image, exif: Image.Exif) -> Image.Image:
    """The picture as it was held. Its EXIF is not written again, as Pillow's own way of doing this
    would."""
    turn = _read_exif_or(lambda: _UPRIGHT.get(exif.get(ExifTags.Base.Orientation)), None)
    return image if turn is None else image.transpose(turn)


def _decode_pixels(data: bytes, found: PictureContainer, name: str) -> Image.Image:
    """The pixels as they were coded: by Pillow, those of a HEIC by FFmpeg (its box holds whoever
    breaks a decoder)."""
    still = found.still
    if still is not None and still.kind == "HEIF":
        upright = heic_decoder.decode_heic(data, still, name=name)
        if still.exif:
            exif = upright.getexif()
            _read_exif_or(lambda: exif.load(still.exif), None)
            _read_exif_or(
                lambda: exif.pop(ExifTags.Base.Orientation, None), None
            )  # it is upright by its own boxes
        return upright
    file = io.BytesIO(data[: found.end])
    image: Image.Image = (
        JpegImageFile(file)  # Pillow's `open` would read the pictures after the first one too
        if found.kind == "JPEG"
        else Image.open(file, formats=(found.kind,))
    )
    size = (found.width, found.height)
    turned = still is not None and image.size == size[::-1]
    if (image.size != size and not turned) or getattr(image, "n_frames", 1) != 1:
        raise BadInput("photo.corrupt", file=name)
    image.load()
    return image


def render_photo(
    photo: DecodedPhoto, profile: RenditionProfile, *, xmp: bytes = b""
) -> RenderedPicture:
    """The photo for a destination: never enlarged, never with metadata but the `xmp` handed in."""
    image = _shrink_to_edge(photo.pixels, profile.max_edge)
    data = _encode_rendition(image, profile, xmp)
    quality = profile.quality
    edge = max(image.size)
    while profile.max_bytes and len(data) > profile.max_bytes and edge > _LEAST_EDGE:
        if quality - _QUALITY_STEP >= _LEAST_QUALITY and profile.mime != "image/png":
            quality -= _QUALITY_STEP
        else:
            edge = edge * 7 // 8
        image = _shrink_to_edge(photo.pixels, edge)
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
    """The picture with no edge longer than `edge`."""
    if max(image.size) <= edge:
        return image
    share = edge / max(image.size)
    target = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


def flatten_on(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """The picture on a plain background: what shows where it is transparent. Rate it on black and
    on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    plain = Image.new("RGB", image.size, background)
    plain.paste(image, mask=image.getchannel("A"))
    return plain


def _encode_rendition(image: Image.Image, profile: RenditionProfile, xmp: bytes) -> bytes:
    buffer = io.BytesIO()
    if profile.mime == "image/jpeg":
        flat = flatten_on(image, (255, 255, 255))
        flat.save(
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


def _to_srgb(image: Image.Image) -> Image.Image:
    """RGB or RGBA in sRGB; a colour profile that cannot be read is left aside."""
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda level: level / 256).convert("L")
    mode = "RGBA" if clear else "RGB"
    profile = image.info.get("icc_profile")
    flat = image if image.mode in ("RGB", "RGBA", "CMYK") else image.convert(mode)
    if isinstance(profile, bytes) and flat.mode in ("RGB", "RGBA", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            changed = ImageCms.profileToProfile(
                flat, source, ImageCms.createProfile("sRGB"), outputMode=mode
            )
        except (ImageCms.PyCMSError, OSError):
            changed = None
        flat = changed or flat
    return flat.convert(mode)


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
    """The preview inside EXIF, None without one. One that cannot be decoded counts as none: it
    shows nothing."""
    entries = exif.get_ifd(ExifTags.IFD.IFD1)
    start = entries.get(ExifTags.Base.JpegIFOffset)
    length = entries.get(ExifTags.Base.JpegIFByteCount)
    raw = getattr(
        exif, "_loaded_exif", None
    )  # Pillow keeps the block it parsed; offsets count from its TIFF header
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
