"""Public pages of a creator's site: profile, items, feeds and files.

Content above the visitor's permitted rating is never sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import LANGUAGES
from foundation.ids import INSTALLATION_ID
from foundation.money import Money
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating
from studio.packs import packs
from studio.packs.packs import PackView
from subscribers.acquisition import links
from subscribers.catalog.prices import listed_price
from tenants.agencies import queries
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.http.responses import READ_METHODS
from web.site import atom_feed, items, sites
from web.site.atom_feed import FeedHeader
from web.site.items import FILE_SUFFIXES, ItemPage
from web.site.shown_content import FEED_SURFACE, show_site
from web.site.sites import ADULT_AREA, PUBLIC_AREA, VISITOR_ACTOR, SiteProfile, SiteRef

PACKAGE_ROOT = Path(__file__).parents[1]
ITEMS_PER_PAGE = 20
FEEDS = {"xml": "application/atom+xml; charset=utf-8", "json": "application/feed+json"}
STATIC_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "fingerprint.js": "text/javascript; charset=utf-8",
}
MISSING_CODES = {404: "page.missing", 410: "page.gone", 503: "page.away"}
MATURE_HEADERS = {"rating": "mature"}
"""Header of pages with suggestive content. Parental and school filters read it."""


@dataclass(frozen=True)
class PackOffer:
    """A pack on the profile page, with its price if it has one."""

    pack: PackView
    price: Money | None


class SitePages:
    """Renders the pages of all sites."""

    def __init__(
        self,
        tenant: OpenScope,
        store: ObjectStore,
        connectors: Mapping[str, Connector],
        *,
        public_url: str,
    ) -> None:
        self._tenant = tenant
        self._store = store
        self._connectors = connectors
        self._base = public_url

    def show_profile(
        self, request: Request, slug: str, before: str | None, via: str = ""
    ) -> Response:
        """Show the profile, the packs and one page of items, newest first. `via` is the code of the
        acquisition link of this visit, which the chat receives as its start parameter."""
        found = sites.find_site_by_slug(self._tenant, slug)
        if found is None:
            return missing_page(request)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            stored = sites.load_profile(scope, found)
            listing = items.list_newest(scope, found, limit=ITEMS_PER_PAGE, before=before)
            sold = _list_public_packs(scope, found) if before is None else []
            shown = show_site(scope, found, stored, packs=sold, listing=listing)
            site, voice = _localize(scope, found, shown.site)
            site = self._hand_over(scope, found, site, via)
            listing = shown.listing
            offered = [PackOffer(pack, listed_price(scope, pack.id)) for pack in shown.packs]
            behind = replace(found, area=ADULT_AREA)
            adults = behind.area_path if items.has_items(scope, behind) else ""
        if listing is None:
            return missing_page(request, voice, site)
        values = {
            "site": site,
            "listing": listing,
            "offered": offered,
            "first": before is None,
            "adults": adults,
        }
        body = self._render_site_template("site/templates/profile.html", voice, **values)
        return responses.html_response(
            request,
            body,
            headers=_build_mature_headers([entry.rating for entry in listing.entries]),
        )

    def _hand_over(self, scope: Scope, found: SiteRef, site: SiteProfile, code: str) -> SiteProfile:
        """Return the profile with the chat URL of the link with this code, if there is one."""
        if not code or not queries.get_creator(scope, found.creator_id).is_active:
            return site
        url = links.find_start_url(scope, found.creator_id, code, self._connectors)
        return replace(site, chat_url=url) if url else site

    def show_item(self, request: Request, slug: str, content_id: str) -> Response:
        """Show an item. Return 404 for an unknown ID and 410 for a removed or hidden item."""
        found = sites.find_site_by_slug(self._tenant, slug)
        if found is None:
            return missing_page(request)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            stored = sites.load_profile(scope, found)
            known, entry = items.find_item(scope, found, content_id)
            listing = ItemPage((entry,) if entry is not None else (), None, whole=True)
            shown = show_site(scope, found, stored, listing=listing)
            entry = next(iter(shown.listing.entries if shown.listing is not None else ()), None)
            site, voice = _localize(scope, found, shown.site)
            if entry is not None and request.method == "GET":
                items.record_view(scope, found, content_id)
        if entry is None:
            return missing_page(request, voice, site, status=410 if known else 404)
        body = self._render_site_template("site/templates/item.html", voice, site=site, entry=entry)
        return responses.html_response(request, body, headers=_build_mature_headers([entry.rating]))

    def serve_feed(self, request: Request, slug: str, kind: str, before: str | None) -> Response:
        """Serve a feed, or a page of its older entries."""
        found = sites.find_site_by_slug(self._tenant, slug) if kind in FEEDS else None
        if found is None:
            return missing_page(request)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            stored = sites.load_profile(scope, found)
            listing = items.list_newest(
                scope, found, limit=atom_feed.ENTRIES_PER_PAGE, before=before
            )
            shown = show_site(scope, found, stored, listing=listing, surface=FEED_SURFACE)
            site = shown.site
            listing = shown.listing
            settled = scope.now - site.changed_at >= responses.CLOCK_GRANULARITY
        if listing is None:
            return missing_page(request)
        write = atom_feed.atom_feed if kind == "xml" else atom_feed.json_feed
        body = write(
            self._build_feed_header(site, found, f"feed.{kind}", listing, before),
            listing.entries,
            base=self._base,
        )
        # A hidden item can reappear without a change of the site, for example after a new rating.
        # Nor does a new term of the safety check change it.
        changed_at = site.changed_at if settled and listing.whole and site == stored else None
        return responses.document_response(
            request, body, mime=FEEDS[kind], cache=responses.FEED_CACHE, changed_at=changed_at
        )

    def serve_file(self, request: Request, name: str) -> Response:
        """Serve a file that a published item shows and that all visitors may see."""
        sha256, _, suffix = name.partition(".")
        for tenant_id in sites.tenants_showing_file(self._tenant, sha256):
            with self._tenant(tenant_id, VISITOR_ACTOR) as scope:
                mime = (
                    items.shown_media_type(scope, sha256, PUBLIC_AREA)
                    if sha256 in items.public_ratings(scope, [sha256])
                    else None
                )
            if mime is None or FILE_SUFFIXES[mime] != suffix:
                continue
            try:
                return responses.file_response(
                    request, self._store.get(tenant_id, sha256), tag=f'"{sha256}"', mime=mime
                )
            except NotFound:  # removed after the permission check
                continue
        return PlainTextResponse("", status_code=404)

    def _render_site_template(
        self, template: str, voice: VisitorLocalizer, **values: object
    ) -> bytes:
        return render_template(template, voice, base=self._base, S=Rating.S, **values)

    def _build_feed_header(
        self, site: SiteProfile, found: SiteRef, name: str, listing: ItemPage, before: str | None
    ) -> FeedHeader:
        home = f"{self._base}/{site.slug}/"
        return FeedHeader(
            title=site.title,
            author=site.title,
            home=home,
            self_url=f"{home}{name}?before={before}" if before else f"{home}{name}",
            language=site.language if site.language in LANGUAGES else "en",
            authority=site.authority,
            permanent=str(found.site_id),
            opened_at=site.opened_at,
            older=f"{home}{name}?before={listing.older}" if listing.older else "",
        )


def load_visitor_localizer(scope: Scope, found: SiteRef) -> tuple[SiteProfile, VisitorLocalizer]:
    """Return what is shown of the profile of a site, and the localizer for its pages."""
    return _localize(scope, found, show_site(scope, found, sites.load_profile(scope, found)).site)


def _localize(
    scope: Scope, found: SiteRef, site: SiteProfile
) -> tuple[SiteProfile, VisitorLocalizer]:
    creator = queries.get_creator(scope, found.creator_id)
    if not creator.is_active:  # chats are paused
        site = replace(site, chat_url="")
    return site, VisitorLocalizer(site.language, ZoneInfo(creator.zone))


def missing_page(
    request: Request,
    voice: VisitorLocalizer | None = None,
    site: SiteProfile | None = None,
    *,
    status: int = 404,
) -> Response:
    """Return an error page: 404 for unknown, 410 for removed, 503 while the database is
    unavailable. It uses the visitor's language if no site defines one."""
    language = preferred_language(request.headers.get("accept-language", ""))
    spoken_voice = voice or VisitorLocalizer(language, ZoneInfo("UTC"))
    body = render_template(
        "site/templates/missing.html",
        spoken_voice,
        site=site,
        said=spoken_voice.text(MISSING_CODES[status]),
    )
    return responses.html_response(request, body, status=status)


def render_template(template: str, voice: VisitorLocalizer, **values: object) -> bytes:
    """Render a page template with all values escaped."""
    return (
        _build_environment()
        .get_template(template)
        .render(voice=voice, word=voice.text, **values)
        .encode()
    )


@cache
def _build_environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PACKAGE_ROOT),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _build_mature_headers(ratings: list[Rating]) -> dict[str, str]:
    return MATURE_HEADERS if Rating.S in ratings else {}


def _list_public_packs(scope: Scope, found: SiteRef) -> list[PackView]:
    """Return the packs that visitors without proof of age may see; none of an inactive creator, who
    sells nothing."""
    if not queries.get_creator(scope, found.creator_id).is_active:
        return []
    return [
        pack
        for pack in packs.list_active_packs(scope, found.creator_id)
        if pack.rating.rank <= items.PUBLIC_RATING_CEILING.rank
    ]


def router(
    tenant: OpenScope,
    store: ObjectStore,
    connectors: Mapping[str, Connector],
    *,
    public_url: str,
    security_contact: str,
) -> APIRouter:
    """Create the public routes of sites."""
    pages = SitePages(tenant, store, connectors, public_url=public_url)
    routes = APIRouter()

    @routes.api_route("/robots.txt", methods=READ_METHODS)
    def robots() -> PlainTextResponse:
        return PlainTextResponse("User-agent: *\nDisallow: /house/\n")

    @routes.api_route("/.well-known/security.txt", methods=READ_METHODS)
    def security() -> PlainTextResponse:
        return _build_security_txt(tenant, security_contact)

    @routes.api_route("/static/{name}", methods=READ_METHODS)
    def static(request: Request, name: str) -> Response:
        if name not in STATIC_TYPES:
            return missing_page(request)
        return responses.document_response(
            request,
            (PACKAGE_ROOT / "site" / "static" / name).read_bytes(),
            mime=STATIC_TYPES[name],
            cache=responses.FEED_CACHE,
        )

    @routes.api_route("/files/{name}", methods=READ_METHODS)
    def file(request: Request, name: str) -> Response:
        return pages.serve_file(request, name)

    @routes.api_route("/{slug}/feed.{kind}", methods=READ_METHODS)
    def feed(request: Request, slug: str, kind: str, before: str | None = None) -> Response:
        return pages.serve_feed(request, slug, kind, before)

    @routes.api_route("/{slug}/p/{content_id}", methods=READ_METHODS)
    def item(request: Request, slug: str, content_id: str) -> Response:
        return pages.show_item(request, slug, content_id)

    @routes.api_route("/{slug}/", methods=READ_METHODS)
    @routes.api_route("/{slug}", methods=READ_METHODS, include_in_schema=False)
    def profile(request: Request, slug: str, before: str | None = None, via: str = "") -> Response:
        return pages.show_profile(request, slug, before, via)

    return routes


def _build_security_txt(tenant: OpenScope, contact: str) -> PlainTextResponse:
    """Return security.txt (RFC 9116), or 404 without a contact: a wrong address would be worse than
    none."""
    if not contact:
        return PlainTextResponse("", status_code=404)
    with tenant(INSTALLATION_ID, VISITOR_ACTOR, role="door") as scope:
        # RFC 9116, 2.5.5 recommends less than a year.
        expires = (scope.now + timedelta(days=180)).astimezone(UTC)
    return PlainTextResponse(
        f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT00:00:00Z}\nPreferred-Languages: en, fr\n"
    )
