"""Queries of the inbox: the conversations of a member's creators and the open conversation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from channels.accounts import account_connectors
from channels.accounts.queries import get_channel, list_channels
from connectors.contract.connector import Connector
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
from subscribers.inbox import member_actions, queries, saved_replies
from subscribers.inbox.queries import ConversationDetail, FanCard, InboxEntry, InboxGroup
from subscribers.inbox.saved_replies import SavedReply
from subscribers.memory import facts, recall
from subscribers.memory.facts import FanFact
from subscribers.replies.autonomy import AutonomyLevel, current_level
from subscribers.subscriptions.subscription_rows import Plan
from tenants.agencies.queries import Creator, list_members


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
    members: Mapping[UUID, str]
    groups: Mapping[InboxGroup, Sequence[InboxEntry]]
    windows: Sequence[SandboxChatLink]
    mark: str

    @property
    def conversation_order(self) -> list[UUID]:
        """IDs of the conversations from top to bottom."""
        return [row.id for rows in self.groups.values() for row in rows]


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


def load_inbox(scope: Scope, page: PageContext, chosen: UUID | None) -> InboxView:
    """Return the list of conversations, grouped by the attention they need from this member."""
    mine = {one.id: one for one in page.list_creators(scope)}
    found = queries.list_inbox(scope, list(mine))
    me = page.viewer.member.id
    groups = dict[InboxGroup, list[InboxEntry]]()
    for group in InboxGroup:
        rows = [row for row in found if row.group(me, scope.now) is group]
        if rows:
            groups[group] = rows
    return InboxView(
        now=scope.now,
        creators=mine,
        members={one.id: one.name for one in list_members(scope)},
        groups=groups,
        windows=[] if found else list(_list_sandbox_chat_links(scope, mine)),
        mark=change_marker(scope, page, chosen, creators=list(mine)),
    )


def change_marker(
    scope: Scope, page: PageContext, chosen: UUID | None, *, creators: Sequence[UUID] | None = None
) -> str:
    """Return a value that changes with the list, the open conversation or the minute."""
    mine = creators if creators is not None else [one.id for one in page.list_creators(scope)]
    inside = queries.conversation_stamp(scope, chosen) if chosen is not None else ""
    return f"{queries.inbox_stamp(scope, mine)} {inside} {scope.now:%H:%M}"


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
    desk = queries.load_conversation_desk(scope, conversation_id, me)
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
