"""What a fan who wants to prove their age is told: where to do it, or honestly that it cannot be done here yet."""

from uuid import UUID

from channels import ages
from channels import reads as channel_reads
from channels.reads import Channel
from foundation import outbox
from foundation.database import Scope
from foundation.words import Message
from gate import inforce, viewers
from gate.events import ProofWithdrawn, ViewerConfirmed
from subscribers import directory, talks
from subscribers.models import Conversation

ANSWERS = {
    "passed": "service.age.thanks",
    "ended": "service.age.ended",
    "unfit": "service.age.not_taken",
    "recalled": "service.age.recalled",
}
"""What is said in the chat when a check has its end; a plain "no" is told by the rules for minors."""


def offer(scope: Scope, talk: Conversation, channel: Channel, fan: directory.Identity, *, pages: str) -> Message:
    """The sentence for a fan who asks to prove their age; with a link of their own where a provider is connected.

    `pages` is the address of our own pages.
    """
    if viewers.level(scope, channel.platform, fan.native_id).over_18:
        return Message(ANSWERS["passed"])
    token = ages.invite(
        scope, channel.platform, fan.native_id, channel_id=channel.id, language=directory.spoken(talk.language)
    )
    if token is not None:
        return Message("service.age.open", {"age_page": f"{pages.rstrip('/')}{ages.PATH}{token}"})
    test = inforce.rules(scope).is_test_network(channel.platform)
    return Message("service.age.how" if test else "service.age.none_here")


def confirm(scope: Scope, conversation_id: UUID, *, custodian: str, why: str, key: UUID) -> None:
    """A member says who outside confirmed this fan's age: done within a second, if they may review.

    `key` makes a repeat of one press the same wish. Raises NotFound, and BadInput without a name and a reason.
    """
    seen = viewers.witness(custodian, scope.actor, why)
    platform, user_id = _viewer(scope, conversation_id)
    wanted = ViewerConfirmed(
        scope.tenant_id, key, platform, user_id, custodian=seen.custodian, why=seen.why, by=scope.actor
    )
    outbox.put(scope, wanted, priority=1, dedupe=f"viewer_confirmed:{key}")


def withdraw(scope: Scope, conversation_id: UUID, *, key: UUID) -> None:
    """A member takes a fan's proof back: done within a second, if they may review. Raises NotFound."""
    platform, user_id = _viewer(scope, conversation_id)
    wanted = ProofWithdrawn(scope.tenant_id, key, platform, user_id, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"proof_withdrawn:{key}")


def _viewer(scope: Scope, conversation_id: UUID) -> tuple[str, str]:
    """The fan of a conversation as their platform knows them."""
    talk = talks.read(scope, conversation_id)
    fan = directory.identity_on(scope, talk.fan_id, talk.channel_id)
    return channel_reads.channel(scope, talk.channel_id).platform, fan.native_id
