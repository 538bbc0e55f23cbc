"""Colours stated as code points (Rec. ITU-T H.273): `cICP` of PNG, `colr` of HEIF and AVIF, and the
`cicp` tag of ICC profiles. Pure."""

import struct
from dataclasses import dataclass

_HDR = (16, 18)
"""Transfer characteristics of HDR: PQ and HLG (Rec. ITU-R BT.2100)."""

_OTHER_PRIMARIES = (4, 5, 6, 7, 9, 11, 12)
_OTHER_TRANSFERS = (4, 5, 8, *_HDR)
"""Primaries and transfer characteristics that differ visibly from those of a screen. All others are
shown as sRGB, as browsers do."""

_UNSPECIFIED = 2
_BT709 = 1
_BT2020 = 9
_SRGB = 13
_MAX_TAGS = 100


@dataclass(frozen=True)
class ColorCode:
    """Primaries and transfer characteristics as code points; 2 is unspecified."""

    primaries: int = _UNSPECIFIED
    transfer: int = _UNSPECIFIED

    @property
    def is_hdr(self) -> bool:
        """True for PQ and HLG."""
        return self.transfer in _HDR

    @property
    def is_srgb(self) -> bool:
        """True if a screen shows these colours without a conversion."""
        return self.primaries not in _OTHER_PRIMARIES and self.transfer not in _OTHER_TRANSFERS

    def resolve(self) -> "ColorCode":
        """Return code points without unspecified and unusual ones."""
        if self.primaries in _OTHER_PRIMARIES:
            primaries = self.primaries
        else:
            unnamed_hdr = self.is_hdr and self.primaries != _BT709
            primaries = _BT2020 if unnamed_hdr else _BT709
        return ColorCode(primaries, self.transfer if self.transfer in _OTHER_TRANSFERS else _SRGB)


def read_png_color(body: bytes) -> ColorCode | None:
    """Return the code points of a PNG's `cICP` chunk (PNG, third edition, §11.3.2.6)."""
    return ColorCode(body[0], body[1]) if len(body) == 4 else None


def read_heif_color(body: bytes) -> ColorCode | None:
    """Return the code points of a `colr` box of type `nclx` (ISO/IEC 14496-12 §12.1.5)."""
    if body[:4] != b"nclx" or len(body) < 8:
        return None
    return ColorCode(*struct.unpack_from(">HH", body, 4))


def read_profile_color(profile: bytes) -> ColorCode | None:
    """Return the code points in an ICC profile's `cicp` tag (ICC.1:2022 §9.2.17), or None."""
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        for number in range(min(count, _MAX_TAGS)):
            name, at = struct.unpack_from(">4sI", profile, 132 + 12 * number)
            if name == b"cicp":
                return ColorCode(profile[at + 8], profile[at + 9])
    except (struct.error, IndexError):
        pass
    return None
