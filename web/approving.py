"""The page of somebody who is asked for the second yes to a post, without an account: its contents, an answer.

Whoever has the address may open it in one browser; nothing changes by looking. What is for adults is not on it.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound
from foundation.storage import ObjectStore
from foundation.words import Message
from schedules import clients, comments, drafting, lateness, previewing
from schedules import reads as schedule_reads
from schedules.approvals import LONGEST_NOTE
from schedules.clients import PATH, REASONS, Link, Shown, Standing
from schedules.comments import Comment
from schedules.previewing import Preview
from schedules.standing import Stand, stands
from tenants import reads as tenant_reads
from web import answers
from web.forms import typed_form
from web.items import SUFFIXES
from web.page import READ, missing, rendered
from web.person import HEADERS
from web.wording import Wording, spoken

ANSWERING = "system:web-client"
MOST_TYPED = 12 * LONGEST_NOTE
"""Bytes of the form: characters of four bytes, escaped, and the rest."""

KEPT = 8 * 24 * 3600
"""Seconds a browser remembers that it opened a link: a day more than the link lives."""

GONE = 410
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Place:
    """What one account would show, and when (UTC-aware): everything as it stands in its feed, of pictures those that
    may be shown here; `hidden` is how many may not, `late` whether a yes alone does not send it any more."""

    one: Preview
    at: datetime
    stands: Sequence[Stand]
    hidden: int
    late: bool


@dataclass(frozen=True)
class Asked:
    """What is on the page; `places` are there while it can be answered."""

    agency: str
    creator: str
    zone: str
    """The creator's clock, on which all hours are said."""
    link: Link
    standing: Standing
    whole: bool = True
    places: tuple[Place, ...] = ()
    now: datetime | None = None
    comments: tuple[Comment, ...] = ()
    names: Mapping[UUID, str] | None = None


class Clients:
    """The pages of all links. `store` is the library: what is shown is what would leave."""

    def __init__(
        self, tenant: OpenScope, store: ObjectStore, connectors: Mapping[str, Connector], *, secure: bool
    ) -> None:
        self._tenant, self._store, self._connectors, self._secure = tenant, store, connectors, secure
        self._cookie = "__Host-approver" if secure else "approver"

    def show(self, request: Request, token: str, wrong: Message | None = None) -> Response:
        """What is asked, or why it cannot be answered; an address that never was is none."""
        found = clients.find(self._tenant, token)
        if found is None:
            return missing(request)
        session = self._session(request)
        with self._tenant(found[0], ANSWERING) as scope:
            asked = self._read(scope, found[1], session)
        voice = Wording(spoken(request.headers.get("accept-language", "")), ZoneInfo(asked.zone))
        body = rendered(
            "approving.html",
            voice,
            asked=asked,
            token=token,
            reasons=REASONS,
            most=LONGEST_NOTE,
            wrong=voice.say(wrong) if wrong is not None else "",
        )
        answerable = asked.standing in ("sealed", "open", "yes", "change")
        status = 422 if wrong is not None and answerable else 200 if answerable else GONE
        return answers.page(request, body, status=status, headers=HEADERS, fresh=False)

    def say(self, request: Request, token: str, typed: Mapping[str, str]) -> Response:
        """The link is opened in this browser, or answered."""
        found = clients.find(self._tenant, token)
        if found is None:
            return missing(request)
        if answers.foreign(request):
            return self.show(request, token, Message("complaint.foreign"))
        back = RedirectResponse(f"{PATH}{token}", status_code=303, headers=HEADERS)
        session = self._session(request) or secrets.token_urlsafe(32)
        what = typed.get("what", "")
        try:
            with self._tenant(found[0], ANSWERING) as scope:
                if what == "open":
                    clients.begin(scope, found[1], session)
                elif what in ("yes", "change"):
                    why, note = typed.get("why", ""), typed.get("note", "").replace("\x00", "")
                    clients.answer(scope, found[1], session, yes=what == "yes", why=why, note=note)
        except GreenroomError as refused:
            return self.show(request, token, refused.message)
        if what == "open":
            back.set_cookie(
                self._cookie, session, max_age=KEPT, path="/", secure=self._secure, httponly=True, samesite="lax"
            )
        return back

    def file(self, request: Request, token: str, name: str) -> Response:
        """A picture of the post, for the browser that opened its link, as long as it may be shown."""
        sha256, _, suffix = name.partition(".")
        found = clients.find(self._tenant, token)
        if found is None:
            return _nothing()
        with self._tenant(found[0], ANSWERING) as scope:
            link, standing = clients.read(scope, found[1], self._session(request))
            medium = clients.shown(scope, link.post_id).files.get(sha256) if standing == "open" else None
        if medium is None or SUFFIXES.get(medium.mime) != suffix:
            return _nothing()
        try:
            data = self._store.get(found[0], sha256)
        except NotFound:  # removed in this very moment
            return _nothing()
        return answers.file(request, data, tag=f'"{sha256}"', mime=medium.mime, headers=HEADERS)

    def _session(self, request: Request) -> str:
        typed = request.cookies.get(self._cookie, "")
        return typed if _SESSION.fullmatch(typed) else ""

    def _read(self, scope: Scope, link_id: UUID, session: str) -> Asked:
        link, standing = clients.read(scope, link_id, session)
        post = schedule_reads.written_post(scope, link.post_id)
        creator = tenant_reads.creator(scope, post.creator_id)
        asked = Asked(tenant_reads.agency(scope).name, creator.name, creator.zone, link, standing)
        if standing != "open":
            return asked
        shown, wishes = clients.shown(scope, link.post_id), clients.wishes(scope, link.post_id)
        channels = tuple(wish.channel_id for wish in wishes)
        known = {wish.channel_id: (wish.due_at, lateness.is_over(wish.late_until, scope.now)) for wish in wishes}
        draft = drafting.as_written(post, channels)
        previews = previewing.previews(
            scope, draft, author=post.author, connectors=self._connectors, most=len(channels)
        )
        return replace(
            asked,
            now=scope.now,
            whole=shown.whole,
            places=tuple(_place(one, shown, *known[one.channel_id]) for one in previews) if shown.words else (),
            comments=tuple(one for one in comments.outside(scope, link.post_id) if one.open),
            names={one.principal_id: one.name for one in tenant_reads.members(scope)},
        )


def _place(one: Preview, shown: Shown, at: datetime, late: bool) -> Place:
    """With the pictures that may be shown here, each by the end of its address."""
    seen = {
        asset: (f"files/{medium.sha256}.{SUFFIXES[medium.mime]}", medium.alt)
        for asset, medium in zip(one.said.assets, one.all_media, strict=False)
        if medium.sha256 in shown.files and medium.mime in SUFFIXES
    }
    laid = stands(one, seen)
    hidden = len(one.all_media) - sum(len(stand.shots) for stand in laid)
    return Place(one, at, laid, hidden, late)


def _nothing() -> Response:
    return PlainTextResponse("", status_code=404, headers=HEADERS)


def router(tenant: OpenScope, store: ObjectStore, connectors: Mapping[str, Connector], *, public_url: str) -> APIRouter:
    """The routes of those who are asked by a link."""
    asked = Clients(tenant, store, connectors, secure=public_url.startswith("https://"))
    routes = APIRouter(prefix=PATH.rstrip("/"))

    @routes.api_route("/{token}/files/{name}", methods=READ)
    def file(request: Request, token: str, name: str) -> Response:
        return asked.file(request, token, name)

    @routes.api_route("/{token}", methods=READ)
    def show(request: Request, token: str) -> Response:
        return asked.show(request, token)

    @routes.post("/{token}")
    async def say(request: Request, token: str) -> Response:
        return await run_in_threadpool(asked.say, request, token, await typed_form(request, most=MOST_TYPED))

    return routes
