"""The part of a page for adults: who proved their age comes in, and each thing is decided again for them, each time.

A visitor is a random session in a cookie of this host; the gate knows a keyed digest of it, one for each tenant.
An address proves nothing, no cache keeps anything, and what may not be read answers like what never was.
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

from channels import ages, ours
from channels import reads as channel_reads
from channels.ages import Check
from channels.states import CheckState
from foundation.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.storage import ObjectStore
from foundation.words import Message
from gate import minting, viewers
from gate.states import AssuranceState
from gate.units import Rating, Unit
from web import answers, items, sites
from web.age import MOVING, PRIVATE, PROVING, SECONDS
from web.items import SUFFIXES, Entry, Listing
from web.page import READ, missing, rendered, voice_of
from web.sites import ADULT, ASSURED, LOOKING, Found, Profile
from web.wording import Wording

PLATFORM = "own_page"
"""Where a proof made here holds: on the pages of this tenant, nowhere else."""

LATEST = 12
KEPT = 30 * 24 * 3600
"""Seconds a browser remembers its session: a device is shared sooner than a proof runs out."""

ADULTS_ONLY = {**PRIVATE, "rating": "adult", "x-robots-tag": "noindex"}
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Visit:
    """A visitor at the door of one page; `reader` is "" for one without a session."""

    found: Found
    site: Profile
    voice: Wording
    reader: str


class Area:
    """The doors of all pages, and what is behind them."""

    def __init__(self, tenant: OpenScope, store: ObjectStore, *, public_url: str) -> None:
        self._tenant, self._store, self._base = tenant, store, public_url
        self._secure = public_url.startswith("https://")
        self._cookie = "__Host-reader" if self._secure else "reader"

    def show(self, request: Request, slug: str, before: str | None) -> Response:
        """What this reader may see, the newest first; or the door."""
        found = sites.by_slug(self._tenant, slug, ASSURED)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            visit = self._visit(scope, request, found)
            if not _of_age(scope, visit):
                return _door(request, visit, _standing(scope, visit))
            listing = items.newest(scope, found, limit=LATEST, before=before)
            entries = _theirs(scope, visit, listing) if listing is not None else ()
        if listing is None:
            return missing(request, visit.voice, visit.site)
        return _inside(request, visit, entries, older=listing.older, alone=False)

    def item(self, request: Request, slug: str, content_id: str) -> Response:
        """One item, for a reader who may see it; everybody else is led to the door."""
        found = sites.by_slug(self._tenant, slug, ASSURED)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            visit = self._visit(scope, request, found)
            if not _of_age(scope, visit):
                return RedirectResponse(f"{found.home}/", status_code=303, headers=PRIVATE)
            known = items.one(scope, found, content_id)[1]
            entries = _theirs(scope, visit, Listing((known,), None, whole=True)) if known is not None else ()
            if entries and request.method == "GET":
                items.count_view(scope, found, content_id)
        if not entries:
            return missing(request, visit.voice, visit.site)
        return _inside(request, visit, entries, older=None, alone=True)

    def file(self, request: Request, slug: str, name: str) -> Response:
        """A file of an item that this reader may see now: asked again for every range of it."""
        sha256, _, suffix = name.partition(".")
        found = sites.by_slug(self._tenant, slug, ASSURED)
        if found is None:
            return _nothing()
        with self._tenant(found.tenant_id, LOOKING) as scope:
            reader, mime = self._reader(request, found), items.shown(scope, sha256, ASSURED)
            may = mime is not None and SUFFIXES[mime] == suffix and _may_have(scope, found, reader, sha256)
        if mime is None or not may:
            return _nothing()
        try:
            data = self._store.get(found.tenant_id, sha256)
        except NotFound:  # removed in this very moment
            return _nothing()
        return answers.file(request, data, tag=f'"{sha256}"', mime=mime, headers=ADULTS_ONLY)

    def prove(self, request: Request, slug: str) -> Response:
        """A visitor wants to prove their age: they get a session, and their check begins; pressed twice, once."""
        found = sites.by_slug(self._tenant, slug, ASSURED)
        if found is None:
            return missing(request)
        answer = RedirectResponse(f"{found.home}/", status_code=303, headers=PRIVATE)
        if answers.foreign(request):
            return answer
        session = self._session(request) or secrets.token_urlsafe(32)
        try:
            with self._tenant(found.tenant_id, PROVING) as scope:
                ages.visit(
                    scope,
                    PLATFORM,
                    reader_of(found, session),
                    page=f"{self._base}{found.home}/",
                    language=sites.profile(scope, found).language,
                    source=sites.source(found, request.client.host if request.client else ""),
                )
        except Refused as flood:
            return self._refused(request, found, flood.message)
        except GreenroomError:  # nobody checks ages here, or it has its answer: the door says so
            return answer
        answer.set_cookie(
            self._cookie, session, max_age=KEPT, path="/", secure=self._secure, httponly=True, samesite="lax"
        )
        return answer

    def _refused(self, request: Request, found: Found, why: Message) -> Response:
        with self._tenant(found.tenant_id, LOOKING) as scope:
            visit = self._visit(scope, request, found)
        return _door(request, visit, _Standing(why.code, may_begin=False), status=422)

    def leave(self, request: Request, slug: str) -> Response:
        """Forget this browser's session: nothing else knows its number."""
        found = sites.by_slug(self._tenant, slug, ASSURED)
        if found is None:
            return missing(request)
        answer = RedirectResponse(f"/{slug}/", status_code=303, headers=PRIVATE)
        if not answers.foreign(request):
            answer.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="lax")
        return answer

    def _session(self, request: Request) -> str:
        typed = request.cookies.get(self._cookie, "")
        return typed if _SESSION.fullmatch(typed) else ""

    def _reader(self, request: Request, found: Found) -> str:
        session = self._session(request)
        return reader_of(found, session) if session else ""

    def _visit(self, scope: Scope, request: Request, found: Found) -> Visit:
        site, voice = voice_of(scope, found)
        return Visit(found, site, voice, self._reader(request, found))


def reader_of(found: Found, session: str) -> str:
    """What the gate knows a session by: a digest keyed with the tenant, so that it names nobody elsewhere."""
    return hmac.new(found.tenant_id.bytes, session.encode(), hashlib.sha256).hexdigest()


def _of_age(scope: Scope, visit: Visit) -> bool:
    return bool(visit.reader) and viewers.level(scope, PLATFORM, visit.reader).over_18


def _theirs(scope: Scope, visit: Visit, listing: Listing) -> tuple[Entry, ...]:
    """The items this reader may see, decided now, one by one."""
    account = _account(scope, visit.found)
    units = {one.content_id: _published(scope, account, one.content_id) for one in listing.entries}
    return tuple(
        entry
        for entry in listing.entries
        if (unit := units[entry.content_id]) is not None
        and _is(entry, unit)
        and minting.readable(scope, unit, visit.reader).allowed
    )


def _may_have(scope: Scope, found: Found, reader: str, sha256: str) -> bool:
    """Whether an item that shows these bytes may be seen by this reader now."""
    if not reader or not viewers.level(scope, PLATFORM, reader).over_18:
        return False
    account = _account(scope, found)
    units = (_published(scope, account, content_id) for content_id in items.showing(scope, found, sha256))
    return any(
        sha256 in {medium.sha256 for medium in unit.media} and minting.readable(scope, unit, reader).allowed
        for unit in units
        if unit is not None
    )


def _account(scope: Scope, found: Found) -> UUID | None:
    theirs = channel_reads.channels_of(scope, found.creator_id)
    return next((one.id for one in theirs if one.account == found.account), None)


def _published(scope: Scope, account: UUID | None, content_id: str) -> Unit | None:
    return ours.published(scope, account, content_id) if account is not None else None


def _is(entry: Entry, unit: Unit) -> bool:
    """What stands on the page is what the permit was for."""
    shown = (entry.title, entry.text, [medium.sha256 for medium in entry.media])
    return shown == (unit.text("title"), unit.text("body"), [medium.sha256 for medium in unit.media])


@dataclass(frozen=True)
class _Standing:
    """How a visitor's proof stands: the sentence's code, whether they may begin, and where they go."""

    code: str
    may_begin: bool
    check: Check | None = None
    provider: str = ""


def _standing(scope: Scope, visit: Visit) -> _Standing:
    provider = ages.connected(scope)
    if provider is None:
        return _Standing("area.nobody", may_begin=False)
    known = viewers.level(scope, PLATFORM, visit.reader) if visit.reader else None
    check = ages.latest(scope, PLATFORM, visit.reader) if visit.reader else None
    if known is not None and known.state in (AssuranceState.BLOCKED, AssuranceState.SUSPECTED):
        return _Standing("age.stands.failed", may_begin=False)
    if check is None or check.state is CheckState.INVITED:
        return _Standing("age.stands.invited", may_begin=True, provider=provider.provider)
    if check.state in (CheckState.PASSED, CheckState.RECALLED):  # it passed once, and holds no more
        return _Standing("area.again", may_begin=True, provider=provider.provider)
    may = check.state in ages.AGAIN
    return _Standing(f"age.stands.{check.state}", may_begin=may, check=check, provider=provider.provider)


def _door(request: Request, visit: Visit, stands: _Standing, *, status: int = 200) -> Response:
    check = stands.check
    body = rendered(
        "door.html",
        visit.voice,
        site=visit.site,
        home=visit.found.home,
        said=visit.voice.word(stands.code),
        may_begin=stands.may_begin,
        address=check.address if check is not None else "",
        provider=visit.voice.word(f"age.name.{stands.provider}") if stands.provider else "",
    )
    again = {"refresh": SECONDS[check.state]} if check is not None and check.state in MOVING else {}
    return answers.page(request, body, status=status, headers=ADULTS_ONLY | again, fresh=False)


def _inside(request: Request, visit: Visit, entries: tuple[Entry, ...], *, older: str | None, alone: bool) -> Response:
    body = rendered(
        "area.html",
        visit.voice,
        site=visit.site,
        home=visit.found.home,
        entries=entries,
        older=older,
        alone=alone,
        S=Rating.S,
    )
    return answers.page(request, body, headers=ADULTS_ONLY, fresh=False)


def _nothing() -> Response:
    return PlainTextResponse("", status_code=404, headers=PRIVATE)


def router(tenant: OpenScope, store: ObjectStore, *, public_url: str) -> APIRouter:
    """The routes behind the door, and the door."""
    area, routes = Area(tenant, store, public_url=public_url), APIRouter(prefix=f"/{{slug}}/{ADULT}")

    @routes.api_route("/p/{content_id}", methods=READ)
    def item(request: Request, slug: str, content_id: str) -> Response:
        return area.item(request, slug, content_id)

    @routes.api_route("/files/{name}", methods=READ)
    def file(request: Request, slug: str, name: str) -> Response:
        return area.file(request, slug, name)

    @routes.post("/prove")
    async def prove(request: Request, slug: str) -> Response:
        return await run_in_threadpool(area.prove, request, slug)

    @routes.post("/leave")
    async def leave(request: Request, slug: str) -> Response:
        return await run_in_threadpool(area.leave, request, slug)

    @routes.api_route("/", methods=READ)
    @routes.api_route("", methods=READ, include_in_schema=False)
    def show(request: Request, slug: str, before: str | None = None) -> Response:
        return area.show(request, slug, before)

    return routes
