"""Approvals on a phone (`/phone/approvals`): the posts that the member may approve, as cards.

A swipe to the right approves the card, and a swipe to the left opens the form for changes. Without
scripts, the buttons of each card do the same. Each card has a key, so that a verdict whose response
was lost is repeated once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.media import library_files
from dashboard.pages.posts.pending_post import (
    PostContent,
    get_pending_post,
    list_pending_posts,
    load_post_content,
    submit_approval,
)
from dashboard.phone.phone_page import (
    PRIVATE_NO_STORE,
    PhoneVisit,
    first_value,
    load_visit,
    phone_page,
    refusal_page,
    require_viewer,
)
from dashboard.shell import pending_counts, session, widgets
from dashboard.shell.plain_pages import is_cross_site, plain_page
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.http.request_bodies import read_form_values
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.approvals import decisions
from schedules.approvals.review_queue import ReviewItem
from schedules.drafts.previews import PostPreview
from tenants import audit
from tenants.agencies.queries import Creator, list_visible_creators
from tenants.agencies.rights import Right, require_right

ADDRESS = "/phone/approvals"
SHOWN = 12
"""Maximum number of cards on the page."""

VERDICT = "phone.verdict"
NOTHING_TYPED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ReviewText:
    """A text of a post with the previews of the channels that publish it."""

    title: str
    body: str
    previews: Sequence[PostPreview]


@dataclass(frozen=True)
class ReviewCard:
    """A post to approve. `pictures` are the address and alt text of each image; `key` identifies
    the verdict on this card."""

    asked: ReviewItem
    creator: Creator
    shown: PostContent
    texts: Sequence[ReviewText]
    pictures: Sequence[tuple[str, str]]
    key: UUID

    @property
    def has_unseen_video(self) -> bool:
        """Return True if a video must be viewed first, which only the dashboard can record."""
        return any(one.covered and not one.seen and one.reel for one in self.shown.shots)


Act = Callable[[Scope, PhoneVisit, ReviewItem, Mapping[str, list[str]]], None]
"""A function that gives a verdict on a post."""


def show_approvals(request: Request) -> Response:
    """Show the first posts that the member may approve."""
    return _run_for_approver(request, _render_cards)


def _run_for_approver(request: Request, act: Callable[[Scope, PhoneVisit], Response]) -> Response:
    try:
        who = require_viewer(request)
        require_right(who.member.role, Right.APPROVE)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            return act(scope, load_visit(scope, who))
    except GreenroomError as error:
        return refusal_page(request, error)
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)


def _render_cards(
    scope: Scope,
    hand: PhoneVisit,
    *,
    revealed: Mapping[UUID, UUID] = MappingProxyType({}),
    told: Message | None = None,
    status: int = 200,
    typed: Mapping[str, str] = NOTHING_TYPED,
) -> Response:
    member = hand.viewer.member
    creators = {one.id: one for one in list_visible_creators(scope, member)}
    mine = [
        one
        for one in list_pending_posts(scope, creators.values()).values()
        if one.can_be_approved_by(member.principal_id)
    ]
    cards = [
        _build_card(scope, hand, one, creators[one.creator_id], revealed) for one in mine[:SHOWN]
    ]
    return phone_page(
        "phone/templates/approvals.html",
        hand,
        status=status,
        told=told,
        cards=cards,
        count=pending_counts.count_pending(scope, member).posts,
        reasons=decisions.REJECTION_CODES,
        typed=typed,
    )


def _build_card(
    scope: Scope,
    hand: PhoneVisit,
    asked: ReviewItem,
    creator: Creator,
    revealed: Mapping[UUID, UUID],
) -> ReviewCard:
    shown = load_post_content(scope, asked, creator, hand.viewer.member)
    by_text: dict[tuple[str, str], list[PostPreview]] = {}
    for one in shown.previews:
        by_text.setdefault((one.title, one.body), []).append(one)
    return ReviewCard(
        asked,
        creator,
        shown,
        [ReviewText(*text, previews) for text, previews in by_text.items()],
        [
            (
                library_files.picture_url(
                    one.asset_id, "preview", clear=revealed.get(one.asset_id)
                ),
                one.alt,
            )
            for one in shown.shots
        ],
        uuid7(),
    )


async def submit_verdict(request: Request) -> Response:
    """Give a verdict on a post: yes, change, no, or undo of the last one."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    form = await read_form_values(request.stream())
    return await run_in_threadpool(_handle_verdict, request, form)


def _handle_verdict(request: Request, form: Mapping[str, list[str]]) -> Response:
    typed = {"post": request.path_params["post"]}
    typed |= {name: first_value(form, name) for name in ("verdict", "why", "note")}

    def act(scope: Scope, hand: PhoneVisit) -> Response:
        _record_verdict(scope, hand, _parse_id(typed["post"]), form)
        return RedirectResponse(ADDRESS, status_code=303, headers=PRIVATE_NO_STORE)

    try:
        who = require_viewer(request)
        require_right(who.member.role, Right.APPROVE)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            return act(scope, load_visit(scope, who))
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    except GreenroomError as refused:
        status = 422 if isinstance(refused, BadInput) else 409
        told = refused.message
        return _run_for_approver(
            request,
            lambda scope, hand: _render_cards(scope, hand, told=told, status=status, typed=typed),
        )


def _record_verdict(
    scope: Scope, hand: PhoneVisit, post_id: UUID, form: Mapping[str, list[str]]
) -> None:
    """Give the verdict of a form once per key. Raises NotFound for a post that is not pending, and
    the errors of `schedules.approvals.decisions`."""
    verdict = first_value(form, "verdict")
    about = f"press:{_parse_id(first_value(form, 'key'))}"
    scope.lock(about)
    if audit.find_last_act(scope, VERDICT, about) is not None:
        return
    member = hand.viewer.member
    creators = list_visible_creators(scope, member)
    if verdict == "undo":
        decisions.withdraw_verdict(scope, post_id, member_id=member.id)
    else:
        act = VERDICTS.get(verdict)
        if act is None:
            raise NotFound("approvals.settled_meanwhile")
        act(scope, hand, get_pending_post(scope, creators, post_id), form)
    audit.record(scope, VERDICT, about, verdict=verdict, post=str(post_id))


def _approve(
    scope: Scope, hand: PhoneVisit, asked: ReviewItem, form: Mapping[str, list[str]]
) -> None:
    member = hand.viewer.member
    tier = asked.tier_for(member.principal_id) or asked.missing_approvals
    submit_approval(scope, member, asked, tier, digest=first_value(form, "digest"))


def _request_changes(
    scope: Scope, hand: PhoneVisit, asked: ReviewItem, form: Mapping[str, list[str]]
) -> None:
    decisions.request_changes(
        scope,
        asked.post_id,
        member_id=hand.viewer.member.id,
        why=first_value(form, "why"),
        note=first_value(form, "note"),
    )


def _reject(
    scope: Scope, hand: PhoneVisit, asked: ReviewItem, form: Mapping[str, list[str]]
) -> None:
    decisions.decline_post(
        scope,
        asked.post_id,
        member_id=hand.viewer.member.id,
        why=first_value(form, "why"),
        note=first_value(form, "note"),
    )


VERDICTS: Mapping[str, Act] = {"yes": _approve, "change": _request_changes, "no": _reject}


async def reveal_post(request: Request) -> Response:
    """Reveal the blurred images of a post for five minutes, and record it in the audit log."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    return await run_in_threadpool(_run_for_approver, request, _reveal_post(request))


def _reveal_post(request: Request) -> Callable[[Scope, PhoneVisit], Response]:
    def act(scope: Scope, hand: PhoneVisit) -> Response:
        member = hand.viewer.member
        creators = {one.id: one for one in list_visible_creators(scope, member)}
        post_id = _parse_id(request.path_params["post"])
        asked = get_pending_post(scope, creators.values(), post_id)
        shown = load_post_content(scope, asked, creators[asked.creator_id], member)
        revealed = {
            one: library_files.reveal_picture(scope, member, one) for one in shown.unseen_pictures
        }
        return _render_cards(scope, hand, revealed=revealed)

    return act


def _parse_id(text: str) -> UUID:
    """Return the ID in a path or form. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("approvals.settled_meanwhile") from None


def serve_script(request: Request) -> Response:
    """Serve the script for swiping."""
    return Response(
        _read_script(), headers={"cache-control": "max-age=86400"}, media_type="text/javascript"
    )


@cache
def _read_script() -> str:
    return (widgets.PACKAGE_ROOT / "phone/assets/approvals.js").read_text("utf-8")


ROUTES = [
    Route(ADDRESS, show_approvals, methods=["GET"]),
    Route("/phone/approvals.js", serve_script, methods=["GET"]),
    Route("/phone/approvals/{post}", submit_verdict, methods=["POST"]),
    Route("/phone/approvals/{post}/reveal", reveal_post, methods=["POST"]),
]
