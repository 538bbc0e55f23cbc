"""The dashboard as an ASGI app: Streamlit behind access control, with sessions in HttpOnly
cookies."""

import base64
import hashlib
import logging
import re
import threading
from pathlib import Path

import streamlit
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit.starlette import App

from dashboard.auth import (
    access_control,
    demo_removal,
    email_notifications,
    oauth_callback,
    own_sessions,
    owner_setup,
    passkey_confirmations,
    passkeys,
    password_login,
    push_notifications,
    second_factor,
)
from dashboard.auth.sign_in_links import ROUTES
from dashboard.media import avatars, library_files, voice_samples
from dashboard.phone import approvals, pairing_codes, photo_upload, task_download, tasks
from dashboard.shell import index_page, navigation, session
from dashboard.shell.widgets import render_template
from foundation.db.database import is_reachable
from foundation.http.host_guard import HostGuard, host_name
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from foundation.ops import telemetry
from foundation.ops.settings import load_settings
from foundation.ops.writable_places import find_unwritable_places

SCRIPT = Path(__file__).parent / "script" / "main.py"
"""The Streamlit script. Its folder contains `.streamlit/config.toml` and no other module, because
Streamlit adds that folder to the front of `sys.path`."""

INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
HEADERS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), "
    "interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
}


def create_dashboard_app() -> HostGuard:
    """Create the dashboard app with its host check. The host name and TLS options are read from the
    settings."""

    threading.Thread(target=navigation.preload_pages, name="pages", daemon=True).start()

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    def readyz(_: Request) -> Response:
        unwritable = find_unwritable_places(load_settings())
        ready = is_reachable(session.session_scope_opener()) and not unwritable
        return JSONResponse({"ready": ready, "unwritable": unwritable}, 200 if ready else 503)

    ours = [
        *ROUTES,
        *avatars.ROUTES,
        *library_files.ROUTES,
        *voice_samples.ROUTES,
        *email_notifications.ROUTES,
        *push_notifications.ROUTES,
        *passkey_confirmations.ROUTES,
        *pairing_codes.ROUTES,
        *passkeys.ROUTES,
        *task_download.ROUTES,  # before `tasks`, whose action routes match any name
        *tasks.ROUTES,
        *approvals.ROUTES,
        *photo_upload.ROUTES,
        *oauth_callback.ROUTES,
        *second_factor.ROUTES,
        *owner_setup.ROUTES,
        *own_sessions.ROUTES,
        *demo_removal.ROUTES,
        *password_login.ROUTES,
        *index_page.ROUTES,
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
    app = App(
        SCRIPT,
        routes=ours,
        middleware=[Middleware(access_control.MemberAccess, ours=ours)],
        on_script_error=_handle_page_failure,
    )
    # Streamlit takes over uvicorn's loggers and would log every URL, including single-use links.
    logging.getLogger("uvicorn.access").disabled = True
    # It logs the traceback of a failed page in color, over ninety lines. `_handle_page_failure`
    # logs one line with an incident number.
    logging.getLogger("streamlit.error_util").disabled = True
    headers = HEADERS | {"content-security-policy": _build_csp()}
    if session.is_tls():
        headers["strict-transport-security"] = "max-age=31536000"
    url = session.dashboard_settings().public_url
    return HostGuard(
        app,
        hosts=(host_name(url),),
        headers=headers,
        elsewhere=_render_wrong_host_page(url),
        origin=url,
    )


def _build_csp() -> str:
    """Return the Content Security Policy. It allows resources of this origin, Streamlit's inline
    styles, and its one inline script, identified by hash."""
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    digests = [
        hashlib.sha256(one.encode()).digest()
        for one in INLINE_SCRIPT.findall(index.read_text("utf-8"))
    ]
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:;"
        " font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
        "base-uri 'self';"
        " form-action 'self'; frame-ancestors 'none'"
    )


def _render_wrong_host_page(url: str) -> bytes:
    """Return the page for requests under another host name, which would not share this host's
    cookies."""
    said = "\n".join(
        render_message(Message("dashboard.elsewhere", {"address": url}), language)
        for language in LANGUAGES
    )
    return render_template(
        "shell/templates/plain_page.html", language="fr", said=said, action="", button="", fields=()
    ).encode()


def _handle_page_failure(error: Exception) -> bool:
    """Log a failed page, and show a message with an incident number instead of a traceback."""
    incident = uuid7().hex[-8:]
    telemetry.get_logger("dashboard").error(
        "dashboard.page_failed",
        incident=incident,
        error=telemetry.describe_error(error),
        at=telemetry.error_location(error),
    )
    said = (
        render_message(Message("dashboard.trouble", {"incident": incident}), language)
        for language in LANGUAGES
    )
    streamlit.error("\n\n".join(said))
    return True
