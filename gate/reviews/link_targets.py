"""Addresses that may stand in the texts of a creator's posts, and what members say lies behind
them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.contract.units import Rating
from gate.evidence.models import LinkTarget
from gate.reviews.events import LinkRegistered
from gate.text import urls
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.agencies.rights import Right, has_right, require_right
from tenants.notices import notices

LINK_TARGET_LIFETIME = timedelta(days=90)
MAX_LISTED_TARGETS = 500
"""Addresses of a creator that are listed."""


class LinkOwner(StrEnum):
    """Whose an address is."""

    OWN_PAGE = "own_page"
    SHOP = "shop"
    AGENCY = "agency"
    PROFILE = "profile"
    OTHER = "other"


@dataclass(frozen=True)
class LinkTargetSummary:
    """An address on a creator's list; `fits` until somebody has to look again, or found something
    else there."""

    id: UUID
    creator_id: UUID
    url: str
    owner: str
    rating: Rating
    adult: bool
    active: bool
    expires_at: datetime
    by: str

    def is_usable(self, now: datetime) -> bool:
        """Whether a post may carry it now, as far as the list goes."""
        return self.active and now < self.expires_at


@dataclass(frozen=True)
class LinkTargetDeclared:
    """A member says what lies behind an address: the subject is the creator, `by` `member:<id>`."""

    kind: ClassVar[str] = "link.register"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    url: str
    owner: str
    rating: str
    adult: bool
    by: str


@dataclass(frozen=True)
class LinkTargetEnded:
    """A member takes an address off the list: the subject is its row, `by` `member:<id>`."""

    kind: ClassVar[str] = "link.end"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str


_REGISTER = """
INSERT INTO link_targets (tenant_id, id, creator_id, url, owner, final_host, rating, adult, by,
state, resolved_at,
  expires_at)
VALUES (:tenant, :id, :creator, :url, :owner, :host, :rating, :adult, :by, 'active', :now, :until)
ON CONFLICT (tenant_id, creator_id, url) DO UPDATE SET owner = excluded.owner, final_host =
excluded.final_host,
  rating = excluded.rating, adult = excluded.adult, by = excluded.by, state = 'active',
  resolved_at = excluded.resolved_at, expires_at = excluded.expires_at, updated_at = house_now()
"""


def request_link_target(
    scope: Scope, creator_id: UUID, typed: str, *, owner: LinkOwner, rating: Rating, adult: bool
) -> str:
    """Say what lies behind an address, as the scope's actor, for the workers to write down; the
    address as it is kept.

    Raises BadInput for what no list takes, and what `declare` raises.
    """
    url = urls.parse_registrable_url(typed)
    rating, adult = _resolve_rating(url, rating, adult=adult)
    _validate_declaration(scope, url, rating, adult=adult)
    event = LinkTargetDeclared(
        scope.tenant_id, creator_id, url, str(owner), str(rating), adult, scope.actor
    )
    outbox.put(scope, event, priority=1)
    return url


def request_link_target_end(scope: Scope, target_id: UUID) -> None:
    """Take an address off the list, as the scope's actor; the workers do it. Raises what `end`
    raises."""
    require_right(queries.get_acting_member(scope, "link.people_only").role, Right.RUN)
    _get_target(scope, target_id)
    outbox.put(scope, LinkTargetEnded(scope.tenant_id, target_id, scope.actor), priority=1)


def handle_link_target(event: LinkTargetDeclared, *, tenant: OpenScope) -> None:
    """Write it down, as the member who said it, if they still may; who may not is told at Home why
    nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            declare_link_target(
                scope,
                event.subject_id,
                event.url,
                owner=LinkOwner(event.owner),
                rating=Rating(event.rating),
                adult=event.adult,
            )
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def handle_link_target_end(event: LinkTargetEnded, *, tenant: OpenScope) -> None:
    """Take it off, as the member who asked; who may not is told at Home why it stays."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            end_link_target(scope, event.subject_id)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def declare_link_target(
    scope: Scope, creator_id: UUID, url: str, *, owner: LinkOwner, rating: Rating, adult: bool
) -> None:
    """The acting member says what lies behind an address: what waited for it is looked at again.

    Raises Refused for who may not, and for one person alone who makes milder what was said of that
    place before; BadInput for no address that a list takes, and for one known to be for adults that
    is said to be for everybody.
    """
    url = urls.parse_registrable_url(url)
    epochs.lock_and_advance(
        scope, epochs.tenant_key(scope)
    )  # first in the order of locks, so that two who speak do so in turn
    _validate_declaration(scope, url, rating, adult=adult)
    register_link_target(scope, creator_id, url, owner=owner, rating=rating, adult=adult)
    audit.record(
        scope,
        "link.registered",
        f"creator:{creator_id}",
        rating=str(rating),
        adult=str(adult).lower(),
    )
    outbox.put(scope, LinkRegistered(scope.tenant_id, creator_id, url))


def _resolve_rating(url: str, rating: Rating, *, adult: bool) -> tuple[Rating, bool]:
    """What is shown there is for adults from nudity on. Raises BadInput for what is no such
    thing."""
    known_adult = urls.is_adult_host(url) or urls.is_own_adult_page(url, urls.own_hosts())
    if rating is Rating.X or (known_adult and not adult):
        raise BadInput("link.adult_known")
    return rating, adult or rating in (Rating.N, Rating.E)


def _validate_declaration(scope: Scope, url: str, rating: Rating, *, adult: bool) -> None:
    member = queries.get_acting_member(scope, "link.people_only")
    require_right(member.role, Right.RUN)
    _resolve_rating(url, rating, adult=adult)
    milder = [
        row
        for row in _list_targets_of_host(scope, url)
        if row.adult > adult or Rating(row.rating).rank > rating.rank
    ]
    if milder and not (
        has_right(member.role, Right.REOPEN)
        and not any(_is_own_declaration(scope, member, row) for row in milder)
    ):
        raise Refused("link.milder_alone")


def _is_own_declaration(scope: Scope, member: Member, row: LinkTarget) -> bool:
    """Whether that word was this human's; of somebody who is no member any more, nobody's."""
    spoke = {f"member:{one.id}": one.principal_id for one in queries.list_members(scope)}
    return spoke.get(row.by) == member.principal_id


def _list_targets_of_host(scope: Scope, url: str) -> list[LinkTarget]:
    """What was said of this place, for any creator, in any way of writing it, taken back or not."""
    host = _host_from_url(url)
    found = scope.session.exec(
        select(LinkTarget)
        .where(LinkTarget.tenant_id == scope.tenant_id, LinkTarget.final_host == host)
        .execution_options(populate_existing=True)
    )
    return [row for row in found if urls.url_identity(row.url) == urls.url_identity(url)]


def _host_from_url(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def register_link_target(
    scope: Scope,
    creator_id: UUID,
    url: str,
    *,
    owner: LinkOwner = LinkOwner.OTHER,
    rating: Rating,
    adult: bool,
    lives: timedelta = LINK_TARGET_LIFETIME,
) -> None:
    """Put an address on a creator's list. Raises BadInput for no address that a list takes."""
    kept = urls.parse_registrable_url(url)
    if not timedelta() < lives <= LINK_TARGET_LIFETIME:
        raise BadInput("link.invalid")
    rating, adult = _resolve_rating(kept, rating, adult=adult)
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        scope.run(
            _REGISTER,
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=creator_id,
            url=kept,
            owner=str(owner),
            host=_host_from_url(kept),
            rating=str(rating),
            adult=adult,
            by=scope.actor,
            now=scope.now,
            until=scope.now + lives,
        )


def mark_link_target_changed(scope: Scope, url: str) -> None:
    """What lies behind an address is no longer what was registered, for nobody: nothing with it
    leaves."""
    _update_target_state(scope, "changed", "url = :url", url=urls.canonical_url(url))


def end_link_target(scope: Scope, target_id: UUID) -> None:
    """The acting member takes an address off the list: what carries it waits again. What was said
    of it is remembered.

    Raises Refused for who may not, NotFound.
    """
    require_right(queries.get_acting_member(scope, "link.people_only").role, Right.RUN)
    creator_id = _get_target(scope, target_id).creator_id
    _update_target_state(scope, "closed", "id = :id", id=target_id)
    audit.record(scope, "link.ended", f"creator:{creator_id}")


def _update_target_state(scope: Scope, state: str, which: str, **found: object) -> None:
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE link_targets SET state = :state"  # noqa: S608  a constant of the caller
            f", updated_at = house_now() WHERE tenant_id = :tenant AND {which}",
            tenant=scope.tenant_id,
            state=state,
            **found,
        )


def _get_target(scope: Scope, target_id: UUID) -> LinkTarget:
    row = scope.session.exec(
        select(LinkTarget).where(
            LinkTarget.tenant_id == scope.tenant_id,
            LinkTarget.id == target_id,
            LinkTarget.state != "closed",
        )
    ).first()
    if row is None:
        raise NotFound("link.unknown")
    return row


def list_link_targets(scope: Scope, creator_id: UUID) -> list[LinkTargetSummary]:
    """The addresses on a creator's list, in order."""
    rows = scope.session.exec(
        select(LinkTarget)
        .where(
            LinkTarget.tenant_id == scope.tenant_id,
            LinkTarget.creator_id == creator_id,
            LinkTarget.state != "closed",
        )
        .order_by(col(LinkTarget.url))
        .limit(MAX_LISTED_TARGETS)
        .execution_options(populate_existing=True)
    )
    return [
        LinkTargetSummary(
            row.id,
            row.creator_id,
            row.url,
            row.owner,
            Rating(row.rating),
            row.adult,
            row.state == "active",
            row.expires_at,
            row.by,
        )
        for row in rows
    ]
