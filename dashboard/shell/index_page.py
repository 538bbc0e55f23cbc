"""Streamlit's index page in the member's language, with the address of its server.

Without the address, Streamlit searches for the server under each part of the path and logs a failed
request for each attempt.
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
    """Return Streamlit's index page with language, title and scripts. Raises ValueError if a
    Streamlit upgrade changed the replaced parts."""
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
    """Build the response with the index page in `language`."""
    return HTMLResponse(index_html(language), headers={"cache-control": "no-store"})


async def serve_location_script(_: Request) -> Response:
    """Serve the script that sets the address of Streamlit's server."""
    return Response(
        LOCATION_SCRIPT, media_type="text/javascript", headers={"cache-control": "max-age=3600"}
    )


async def serve_press_guard(_: Request) -> Response:
    """Serve the script that preserves a click if a redraw moves the button under the pointer."""
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
