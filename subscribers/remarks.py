"""What people say under a creator's posts and about them: a conversation in everybody's sight, which people answer.

No model answers by itself here, no notice is posted and nothing is offered: members decide what stands in public.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from channels import reads as channel_reads
from channels import remarks as asking
from channels import subscribing
from channels.reads import Channel
from connectors.remarks import LONGEST, Remarks
from connectors.remarks import Remark as Said
from foundation import outbox, outbox_soon
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate import remarks as gate_remarks
from subscribers import directory, safety, signals, talks
from subscribers.events import RemarksDue
from subscribers.heard import Reading
from subscribers.models import Remark
from subscribers.remark_rows import KIND, PUBLIC
from subscribers.states import OwnerState
from tenants import notices

HEARING = "system:remarks"

OLDEST = timedelta(days=7)
"""What was said longer ago when it is first heard is history: a new account would bring in years of it."""

LONGEST_NAME, LONGEST_ID, LONGEST_ADDRESS = 200, 500, 2000
UNHEARD = timedelta(days=1)
"""After so long without a reading the members are told: an account let in before the right was asked for has none."""

NOBODY_TELLS = timedelta(days=1)
"""When an account is looked at again whose platform tells nothing of the kind: its connector may have learned to."""

HURRIED, ONCE_MORE = timedelta(minutes=2), timedelta(minutes=15)
"""How long calls about an account are gathered before it is asked, and asked again: it may tell late. A reading takes
five requests at most, and Instagram allows 200 an hour: calls alone never use them up."""

SELDOM = 6
"""So many times as long an account is left alone that is called about, where a reading came to its end."""

Ask = Callable[[UUID, UUID], tuple[Channel, Remarks] | None]
"""`(tenant, channel)` → the account and what was said there; None where nobody tells. No transaction is open."""


def plan(scope: Scope) -> None:
    """Put a question for each account that it is time to ask; one that waits already is not put twice."""
    for channel_id in asking.due(scope):
        outbox.put(scope, RemarksDue(scope.tenant_id, channel_id), dedupe=f"remarks:{channel_id}")


def hurry(scope: Scope, channel_id: UUID) -> None:
    """Somebody said something: it is asked for within two minutes, however much there is of it."""
    for gathered in (HURRIED, ONCE_MORE):
        outbox_soon.put(scope, RemarksDue(scope.tenant_id, channel_id), within=gathered)


def hear(event: RemarksDue, *, tenant: OpenScope, ask: Ask, every: Mapping[str, timedelta]) -> None:
    """Ask an account what was said there, and keep it: each remark in a transaction of its own, the cursor last.

    `every` says how long each platform is left alone between two questions; one that is missing tells nothing.
    """
    told = ask(event.tenant_id, event.subject_id)
    if told is not None:
        for said in told[1].found:
            with tenant(event.tenant_id, HEARING) as scope:
                receive(scope, told[0], said)
    with tenant(event.tenant_id, HEARING) as scope:
        channel = channel_reads.channel(scope, event.subject_id)
        after = told[1].cursor if told is not None else None
        again = every.get(channel.platform, NOBODY_TELLS)
        if told is not None and not told[1].more and subscribing.comes(scope, channel.id):
            again *= SELDOM
        last = asking.acknowledge(scope, channel.id, after, again=again)
        if channel.platform in every:
            _tell(scope, channel, deaf=scope.now - last > UNHEARD)


def _tell(scope: Scope, channel: Channel, *, deaf: bool) -> None:
    """Say, once, that an account's comments cannot be read, and no more once they are."""
    cause = f"remarks:{channel.id}"
    if not deaf:
        notices.settle(scope, cause)
    elif not notices.known(scope, cause):
        told = Message("remark.unheard", {"account": channel.name})
        notices.put(scope, told, cause=cause, creator_id=channel.creator_id)


def receive(scope: Scope, channel: Channel, said: Said) -> None:
    """Take in one remark; the same one a second time changes nothing, and what is a week old is left alone."""
    native_id, author, text = talks.kept(said.native_id), talks.kept(said.author), talks.kept(said.text)[:LONGEST]
    old = said.at is not None and scope.now - said.at > OLDEST
    named = 0 < len(native_id) <= LONGEST_ID and 0 < len(author) <= LONGEST_ID
    if not named or old or _known(scope, channel.id, native_id):
        return
    fan = directory.find_or_add(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=author,
        handle=talks.kept(said.handle)[:LONGEST_NAME],
        said=text,
    )
    minor = signals.minor(scope, channel.platform, author, Reading(text))
    talk = talks.opened(scope, fan, channel, kind=PUBLIC)
    if not talks.heard(scope, talk, native_id=native_id, kind=KIND, body=text):
        return
    scope.add(
        Remark(
            tenant_id=scope.tenant_id,
            creator_id=channel.creator_id,
            conversation_id=talk.id,
            channel_id=channel.id,
            seq=talk.last_seq,
            native_id=native_id,
            under=talks.kept(said.under)[:LONGEST_ID],
            url=_address(said.url),
            said_at=said.at,
            state="open",
        )
    )
    gate_remarks.remember(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        platform=channel.platform,
        native_id=native_id,
        author=author,
    )
    if OwnerState(talk.owner) is OwnerState.CLOSED:
        talks.give(scope, talk, OwnerState.PENDING_HUMAN, None)
    if minor:
        safety.found_minor(scope, talk, fan, text)
    if signals.crisis(scope, text):
        safety.found_crisis(scope, talk, text)


def _address(told: str) -> str:
    """Where people find a remark; "" for anything that a browser would take for something else."""
    url = talks.kept(told)
    return url if url.startswith(("https://", "http://")) and len(url) <= LONGEST_ADDRESS else ""


def _known(scope: Scope, channel_id: UUID, native_id: str) -> bool:
    """Whether it was heard before; of somebody who is forgotten too: readings overlap."""
    digest = hashlib.sha256(f"{channel_id}:{native_id}".encode()).hexdigest()
    found = scope.run(
        "SELECT 1 FROM remarks WHERE tenant_id = :tenant AND channel_id = :channel AND native_id = ANY(:names)",
        tenant=scope.tenant_id,
        channel=channel_id,
        names=[native_id, f"{directory.ERASED}{digest}"],
    ).scalar()
    return bool(found)
