"""The yes of somebody without an account: a link for one person, for one version of one post, for
one answer.

Only a digest of it is kept. It opens in one browser, so that one who is sent on opens nothing; it
ends with its answer, with its time, and with the version it was made for. An address proves nothing
about who opens it: what is for adults is not shown there, and what is not shown whole is not
approved there.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.visible_text import is_one_line
from foundation.ids import INSTALLATION_ID, derived_uuid
from gate.contract.units import Medium, Rating
from gate.policy import active_policy
from gate.ratings import ratings
from gate.text import text_rating
from schedules.approvals import change_requests, decisions
from schedules.approvals.decisions import REJECTION_CODES
from schedules.approvals.models import ApprovalLink
from schedules.approvals.release import release_post
from schedules.posts import channel_overrides
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
CEILING = Rating.S
"""The highest rating shown to who proved nothing."""

KINDS = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg", "audio/mp4"})
"""What a browser shows by itself; what it does not was not seen."""

CLIENT_CHANGE_CODES = REJECTION_CODES["change"]
ASKABLE = frozenset(
    {DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD}
)
"""States in which a yes or a no still changes something."""

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
"""How a link stands for one browser: `sealed` until it is opened in one, `open` there, `elsewhere`
in any other; `over` once nobody's word changes anything; the others say how it ended.
`client.stands.<standing>` says it."""


@dataclass(frozen=True)
class ClientLink:
    """A link as members read it; `ended` is "" while it may be answered. Instants are UTC-aware."""

    post_id: UUID
    name: str
    by: str
    made_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    ended: str
    ended_at: datetime | None

    def over(self, now: datetime) -> bool:
        """Whether it can no longer be answered."""
        return bool(self.ended) or self.expires_at <= now


@dataclass(frozen=True)
class ClientView:
    """What of a post may be shown by a link: `files` are its pictures by their bytes, `words`
    whether they may be read there; `whole` whether that is all."""

    files: Mapping[str, Medium]
    whole: bool
    words: bool


def create_client_link(scope: Scope, post_id: UUID, *, name: str) -> str:
    """The end of a link (`PATH` + this) for somebody who is to approve a post as it stands now,
    told once; the one that was made before for it is over.

    The acting member may approve, did not write the post, and somebody has said the first yes.
    Raises NotFound for a post that is not theirs; Refused, for one that may not be shown whole too;
    BadInput; Conflict where nothing waits.
    """
    row, maker = _lock_approvable_post(scope, post_id)
    called = " ".join(name.split())
    if not 0 < len(called) <= MAX_CLIENT_NAME_LENGTH or not is_one_line(called):
        raise BadInput("approval.link_no_name", most=MAX_CLIENT_NAME_LENGTH)
    if queries.get_creator(scope, row.creator_id).approval_tiers < CLIENT_TIER:
        raise BadInput("approval.no_such_tier", tier=CLIENT_TIER)
    if row.author_principal == maker.principal_id:
        raise Refused("approval.link_own")
    if not any(one.state in ASKABLE for one in deliveries_of_post(scope, post_id)):
        raise Conflict("approval.link_nothing_waits")
    row.digest = current_digest(scope, row)
    if not decisions.has_tier_approval(scope, row, scope.now, tier=decisions.CONTENT_TIER):
        raise Refused("approval.link_first")
    if not client_view_of_post(scope, row).whole:
        raise Refused("approval.link_adults")
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


def revoke_client_link(scope: Scope, post_id: UUID) -> None:
    """End the link of a post that was not answered. Raises NotFound for a post that is not the
    acting member's."""
    _lock_approvable_post(scope, post_id)
    end_client_links(scope, post_id, "taken_back")


def end_client_links(
    scope: Scope, post_id: UUID, how: Literal["replaced", "taken_back", "moved"]
) -> None:
    """Whatever link of a post was not answered is over."""
    scope.run(
        "UPDATE approval_links SET ended = :how, ended_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND post_id = :post AND ended = ''",
        tenant=scope.tenant_id,
        post=post_id,
        how=how,
        now=scope.now,
    )


def find_client_link(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """`(tenant, link)` of a token somebody brings; None for what is none of ours."""
    if not _TOKEN.fullmatch(token):  # whatever a stranger types never reaches the database
        return None
    with tenant(INSTALLATION_ID, "system:approval-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM approval_links WHERE token = :token",
            token=_hash_secret(token),
        ).first()
    return (row.tenant_id, row.id) if row is not None else None


def load_client_link(
    scope: Scope, link_id: UUID, session: str
) -> tuple[ClientLink, ClientLinkStatus]:
    """A link, and how it stands for the browser that keeps `session` ("": none). Raises
    NotFound."""
    row = _get_link(scope, link_id)
    return _client_link_from_row(scope, row), _resolve_link_status(
        scope, row, get_post(scope, row.post_id), session
    )


def open_client_link(scope: Scope, link_id: UUID, session: str) -> None:
    """Open a link in the browser that keeps `session`; in no other from here on. Of two at once,
    one wins.

    Raises BadInput for no session.
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
    """Say yes as the second of two, or what has to change, with words; once, and the link is over.

    What everybody said yes to goes onto the calendar. Raises Conflict where the link cannot be
    answered (any more), Refused for a yes to what the link could not show whole, BadInput without
    words, NotFound.
    """
    known = _get_link(scope, link_id)
    row = get_post(scope, known.post_id)
    scope.session.refresh(
        row, with_for_update={"key_share": True}
    )  # the post first, as whoever rewrites it,
    deliveries_of_post(scope, row.id, lock=True)  # then where it goes, as whoever moves it
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
    """The last link made for a post; None where none was."""
    row = _find_latest_link(scope, post_id)
    return _client_link_from_row(scope, row) if row is not None else None


def pending_client_name(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """Who may still give the second yes to a post by a link."""
    row = _find_latest_link(scope, post_id)
    waits = row is not None and _resolve_link_status(
        scope, row, get_post(scope, post_id), session=""
    ) in (
        "sealed",
        "elsewhere",
    )
    return (row.name,) if row is not None and waits else ()


def client_names(scope: Scope, creators: Collection[UUID]) -> dict[UUID, str]:
    """Those who answered by a link, by principal, for posts of these creators."""
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
    """What of a post may be shown by a link now. Raises NotFound."""
    return client_view_of_post(scope, get_post(scope, post_id))


def client_view_of_post(scope: Scope, row: Post) -> ClientView:
    """What of a post somebody may see who proved nothing about themselves: words and pictures, in
    whatever place."""
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
        return ClientView({}, whole=False, words=False)
    rated = ratings.showable_ratings(scope, [one.sha256 for one in media])
    mild_ones = (
        one for one in media if one.sha256 in rated and rated[one.sha256].rank <= CEILING.rank
    )
    files = {one.sha256: one for one in mild_ones if one.mime in KINDS}
    alts = [one.alt for one in media if one.alt]
    words = [
        each
        for one in versions
        for each in (one.title, one.body, *(piece.body for piece in one.parts))
        if each
    ]
    mild = (
        text_rating.rate_texts(
            [*words, *alts], lexicon=active_policy.current_bundle(scope).lexicon
        ).rating.rank
        <= CEILING.rank
    )
    if not mild:
        return ClientView({}, whole=False, words=False)
    return ClientView(files, whole=all(one.sha256 in files for one in media), words=True)


def client_planned_times(scope: Scope, post_id: UUID) -> list[Delivery]:
    """Where a post would go, the first due first; of one that repeats, its next time on each
    account."""
    first: dict[UUID, Delivery] = {}
    for one in deliveries_of_post(scope, post_id):
        if one.state in ASKABLE:
            first.setdefault(one.channel_id, one)
    return list(first.values())


def _lock_approvable_post(scope: Scope, post_id: UUID) -> tuple[Post, queries.Member]:
    """The post, held, and who acts: one who may approve it. A post of another creator looks like
    none."""
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
        case "yes" | "change" as said:  # whoever else has the address learns nothing of the answer
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
    """Whether the second yes was said by somebody else meanwhile, or the post was refused."""
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
