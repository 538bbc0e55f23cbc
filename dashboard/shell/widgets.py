"""Shared parts of the pages. Every piece of HTML is a template that escapes what it is given."""

import re
from functools import cache
from pathlib import Path

import segno
import streamlit as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

PACKAGE_ROOT = Path(__file__).parents[1]


_SIGNS = re.compile(r"[\\`*\[\]<>~$]|(?<!\w)_|_(?!\w)")
"""What Markdown reads, and Streamlit's colours and formulas; a stroke within a word is none."""


@cache
def _build_environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(PACKAGE_ROOT),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # else the file is looked at each time, a hundred times and more for a page
        auto_reload=False,
    )
    found.filters["ticked"] = code_markup
    return found


def code_markup(sentence: str) -> Markup:
    """A sentence with what stands between back-ticks set as code, everything escaped."""
    parts = [escape(part) for part in sentence.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part
        for odd, part in enumerate(parts)
    )


def escape_markdown(said: str) -> str:
    """What somebody typed, for a label or a notice of Streamlit: nothing in it is read as a sign or
    a link."""
    return _SIGNS.sub(r"\\\g<0>", said)


def render_template(template: str, **values: object) -> str:
    """A template with everything in it escaped."""
    return _build_environment().get_template(template).render(**values)


def qr_svg(text: str) -> Markup:
    """A code for a phone's camera, as a picture of its own: dark on white whatever the page's
    colours, as wide as where it stands. With a size of its own instead it would be cut off there,
    and no camera reads half a code."""
    drawn = segno.make(text, error="m").svg_inline(
        border=3, dark="#000", light="#fff", omitsize=True
    )
    return Markup(drawn)  # noqa: S704  segno draws paths, no text


def qr_data_uri(text: str) -> str:
    """The same as the address of an image: Streamlit lets no drawing through in HTML."""
    return str(
        segno.make(text, error="m").png_data_uri(scale=6, border=3, dark="#000", light="#fff")
    )


def draw_template(template: str, **values: object) -> None:
    """Show a template on the page: the one place where HTML of ours reaches Streamlit, which
    refuses an empty one."""
    if drawn := render_template(template, **values).strip():
        st.html(drawn)
