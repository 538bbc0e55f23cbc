"""Who does what is handed over: members with a paired phone, and what is said when there is nobody."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select

from channels import reads
from channels.events import ChannelConnected
from channels.models import PhoneRow
from channels.reads import Channel
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.words import Message, canonical
from tenants import audit
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member
from tenants.roles import Right, may

FRESH = timedelta(days=30)
"""A phone nobody opened these pages on for so long is nobody's any more."""

SEEN_EVERY = timedelta(minutes=5)
NOBODY, NOBODY_YET = "handover.nobody", "handover.nobody_at_all"
"""Why a post waits: nobody of those who could has a phone, or nobody could at all. Both end when a phone is paired."""

_PAIR = """
INSERT INTO phones (tenant_id, id, member_id, name, seen_at) VALUES (:tenant, :id, :member, :name, :now)
ON CONFLICT (tenant_id, member_id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at,
  updated_at = house_now()
"""


@dataclass(frozen=True)
class Phone:
    """A member's phone; `fresh` while tasks are given to it."""

    member_id: UUID
    name: str
    seen_at: datetime
    fresh: bool


@dataclass(frozen=True)
class Crew:
    """Who may do the tasks of an account, with a phone or without; `on_duty` are those of them who have one."""

    able: Sequence[Member]
    on_duty: Sequence[Member]


NO_CREW = Crew((), ())


def works_by_hand(member: Member) -> bool:
    """Whether the member's role posts for creators."""
    return may(member.role, Right.RUN) or may(member.role, Right.APPROVE)


def works_for(member: Member, creator: Creator) -> bool:
    """Whether the creator is one of the member's."""
    return not member.creators or creator.slug in member.creators


def pair(scope: Scope, member: Member, *, name: str = "") -> None:
    """This member's phone opens the pages: what waited for somebody on duty may go on."""
    scope.run(_PAIR, tenant=scope.tenant_id, id=uuid7(), member=member.id, name=name[:80], now=scope.now)
    audit.note(scope, "phone.pair", f"member:{member.id}")
    for creator in tenant_reads.creators(scope):
        for channel in reads.channels_of(scope, creator.id) if works_for(member, creator) else ():
            if channel.hand_over:
                outbox.put(scope, ChannelConnected(scope.tenant_id, channel.id), dedupe=f"connected:{channel.id}")


def seen(scope: Scope, member_id: UUID) -> None:
    """The member opened the pages on a paired phone; written down at most every five minutes."""
    scope.run(
        "UPDATE phones SET seen_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND member_id = :member AND seen_at < :before",
        tenant=scope.tenant_id,
        member=member_id,
        now=scope.now,
        before=scope.now - SEEN_EVERY,
    )


def phones(scope: Scope) -> list[Phone]:
    """Every paired phone of the agency."""
    rows = scope.session.exec(
        select(PhoneRow).where(PhoneRow.tenant_id == scope.tenant_id).execution_options(populate_existing=True)
    )
    return [Phone(row.member_id, row.name, row.seen_at, scope.now - row.seen_at < FRESH) for row in rows]


def unpair(scope: Scope, member_id: UUID) -> None:
    """The member's phone is lost or given away; ending their sessions is `tenants.login.revoke`."""
    scope.run(
        "DELETE FROM phones WHERE tenant_id = :tenant AND member_id = :member",
        tenant=scope.tenant_id,
        member=member_id,
    )
    audit.note(scope, "phone.unpair", f"member:{member_id}")


def entrust(scope: Scope, channel_id: UUID, people: Collection[UUID]) -> None:
    """Give an account's tasks to these members alone; to all who work for the creator when there is none.

    Raises NotFound; BadInput for somebody who may not do them.
    """
    channel = reads.channel(scope, channel_id)
    creator = tenant_reads.creator(scope, channel.creator_id)
    able = {member.id for member in _able(tenant_reads.members(scope), creator)}
    if not set(people) <= able:
        raise BadInput("handover.not_theirs")
    scope.run(
        "UPDATE channels SET options = options || CAST(:people AS jsonb), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        people=canonical({"people": sorted(map(str, people))}).decode(),
    )


def crews(scope: Scope, channels: Sequence[Channel]) -> dict[UUID, Crew]:
    """Who may do the tasks of each of these accounts, by account; read at once."""
    if not channels:
        return {}
    creators = {one.id: one for one in tenant_reads.creators(scope)}
    members = tenant_reads.members(scope)
    paired = {phone.member_id for phone in phones(scope) if phone.fresh}
    found = {}
    for channel in channels:
        chosen = set(channel.options.get("people") or ())
        able = _able(members, creators[channel.creator_id])
        could = [member for member in able if not chosen or str(member.id) in chosen]
        found[channel.id] = Crew(could, [member for member in could if member.id in paired])
    return found


def crew(scope: Scope, channel: Channel) -> Crew:
    """The same of one account."""
    return crews(scope, [channel])[channel.id]


def nobody(scope: Scope, channel: Channel) -> Message | None:
    """Why nothing can be handed over to anybody on this account; None when somebody is there."""
    if not channel.hand_over:
        return None
    found = crew(scope, channel)
    if found.on_duty:
        return None
    names = ", ".join(member.name for member in found.able)
    if not names:
        return Message(NOBODY_YET, {"account": channel.name})
    return Message(NOBODY, {"account": channel.name, "people": names})


def _able(members: Iterable[Member], creator: Creator) -> list[Member]:
    return [one for one in members if works_by_hand(one) and works_for(one, creator)]
