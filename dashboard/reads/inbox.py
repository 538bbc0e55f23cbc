"""What the Messages page shows: the conversations of one member's creators, and the one they work on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from channels import abilities
from channels import reads as channel_reads
from connectors.contract import Connector
from dashboard.frame import Page
from dashboard.reads.channels import connectors
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from gate import inforce
from gate.units import REMARK
from subscribers import answering, composing, inbox, public_desk, saved, subscriptions, talks
from subscribers.inbox import Card, Desk, Group, Row
from subscribers.offers import Candidate
from subscribers.public_desk import Answer, Heard
from subscribers.saved import Saved
from subscribers.subscribing import Plan
from tenants import reads as tenant_reads
from tenants.reads import Creator


@dataclass(frozen=True)
class Window:
    """Where one can write as a fan would, on a test network."""

    creator: str
    url: str


@dataclass(frozen=True)
class Inbox:
    """The list. `members` are names by id; `mark` changes when anything that is shown does."""

    now: datetime
    creators: Mapping[UUID, Creator]
    members: Mapping[UUID, str]
    groups: Mapping[Group, Sequence[Row]]
    windows: Sequence[Window]
    mark: str

    @property
    def order(self) -> list[UUID]:
        """The conversations from top to bottom."""
        return [row.id for rows in self.groups.values() for row in rows]


@dataclass(frozen=True)
class Opened:
    """The conversation a member works on. `kept` is their unsent text; `offers`, the closed list, and `saved`, answers
    to use again, where they were asked."""

    now: datetime
    desk: Desk
    card: Card
    creator: Creator
    kept: str
    suggested: str
    """What a model wrote of it."""
    conflicts: Sequence[Message]
    """Why what they are writing would not leave as it stands."""
    offers: Sequence[Candidate]
    plans: Sequence[Plan]
    """Subscriptions that may be shown, where offers were asked."""
    saved: Sequence[Saved]
    mine: bool
    heard: Mapping[int, Heard]
    """In public, what was said by the number of its line, the newest first; nothing of a private one."""
    answers: Mapping[int, Answer]
    """In public, what we answered, by the number of its line."""
    acts: frozenset[str]
    can_answer: bool
    longest: int
    """Characters of an answer in public."""


def listed(scope: Scope, page: Page, chosen: UUID | None) -> Inbox:
    """The list for this member, in the order of what it asks of them."""
    mine = {one.id: one for one in page.mine(scope)}
    found = inbox.rows(scope, list(mine))
    me, groups = page.who.member.id, dict[Group, list[Row]]()
    for group in Group:
        rows = [row for row in found if row.group(me, scope.now) is group]
        if rows:
            groups[group] = rows
    return Inbox(
        now=scope.now,
        creators=mine,
        members={one.id: one.name for one in tenant_reads.members(scope)},
        groups=groups,
        windows=[] if found else list(_windows(scope, mine)),
        mark=mark(scope, page, chosen, creators=list(mine)),
    )


def mark(scope: Scope, page: Page, chosen: UUID | None, *, creators: Sequence[UUID] | None = None) -> str:
    """One value that changes when the list, the open conversation or the minute does."""
    mine = creators if creators is not None else [one.id for one in page.mine(scope)]
    inside = inbox.thread_stamp(scope, chosen) if chosen is not None else ""
    return f"{inbox.stamp(scope, mine)} {inside} {scope.now:%H:%M}"


def _windows(scope: Scope, mine: Mapping[UUID, Creator]) -> Iterator[Window]:
    rules = inforce.rules(scope)
    for channel in channel_reads.every_channel(scope):
        if channel.creator_id in mine and channel.chat_surface and rules.is_test_network(channel.platform):
            yield Window(mine[channel.creator_id].name, f"{channel.base_url}/c/{quote(channel.account, safe='+')}")


def opened(
    scope: Scope, page: Page, conversation_id: UUID, *, offering: bool, listing: bool, about: UUID | None = None
) -> Opened:
    """A conversation of this member's creators; `about` is the comment that was chosen. Raises NotFound; anybody else's
    looks like nobody's."""
    me = page.who.member.id
    creator = whose(scope, page, conversation_id)
    desk = inbox.desk(scope, conversation_id, me)
    kept = composing.text_of(scope, conversation_id, me)
    heard = public_desk.heard(scope, conversation_id) if desk.public else []
    there, chosen = platform(scope, conversation_id), chosen_of(heard, about)
    can = there.capabilities
    return Opened(
        now=scope.now,
        desk=desk,
        card=inbox.card(scope, desk),
        creator=creator,
        kept=kept,
        suggested=composing.suggested_of(scope, conversation_id, me),
        conflicts=public_desk.conflicts(scope, chosen.id, me, kept, can=can)
        if chosen is not None
        else answering.conflicts(scope, conversation_id, me, kept, there=there),
        offers=answering.closed_list(scope, talks.read(scope, conversation_id)) if offering else (),
        plans=subscriptions.choice(scope, talks.read(scope, conversation_id)) if offering else (),
        saved=saved.of(scope, talks.read(scope, conversation_id)) if listing else (),
        mine=desk.member_id == me,
        heard={one.seq: one for one in heard},
        answers={one.seq: one for one in public_desk.answers(scope, conversation_id)} if desk.public else {},
        acts=can.moderates if desk.public else frozenset(),
        can_answer=REMARK in can.points_at,
        longest=public_desk.longest(can, channel_reads.channel(scope, desk.channel_id).surface),
    )


def chosen_of(heard: Sequence[Heard], about: UUID | None) -> Heard | None:
    """The comment that was chosen, while it stands; else the newest that is open, or that stands."""
    there = standing(heard)
    return next((one for one in there if one.id == about), there[0] if there else None)


def standing(heard: Iterable[Heard]) -> list[Heard]:
    """What can still be answered or acted on: what is open first, the newest first."""
    return sorted((one for one in heard if one.state != "deleted"), key=lambda one: (one.state != "open", -one.seq))


def platform(scope: Scope, conversation_id: UUID) -> Connector:
    """The platform of a conversation, with the account's own limits. Raises NotFound."""
    return abilities.of(connectors(), channel_reads.channel(scope, talks.read(scope, conversation_id).channel_id))


def whose(scope: Scope, page: Page, conversation_id: UUID) -> Creator:
    """The creator of a conversation this member may work on. Raises NotFound for all others alike."""
    try:
        return page.my(scope, inbox.creator_of(scope, conversation_id))
    except NotFound:
        raise NotFound("conversation.unknown") from None
