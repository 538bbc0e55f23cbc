"""The public door: an ASGI app of the creators' own pages and of the house's endpoint for them."""

import html

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import OperationalError

from connectors import registry
from foundation.asgi import Guarded, host_of
from foundation.database import OpenScope, reachable
from foundation.settings import GeneratorsSettings
from foundation.storage import ObjectStore
from foundation.words import LANGUAGES, Message, say
from web import age, answers, api, approving, area, complaints, house, ics, lent, links, machines, page, person, reports
from web.api_limits import Limits

HEADERS = {
    "content-security-policy": answers.POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
}
LIMITS = Limits()
LOOPBACK = ("127.0.0.1", "::1")
"""Where the house itself calls from, besides the public name."""


def create(
    *,
    tenant: OpenScope,
    store: ObjectStore,
    library: ObjectStore | None = None,
    public_url: str,
    called: str = "",
    security_contact: str = "",
    inside_url: str = "",
    letterbox_key: str = "",
    limits: Limits = LIMITS,
    pictures_per_day: int = 0,
    generators: GeneratorsSettings | None = None,
) -> Guarded:
    """The app, behind its door.

    `store` holds the pages' own copies of files, `library` what is lent to platforms and what programs hand in (None:
    nothing is); `public_url` is what visitors call, `called` what platforms do, `inside_url` what our own processes do;
    `security_contact` an address for security.txt (RFC 9116), left out when empty; `letterbox_key` the public half that
    contacts are sealed with (without it nobody is asked for one); `limits` say how fast programs may ask;
    `pictures_per_day` is the house's quota for an agency, 0 for none; `generators` name prices and caps of pictures.
    """
    base = public_url.rstrip("/")
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=answers.SILENT)

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"ok": True})

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        ready = reachable(tenant)
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    @app.exception_handler(OperationalError)
    def away(request: Request, _: Exception) -> Response:
        return page.missing(request, status=503)

    @app.exception_handler(404)
    def missing(request: Request, _: Exception) -> Response:
        return page.missing(request)

    programs = api.create(tenant, limits=limits, library=library, generators=generators, letterbox_key=letterbox_key)
    app.mount("/v1", programs)
    app.include_router(house.router(tenant, store, public_url=base))
    app.include_router(age.router(tenant, public_url=base))
    app.include_router(person.router(tenant))
    app.include_router(links.router(tenant))
    app.include_router(area.router(tenant, store, public_url=base))
    app.include_router(ics.router(tenant))
    if library is not None:
        app.mount(machines.AT, machines.create(tenant, library, per_day=pictures_per_day))
        app.include_router(lent.router(tenant, library))
        app.include_router(approving.router(tenant, library, registry.load(), public_url=base))
    app.include_router(reports.router(tenant, public_url=base, letterbox_key=letterbox_key))
    app.include_router(complaints.router(tenant, public_url=base, letterbox_key=letterbox_key))
    app.include_router(page.router(tenant, store, public_url=base, security_contact=security_contact))
    secure = {"strict-transport-security": "max-age=31536000"} if base.startswith("https://") else {}
    hosts = {host_of(base), host_of(called), host_of(inside_url), *LOOPBACK} - {""}
    return Guarded(app, hosts=hosts, headers=HEADERS | secure, elsewhere=_elsewhere(base))


def _elsewhere(base: str) -> bytes:
    """What somebody reads who came under another name."""
    said = "".join(
        f'<p lang="{language}">{html.escape(say(Message("page.elsewhere"), language))}</p>' for language in LANGUAGES
    )
    address = html.escape(base, quote=True)
    return f'<!doctype html><title>Greenroom</title>{said}<p><a href="{address}/">{address}</a></p>'.encode()
