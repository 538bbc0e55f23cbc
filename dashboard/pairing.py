"""Pairing a phone: a code to point its camera at, the way in behind it, and what makes the pages an app there.

The code is a single-use link that opens a session of that very member; who holds the phone is who they are.
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

from channels import phones
from dashboard import arriving, entry, session, widgets
from dashboard.phone import NO_STORE
from dashboard.widgets import render
from dashboard.wording import Voice
from foundation.asgi import host_of
from foundation.database import Scope
from foundation.errors import Refused
from schedules.calendar import zone_of
from tenants import login
from tenants import reads as tenant_reads

COLOUR, LEAF = "#6232b4", "#7fdcae"
SIZES = (180, 192, 512)
HERE_ONLY = frozenset({"localhost", "127.0.0.1"})
KEPT = {"cache-control": "max-age=86400"}


def link(scope: Scope, member_id: UUID) -> str:
    """A single-use address that opens a session of a member on the phone that visits it, within the hour."""
    return f"{session.house().public_url.rstrip('/')}/phone/in/{login.invite(scope, member_id)}"


def ask_code(request: Request) -> Response:
    """What a code is for; a button makes one."""
    return _code_page(request, "")


async def show_code(request: Request) -> Response:
    """A new code for the member who is signed in here."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    return await run_in_threadpool(_new_code, request)


def _new_code(request: Request) -> Response:
    who = session.viewer(request.cookies.get(session.cookie_name(), ""))
    if who is None:
        return entry.page(request, "dashboard.signed_out", status=401)
    with session.tenant()(who.tenant_id, who.actor) as scope:
        address = link(scope, who.member.id)
    return _code_page(request, address)


def _code_page(request: Request, address: str) -> Response:
    who = session.viewer(request.cookies.get(session.cookie_name(), ""))
    if who is None:
        return entry.page(request, "dashboard.signed_out", status=401)
    voice = Voice(who.member.language, zone_of(who.member.zone))
    html = render(
        "phone_pair.html",
        language=voice.language,
        voice=voice,
        code=widgets.qr(address) if address else "",
        here_only=host_of(session.house().public_url) in HERE_ONLY,
        host=urlsplit(session.house().public_url).netloc,
        said="",
    )
    return HTMLResponse(html, headers=NO_STORE)


def ask_in(request: Request) -> Response:
    """The page behind the code: a button, not the visit itself, uses it up."""
    return entry.page(request, "phone.welcome", action=request.url.path, button="phone.enter")


async def come_in(request: Request) -> Response:
    """Use the code: a session of its member on this phone, which from now on gets their tasks."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    try:
        return await run_in_threadpool(_come_in, request)
    except Refused as refusal:
        return entry.page(request, refusal.message.code, status=410)


def _come_in(request: Request) -> Response:
    browser = request.headers.get("user-agent", "")
    secret = login.redeem(session.tenant(), request.path_params["secret"], browser=browser)
    found = session.viewer(secret)
    if found is not None and phones.works_by_hand(found.member):
        with session.tenant()(found.tenant_id, found.actor) as scope:
            phones.pair(scope, tenant_reads.member(scope, found.member.id), name=_kind(browser))
    return arriving.let_in(request, secret, to="/phone")


def _kind(browser: str) -> str:
    """What the phone calls itself, shortly."""
    return next((kind for kind in ("iPhone", "iPad", "Android") if kind in browser), "")


def manifest(request: Request) -> Response:
    """What a phone needs to keep the pages among its apps."""
    icons = [
        {"src": f"/phone/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}
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
    """The app's picture."""
    size = request.path_params["size"]
    if size not in SIZES:
        return Response(status_code=404)
    return Response(_icon(size), headers=KEPT, media_type="image/png")


@cache
def _icon(size: int) -> bytes:
    """A leaf on the house's colour, inside what a mask leaves; drawn at four times its size, then made smaller."""
    image = Image.new("RGB", (size * 4, size * 4), COLOUR)
    draw = ImageDraw.Draw(image)

    def at(*points: tuple[float, float]) -> list[tuple[int, int]]:
        return [(round(x * size * 4), round(y * size * 4)) for x, y in points]

    draw.polygon(at((0.76, 0.22), (0.45, 0.27), (0.28, 0.48), (0.30, 0.70), (0.52, 0.72), (0.70, 0.55)), fill=LEAF)
    draw.line(at((0.66, 0.34), (0.42, 0.58), (0.24, 0.79)), fill=COLOUR, width=max(size // 9, 4))
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def script(request: Request) -> Response:
    """Copying, and keeping files among the phone's pictures; the pages work without it."""
    return Response(_script(), headers=KEPT, media_type="text/javascript")


@cache
def _script() -> str:
    return (widgets.HERE / "templates" / "phone.js").read_text("utf-8")


ROUTES = [
    Route("/phone/pair", ask_code, methods=["GET"]),
    Route("/phone/pair", show_code, methods=["POST"]),
    Route("/phone/in/{secret}", ask_in, methods=["GET"]),
    Route("/phone/in/{secret}", come_in, methods=["POST"]),
    Route("/phone/manifest.webmanifest", manifest, methods=["GET"]),
    Route("/phone/icon-{size:int}.png", icon, methods=["GET"]),
    Route("/phone/phone.js", script, methods=["GET"]),
]
