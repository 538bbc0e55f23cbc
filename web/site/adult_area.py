"""The adult area of a site, for visitors who proved their age.

A visitor is a random session in a cookie of this host. The gate stores a keyed digest of it, with a
different key for each tenant. The gate decides again on every item for every request, responses are
never cached, and items that a visitor may not see get the same 404 as items that do not exist.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels.accounts import queries
from channels.age_verification import age_checks
from channels.age_verification.age_checks import AgeCheckView
from channels.age_verification.states import AgeCheckState
from channels.attempts import published_units
from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.storage.object_store import ObjectStore
from gate.contract.states import AssuranceState
from gate.contract.units import Rating, Unit
from gate.permits import issuance
from gate.viewers import age_assurance
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.http.responses import READ_METHODS
from web.site import items, sites
from web.site.age_checks import (
    ACTIVE_CHECK_STATES,
    AGE_CHECK_ACTOR,
    PRIVATE_HEADERS,
    REFRESH_SECONDS,
)
from web.site.items import FILE_SUFFIXES, ItemEntry, ItemPage
from web.site.pages import load_visitor_localizer, missing_page, render_template
from web.site.sites import ADULT_AREA, ADULT_SUFFIX, VISITOR_ACTOR, SiteProfile, SiteRef

PLATFORM = "own_page"
"""Platform name under which age proofs are recorded. They are valid only on the sites of the same
tenant."""

ITEMS_PER_PAGE = 12
ADULT_SESSION_SECONDS = 30 * 24 * 3600
"""Lifetime of the session cookie in seconds. It is shorter than the validity of an age proof,
because devices may be shared."""

ADULT_HEADERS = {**PRIVATE_HEADERS, "rating": "adult", "x-robots-tag": "noindex"}
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class AdultVisit:
    """A request to the adult area of one site. `reader` is the session digest, or "" without a
    session."""

    found: SiteRef
    site: SiteProfile
    voice: VisitorLocalizer
    reader: str


class AdultAreaPages:
    """Pages and files of the adult areas of all sites."""

    def __init__(self, tenant: OpenScope, store: ObjectStore, *, public_url: str) -> None:
        self._tenant = tenant
        self._store = store
        self._base = public_url
        self._secure = public_url.startswith("https://")
        # Browsers accept the prefix `__Host-` only over TLS.
        self._cookie = "__Host-reader" if self._secure else "reader"

    def show_area(self, request: Request, slug: str, before: str | None) -> Response:
        """Show the items this visitor may see, newest first, or the entry page until their age is
        proven."""
        found = sites.find_site_by_slug(self._tenant, slug, ADULT_AREA)
        if found is None:
            return missing_page(request)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            visit = self._load_visit(scope, request, found)
            if not _is_of_age(scope, visit):
                return _render_entry_page(request, visit, _load_age_status(scope, visit))
            listing = items.list_newest(scope, found, limit=ITEMS_PER_PAGE, before=before)
            entries = _filter_viewable_items(scope, visit, listing) if listing is not None else ()
        if listing is None:
            return missing_page(request, visit.voice, visit.site)
        return _render_area_page(request, visit, entries, older=listing.older, alone=False)

    def show_item(self, request: Request, slug: str, content_id: str) -> Response:
        """Show one item. Visitors without proof of age are redirected to the entry page."""
        found = sites.find_site_by_slug(self._tenant, slug, ADULT_AREA)
        if found is None:
            return missing_page(request)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            visit = self._load_visit(scope, request, found)
            if not _is_of_age(scope, visit):
                return RedirectResponse(
                    f"{found.area_path}/", status_code=303, headers=PRIVATE_HEADERS
                )
            known = items.find_item(scope, found, content_id)[1]
            entries = (
                _filter_viewable_items(scope, visit, ItemPage((known,), None, whole=True))
                if known is not None
                else ()
            )
            if entries and request.method == "GET":
                items.record_view(scope, found, content_id)
        if not entries:
            return missing_page(request, visit.voice, visit.site)
        return _render_area_page(request, visit, entries, older=None, alone=True)

    def serve_file(self, request: Request, slug: str, name: str) -> Response:
        """Serve a file of an item that this visitor may see. The gate decides on every range
        request."""
        sha256, _, suffix = name.partition(".")
        found = sites.find_site_by_slug(self._tenant, slug, ADULT_AREA)
        if found is None:
            return _not_found_response()
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            reader = self._compute_reader_digest(request, found)
            mime = items.shown_media_type(scope, sha256, ADULT_AREA)
            may = (
                mime is not None
                and FILE_SUFFIXES[mime] == suffix
                and _can_view_file(scope, found, reader, sha256)
            )
        if mime is None or not may:
            return _not_found_response()
        try:
            data = self._store.get(found.tenant_id, sha256)
        except NotFound:  # removed after the permission check
            return _not_found_response()
        return responses.file_response(
            request, data, tag=f'"{sha256}"', mime=mime, headers=ADULT_HEADERS
        )

    def begin_age_check(self, request: Request, slug: str) -> Response:
        """Start an age check for this visitor and set the session cookie. Repeated requests start
        one check."""
        found = sites.find_site_by_slug(self._tenant, slug, ADULT_AREA)
        if found is None:
            return missing_page(request)
        answer = RedirectResponse(f"{found.area_path}/", status_code=303, headers=PRIVATE_HEADERS)
        if responses.is_cross_site(request):
            return answer
        session = self._read_session_cookie(request) or secrets.token_urlsafe(32)
        try:
            with self._tenant(found.tenant_id, AGE_CHECK_ACTOR) as scope:
                age_checks.start_check_from_page(
                    scope,
                    PLATFORM,
                    reader_digest(found, session),
                    page=f"{self._base}{found.area_path}/",
                    language=sites.load_profile(scope, found).language,
                    source=sites.visitor_digest(
                        found, request.client.host if request.client else ""
                    ),
                )
        except Refused as flood:
            return self._render_refusal(request, found, flood.message)
        except GreenroomError:  # age checks are off or already decided: the entry page explains it
            return answer
        answer.set_cookie(
            self._cookie,
            session,
            max_age=ADULT_SESSION_SECONDS,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    def _render_refusal(self, request: Request, found: SiteRef, why: Message) -> Response:
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            visit = self._load_visit(scope, request, found)
        return _render_entry_page(request, visit, _Standing(why.code, may_begin=False), status=422)

    def end_session(self, request: Request, slug: str) -> Response:
        """Delete the session cookie. The session ID exists only in that cookie."""
        found = sites.find_site_by_slug(self._tenant, slug, ADULT_AREA)
        if found is None:
            return missing_page(request)
        answer = RedirectResponse(f"/{slug}/", status_code=303, headers=PRIVATE_HEADERS)
        if not responses.is_cross_site(request):
            answer.delete_cookie(
                self._cookie, path="/", secure=self._secure, httponly=True, samesite="lax"
            )
        return answer

    def _read_session_cookie(self, request: Request) -> str:
        typed = request.cookies.get(self._cookie, "")
        return typed if _SESSION.fullmatch(typed) else ""

    def _compute_reader_digest(self, request: Request, found: SiteRef) -> str:
        session = self._read_session_cookie(request)
        return reader_digest(found, session) if session else ""

    def _load_visit(self, scope: Scope, request: Request, found: SiteRef) -> AdultVisit:
        site, voice = load_visitor_localizer(scope, found)
        return AdultVisit(found, site, voice, self._compute_reader_digest(request, found))


def reader_digest(found: SiteRef, session: str) -> str:
    """Return the digest that identifies a session in the gate. It is keyed with the tenant, so
    tenants cannot recognize each other's visitors."""
    return hmac.new(found.tenant_id.bytes, session.encode(), hashlib.sha256).hexdigest()


def _is_of_age(scope: Scope, visit: AdultVisit) -> bool:
    return bool(visit.reader) and age_assurance.get_assurance(scope, PLATFORM, visit.reader).over_18


def _filter_viewable_items(
    scope: Scope, visit: AdultVisit, listing: ItemPage
) -> tuple[ItemEntry, ...]:
    account = _find_site_channel(scope, visit.found)
    units = {
        one.content_id: _find_published_unit(scope, account, one.content_id)
        for one in listing.entries
    }
    return tuple(
        entry
        for entry in listing.entries
        if (unit := units[entry.content_id]) is not None
        and _is_as_permitted(entry, unit)
        and issuance.preview_for_viewer(scope, unit, visit.reader).is_allowed
    )


def _can_view_file(scope: Scope, found: SiteRef, reader: str, sha256: str) -> bool:
    """Return True if the visitor may see an item that contains this file."""
    if not reader or not age_assurance.get_assurance(scope, PLATFORM, reader).over_18:
        return False
    account = _find_site_channel(scope, found)
    units = (
        _find_published_unit(scope, account, content_id)
        for content_id in items.items_showing_file(scope, found, sha256)
    )
    return any(
        sha256 in {medium.sha256 for medium in unit.media}
        and issuance.preview_for_viewer(scope, unit, reader).is_allowed
        for unit in units
        if unit is not None
    )


def _find_site_channel(scope: Scope, found: SiteRef) -> UUID | None:
    theirs = queries.list_creator_channels(scope, found.creator_id)
    return next((one.id for one in theirs if one.account == found.account_name), None)


def _find_published_unit(scope: Scope, account: UUID | None, content_id: str) -> Unit | None:
    return (
        published_units.published_unit(scope, account, content_id) if account is not None else None
    )


def _is_as_permitted(entry: ItemEntry, unit: Unit) -> bool:
    """Return True if the item on the page is the content that the permit covers."""
    shown = (entry.title, entry.text, [medium.sha256 for medium in entry.media])
    return shown == (
        unit.text_of("title"),
        unit.text_of("body"),
        [medium.sha256 for medium in unit.media],
    )


@dataclass(frozen=True)
class _Standing:
    """Age status of a visitor: message code, permission to start a check, the current check and the
    provider."""

    code: str
    may_begin: bool
    check: AgeCheckView | None = None
    provider: str = ""


def _load_age_status(scope: Scope, visit: AdultVisit) -> _Standing:
    provider = age_checks.active_provider(scope)
    if provider is None:
        return _Standing("area.nobody", may_begin=False)
    known = age_assurance.get_assurance(scope, PLATFORM, visit.reader) if visit.reader else None
    check = age_checks.latest_check(scope, PLATFORM, visit.reader) if visit.reader else None
    if known is not None and known.state in (AssuranceState.BLOCKED, AssuranceState.SUSPECTED):
        return _Standing("age.stands.failed", may_begin=False)
    if check is None or check.state is AgeCheckState.INVITED:
        return _Standing("age.stands.invited", may_begin=True, provider=provider.provider)
    if check.state in (
        AgeCheckState.PASSED,
        AgeCheckState.RECALLED,
    ):  # passed once, but no longer valid
        return _Standing("area.again", may_begin=True, provider=provider.provider)
    may = check.state in age_checks.RETRYABLE_CHECK_STATES
    return _Standing(
        f"age.stands.{check.state}", may_begin=may, check=check, provider=provider.provider
    )


def _render_entry_page(
    request: Request, visit: AdultVisit, stands: _Standing, *, status: int = 200
) -> Response:
    check = stands.check
    body = render_template(
        "site/templates/adult_entry.html",
        visit.voice,
        site=visit.site,
        home=visit.found.area_path,
        said=visit.voice.text(stands.code),
        may_begin=stands.may_begin,
        address=check.address if check is not None else "",
        provider=visit.voice.text(f"age.name.{stands.provider}") if stands.provider else "",
    )
    again = (
        {"refresh": REFRESH_SECONDS[check.state]}
        if check is not None and check.state in ACTIVE_CHECK_STATES
        else {}
    )
    return responses.html_response(
        request, body, status=status, headers=ADULT_HEADERS | again, fresh=False
    )


def _render_area_page(
    request: Request,
    visit: AdultVisit,
    entries: tuple[ItemEntry, ...],
    *,
    older: str | None,
    alone: bool,
) -> Response:
    body = render_template(
        "site/templates/adult_area.html",
        visit.voice,
        site=visit.site,
        home=visit.found.area_path,
        entries=entries,
        older=older,
        alone=alone,
        S=Rating.S,
    )
    return responses.html_response(request, body, headers=ADULT_HEADERS, fresh=False)


def _not_found_response() -> Response:
    return PlainTextResponse("", status_code=404, headers=PRIVATE_HEADERS)


def router(tenant: OpenScope, store: ObjectStore, *, public_url: str) -> APIRouter:
    """Create the routes of the adult area."""
    area = AdultAreaPages(tenant, store, public_url=public_url)
    routes = APIRouter(prefix=f"/{{slug}}/{ADULT_SUFFIX}")

    @routes.api_route("/p/{content_id}", methods=READ_METHODS)
    def item(request: Request, slug: str, content_id: str) -> Response:
        return area.show_item(request, slug, content_id)

    @routes.api_route("/files/{name}", methods=READ_METHODS)
    def file(request: Request, slug: str, name: str) -> Response:
        return area.serve_file(request, slug, name)

    @routes.post("/prove")
    async def prove(request: Request, slug: str) -> Response:
        return await run_in_threadpool(area.begin_age_check, request, slug)

    @routes.post("/leave")
    async def leave(request: Request, slug: str) -> Response:
        return await run_in_threadpool(area.end_session, request, slug)

    @routes.api_route("/", methods=READ_METHODS)
    @routes.api_route("", methods=READ_METHODS, include_in_schema=False)
    def show(request: Request, slug: str, before: str | None = None) -> Response:
        return area.show_area(request, slug, before)

    return routes
