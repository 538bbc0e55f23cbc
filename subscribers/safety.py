"""What stops everything in a conversation: somebody in danger, or a minor. Code alone answers; a person is called."""

import hashlib
from uuid import UUID

from foundation.database import Scope
from foundation.words import Message
from subscribers import directory, drafts, subscribing, talks, unlocking
from subscribers.models import Conversation, SafetyEvent


def crisis(scope: Scope, talk: Conversation, said: str) -> None:
    """Helplines at once, nothing sold or suggested, and a person called. No setting turns this off."""
    _quiet(scope, talk)
    drafts.say_service(scope, talk, Message("service.safety.crisis"))
    found_crisis(scope, talk, said)


def found_crisis(scope: Scope, talk: Conversation, said: str) -> None:
    """Somebody may be in danger: a person is called, at once."""
    talk.safety_hold = True
    talks.ask_for_person(scope, talk, Message("chat.crisis"), priority=0, urgent=True)
    _keep_signal(scope, talk, "crisis", said)


def minor(scope: Scope, talk: Conversation, fan: directory.Identity, said: str) -> None:
    """Everything stops but one fixed text, once; a person reviews."""
    _quiet(scope, talk)
    if fan.status == "active":
        drafts.say_service(scope, talk, Message("service.safety.minor"))
    found_minor(scope, talk, fan, said)


def found_minor(scope: Scope, talk: Conversation, fan: directory.Identity, said: str) -> None:
    """Somebody says that they are a minor: nothing is written or sold to them or taken from them any more,
    wherever they talk, and a person is called, at once."""
    directory.block(scope, fan.fan_id)
    sell_no_more(scope, fan.fan_id)
    talk.safety_hold = True
    talks.ask_for_person(scope, talk, Message("chat.minor"), priority=0, urgent=True)
    _keep_signal(scope, talk, "minor", said)


def sell_no_more(scope: Scope, fan_id: UUID) -> None:
    """What a minor has not bought yet is withdrawn, and no further month of what they have is taken."""
    subscribing.take_no_more(scope, fan_id)
    unlocking.give_up(scope, fan_id, Message("draft.safety"))


def _quiet(scope: Scope, talk: Conversation) -> None:
    """What was about to be said or sold is not."""
    talks.silence(scope, talk.id, Message("draft.safety"))
    scope.run(
        "UPDATE drafts SET state = 'cancelled', updated_at = house_now() WHERE tenant_id = :tenant"
        " AND conversation_id = :talk AND kind IN ('invoice', 'pack') AND state = 'auto'",
        tenant=scope.tenant_id,
        talk=talk.id,
    )
    unlocking.give_up(scope, talk.fan_id, Message("draft.safety"))
    scope.add(talk)


def _keep_signal(scope: Scope, talk: Conversation, kind: str, said: str) -> None:
    scope.add(
        SafetyEvent(
            tenant_id=scope.tenant_id,
            creator_id=talk.creator_id,
            conversation_id=talk.id,
            kind=kind,
            layer="lexicon",
            excerpt_digest=hashlib.sha256(said.encode()).hexdigest(),
            action="held",
        )
    )
