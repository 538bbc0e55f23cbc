"""What the Messages page shows: the conversations of one member's creators, and the one they work
on."""

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
from subscribers.subscriptions.subscription_rows import Plan
from tenants.agencies.queries import Creator, list_members


@dataclass(frozen=True)
class SandboxChatLink:
    """Where one can write as a fan would, on a test network."""

    creator: str
    url: str


@dataclass(frozen=True)
class InboxView:
    """The list. `members` are names by id; `mark` changes when anything that is shown does."""

    now: datetime
    creators: Mapping[UUID, Creator]
    members: Mapping[UUID, str]
    groups: Mapping[InboxGroup, Sequence[InboxEntry]]
    windows: Sequence[SandboxChatLink]
    mark: str

    @property
    def conversation_order(self) -> list[UUID]:
        """The conversations from top to bottom."""
        return [row.id for rows in self.groups.values() for row in rows]


@dataclass(frozen=True)
class ConversationView:
    """The conversation a member works on. `kept` is their unsent text; `offers`, the closed list,
    and `saved_replies`, answers to use again, where they were asked."""

    now: datetime
    desk: ConversationDetail
    card: FanCard
    creator: Creator
    kept: str
    suggested: str
    """What a model wrote of it."""
    conflicts: Sequence[Message]
    """Why what they are writing would not leave as it stands."""
    offers: Sequence[OfferCandidate]
    plans: Sequence[Plan]
    """Subscriptions that may be shown, where offers were asked."""
    saved: Sequence[SavedReply]
    mine: bool
    heard: Mapping[int, CommentView]
    """In public, what was said by the number of its line, the newest first; nothing of a private
    one."""
    answers: Mapping[int, CommentAnswer]
    """In public, what we answered, by the number of its line."""
    acts: frozenset[str]
    can_answer: bool
    longest: int
    """Characters of an answer in public."""


def load_inbox(scope: Scope, page: PageContext, chosen: UUID | None) -> InboxView:
    """The list for this member, in the order of what it asks of them."""
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
    """One value that changes when the list, the open conversation or the minute does."""
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
    """A conversation of this member's creators; `about` is the comment that was chosen. Raises
    NotFound; anybody else's looks like nobody's."""
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
        mine=desk.member_id == me,
        heard={one.seq: one for one in heard},
        answers={one.seq: one for one in moderation.list_comment_answers(scope, conversation_id)}
        if desk.public
        else {},
        acts=can.moderates if desk.public else frozenset(),
        can_answer=COMMENT_REFERENCE in can.points_at,
        longest=moderation.max_answer_length(can, get_channel(scope, desk.channel_id).surface),
    )


def selected_comment(heard: Sequence[CommentView], about: UUID | None) -> CommentView | None:
    """The comment that was chosen, while it stands; else the newest that is open, or that
    stands."""
    there = actionable_comments(heard)
    return next((one for one in there if one.id == about), there[0] if there else None)


def actionable_comments(heard: Iterable[CommentView]) -> list[CommentView]:
    """What can still be answered or acted on: what is open first, the newest first."""
    return sorted(
        (one for one in heard if one.state != "deleted"),
        key=lambda one: (one.state != "open", -one.seq),
    )


def conversation_connector(scope: Scope, conversation_id: UUID) -> Connector:
    """The platform of a conversation, with the account's own limits. Raises NotFound."""
    return account_connectors.connector_for(
        platform_connectors(),
        get_channel(scope, conversation_rows.get_conversation(scope, conversation_id).channel_id),
    )


def conversation_creator(scope: Scope, page: PageContext, conversation_id: UUID) -> Creator:
    """The creator of a conversation this member may work on. Raises NotFound for all others
    alike."""
    try:
        return page.get_creator(scope, queries.creator_of_conversation(scope, conversation_id))
    except NotFound:
        raise NotFound("conversation.unknown") from None
