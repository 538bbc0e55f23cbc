"""The creator's own page: profile, items, feeds, files. Nothing above what the visitor may see is ever sent."""

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import HOUSE
from foundation.money import Money
from foundation.storage import ObjectStore
from foundation.words import LANGUAGES
from gate.units import Rating
from studio import packs
from studio.packs import Pack
from subscribers import offers
from tenants import reads as tenant_reads
from web import answers, feeds, items, sites
from web.feeds import Head
from web.items import SUFFIXES, Listing
from web.sites import ASSURED, LOOKING, PUBLIC, Found, Profile
from web.wording import Wording, spoken

HERE = Path(__file__).parent
LATEST = 20
FEEDS = {"xml": "application/atom+xml; charset=utf-8", "json": "application/feed+json"}
STATIC = {
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "look.js": "text/javascript; charset=utf-8",
}
ABSENT = {404: "page.missing", 410: "page.gone", 503: "page.away"}
READ = ["GET", "HEAD"]
MATURE = {"rating": "mature"}
"""Header of a page that shows something suggestive: filters of schools and families read it."""


@dataclass(frozen=True)
class Offered:
    """A pack on the page, with its price where it has one."""

    pack: Pack
    price: Money | None


class Pages:
    """Reads and renders the pages of all sites."""

    def __init__(self, tenant: OpenScope, store: ObjectStore, *, public_url: str) -> None:
        self._tenant, self._store, self._base = tenant, store, public_url

    def profile(self, request: Request, slug: str, before: str | None) -> Response:
        """The profile with the packs and a page of items, the newest first."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site, voice = voice_of(scope, found)
            listing = items.newest(scope, found, limit=LATEST, before=before)
            offered = _offered(scope, found) if before is None else []
            behind = replace(found, area=ASSURED)
            adults = behind.home if items.lives(scope, behind) else ""
        if listing is None:
            return missing(request, voice, site)
        shown = {"site": site, "listing": listing, "offered": offered, "first": before is None, "adults": adults}
        body = self._render("profile.html", voice, **shown)
        return answers.page(request, body, headers=_rated([entry.rating for entry in listing.entries]))

    def item(self, request: Request, slug: str, content_id: str) -> Response:
        """An item's page: 404 for one that never was, 410 for one that is gone."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site, voice = voice_of(scope, found)
            known, entry = items.one(scope, found, content_id)
            if entry is not None and request.method == "GET":
                items.count_view(scope, found, content_id)
        if entry is None:
            return missing(request, voice, site, status=410 if known else 404)
        body = self._render("item.html", voice, site=site, entry=entry)
        return answers.page(request, body, headers=_rated([entry.rating]))

    def feed(self, request: Request, slug: str, kind: str, before: str | None) -> Response:
        """A feed, or a page of older entries of it."""
        found = sites.by_slug(self._tenant, slug) if kind in FEEDS else None
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site = sites.profile(scope, found)
            listing = items.newest(scope, found, limit=feeds.PAGE, before=before)
            settled = scope.now - site.changed_at >= answers.SETTLED
        if listing is None:
            return missing(request)
        write = feeds.atom if kind == "xml" else feeds.json_feed
        body = write(self._head(site, found, f"feed.{kind}", listing, before), listing.entries, base=self._base)
        changed_at = site.changed_at if settled and listing.whole else None
        return answers.document(request, body, mime=FEEDS[kind], cache=answers.FEED, changed_at=changed_at)

    def file(self, request: Request, name: str) -> Response:
        """A file that stands on somebody's page now and may be seen by everybody now."""
        sha256, _, suffix = name.partition(".")
        for tenant_id in sites.tenants_of_file(self._tenant, sha256):
            with self._tenant(tenant_id, LOOKING) as scope:
                mime = items.shown(scope, sha256, PUBLIC) if sha256 in items.public(scope, [sha256]) else None
            if mime is None or SUFFIXES[mime] != suffix:
                continue
            try:
                return answers.file(request, self._store.get(tenant_id, sha256), tag=f'"{sha256}"', mime=mime)
            except NotFound:  # removed in this very moment
                continue
        return PlainTextResponse("", status_code=404)

    def _render(self, template: str, voice: Wording, **values: object) -> bytes:
        return rendered(template, voice, base=self._base, S=Rating.S, **values)

    def _head(self, site: Profile, found: Found, name: str, listing: Listing, before: str | None) -> Head:
        home = f"{self._base}/{site.slug}/"
        return Head(
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


def voice_of(scope: Scope, found: Found) -> tuple[Profile, Wording]:
    """What a site says of itself, and the voice of its pages."""
    site = sites.profile(scope, found)
    return site, Wording(site.language, ZoneInfo(tenant_reads.creator(scope, found.creator_id).zone))


def missing(
    request: Request, voice: Wording | None = None, site: Profile | None = None, *, status: int = 404
) -> Response:
    """The page of what is not there: 404, 410 for what was, 503 while the database is away; in the visitor's language
    where no page gives one."""
    language = spoken(request.headers.get("accept-language", ""))
    spoken_voice = voice or Wording(language, ZoneInfo("UTC"))
    body = rendered("missing.html", spoken_voice, site=site, said=spoken_voice.word(ABSENT[status]))
    return answers.page(request, body, status=status)


def rendered(template: str, voice: Wording, **values: object) -> bytes:
    """A page of these templates, everything in it escaped."""
    return _templates().get_template(template).render(voice=voice, word=voice.word, **values).encode()


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rated(ratings: list[Rating]) -> dict[str, str]:
    return MATURE if Rating.S in ratings else {}


def _offered(scope: Scope, found: Found) -> list[Offered]:
    """Packs a visitor may know of: those rated no higher than what the page itself shows."""
    public = [pack for pack in packs.packs_of(scope, found.creator_id) if pack.rating.rank <= items.PUBLIC_CEILING.rank]
    return [Offered(pack, offers.listed(scope, pack.id)) for pack in public]


def router(tenant: OpenScope, store: ObjectStore, *, public_url: str, security_contact: str) -> APIRouter:
    """The public routes."""
    pages, routes = Pages(tenant, store, public_url=public_url), APIRouter()

    @routes.api_route("/robots.txt", methods=READ)
    def robots() -> PlainTextResponse:
        return PlainTextResponse("User-agent: *\nDisallow: /house/\n")

    @routes.api_route("/.well-known/security.txt", methods=READ)
    def security() -> PlainTextResponse:
        return _security(tenant, security_contact)

    @routes.api_route("/static/{name}", methods=READ)
    def static(request: Request, name: str) -> Response:
        if name not in STATIC:
            return missing(request)
        return answers.document(request, (HERE / "static" / name).read_bytes(), mime=STATIC[name], cache=answers.FEED)

    @routes.api_route("/files/{name}", methods=READ)
    def file(request: Request, name: str) -> Response:
        return pages.file(request, name)

    @routes.api_route("/{slug}/feed.{kind}", methods=READ)
    def feed(request: Request, slug: str, kind: str, before: str | None = None) -> Response:
        return pages.feed(request, slug, kind, before)

    @routes.api_route("/{slug}/p/{content_id}", methods=READ)
    def item(request: Request, slug: str, content_id: str) -> Response:
        return pages.item(request, slug, content_id)

    @routes.api_route("/{slug}/", methods=READ)
    @routes.api_route("/{slug}", methods=READ, include_in_schema=False)
    def profile(request: Request, slug: str, before: str | None = None) -> Response:
        return pages.profile(request, slug, before)

    return routes


def _security(tenant: OpenScope, contact: str) -> PlainTextResponse:
    """Whom to tell of a weakness (RFC 9116); nobody named, no file: a wrong address would be worse than none."""
    if not contact:
        return PlainTextResponse("", status_code=404)
    with tenant(HOUSE, LOOKING, role="door") as scope:
        expires = (scope.now + timedelta(days=180)).astimezone(UTC)
    return PlainTextResponse(
        f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT00:00:00Z}\nPreferred-Languages: en, fr\n"
    )
