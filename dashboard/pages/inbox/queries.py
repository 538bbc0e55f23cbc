"""Queries of the inbox: the conversations of a member's creators and the open conversation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from channels.accounts import account_connectors
from channels.accounts.queries import Channel, get_channel, list_channels
from connectors.contract.connector import Connector
from dashboard.pages.inbox.fan_predictions import FanPredictions, load_fan_predictions
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from gate.contract.units import COMMENT_REFERENCE
from gate.policy import active_policy
from subscribers.catalog.offers import OfferCandidate
from subscribers.checkout import monthly_payments
from subscribers.comments import moderation
from subscribers.comments.moderation import CommentAnswer, CommentView
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.inbox import (
    conversation_list,
    member_actions,
    queries,
    read_state,
    saved_replies,
)
from subscribers.inbox.conversation_list import InboxEntry, InboxFilter, InboxGroup
from subscribers.inbox.queries import ConversationDetail, FanCard
from subscribers.inbox.saved_replies import SavedReply
from subscribers.memory import facts, recall
from subscribers.memory.facts import FanFact
from subscribers.replies.autonomy import AutonomyLevel, current_level
from subscribers.subscriptions.subscription_rows import Plan
from tenants.agencies.queries import Creator, list_members
from tenants.presence import presence
from tenants.presence.presence import Presence, PresenceSubject


@dataclass(frozen=True)
class SandboxChatLink:
    """A page of the sandbox on which to write as a fan."""

    creator: str
    url: str


@dataclass(frozen=True)
class InboxView:
    """The list of conversations. `members` maps IDs to names; `mark` changes when any displayed
    value does."""

    now: datetime
    creators: Mapping[UUID, Creator]
    channels: Mapping[UUID, Channel]
    """Accounts of these creators with chats or comments, in the order of the list."""
    members: Mapping[UUID, str]
    wanted: InboxFilter
    groups: Mapping[InboxGroup, Sequence[InboxEntry]]
    """Conversations by the attention they need; empty in a filtered list."""
    results: Sequence[InboxEntry]
    """Conversations of a filtered list, newest first."""
    has_more: bool
    """True if more conversations match the filter."""
    unread: int
    present: Mapping[UUID, Sequence[Presence]]
    """Other members who have a conversation open, keyed by conversation."""
    windows: Sequence[SandboxChatLink]
    mark: str

    @property
    def conversation_order(self) -> list[UUID]:
        """IDs of the conversations from top to bottom."""
        return [row.id for rows in (*self.groups.values(), self.results) for row in rows]


@dataclass(frozen=True)
class ConversationView:
    """The open conversation. `kept` is the member's unsent text. `offers` (the closed list) and
    `saved` are loaded only on request."""

    now: datetime
    desk: ConversationDetail
    card: FanCard
    creator: Creator
    kept: str
    suggested: str
    """The part of the unsent text that a model wrote."""
    conflicts: Sequence[Message]
    """Reasons why the unsent text could not be sent as it is."""
    offers: Sequence[OfferCandidate]
    plans: Sequence[Plan]
    """Subscriptions that can be offered, loaded with `offers`."""
    saved: Sequence[SavedReply]
    memories: Sequence[FanFact]
    """Facts that the fan stated about themselves."""
    predictions: FanPredictions
    summary: str
    """The summary of the conversation; empty without one."""
    mine: bool
    autonomy: AutonomyLevel | None
    """The autonomy of the creator's bot, None without a persona."""
    heard: Mapping[int, CommentView]
    """In a public conversation, comments keyed by line number, newest first. Empty in a private
    one."""
    answers: Mapping[int, CommentAnswer]
    """In a public conversation, the agency's replies, keyed by line number."""
    acts: frozenset[str]
    can_answer: bool
    longest: int
    """Maximum number of characters in a public reply."""


def load_inbox(
    scope: Scope,
    page: PageContext,
    chosen: UUID | None,
    wanted: InboxFilter,
    *,
    most: int = conversation_list.RESULTS,
) -> InboxView:
    """Return the list of conversations: grouped by the attention they need from this member, or the
    results of a filter."""
    mine = {one.id: one for one in page.list_creators(scope)}
    me = page.viewer.member.id
    found = conversation_list.list_inbox(scope, list(mine), member_id=me, wanted=wanted, most=most)
    groups = dict[InboxGroup, list[InboxEntry]]()
    for group in () if wanted.is_active else InboxGroup:
        rows = [row for row in found if row.group(me, scope.now) is group]
        if rows:
            groups[group] = rows
    present = presence.list_presences(scope, me, "conversation", mine)
    return InboxView(
        now=scope.now,
        creators=mine,
        channels={one.id: one for one in list_channels(scope) if one.creator_id in mine},
        members={one.id: one.name for one in list_members(scope)},
        wanted=wanted,
        groups=groups,
        results=found if wanted.is_active else (),
        has_more=wanted.is_active and most == len(found) < conversation_list.MAX_RESULTS,
        unread=read_state.count_unread(scope, me, mine),
        present=present,
        windows=[] if found or wanted.is_active else list(_list_sandbox_chat_links(scope, mine)),
        mark=_build_mark(scope, chosen, list(mine), present),
    )


def open_conversation(scope: Scope, page: PageContext, conversation_id: UUID) -> None:
    """Record that the member has a conversation open: it is read, and other members see it. Raise
    NotFound if it is unknown or the member does not work for the creator."""
    creator = conversation_creator(scope, page, conversation_id)
    me = page.viewer.member.id
    read_state.mark_read(scope, conversation_id, me)
    here = PresenceSubject("conversation", conversation_id, creator.id)
    presence.record_presence(scope, me, here)


def renew_presence(scope: Scope, page: PageContext, chosen: UUID | None) -> str:
    """Renew the member's presence on the open conversation, and return a value that changes with
    the list, the open conversation, other members' presence or the minute."""
    if chosen is not None:
        creator = conversation_creator(scope, page, chosen)
        here = PresenceSubject("conversation", chosen, creator.id)
        presence.record_presence(scope, page.viewer.member.id, here)
    mine = [one.id for one in page.list_creators(scope)]
    present = presence.list_presences(scope, page.viewer.member.id, "conversation", mine)
    return _build_mark(scope, chosen, mine, present)


def _build_mark(
    scope: Scope,
    chosen: UUID | None,
    mine: Sequence[UUID],
    present: Mapping[UUID, Sequence[Presence]],
) -> str:
    inside = queries.conversation_stamp(scope, chosen) if chosen is not None else ""
    stamp = conversation_list.inbox_stamp(scope, mine)
    return f"{stamp} {inside} {sorted(present.items())} {scope.now:%H:%M}"


def _list_sandbox_chat_links(
    scope: Scope, mine: Mapping[UUID, Creator]
) -> Iterator[SandboxChatLink]:
    rules = active_policy.current_bundle(scope)
    for channel in list_channels(scope):
        if (
            channel.creator_id in mine
            and channel.chat_surface
            and rules.is_test_network(channel.platform)
        ):
            yield SandboxChatLink(
                mine[channel.creator_id].name,
                f"{channel.base_url}/c/{quote(channel.account, safe='+')}",
            )


def load_conversation(
    scope: Scope,
    page: PageContext,
    conversation_id: UUID,
    *,
    offering: bool,
    listing: bool,
    about: UUID | None = None,
) -> ConversationView:
    """Return a conversation of one of the member's creators. `about` is the selected comment.

    Raise NotFound for any other conversation, so that the response does not reveal whether it
    exists.
    """
    me = page.viewer.member.id
    creator = conversation_creator(scope, page, conversation_id)
    desk = queries.load_conversation_desk(scope, conversation_id)
    kept = unsent_text.load_unsent_text(scope, conversation_id, me)
    heard = moderation.list_comments_of_conversation(scope, conversation_id) if desk.public else []
    there = conversation_connector(scope, conversation_id)
    chosen = selected_comment(heard, about)
    can = there.capabilities
    return ConversationView(
        now=scope.now,
        desk=desk,
        card=queries.load_fan_card(scope, desk),
        creator=creator,
        kept=kept,
        suggested=unsent_text.load_suggested_text(scope, conversation_id, me),
        conflicts=moderation.check_comment_answer(scope, chosen.id, me, kept, can=can)
        if chosen is not None
        else member_actions.check_member_reply(scope, conversation_id, me, kept, there=there),
        offers=member_actions.list_offers_for_conversation(
            scope, conversation_rows.get_conversation(scope, conversation_id)
        )
        if offering
        else (),
        plans=monthly_payments.list_offerable_plans(
            scope, conversation_rows.get_conversation(scope, conversation_id)
        )
        if offering
        else (),
        saved=saved_replies.list_saved_replies(
            scope, conversation_rows.get_conversation(scope, conversation_id)
        )
        if listing
        else (),
        memories=facts.list_facts(scope, desk.fan_id),
        predictions=load_fan_predictions(scope, creator.id, desk.fan_id),
        summary=recall.load_summary(scope, conversation_id),
        mine=desk.member_id == me,
        autonomy=current_level(scope, creator.id),
        heard={one.seq: one for one in heard},
        answers={one.seq: one for one in moderation.list_comment_answers(scope, conversation_id)}
        if desk.public
        else {},
        acts=can.moderates if desk.public else frozenset(),
        can_answer=COMMENT_REFERENCE in can.points_at,
        longest=moderation.max_answer_length(can, get_channel(scope, desk.channel_id).surface),
    )


def selected_comment(heard: Sequence[CommentView], about: UUID | None) -> CommentView | None:
    """Return the selected comment if it still exists, otherwise the newest open one, otherwise the
    newest."""
    there = actionable_comments(heard)
    return next((one for one in there if one.id == about), there[0] if there else None)


def actionable_comments(heard: Iterable[CommentView]) -> list[CommentView]:
    """Return the comments that can be answered or moderated, open ones first, then newest first."""
    return sorted(
        (one for one in heard if one.state != "deleted"),
        key=lambda one: (one.state != "open", -one.seq),
    )


def conversation_connector(scope: Scope, conversation_id: UUID) -> Connector:
    """Return the connector of a conversation with the limits of its account. Raise NotFound for an
    unknown conversation."""
    return account_connectors.connector_for(
        platform_connectors(),
        get_channel(scope, conversation_rows.get_conversation(scope, conversation_id).channel_id),
    )


def conversation_creator(scope: Scope, page: PageContext, conversation_id: UUID) -> Creator:
    """Return the creator of a conversation. Raise NotFound if it is unknown or the member does not
    work for the creator."""
    try:
        return page.get_creator(scope, queries.creator_of_conversation(scope, conversation_id))
    except NotFound:
        raise NotFound("conversation.unknown") from None
