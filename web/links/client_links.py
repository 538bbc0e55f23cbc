"""The page on which a client submits the second approval of a post, without an account.

The link can be opened in one browser only, and opening it changes nothing else. Adult content is
not shown.
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

from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound
from foundation.http.request_bodies import read_form
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import Message
from foundation.storage.object_store import ObjectStore
from schedules.approvals import client_links
from schedules.approvals.client_links import (
    CLIENT_CHANGE_CODES,
    CLIENT_LINK_PATH,
    ClientLink,
    ClientLinkStatus,
    ClientView,
)
from schedules.approvals.decisions import MAX_VERDICT_NOTE_LENGTH
from schedules.approvals.review_comments import ReviewComment
from schedules.drafts import drafts
from schedules.drafts.feed_previews import PreviewPart, build_feed_preview
from schedules.drafts.previews import PostPreview, preview_draft
from schedules.posts import lateness, queries
from tenants.agencies.queries import get_agency, get_creator, list_members
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.http.responses import READ_METHODS
from web.removal.subject_portal import PORTAL_HEADERS
from web.site.items import FILE_SUFFIXES
from web.site.pages import missing_page, render_template

CLIENT_ACTOR = "system:web-client"
COOKIE_SECONDS = 8 * 24 * 3600
"""Lifetime of the session cookie in seconds: one day more than the lifetime of a link."""

GONE = 410
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class ChannelPreview:
    """The preview of a post on one account, at its scheduled time (UTC-aware). `stands` are its
    parts with the pictures that may be shown here, `hidden` counts the other pictures, and `late`
    is True if approval alone no longer publishes the post."""

    one: PostPreview
    at: datetime
    stands: Sequence[PreviewPart]
    hidden: int
    late: bool


@dataclass(frozen=True)
class ApprovalRequest:
    """The content of the page. `places` is empty unless the request can be answered."""

    agency: str
    creator: str
    zone: str
    """The creator's time zone, in which all times are shown."""
    link: ClientLink
    standing: ClientLinkStatus
    whole: bool = True
    withheld: bool = False
    """True if the version is not shown at all."""
    places: tuple[ChannelPreview, ...] = ()
    now: datetime | None = None
    comments: tuple[ReviewComment, ...] = ()
    names: Mapping[UUID, str] | None = None


class ClientLinkPages:
    """Pages of all client links. `store` is the media library, so that previews show the files that
    will be published."""

    def __init__(
        self,
        tenant: OpenScope,
        store: ObjectStore,
        connectors: Mapping[str, Connector],
        *,
        secure: bool,
    ) -> None:
        self._tenant = tenant
        self._store = store
        self._connectors = connectors
        self._secure = secure
        # Browsers accept the prefix `__Host-` only over TLS.
        self._cookie = "__Host-approver" if secure else "approver"

    def show_request(self, request: Request, token: str, wrong: Message | None = None) -> Response:
        """Show the request, or the reason why it cannot be answered. Return 404 for an unknown
        link."""
        found = client_links.find_client_link(self._tenant, token)
        if found is None:
            return missing_page(request)
        session = self._read_session_cookie(request)
        with self._tenant(found[0], CLIENT_ACTOR) as scope:
            asked = self._load_approval_request(scope, found[1], session)
        voice = VisitorLocalizer(
            preferred_language(request.headers.get("accept-language", "")), ZoneInfo(asked.zone)
        )
        body = render_template(
            "links/templates/client_link.html",
            voice,
            asked=asked,
            token=token,
            reasons=CLIENT_CHANGE_CODES,
            most=MAX_VERDICT_NOTE_LENGTH,
            wrong=voice.message_text(wrong) if wrong is not None else "",
        )
        answerable = asked.standing in ("sealed", "open", "yes", "change")
        status = 200 if answerable else GONE
        if answerable and wrong is not None:
            status = 422
        return responses.html_response(
            request, body, status=status, headers=PORTAL_HEADERS, fresh=False
        )

    def submit_answer(self, request: Request, token: str, typed: Mapping[str, str]) -> Response:
        """Open the link in this browser, or answer the request."""
        found = client_links.find_client_link(self._tenant, token)
        if found is None:
            return missing_page(request)
        if responses.is_cross_site(request):
            return self.show_request(request, token, Message("complaint.foreign"))
        back = RedirectResponse(
            f"{CLIENT_LINK_PATH}{token}", status_code=303, headers=PORTAL_HEADERS
        )
        session = self._read_session_cookie(request) or secrets.token_urlsafe(32)
        what = typed.get("what", "")
        try:
            with self._tenant(found[0], CLIENT_ACTOR) as scope:
                if what == "open":
                    client_links.open_client_link(scope, found[1], session)
                elif what in ("yes", "change"):
                    why = typed.get("why", "")
                    # PostgreSQL cannot store NUL in text.
                    note = typed.get("note", "").replace("\x00", "")
                    client_links.answer_client_link(
                        scope, found[1], session, yes=what == "yes", why=why, note=note
                    )
        except GreenroomError as refused:
            return self.show_request(request, token, refused.message)
        if what == "open":
            back.set_cookie(
                self._cookie,
                session,
                max_age=COOKIE_SECONDS,
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="lax",
            )
        return back

    def serve_picture(self, request: Request, token: str, name: str) -> Response:
        """Serve a picture of the post to the browser that opened the link, while it may be
        shown."""
        sha256, _, suffix = name.partition(".")
        found = client_links.find_client_link(self._tenant, token)
        if found is None:
            return _not_found_response()
        with self._tenant(found[0], CLIENT_ACTOR) as scope:
            link, standing = client_links.load_client_link(
                scope, found[1], self._read_session_cookie(request)
            )
            medium = (
                client_links.load_client_view(scope, link.post_id).files.get(sha256)
                if standing == "open"
                else None
            )
        if medium is None or FILE_SUFFIXES.get(medium.mime) != suffix:
            return _not_found_response()
        try:
            data = self._store.get(found[0], sha256)
        except NotFound:  # removed after the permission check
            return _not_found_response()
        return responses.file_response(
            request, data, tag=f'"{sha256}"', mime=medium.mime, headers=PORTAL_HEADERS
        )

    def _read_session_cookie(self, request: Request) -> str:
        typed = request.cookies.get(self._cookie, "")
        return typed if _SESSION.fullmatch(typed) else ""

    def _load_approval_request(self, scope: Scope, link_id: UUID, session: str) -> ApprovalRequest:
        link, standing = client_links.load_client_link(scope, link_id, session)
        post = queries.get_stored_post(scope, link.post_id)
        creator = get_creator(scope, post.creator_id)
        asked = ApprovalRequest(get_agency(scope).name, creator.name, creator.zone, link, standing)
        if standing != "open":
            return asked
        shown = client_links.load_client_view(scope, link.post_id)
        asked = replace(asked, now=scope.now, whole=shown.whole, withheld=shown.withheld)
        if shown.withheld:
            return asked
        wishes = client_links.client_planned_times(scope, link.post_id)
        channels = tuple(wish.channel_id for wish in wishes)
        known = {
            wish.channel_id: (wish.due_at, lateness.is_too_late(wish.late_until, scope.now))
            for wish in wishes
        }
        draft = drafts.draft_of_post(post, channels)
        previews = preview_draft(
            scope, draft, author=post.author, connectors=self._connectors, most=len(channels)
        )
        return replace(
            asked,
            places=tuple(
                _build_channel_preview(one, shown, *known[one.channel_id]) for one in previews
            ),
            comments=shown.comments,
            names={one.principal_id: one.name for one in list_members(scope)},
        )


def _build_channel_preview(
    one: PostPreview, shown: ClientView, at: datetime, late: bool
) -> ChannelPreview:
    """Build the preview of one account with the pictures that may be shown, by their
    relative URLs."""
    seen = {
        asset: (f"files/{medium.sha256}.{FILE_SUFFIXES[medium.mime]}", medium.alt)
        for asset, medium in zip(one.said.all_assets, one.all_media, strict=False)
        if medium.sha256 in shown.files and medium.mime in FILE_SUFFIXES
    }
    laid = build_feed_preview(one, seen)
    hidden = len(one.all_media) - sum(len(stand.shots) for stand in laid)
    return ChannelPreview(one, at, laid, hidden, late)


def _not_found_response() -> Response:
    return PlainTextResponse("", status_code=404, headers=PORTAL_HEADERS)


def router(
    tenant: OpenScope, store: ObjectStore, connectors: Mapping[str, Connector], *, public_url: str
) -> APIRouter:
    """Create the routes of client links."""
    asked = ClientLinkPages(tenant, store, connectors, secure=public_url.startswith("https://"))
    routes = APIRouter(prefix=CLIENT_LINK_PATH.rstrip("/"))

    @routes.api_route("/{token}/files/{name}", methods=READ_METHODS)
    def file(request: Request, token: str, name: str) -> Response:
        return asked.serve_picture(request, token, name)

    @routes.api_route("/{token}", methods=READ_METHODS)
    def show(request: Request, token: str) -> Response:
        return asked.show_request(request, token)

    @routes.post("/{token}")
    async def say(request: Request, token: str) -> Response:
        return await run_in_threadpool(
            asked.submit_answer, request, token, await read_form(request.stream())
        )

    return routes
