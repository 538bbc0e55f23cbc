"""Phone pairing: the QR code, the sign-in link behind it, and the web app manifest.

The code is a single-use link that starts a session of the member who created it.
"""

import io
from functools import cache
from urllib.parse import urlsplit
from uuid import UUID

from PIL import Image, ImageDraw
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from channels.manual_tasks import assignees
from dashboard.auth import session_cookies
from dashboard.phone.phone_page import PRIVATE_NO_STORE
from dashboard.shell import session, widgets
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.plain_pages import is_cross_site, plain_page
from dashboard.shell.widgets import render_template
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.http.host_guard import host_name
from foundation.ops.wall_time import load_zone
from tenants.agencies import queries
from tenants.auth import sessions

COLOUR = "#6232b4"
LEAF = "#7fdcae"
SIZES = (180, 192, 512)
HERE_ONLY = frozenset({"localhost", "127.0.0.1"})
"""Host names that a phone cannot reach."""
KEPT = {"cache-control": "max-age=86400"}


def pairing_url(scope: Scope, member_id: UUID) -> str:
    """Return a single-use URL that starts a session of the member on the phone. It is valid for an
    hour."""
    return (
        f"{session.dashboard_settings().public_url.rstrip('/')}/phone/in"
        f"/{sessions.create_sign_in_link(scope, member_id)}"
    )


def show_pairing(request: Request) -> Response:
    """Show the pairing page with a button that creates a code."""
    return _render_code_page(request, "")


async def create_pairing_code(request: Request) -> Response:
    """Create a pairing code for the signed-in member."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    return await run_in_threadpool(_render_new_code, request)


def _render_new_code(request: Request) -> Response:
    who = session.find_viewer(request.cookies.get(session.session_cookie_name(), ""))
    if who is None:
        return plain_page(request, "dashboard.signed_out", status=401)
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        address = pairing_url(scope, who.member.id)
    return _render_code_page(request, address)


def _render_code_page(request: Request, address: str) -> Response:
    who = session.find_viewer(request.cookies.get(session.session_cookie_name(), ""))
    if who is None:
        return plain_page(request, "dashboard.signed_out", status=401)
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    html = render_template(
        "phone/templates/pairing.html",
        language=voice.language,
        voice=voice,
        code=widgets.qr_svg(address) if address else "",
        here_only=host_name(session.dashboard_settings().public_url) in HERE_ONLY,
        host=urlsplit(session.dashboard_settings().public_url).netloc,
        said="",
    )
    return HTMLResponse(html, headers=PRIVATE_NO_STORE)


def show_phone_sign_in(request: Request) -> Response:
    """Show the page behind the code. A button redeems it, because link previews open URLs."""
    return plain_page(request, "phone.welcome", action=request.url.path, button="phone.enter")


async def redeem_pairing_code(request: Request) -> Response:
    """Redeem the code: start a session of the member on this phone, and send their manual tasks to
    it."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    try:
        return await run_in_threadpool(_redeem_pairing_code, request)
    except Refused as refusal:
        return plain_page(request, refusal.message.code, status=410)


def _redeem_pairing_code(request: Request) -> Response:
    browser = request.headers.get("user-agent", "")
    secret = sessions.redeem_sign_in_link(
        session.session_scope_opener(), request.path_params["secret"], browser=browser
    )
    found = session.find_viewer(secret)
    if found is not None and assignees.can_post_manually(found.member):
        with session.session_scope_opener()(found.tenant_id, found.actor) as scope:
            assignees.pair_phone(
                scope, queries.get_member(scope, found.member.id), name=_phone_kind(browser)
            )
    return session_cookies.sign_in_response(request, secret, to="/phone")


def _phone_kind(browser: str) -> str:
    """Return the kind of phone from the user agent, or ""."""
    return next((kind for kind in ("iPhone", "iPad", "Android") if kind in browser), "")


def manifest(request: Request) -> Response:
    """Serve the web app manifest, with which phones can install the pages as an app."""
    icons = [
        {
            "src": f"/phone/icon-{size}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "any maskable",
        }
        for size in SIZES
    ]
    told = {
        "name": "Greenroom",
        "short_name": "Greenroom",
        "id": "/phone",
        "start_url": "/phone",
        "scope": "/phone",
        "display": "standalone",
        "background_color": "#15111d",
        "theme_color": COLOUR,
        "icons": icons,
    }
    return JSONResponse(told, headers=KEPT, media_type="application/manifest+json")


def icon(request: Request) -> Response:
    """Serve the app icon."""
    size = request.path_params["size"]
    if size not in SIZES:
        return Response(status_code=404)
    return Response(_draw_icon(size), headers=KEPT, media_type="image/png")


@cache
def _draw_icon(size: int) -> bytes:
    """Draw a leaf inside the safe zone of a maskable icon. It is drawn at four times the size and
    scaled down for smooth edges."""
    image = Image.new("RGB", (size * 4, size * 4), COLOUR)
    draw = ImageDraw.Draw(image)

    def at(*points: tuple[float, float]) -> list[tuple[int, int]]:
        return [(round(x * size * 4), round(y * size * 4)) for x, y in points]

    draw.polygon(
        at((0.76, 0.22), (0.45, 0.27), (0.28, 0.48), (0.30, 0.70), (0.52, 0.72), (0.70, 0.55)),
        fill=LEAF,
    )
    draw.line(at((0.66, 0.34), (0.42, 0.58), (0.24, 0.79)), fill=COLOUR, width=max(size // 9, 4))
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def serve_script(request: Request) -> Response:
    """Serve the script for copying text and saving files to the phone's photos. The pages work
    without it."""
    return Response(_read_phone_script(), headers=KEPT, media_type="text/javascript")


@cache
def _read_phone_script() -> str:
    return (widgets.PACKAGE_ROOT / "phone/assets/phone.js").read_text("utf-8")


ROUTES = [
    Route("/phone/pair", show_pairing, methods=["GET"]),
    Route("/phone/pair", create_pairing_code, methods=["POST"]),
    Route("/phone/in/{secret}", show_phone_sign_in, methods=["GET"]),
    Route("/phone/in/{secret}", redeem_pairing_code, methods=["POST"]),
    Route("/phone/manifest.webmanifest", manifest, methods=["GET"]),
    Route("/phone/icon-{size:int}.png", icon, methods=["GET"]),
    Route("/phone/phone.js", serve_script, methods=["GET"]),
]
