"""Intake of comments under a creator's posts and mentions: each author has a public conversation
that members answer.

No model answers here automatically, no disclosure is posted and nothing is offered: members decide
what is published.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.listening import comments, webhook_subscriptions
from connectors.contract.comments import MAX_COMMENT_LENGTH, Comment, CommentPage
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from foundation.outbox.outbox import put_coalesced
from gate.evidence import received_comments
from subscribers.comments.events import CommentsDue
from subscribers.conversations import conversation_rows, text_signals
from subscribers.conversations.comment_rows import COMMENT_KIND, PUBLIC_CONVERSATION
from subscribers.conversations.message_context import MessageReading
from subscribers.conversations.models import PublicComment
from subscribers.conversations.states import OwnerState
from subscribers.fans import directory
from subscribers.safety import escalation
from tenants.notices import notices

HEARING = "system:remarks"

MAX_COMMENT_AGE = timedelta(days=7)
"""Maximum age of a comment when it is first fetched; a new account would otherwise import years of
comments."""

MAX_NAME_LENGTH = 200
MAX_ID_LENGTH = 500
MAX_ADDRESS_LENGTH = 2000
UNHEARD = timedelta(days=1)
"""Time without a successful reading after which members are notified, for example if the account
was connected before the permission was requested."""

NOBODY_TELLS = timedelta(days=1)
"""Interval at which accounts of a platform without comments are checked, because its connector may
support comments later."""

HURRIED = timedelta(minutes=2)
ONCE_MORE = timedelta(minutes=15)
"""`HURRIED` and `ONCE_MORE` are the delays from a webhook call to the first and to the second
reading. The second is needed because the platform may list a comment late.

A reading takes at most five requests, and Instagram allows 200 an hour, so webhook calls alone
never use them up.
"""

SELDOM = 6
"""Factor by which the interval of readings grows for an account with webhook calls, after a
complete reading."""


class FetchComments(Protocol):
    """Fetch the next page of comments, outside any transaction. Return None if the platform lists
    none."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, /
    ) -> tuple[Channel, CommentPage] | None: ...


def schedule_comment_readings(scope: Scope) -> None:
    """Schedule a reading for each account that is due; an account with a pending reading gets no
    second one."""
    for channel_id in comments.accounts_due_for_comments(scope):
        outbox.put(scope, CommentsDue(scope.tenant_id, channel_id), dedupe=f"remarks:{channel_id}")


def expedite_comment_reading(scope: Scope, channel_id: UUID) -> None:
    """Schedule readings after a new comment, within two minutes and again later, however many
    comments arrive."""
    for gathered in (HURRIED, ONCE_MORE):
        put_coalesced(scope, CommentsDue(scope.tenant_id, channel_id), within=gathered)


def receive_comments(
    event: CommentsDue, *, tenant: OpenScope, ask: FetchComments, every: Mapping[str, timedelta]
) -> None:
    """Fetch the comments of an account and store each in a separate transaction, the cursor last.

    `every` maps platforms to the interval of readings; a missing platform has no comments.
    """
    told = ask(event.tenant_id, event.subject_id)
    if told is not None:
        for said in told[1].found:
            with tenant(event.tenant_id, HEARING) as scope:
                receive_comment(scope, told[0], said)
    with tenant(event.tenant_id, HEARING) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        after = told[1].cursor if told is not None else None
        again = every.get(channel.platform, NOBODY_TELLS)
        if (
            told is not None
            and not told[1].more
            and webhook_subscriptions.has_recent_calls(scope, channel.id)
        ):
            again *= SELDOM
        last = comments.acknowledge_comments(scope, channel.id, after, again=again)
        if channel.platform in every:
            _notify_unreadable(scope, channel, deaf=scope.now - last > UNHEARD)


def _notify_unreadable(scope: Scope, channel: Channel, *, deaf: bool) -> None:
    """Notify members once that an account's comments cannot be read, and close the notice when they
    can."""
    cause = f"remarks:{channel.id}"
    if not deaf:
        notices.close(scope, cause)
    elif not notices.has_been_notified(scope, cause):
        told = Message("remark.unheard", {"account": channel.name})
        notices.put(scope, told, cause=cause, creator_id=channel.creator_id)


def receive_comment(scope: Scope, channel: Channel, said: Comment) -> None:
    """Store a comment. A known comment or one older than `MAX_COMMENT_AGE` is ignored."""
    native_id = conversation_rows.clean_stored_text(said.native_id)
    author = conversation_rows.clean_stored_text(said.author)
    text = conversation_rows.clean_stored_text(said.text)[:MAX_COMMENT_LENGTH]
    old = said.at is not None and scope.now - said.at > MAX_COMMENT_AGE
    named = 0 < len(native_id) <= MAX_ID_LENGTH and 0 < len(author) <= MAX_ID_LENGTH
    if not named or old or _is_known(scope, channel.id, native_id):
        return
    fan = directory.find_or_create_fan(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=author,
        handle=conversation_rows.clean_stored_text(said.handle)[:MAX_NAME_LENGTH],
        said=text,
    )
    minor = text_signals.has_minor_signal(scope, channel.platform, author, MessageReading(text))
    talk = conversation_rows.find_or_create_conversation(
        scope, fan, channel, kind=PUBLIC_CONVERSATION
    )
    if not conversation_rows.record_fan_line(
        scope, talk, native_id=native_id, kind=COMMENT_KIND, body=text
    ):
        return
    scope.add(
        PublicComment(
            tenant_id=scope.tenant_id,
            creator_id=channel.creator_id,
            conversation_id=talk.id,
            channel_id=channel.id,
            seq=talk.last_seq,
            native_id=native_id,
            under=conversation_rows.clean_stored_text(said.under)[:MAX_ID_LENGTH],
            url=_clean_address(said.url),
            said_at=said.at,
            state="open",
        )
    )
    received_comments.record_received_comment(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        platform=channel.platform,
        native_id=native_id,
        author=author,
    )
    if OwnerState(talk.owner) is OwnerState.CLOSED:
        conversation_rows.change_owner(scope, talk, OwnerState.PENDING_HUMAN, None)
    if minor:
        escalation.escalate_minor(scope, talk, fan, text)
    if text_signals.has_crisis_signal(scope, text):
        escalation.escalate_crisis(scope, talk, text)


def _clean_address(told: str) -> str:
    """Return the URL of a comment, or "" for anything but an http(s) URL."""
    url = conversation_rows.clean_stored_text(told)
    return url if url.startswith(("https://", "http://")) and len(url) <= MAX_ADDRESS_LENGTH else ""


def _is_known(scope: Scope, channel_id: UUID, native_id: str) -> bool:
    """Return True if the comment is already recorded, even for an erased fan. Readings overlap, so
    comments are fetched repeatedly."""
    digest = hashlib.sha256(f"{channel_id}:{native_id}".encode()).hexdigest()
    found = scope.run(
        "SELECT 1 FROM remarks WHERE tenant_id = :tenant AND channel_id = :channel AND native_id "
        "= ANY(:names)",
        tenant=scope.tenant_id,
        channel=channel_id,
        names=[native_id, f"{directory.ERASED_ID_PREFIX}{digest}"],
    ).scalar()
    return bool(found)
