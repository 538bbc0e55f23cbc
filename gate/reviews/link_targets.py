"""Link targets: addresses that a creator's posts may contain, and the members' declarations of
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
from tenants.agencies.rights import Right, has_right, require_right
from tenants.notices import notices

LINK_TARGET_LIFETIME = timedelta(days=90)
"""Time after which an address must be declared again."""
MAX_LISTED_TARGETS = 500
"""Maximum link targets of a creator that are listed."""


class LinkOwner(StrEnum):
    """The kinds of owners of an address."""

    OWN_PAGE = "own_page"
    SHOP = "shop"
    AGENCY = "agency"
    PROFILE = "profile"
    OTHER = "other"


@dataclass(frozen=True)
class LinkTargetSummary:
    """A link target of a creator.

    `active` is False once the target was found to have changed.
    """

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
        """Return True if the link target is active and has not expired."""
        return self.active and now < self.expires_at


@dataclass(frozen=True)
class LinkTargetDeclared:
    """A member declares the content of an address; the subject is the creator, `by` is
    `member:<id>`."""

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
    """A member removes a link target; the subject is its row and `by` is `member:<id>`."""

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
    """Declare the content of an address as the scope's actor, and return the address in stored
    form.

    A worker records the declaration. Raises BadInput for an address that cannot be registered, and
    the errors of `declare_link_target`.
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
    """Request the removal of a link target as the scope's actor. A worker carries it out.

    Raises the errors of `end_link_target`.
    """
    require_right(queries.get_acting_member(scope, "link.people_only").role, Right.RUN)
    _get_target(scope, target_id)
    outbox.put(scope, LinkTargetEnded(scope.tenant_id, target_id, scope.actor), priority=1)


def handle_link_target(event: LinkTargetDeclared, *, tenant: OpenScope) -> None:
    """Record a declaration as the member who made it.

    A member who may no longer do so gets a notice.
    """
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
    """Remove a link target as the member who asked for it. A refusal becomes a notice."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            end_link_target(scope, event.subject_id)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def declare_link_target(
    scope: Scope, creator_id: UUID, url: str, *, owner: LinkOwner, rating: Rating, adult: bool
) -> None:
    """Declare the content of an address as the acting member; posts that wait for it are checked
    again.

    A declaration that is less strict than an earlier one needs another member with the right to
    reopen. Raises Refused without this or for a member without the right; BadInput for an address
    that cannot be registered, and for a known adult address that is declared as not adult.
    """
    url = urls.parse_registrable_url(url)
    epochs.lock_and_advance(
        scope, epochs.tenant_key(scope)
    )  # Taken first, in lock order, so that two declarations are serialized.
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
    """Return the rating and whether the address is adult: Nudity and Explicit always are.

    Raises BadInput for a prohibited rating and for a known adult address declared as not adult.
    """
    known_adult = urls.is_adult_host(url) or urls.is_own_adult_page(url, urls.own_hosts())
    if rating is Rating.X or (known_adult and not adult):
        raise BadInput("link.adult_known").about("url")
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
    # Most platforms forbid links to adult shops, so a less strict declaration needs another person.
    declarers = queries.principals_by_actor(scope, {row.by for row in milder}) if milder else {}
    if milder and not (
        has_right(member.role, Right.REOPEN) and member.principal_id not in declarers.values()
    ):
        raise Refused("link.milder_alone")


def _list_targets_of_host(scope: Scope, url: str) -> list[LinkTarget]:
    """Return the declarations of this address in any spelling, for any creator, ended ones
    included."""
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
    """Add an address to a creator's link targets. Raises BadInput if it cannot be registered."""
    kept = urls.parse_registrable_url(url)
    if not timedelta() < lives <= LINK_TARGET_LIFETIME:
        raise BadInput("link.invalid").about("url")
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
    """Mark an address as changed for all creators, so that no post with it is published."""
    _update_target_state(scope, "changed", "url = :url", url=urls.canonical_url(url))


def end_link_target(scope: Scope, target_id: UUID) -> None:
    """Remove a link target as the acting member; posts that contain it are put on hold again.

    The declaration stays in the database. Raises Refused if the member lacks the right, and
    NotFound.
    """
    require_right(queries.get_acting_member(scope, "link.people_only").role, Right.RUN)
    creator_id = _get_target(scope, target_id).creator_id
    _update_target_state(scope, "closed", "id = :id", id=target_id)
    audit.record(scope, "link.ended", f"creator:{creator_id}")


def _update_target_state(scope: Scope, state: str, which: str, **found: object) -> None:
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE link_targets SET state = :state"  # noqa: S608 the callers pass constants
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
    """Return the link targets of a creator, sorted by address."""
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
