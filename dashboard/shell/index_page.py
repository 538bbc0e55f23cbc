"""The page around every page: Streamlit's own, in the member's language, told where it lives.

Left alone it looks for its server under each part of the address, and writes a failed request for
each wrong guess.
"""

from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboard.shell import widgets
from dashboard.shell.navigation import PAGES

STREAMLIT_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
LOCATION_SCRIPT = 'window.__streamlit = { BACKEND_BASE_URL: location.origin + "/" };\n'
PAGE_ADDRESSES = {"/": PAGES[0], **{f"/{row.name}": row for row in PAGES}}


@cache
def index_html(language: str) -> str:
    """Streamlit's page with our language, title and address. Raises ValueError when an upgrade
    changed what we know."""
    found = STREAMLIT_INDEX.read_text("utf-8")
    changes = {
        '<html lang="en">': f'<html lang="{language}">',
        "<title>Streamlit</title>": "<title>Greenroom</title>"
        '<script src="/auth/where.js"></script><script src="/auth/pressed.js"></script>',
        '<link rel="service-desc" href="./_stcore/agent/openapi.json" />': "",
    }
    for known, ours in changes.items():
        if known not in found:
            raise ValueError(f"Streamlit's page no longer has {known}")
        found = found.replace(known, ours)
    return found


def index_response(language: str) -> Response:
    """The shell for a member who reads `language`."""
    return HTMLResponse(index_html(language), headers={"cache-control": "no-store"})


async def serve_location_script(_: Request) -> Response:
    """Tells Streamlit's scripts where their server is."""
    return Response(
        LOCATION_SCRIPT, media_type="text/javascript", headers={"cache-control": "max-age=3600"}
    )


async def serve_press_guard(_: Request) -> Response:
    """What keeps a press whose button the page moved meanwhile (ADR 0162)."""
    return Response(
        _read_press_guard_script(),
        media_type="text/javascript",
        headers={"cache-control": "max-age=3600"},
    )


@cache
def _read_press_guard_script() -> str:
    return (widgets.PACKAGE_ROOT / "shell/assets/press_guard.js").read_text("utf-8")


ROUTES = [
    Route("/auth/where.js", serve_location_script),
    Route("/auth/pressed.js", serve_press_guard),
]
