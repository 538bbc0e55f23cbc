"""Assignees of manual tasks: members with a paired phone, and the reason for a post to wait if
there are none."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select

from channels.accounts import queries
from channels.accounts.events import ChannelConnected
from channels.accounts.queries import Channel
from channels.manual_tasks.models import PhoneRow
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from tenants import audit
from tenants.agencies.queries import Creator, Member, get_creator, list_creators, list_members
from tenants.agencies.rights import Right, has_right
from tenants.auth import sessions

PHONE_MAX_IDLE = timedelta(days=30)
"""Time after which an unused phone no longer receives tasks."""

SEEN_EVERY = timedelta(minutes=5)
NO_ASSIGNEE = "handover.nobody"
NO_ASSIGNEE_PHONE = "handover.nobody_at_all"
"""Reasons for a post to wait: no eligible member has a phone, or no member is eligible. Pairing a
phone ends both."""

_PAIR = """
INSERT INTO phones (tenant_id, id, member_id, name, seen_at) VALUES (:tenant, :id, :member,
:name, :now)
ON CONFLICT (tenant_id, member_id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at,
  updated_at = house_now()
"""


@dataclass(frozen=True)
class PairedPhone:
    """A member's phone; it receives tasks while `fresh`."""

    member_id: UUID
    name: str
    seen_at: datetime
    fresh: bool


@dataclass(frozen=True)
class TaskAssignees:
    """The members who may do the tasks of an account; `on_duty` are those with a paired phone."""

    able: Sequence[Member]
    on_duty: Sequence[Member]


NO_ASSIGNEES = TaskAssignees((), ())


def can_post_manually(member: Member) -> bool:
    """Return True if the member's role may post for creators."""
    return has_right(member.role, Right.RUN) or has_right(member.role, Right.APPROVE)


def is_assigned_to_creator(member: Member, creator: Creator) -> bool:
    """Return True if the member works for the creator."""
    return not member.creators or creator.slug in member.creators


def pair_phone(scope: Scope, member: Member, *, name: str = "") -> None:
    """Pair the member's phone. Posts that waited for an assignee may continue."""
    scope.run(
        _PAIR, tenant=scope.tenant_id, id=uuid7(), member=member.id, name=name[:80], now=scope.now
    )
    audit.record(scope, "phone.pair", f"member:{member.id}")
    for creator in list_creators(scope):
        for channel in (
            queries.list_creator_channels(scope, creator.id)
            if is_assigned_to_creator(member, creator)
            else ()
        ):
            if channel.is_manual:
                outbox.put(
                    scope,
                    ChannelConnected(scope.tenant_id, channel.id),
                    dedupe=f"connected:{channel.id}",
                )


def record_phone_use(scope: Scope, member_id: UUID) -> None:
    """Record that the member used a paired phone, at most every five minutes."""
    scope.run(
        "UPDATE phones SET seen_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND member_id = :member AND seen_at < :before",
        tenant=scope.tenant_id,
        member=member_id,
        now=scope.now,
        before=scope.now - SEEN_EVERY,
    )


def list_phones(scope: Scope) -> list[PairedPhone]:
    """Return all paired phones of the agency."""
    rows = scope.session.exec(
        select(PhoneRow)
        .where(PhoneRow.tenant_id == scope.tenant_id)
        .execution_options(populate_existing=True)
    )
    return [
        PairedPhone(row.member_id, row.name, row.seen_at, scope.now - row.seen_at < PHONE_MAX_IDLE)
        for row in rows
    ]


def find_phone(scope: Scope, member_id: UUID) -> PairedPhone | None:
    """Return the paired phone of a member, or None."""
    return next((phone for phone in list_phones(scope) if phone.member_id == member_id), None)


def unpair_phone(scope: Scope, member_id: UUID, *, keep_session: str = "") -> None:
    """Remove a lost or replaced phone of a member and end its sessions at once.

    A phone may have signed in by its code or with a password, so all sessions and sign-in links of
    the member end, except the session with the secret `keep_session`.
    """
    sessions.revoke_sessions(scope, member_id, but=keep_session)
    scope.run(
        "DELETE FROM phones WHERE tenant_id = :tenant AND member_id = :member",
        tenant=scope.tenant_id,
        member=member_id,
    )
    audit.record(scope, "phone.unpair", f"member:{member_id}")


def set_assignees(scope: Scope, channel_id: UUID, people: Collection[UUID]) -> None:
    """Assign the tasks of an account to these members; to all who work for the creator if empty.

    Raises NotFound; BadInput for a member who may not do them.
    """
    channel = queries.get_channel(scope, channel_id)
    creator = get_creator(scope, channel.creator_id)
    able = {member.id for member in _eligible_members(list_members(scope), creator)}
    if not set(people) <= able:
        raise BadInput("handover.not_theirs")
    scope.run(
        "UPDATE channels SET options = options || CAST(:people AS jsonb), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        people=canonical_json({"people": sorted(map(str, people))}).decode(),
    )


def assignees_by_channel(scope: Scope, channels: Sequence[Channel]) -> dict[UUID, TaskAssignees]:
    """Return the assignees of these accounts by account."""
    if not channels:
        return {}
    creators = {one.id: one for one in list_creators(scope)}
    members = list_members(scope)
    paired = {phone.member_id for phone in list_phones(scope) if phone.fresh}
    found = {}
    for channel in channels:
        chosen = set(channel.options.get("people") or ())
        able = _eligible_members(members, creators[channel.creator_id])
        could = [member for member in able if not chosen or str(member.id) in chosen]
        found[channel.id] = TaskAssignees(
            could, [member for member in could if member.id in paired]
        )
    return found


def assignees_of(scope: Scope, channel: Channel) -> TaskAssignees:
    """Return the assignees of an account."""
    return assignees_by_channel(scope, [channel])[channel.id]


def no_assignee_reason(scope: Scope, channel: Channel) -> Message | None:
    """Return the reason why an account has no assignee on duty, or None if it has or needs none."""
    if not channel.is_manual:
        return None
    found = assignees_of(scope, channel)
    if found.on_duty:
        return None
    names = ", ".join(member.name for member in found.able)
    if not names:
        return Message(NO_ASSIGNEE_PHONE, {"account": channel.name})
    return Message(NO_ASSIGNEE, {"account": channel.name, "people": names})


def _eligible_members(members: Iterable[Member], creator: Creator) -> list[Member]:
    return [
        one for one in members if can_post_manually(one) and is_assigned_to_creator(one, creator)
    ]
