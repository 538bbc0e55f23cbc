"""Avatars of creators and members, and icons of channels, as HTML for templates.

Every template has the functions `person_avatar`, `creator_avatar` and `channel_icon`. The marks are
glyphs or letters on a color of our own; they contain no artwork of a platform. A mark is never the
only sign: its name is always in the HTML, visible or for screen readers.
"""

from collections.abc import Mapping
from zlib import crc32

from markupsafe import Markup, escape

from dashboard.shell.channel_glyphs import GLYPHS, glyph_uri, svg_uri
from tenants.agencies.queries import Creator

AVATAR_COLORS = (
    "#6232b4",
    "#9c2c77",
    "#a8203a",
    "#9a4a12",
    "#46650f",
    "#146c43",
    "#0f6578",
    "#2c4fa8",
)
"""Backgrounds of initials. White text on each has a contrast of at least 4.5."""

CHANNEL_MARKS: Mapping[str, tuple[str, str]] = {
    "own_page": ("Pg", "#146c43"),
    "sandbox": ("Sb", "#5f5973"),
    "telegram": ("Tg", "#1b6f9e"),
    "bluesky": ("Bs", "#1a5fc2"),
    "discord": ("Di", "#4650b8"),
    "byhand": ("Mp", "#6b5a1e"),
    "onlyfans": ("OF", "#0b6d94"),
    "fansly": ("Fs", "#1f6a8c"),
    "fanvue": ("Fv", "#2f6b2f"),
    "instagram": ("Ig", "#a52a74"),
    "tiktok": ("Tk", "#1f1b2c"),
    "snapchat": ("Sc", "#6f5f00"),
    "linkedin": ("Li", "#1d5c94"),
    "x": ("X", "#2d2d33"),
    "reddit": ("Re", "#ad3300"),
    "threads": ("Th", "#3a3344"),
    "facebook": ("Fb", "#2b5bb5"),
    "youtube": ("Yt", "#b01717"),
    "pornhub": ("Ph", "#7d4600"),
    "mastodon": ("Ma", "#5040b5"),
}
"""The letters and the background of the icon of each platform."""

UNKNOWN_COLOR = "#5f5973"
"""Background of the icon of a platform without an entry, such as one of a third-party connector."""


def name_initials(name: str) -> str:
    """Return the initials of a name: those of its first and last word, in capitals, or "?" if it
    has no letter or digit."""
    words = [word for part in name.split() if (word := part.lstrip("\"'«“(-_.@#"))[:1].isalnum()]
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0].upper()[:1] for word in ends) or "?"


def avatar_url(creator: Creator) -> str:
    """Return the URL of a creator's picture, or "" if the creator has none."""
    return f"/files/creators/{creator.id}/{creator.avatar}" if creator.avatar else ""


def person_avatar(name: str, url: str = "", *, small: bool = False) -> Markup:
    """Return the avatar of a person: the picture at `url`, or the initials. The name must stand
    beside it, because screen readers skip the avatar."""
    kind = "gr-avatar gr-avatar-small" if small else "gr-avatar"
    if url:
        return Markup('<img class="{}" src="{}" alt="" loading="lazy">').format(kind, url)
    color = avatar_color(name)
    return Markup('<span class="{}" style="background:{}" aria-hidden="true">{}</span>').format(
        kind, color, name_initials(name)
    )


def creator_avatar(creator: Creator, *, small: bool = False) -> Markup:
    """Return the avatar of a creator, who is named beside it."""
    return person_avatar(creator.name, avatar_url(creator), small=small)


def avatar_color(name: str) -> str:
    """Return the background of a person's initials."""
    return AVATAR_COLORS[crc32(name.encode()) % len(AVATAR_COLORS)]


def channel_mark(platform: str) -> tuple[str, str]:
    """Return the letters and the background of the icon of a platform."""
    return CHANNEL_MARKS.get(platform, (platform[:2].capitalize(), UNKNOWN_COLOR))


def channel_icon(platform: str, label: str, *, compact: bool = False) -> Markup:
    """Return the icon of a platform with its label, such as the name of the account. With
    `compact`, the label is a tooltip and a text for screen readers."""
    letters, color = channel_mark(platform)
    has_glyph = platform in GLYPHS
    kind = f"gr-mark gr-mark-{platform}" if has_glyph else "gr-mark"
    shown = Markup(
        '<span class="{}" style="background-color:{}" aria-hidden="true">{}</span>'
    ).format(kind, color, "" if has_glyph else letters)
    text = Markup('<span class="gr-hidden">{}</span>') if compact else Markup("<span>{}</span>")
    whole = Markup('<span class="gr-channel"{}>{}{}</span>')
    title = Markup(' title="{}"').format(label) if compact else ""
    return whole.format(title, shown, text.format(label))


def channel_icon_uri(platform: str) -> str:
    """Return the icon of a platform as a data URI of 56 × 56 pixels, for cells without HTML."""
    letters, color = channel_mark(platform)
    glyph = GLYPHS.get(platform)
    inner = (
        f'<svg x="16" y="16" width="24" height="24" viewBox="0 0 24 24">{glyph}</svg>'
        if glyph
        else '<text x="28" y="33" fill="#fff" font-family="sans-serif" font-size="13"'
        f' font-weight="700" text-anchor="middle">{escape(letters)}</text>'
    )
    return svg_uri(
        f'width="56" height="56"><rect x="13" y="13" width="30" height="30" rx="7" fill="{color}"/>'
        f"{inner}"
    )


def glyph_rules() -> list[tuple[str, str]]:
    """Return the platforms with a glyph, and the glyph as a data URI, for the style of pages."""
    return [(platform, glyph_uri(platform)) for platform in GLYPHS]
