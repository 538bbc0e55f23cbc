"""What people say under a creator's posts and about them: a conversation in everybody's sight,
which people answer.

No model answers by itself here, no notice is posted and nothing is offered: members decide what
stands in public.
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
"""What was said longer ago when it is first heard is history: a new account would bring in years of
it."""

MAX_NAME_LENGTH = 200
MAX_ID_LENGTH = 500
MAX_ADDRESS_LENGTH = 2000
UNHEARD = timedelta(days=1)
"""After so long without a reading the members are told: an account let in before the right was
asked for has none."""

NOBODY_TELLS = timedelta(days=1)
"""When an account is looked at again whose platform tells nothing of the kind: its connector may
have learned to."""

HURRIED = timedelta(minutes=2)
ONCE_MORE = timedelta(minutes=15)
"""How long calls about an account are gathered before it is asked, and asked again: it may tell
late. A reading takes five requests at most, and Instagram allows 200 an hour: calls alone never use
them up."""

SELDOM = 6
"""So many times as long an account is left alone that is called about, where a reading came to its
end."""


class FetchComments(Protocol):
    """Fetch the next page of comments; None where the platform lists none. No transaction is
    open."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, /
    ) -> tuple[Channel, CommentPage] | None: ...


def schedule_comment_readings(scope: Scope) -> None:
    """Put a question for each account that it is time to ask; one that waits already is not put
    twice."""
    for channel_id in comments.accounts_due_for_comments(scope):
        outbox.put(scope, CommentsDue(scope.tenant_id, channel_id), dedupe=f"remarks:{channel_id}")


def expedite_comment_reading(scope: Scope, channel_id: UUID) -> None:
    """Somebody said something: it is asked for within two minutes, however much there is of it."""
    for gathered in (HURRIED, ONCE_MORE):
        put_coalesced(scope, CommentsDue(scope.tenant_id, channel_id), within=gathered)


def receive_comments(
    event: CommentsDue, *, tenant: OpenScope, ask: FetchComments, every: Mapping[str, timedelta]
) -> None:
    """Ask an account what was said there, and keep it: each remark in a transaction of its own, the
    cursor last.

    `every` says how long each platform is left alone between two questions; one that is missing
    tells nothing.
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
    """Say, once, that an account's comments cannot be read, and no more once they are."""
    cause = f"remarks:{channel.id}"
    if not deaf:
        notices.close(scope, cause)
    elif not notices.has_been_notified(scope, cause):
        told = Message("remark.unheard", {"account": channel.name})
        notices.put(scope, told, cause=cause, creator_id=channel.creator_id)


def receive_comment(scope: Scope, channel: Channel, said: Comment) -> None:
    """Take in one remark; the same one a second time changes nothing, and what is a week old is
    left alone."""
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
    """Where people find a remark; "" for anything that a browser would take for something else."""
    url = conversation_rows.clean_stored_text(told)
    return url if url.startswith(("https://", "http://")) and len(url) <= MAX_ADDRESS_LENGTH else ""


def _is_known(scope: Scope, channel_id: UUID, native_id: str) -> bool:
    """Whether it was heard before; of somebody who is forgotten too: readings overlap."""
    digest = hashlib.sha256(f"{channel_id}:{native_id}".encode()).hexdigest()
    found = scope.run(
        "SELECT 1 FROM remarks WHERE tenant_id = :tenant AND channel_id = :channel AND native_id "
        "= ANY(:names)",
        tenant=scope.tenant_id,
        channel=channel_id,
        names=[native_id, f"{directory.ERASED_ID_PREFIX}{digest}"],
    ).scalar()
    return bool(found)
