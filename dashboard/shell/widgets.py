"""Shared parts of pages. All HTML is rendered from templates with autoescaping."""

import io
import re
from functools import cache
from pathlib import Path

import segno
import streamlit as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from dashboard.shell import empty_states, marks

PACKAGE_ROOT = Path(__file__).parents[1]


_SIGNS = re.compile(r"[\\`*\[\]<>~$]|(?<!\w)_|_(?!\w)")
"""Characters with a meaning in Markdown, and in Streamlit's color and formula syntax. An underscore
within a word has none."""


@cache
def _build_environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(PACKAGE_ROOT),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # otherwise the file is checked on each use, over a hundred times for a page
        auto_reload=False,
    )
    found.filters["ticked"] = code_markup
    for function in (
        marks.person_avatar,
        marks.creator_avatar,
        marks.channel_icon,
        marks.glyph_rules,
        empty_states.empty_action,
    ):
        found.globals[function.__name__] = function
    return found


def code_markup(sentence: str) -> Markup:
    """Return the text with parts between backticks as code and all of it escaped."""
    parts = [escape(part) for part in sentence.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part
        for odd, part in enumerate(parts)
    )


def escape_markdown(said: str) -> str:
    """Escape user input for labels and notices of Streamlit, so that it contains no markup or
    links."""
    return _SIGNS.sub(r"\\\g<0>", said)


def render_template(template: str, **values: object) -> str:
    """Render a template with all values escaped."""
    return _build_environment().get_template(template).render(**values)


def qr_svg(text: str) -> Markup:
    """Return a QR code as SVG, dark on white in any color theme. It has no fixed size and fills its
    container: a cropped code cannot be scanned."""
    drawn = segno.make(text, error="m").svg_inline(
        border=3, dark="#000", light="#fff", omitsize=True
    )
    return Markup(drawn)  # noqa: S704  segno draws paths, not text


def qr_data_uri(text: str) -> str:
    """Return a QR code as a data URI, because Streamlit removes SVG from HTML."""
    return str(
        segno.make(text, error="m").png_data_uri(scale=6, border=3, dark="#000", light="#fff")
    )


def qr_png(text: str) -> bytes:
    """Return a QR code as a PNG file for print, 1,000 pixels wide or more."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=32, border=3, dark="#000", light="#fff")
    return out.getvalue()


def draw_template(template: str, **values: object) -> None:
    """Draw a template on the page. All HTML of the dashboard is rendered by this function. Empty
    output is skipped, because Streamlit rejects it."""
    if drawn := render_template(template, **values).strip():
        st.html(drawn)
