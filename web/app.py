"""The public ASGI app: creator pages, the REST API, and the endpoints of public forms and links."""

import html

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import OperationalError

from channels.links.domains import serve_link_hosts
from connectors.registry import loader
from foundation.db.database import OpenScope, is_reachable
from foundation.http.host_guard import HostGuard, host_name
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.settings import GeneratorsSettings, load_settings
from foundation.ops.writable_places import find_unwritable_places
from foundation.storage.object_store import ObjectStore
from web.api import remote_workers
from web.api.app import create_api
from web.api.common.rate_limits import ApiRateLimits
from web.http import responses
from web.links import (
    analytics_links,
    calendar_subscriptions,
    client_links,
    media_urls,
    report_links,
    short_links,
)
from web.removal import installation_reports, removal_requests, subject_portal
from web.site import adult_area, age_checks, pages, publishing_endpoint
from web.site.sites import SiteMoved

HEADERS = {
    "content-security-policy": responses.CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), "
    "interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
}
DEFAULT_RATE_LIMITS = ApiRateLimits()
LOOPBACK = ("127.0.0.1", "::1")
"""Host names that processes of this installation may use besides the public one."""


def create_web_app(
    *,
    tenant: OpenScope,
    store: ObjectStore,
    library: ObjectStore | None = None,
    public_url: str,
    called: str = "",
    security_contact: str = "",
    inside_url: str = "",
    letterbox_key: str = "",
    door_key: str = "",
    limits: ApiRateLimits = DEFAULT_RATE_LIMITS,
    pictures_per_day: int = 0,
    generators: GeneratorsSettings | None = None,
) -> HostGuard:
    """Create the public ASGI app with its host check.

    `store` contains the site's copies of published files. `library` contains files for platforms
    and uploads of API clients; without it, media URLs, client links and the remote worker API are
    disabled. `public_url` is the address for visitors, `called` the one for platforms, `inside_url`
    the one for this installation's own processes; requests for any other host get a page that links
    to `public_url`.

    `security_contact` is published in security.txt (RFC 9116) unless it is empty. `letterbox_key`
    is the public key that seals contact details; without it, forms do not collect any. `door_key`
    is the key of the dashboard. `limits` are the rate limits of API clients, `pictures_per_day` is
    the daily quota of an agency (0 for none), and `generators` contains the prices and caps of
    image generation.
    """
    base = public_url.rstrip("/")
    # Only the API publishes an OpenAPI document, at /v1/openapi.json.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=responses.NO_TELEMETRY)
    _add_probes(app, tenant)
    _add_error_pages(app)
    programs = create_api(
        tenant,
        limits=limits,
        library=library,
        generators=generators,
        letterbox_key=letterbox_key,
        public_url=base,
    )
    app.mount("/v1", programs)
    _add_site_routes(app, tenant, store, public_url=base, door_key=door_key)
    if library is not None:
        _add_library_routes(app, tenant, library, public_url=base, per_day=pictures_per_day)
    for forms in (installation_reports, removal_requests):
        app.include_router(forms.router(tenant, public_url=base, letterbox_key=letterbox_key))
    # The last routes: their `/{slug}` matches any path.
    _add_creator_pages(app, tenant, store, public_url=base, security_contact=security_contact)
    hosts = {host_name(base), host_name(called), host_name(inside_url), *LOOPBACK} - {""}
    return HostGuard(
        app,
        hosts=hosts,
        headers=_response_headers(base),
        elsewhere=_render_wrong_host_page(base),
        admits=serve_link_hosts(tenant),
    )


def _response_headers(base: str) -> dict[str, str]:
    """Return the headers of all responses of an installation with this address."""
    if not base.startswith("https://"):
        return HEADERS
    return HEADERS | {"strict-transport-security": "max-age=31536000"}


def _add_creator_pages(
    app: FastAPI, tenant: OpenScope, store: ObjectStore, *, public_url: str, security_contact: str
) -> None:
    known = loader.load_connectors()
    app.include_router(
        pages.router(tenant, store, known, public_url=public_url, security_contact=security_contact)
    )


def _add_library_routes(
    app: FastAPI, tenant: OpenScope, library: ObjectStore, *, public_url: str, per_day: int
) -> None:
    app.mount(
        remote_workers.MOUNT_PATH,
        remote_workers.create_remote_worker_api(tenant, library, per_day=per_day),
    )
    app.include_router(media_urls.router(tenant, library))
    app.include_router(
        client_links.router(tenant, library, loader.load_connectors(), public_url=public_url)
    )
    app.include_router(report_links.router(tenant))


def _add_probes(app: FastAPI, tenant: OpenScope) -> None:
    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"ok": True})

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        unwritable = find_unwritable_places(load_settings())
        ready = is_reachable(tenant) and not unwritable
        return JSONResponse({"ready": ready, "unwritable": unwritable}, 200 if ready else 503)


def _add_error_pages(app: FastAPI) -> None:
    @app.exception_handler(OperationalError)
    def away(request: Request, _: Exception) -> Response:
        return pages.missing_page(request, status=503)

    @app.exception_handler(SiteMoved)
    def moved(request: Request, site: SiteMoved) -> Response:
        rest = request.url.path.removeprefix(f"/{site.before}")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/{site.after}{rest}{query}", 308)

    @app.exception_handler(404)
    def missing(request: Request, _: Exception) -> Response:
        return pages.missing_page(request)


def _add_site_routes(
    app: FastAPI, tenant: OpenScope, store: ObjectStore, *, public_url: str, door_key: str
) -> None:
    app.include_router(publishing_endpoint.router(tenant, store, public_url=public_url))
    app.include_router(age_checks.router(tenant, public_url=public_url))
    app.include_router(subject_portal.router(tenant, key=door_key))
    app.include_router(short_links.router(tenant))
    app.include_router(adult_area.router(tenant, store, public_url=public_url))
    app.include_router(calendar_subscriptions.router(tenant))
    app.include_router(analytics_links.router(tenant))


def _render_wrong_host_page(base: str) -> bytes:
    said = "".join(
        "<p "
        f'lang="{language}">{html.escape(render_message(Message("page.elsewhere"), language))}</p>'
        for language in LANGUAGES
    )
    address = html.escape(base, quote=True)
    return (
        f'<!doctype html><title>Greenroom</title>{said}<p><a href="{address}/">{address}</a></p>'
    ).encode()
