"""Approval links for clients without an account: for one person, one version of a post, one answer.

Only a digest of the link is stored. A link works in the first browser that opens it, so a forwarded
link shows nothing. It ends when it is answered, when it expires or when the post gets a new
version. A link proves nothing about its visitor: adult content is not shown, and a post that is not
shown completely cannot be approved.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from connectors.shared.options import OptionValue
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.visible_text import is_one_line
from foundation.ids import INSTALLATION_ID, derived_uuid
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Text
from gate.ratings import ratings
from gate.surfaces.contents import Content
from gate.surfaces.decisions import judge_contents
from schedules.approvals import change_requests, decisions, review_comments
from schedules.approvals.decisions import REJECTION_CODES
from schedules.approvals.models import ApprovalLink
from schedules.approvals.release import release_post
from schedules.approvals.review_comments import ReviewComment
from schedules.posts import channel_overrides
from schedules.posts.channel_overrides import PostContent
from schedules.posts.content_digest import current_digest
from schedules.posts.deliveries import deliveries_of_post, get_post
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState
from studio.library import assets
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Right, require_right

CLIENT_LINK_PATH = "/approve/"
CLIENT_TIER = 2
LIFE = timedelta(days=7)
MAX_CLIENT_NAME_LENGTH = 80
SURFACE = "page.client_link"
CEILING = Rating.S
"""The highest rating of pictures shown to a visitor without proof of age."""

KINDS = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg", "audio/mp4"})
"""Media types that browsers display. A client could not see other media before approving them."""

CLIENT_CHANGE_CODES = REJECTION_CODES["change"]
ASKABLE = frozenset(
    {DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD}
)
"""States in which an answer still has an effect."""

# 32 random bytes in base64url.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

ClientLinkStatus = Literal[
    "sealed",
    "open",
    "elsewhere",
    "expired",
    "changed",
    "over",
    "yes",
    "change",
    "replaced",
    "taken_back",
    "moved",
]
"""The status of a link in one browser.

`sealed` before it is opened, `open` in the browser that opened it, `elsewhere` in any other; `over`
if an answer no longer has an effect. The other values describe how it ended. Texts:
`client.stands.<status>`.
"""


@dataclass(frozen=True)
class ClientLink:
    """A link as members see it; instants are UTC-aware.

    `ended` is empty while the link can be answered.
    """

    post_id: UUID
    name: str
    by: str
    made_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    ended: str
    ended_at: datetime | None

    def over(self, now: datetime) -> bool:
        """Return True if the link can no longer be answered."""
        return bool(self.ended) or self.expires_at <= now


@dataclass(frozen=True)
class ClientView:
    """The content of a post that a link shows.

    `files` are the pictures by SHA-256, `whole` is True if the content is complete, and `comments`
    are the open comments. If the version is `withheld`, none of its texts is shown; `reasons` are
    those of the safety check.
    """

    files: Mapping[str, Medium]
    whole: bool
    withheld: bool = False
    comments: tuple[ReviewComment, ...] = ()
    reasons: tuple[Reason, ...] = ()


NOTHING_SHOWN = ClientView({}, whole=False, withheld=True)


def create_client_link(scope: Scope, post_id: UUID, *, name: str) -> str:
    """Create a client's approval link for the current version of a post, and return its token.

    The token is not stored. An earlier link of the post is replaced. The acting member must be
    allowed to approve the post and must not be its author, and the first approval must exist.
    Raises NotFound for a post of another creator, Refused (also for a post that cannot be shown
    completely), BadInput, and Conflict if no delivery is pending approval.
    """
    row, maker = _lock_approvable_post(scope, post_id)
    called = " ".join(name.split())
    if not 0 < len(called) <= MAX_CLIENT_NAME_LENGTH or not is_one_line(called):
        raise BadInput("approval.link_no_name", most=MAX_CLIENT_NAME_LENGTH).about("name")
    if queries.get_creator(scope, row.creator_id).approval_tiers < CLIENT_TIER:
        raise BadInput("approval.no_such_tier", tier=CLIENT_TIER)
    if row.author_principal == maker.principal_id:
        raise Refused("approval.link_own")
    if not any(one.state in ASKABLE for one in deliveries_of_post(scope, post_id)):
        raise Conflict("approval.link_nothing_waits")
    row.digest = current_digest(scope, row)
    if not decisions.has_tier_approval(scope, row, scope.now, tier=decisions.CONTENT_TIER):
        raise Refused("approval.link_first")
    _check_whole(client_view_of_post(scope, row))
    token = secrets.token_urlsafe(32)
    principal = derived_uuid(row.creator_id, "client", called.casefold())
    agencies.record_principal(scope, principal, name=called)
    end_client_links(scope, post_id, "replaced")
    made = ApprovalLink(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        post_id=post_id,
        digest=row.digest,
        token=_hash_secret(token),
        name=called,
        principal_id=principal,
        by=scope.actor,
        expires_at=scope.now + LIFE,
    )
    scope.add(row, made)
    audit.record(scope, "approval.link", f"post:{post_id}")
    return token


def _check_whole(shown: ClientView) -> None:
    """Raise Refused for a post that a link cannot show completely."""
    if shown.reasons and Reason.RATING_EXCEEDS_SURFACE not in shown.reasons:
        raise Refused(f"gate.{shown.reasons[0]}")
    if not shown.whole:
        raise Refused("approval.link_adults")


def revoke_client_link(scope: Scope, post_id: UUID) -> None:
    """Revoke the unanswered link of a post. Raises NotFound for a post of another creator."""
    _lock_approvable_post(scope, post_id)
    end_client_links(scope, post_id, "taken_back")


def end_client_links(
    scope: Scope, post_id: UUID, how: Literal["replaced", "taken_back", "moved"]
) -> None:
    """End the unanswered links of a post."""
    scope.run(
        "UPDATE approval_links SET ended = :how, ended_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND post_id = :post AND ended = ''",
        tenant=scope.tenant_id,
        post=post_id,
        how=how,
        now=scope.now,
    )


def find_client_link(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """Return the tenant and ID of the link with this token, or None if the token is unknown."""
    if not _TOKEN.fullmatch(token):  # Arbitrary input never reaches the database.
        return None
    # The tenant is unknown until the token is found; this role can read the links of all tenants.
    with tenant(INSTALLATION_ID, "system:approval-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM approval_links WHERE token = :token",
            token=_hash_secret(token),
        ).first()
    return (row.tenant_id, row.id) if row is not None else None


def load_client_link(
    scope: Scope, link_id: UUID, session: str
) -> tuple[ClientLink, ClientLinkStatus]:
    """Return a link and its status in the browser with this `session` ("" if there is none). Raises
    NotFound."""
    row = _get_link(scope, link_id)
    return _client_link_from_row(scope, row), _resolve_link_status(
        scope, row, get_post(scope, row.post_id), session
    )


def open_client_link(scope: Scope, link_id: UUID, session: str) -> None:
    """Open a link in the browser with this `session`; of two concurrent calls the first wins.

    Raises BadInput without a session.
    """
    if not session:
        raise BadInput("client.stands.sealed")
    scope.run(
        "UPDATE approval_links SET session = :session, opened_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND session = '' AND ended = ''",
        tenant=scope.tenant_id,
        id=link_id,
        session=_hash_secret(session),
        now=scope.now,
    )


def answer_client_link(
    scope: Scope, link_id: UUID, session: str, *, yes: bool, why: str = "other", note: str = ""
) -> None:
    """Record the client's approval (second tier) or change request, and end the link.

    Once the post has all approvals it is scheduled. Raises Conflict if the link cannot be answered,
    Refused for an approval of content that was not shown completely, BadInput for a change request
    without a note, and NotFound.
    """
    known = _get_link(scope, link_id)
    row = get_post(scope, known.post_id)
    # Lock order: the post first, as in a rewrite; then its deliveries, as in a reschedule.
    scope.session.refresh(row, with_for_update={"key_share": True})
    deliveries_of_post(scope, row.id, lock=True)
    scope.session.refresh(known, with_for_update=True)
    standing = _resolve_link_status(scope, known, row, session)
    if standing != "open":
        raise Conflict(f"client.stands.{standing}")
    if yes and not client_view_of_post(scope, row).whole:
        raise Refused("client.not_whole")
    known.ended = "yes" if yes else "change"
    known.ended_at = scope.now
    scope.add(known)
    if yes:
        decisions.record_approval(scope, row, known.principal_id, tier=CLIENT_TIER, note=note)
        release_post(scope, row.id)
    else:
        decisions.record_rejection(
            scope, row, known.principal_id, tier=CLIENT_TIER, verdict="change", why=why, note=note
        )
        change_requests.notify_change_request(scope, row, known.name)
    audit.record(scope, f"approval.link_{known.ended}", f"post:{row.id}")


def latest_client_link(scope: Scope, post_id: UUID) -> ClientLink | None:
    """Return the latest link of a post, or None if there is none."""
    row = _find_latest_link(scope, post_id)
    return _client_link_from_row(scope, row) if row is not None else None


def pending_client_name(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """Return the name of the client who can still give the second approval.

    The result is empty if there is none.
    """
    row = _find_latest_link(scope, post_id)
    waits = row is not None and _resolve_link_status(
        scope, row, get_post(scope, post_id), session=""
    ) in (
        "sealed",
        "elsewhere",
    )
    return (row.name,) if row is not None and waits else ()


def client_names(scope: Scope, creators: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of clients with a link for posts of these creators, by principal."""
    rows = scope.session.execute(
        select(ApprovalLink.principal_id, ApprovalLink.name)
        .where(
            ApprovalLink.tenant_id == scope.tenant_id,
            col(ApprovalLink.creator_id).in_(list(creators)),
        )
        .distinct()
    )
    return {principal: name for principal, name in rows}


def load_client_view(scope: Scope, post_id: UUID) -> ClientView:
    """Return the content of a post that a link can show now. Raises NotFound."""
    return client_view_of_post(scope, get_post(scope, post_id))


def client_view_of_post(scope: Scope, row: Post) -> ClientView:
    """Return what a visitor without proof of age may see of a post: all its versions and open
    comments, or nothing, and its pictures."""
    said = channel_overrides.base_content(row)
    others = channel_overrides.overrides_of_post(row)
    versions = [said, *(channel_overrides.apply_override(said, one) for one in others)]
    try:
        media = [
            *assets.get_renditions(
                scope, channel_overrides.collect_assets(said.media, said.parts, others), "library"
            ).values()
        ]
    except NotFound:
        return NOTHING_SHOWN
    comments = tuple(one for one in review_comments.list_client_comments(scope, row.id) if one.open)
    content = Content(SURFACE, (row.creator_id,), _visible_texts(versions, media, comments))
    (decision,) = judge_contents(scope, [content])
    if not decision.is_allowed:
        return replace(NOTHING_SHOWN, reasons=decision.reasons)
    rated = ratings.showable_ratings(scope, [one.sha256 for one in media])
    mild_ones = (
        one for one in media if one.sha256 in rated and rated[one.sha256].rank <= CEILING.rank
    )
    files = {one.sha256: one for one in mild_ones if one.mime in KINDS}
    return ClientView(files, all(one.sha256 in files for one in media), comments=comments)


def _visible_texts(
    versions: Iterable[PostContent], media: Iterable[Medium], comments: Iterable[ReviewComment]
) -> tuple[Text, ...]:
    """Return every text that the page can show, each once, in display order."""
    found = []
    for one in versions:
        found += [Text("title", one.title), Text("body", one.body)]
        found += [Text(f"part:{number}", part.body) for number, part in enumerate(one.parts)]
        for name, value in one.options:
            found += [_option_text(name, each) for each in _option_values(value)]
    found += [Text(f"alt:{number}", medium.alt) for number, medium in enumerate(media)]
    for first in comments:
        found += [Text("comment", one.words) for one in (first, *first.answers)]
    return tuple(dict.fromkeys(text for text in found if text.body))


def _option_values(value: OptionValue) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _option_text(name: str, value: str) -> Text:
    """Return the value of an option as a text. A single word is the code of a choice or a name, and
    belongs to no language."""
    return Text(f"option:{name}" if len(value.split()) > 1 else f"label:{name}", value)


def client_planned_times(scope: Scope, post_id: UUID) -> list[Delivery]:
    """Return the next pending delivery of a post on each account, by due time."""
    first: dict[UUID, Delivery] = {}
    for one in deliveries_of_post(scope, post_id):
        if one.state in ASKABLE:
            first.setdefault(one.channel_id, one)
    return list(first.values())


def _lock_approvable_post(scope: Scope, post_id: UUID) -> tuple[Post, queries.Member]:
    """Lock the post and return it with the acting member, who may approve it. Raises NotFound,
    Refused."""
    member = queries.get_acting_member(scope, "approval.link_members")
    require_right(member.role, Right.APPROVE)
    row = get_post(scope, post_id)
    if member.creators and queries.get_creator(scope, row.creator_id).slug not in member.creators:
        raise NotFound("post.unknown")
    scope.session.refresh(row, with_for_update={"key_share": True})
    return row, member


def _find_latest_link(scope: Scope, post_id: UUID) -> ApprovalLink | None:
    return scope.session.exec(
        select(ApprovalLink)
        .where(ApprovalLink.tenant_id == scope.tenant_id, ApprovalLink.post_id == post_id)
        .order_by(col(ApprovalLink.created_at).desc(), col(ApprovalLink.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def _get_link(scope: Scope, link_id: UUID) -> ApprovalLink:
    row = scope.session.get(ApprovalLink, (scope.tenant_id, link_id), populate_existing=True)
    if row is None:
        raise NotFound("client.unknown")
    return row


def _resolve_link_status(
    scope: Scope, row: ApprovalLink, owner: Post, session: str
) -> ClientLinkStatus:
    here = bool(session) and row.session == _hash_secret(session)
    match row.ended:
        case "yes" | "change" as said:  # Other browsers with the address do not learn the answer.
            return said if here else "over"
        case "replaced" | "taken_back" | "moved" as how:
            return how
    if row.expires_at <= scope.now:
        return "expired"
    if row.session and not here:
        return "elsewhere"
    if _find_content_digest(scope, owner) != row.digest:
        return "changed"
    if not any(
        one.state in ASKABLE for one in deliveries_of_post(scope, owner.id)
    ) or _is_already_decided(scope, owner):
        return "over"
    return "open" if row.session else "sealed"


def _is_already_decided(scope: Scope, owner: Post) -> bool:
    """Return True if the second approval was given, or the post rejected, in another way."""
    return not decisions.needs_approval(scope, owner, scope.now) or decisions.is_rejected(
        scope, owner, scope.now
    )


def _find_content_digest(scope: Scope, owner: Post) -> str:
    try:
        return current_digest(scope, owner)
    except NotFound:
        return ""


def _client_link_from_row(scope: Scope, row: ApprovalLink) -> ClientLink:
    made = row.created_at or scope.now
    return ClientLink(
        row.post_id, row.name, row.by, made, row.expires_at, row.opened_at, row.ended, row.ended_at
    )


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
