"""Glyphs of platforms in the icons of channels: general symbols of our own, in white on 24 × 24.

They contain no artwork of a platform. A platform without a glyph shows its letters.
"""

from base64 import b64encode
from collections.abc import Mapping

_SOLID = 'fill="#fff"'
_LINE = (
    'fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"'
)
_LETTER = (
    'fill="#fff" font-family="sans-serif" font-weight="700" text-anchor="middle" font-size="15"'
)

GLYPHS: Mapping[str, str] = {
    "own_page": f'<g {_LINE}><circle cx="12" cy="12" r="7.5"/><path d="M4.5 12h15M12 4.5c5 5 5 10 0'
    ' 15c-5-5-5-10 0-15"/></g>',
    "sandbox": f'<path {_LINE} d="M10 4v6l-4.5 8.5h13L14 10V4M8.5 4h7M8 15h8"/>',
    "byhand": f'<g {_LINE}><rect x="7" y="3.5" width="10" height="17" rx="2"/><path d="M11'
    ' 17.5h2"/></g>',
    "telegram": f'<path {_SOLID} d="M3.5 11.8 20.5 5l-2.7 14.5-5.3-4-2.6 2.6-.5-4.2 7-6-8.4 5z"/>',
    "discord": f'<path {_SOLID} fill-rule="evenodd" d="M6 5h12a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3h-6l-5'
    " 4v-4H6a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3zm3 4.500a1.6 1.6 0 1 0 .01 0zm6 0a1.6 1.6 0 1 0"
    ' .01 0z"/>',
    "instagram": f'<g {_LINE}><rect x="4.5" y="4.5" width="15" height="15" rx="4.5"/><circle'
    f' cx="12" cy="12" r="3.5"/></g><circle {_SOLID} cx="16.4" cy="7.6" r="1.2"/>',
    "tiktok": f'<path {_LINE} d="M13.5 4.500v10.500a3.5 3.5 0 1 1-3.5-3.500M13.5'
    ' 4.500c.3 2.7 2 4.3 4.8 4.5"/>',
    "snapchat": f'<path {_SOLID} d="M12 4c3.3 0 5.5 2.3 5.5 5.500v9l-2-1.3-1.7 1.8-1.8'
    '-1.8-1.8 1.8-1.7-1.8-2 1.300v-9C6.5 6.3 8.7 4 12 4z"/>',
    "x": f'<path {_LINE} d="M6 5.5 18 18.500M18 5.5 6 18.5"/>',
    "youtube": f'<path {_SOLID} d="M8.5 6v12l9.5-6z"/>',
    "reddit": f'<path {_SOLID} fill-rule="evenodd" d="M12 8.500c4.4 0 8 2.3 8 5.300s-3.6 5.2'
    "-8 5.2-8-2.2-8-5.2 3.6-5.3 8-5.300zm-3 3.500a1.4 1.4 0 1 0 .01 0zm6 0a1.4 1.4 0 1"
    f' 0 .01 0z"/><path {_LINE} d="M12 8.500l1-4 3.5.8"/>',
    "bluesky": f'<path {_SOLID} d="M12 11.300C10.5 8.3 7.3 5 5 5c-1.3 0-1.2 5.3.2 7.4.9'
    " 1.3 2.3 1.6 3.8 1.4-2.2.6-2.8 2-1.5 3.4 2.1 2.2 3.7-.5 4.5-2.7.8 2.2 2.4"
    " 4.9 4.5 2.7 1.3-1.4.7-2.8-1.5-3.4 1.5.2 2.9-.1 3.8-1.400C20.2 10.3 20.3 5"
    ' 19 5c-2.3 0-5.5 3.3-7 6.300z"/>',
    "facebook": f'<text {_LETTER} x="12" y="18">f</text>',
    "linkedin": f'<text {_LETTER} x="12" y="17.5">in</text>',
    "threads": f'<text {_LETTER} x="12" y="16.5">@</text>',
}


def glyph_uri(platform: str) -> str:
    """Return the glyph of a platform as a data URI without a background, or "" without a glyph."""
    glyph = GLYPHS.get(platform)
    return svg_uri(f'viewBox="0 0 24 24" width="24" height="24">{glyph}') if glyph else ""


def svg_uri(inner: str) -> str:
    """Return an SVG, without its opening and closing tags, as a data URI."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {inner}</svg>'
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
