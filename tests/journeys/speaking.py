"""What journeys do with comments: a member takes what was said, answers it, and sees what stands there."""

from uuid import UUID

from connectors import registry
from foundation.ids import uuid7
from subscribers import answering, inbox, public_desk
from subscribers.public_desk import Heard
from tests.schedules.builders import Desk


def heard(lea: Desk) -> list[Heard]:
    """What was said and nobody dealt with, the newest first."""
    with lea.scope() as scope:
        rows = [row.id for row in inbox.rows(scope, [lea.creator_id]) if row.public]
        return [one for talk in rows for one in public_desk.heard(scope, talk) if one.state == "open"]


def answer(lea: Desk, said: Heard, platform: str, text: str) -> None:
    """The manager takes the conversation and answers in everybody's sight."""
    lea.act(answering.take, conversation(lea, said), lea.manager)
    can = registry.load()[platform].capabilities
    lea.act(public_desk.answer, said.id, lea.manager, text, key=uuid7(), can=can)


def act(lea: Desk, said: Heard, platform: str, what: str) -> None:
    """The manager has something done with a comment."""
    lea.act(public_desk.wanted, said.id, what, can=registry.load()[platform].capabilities)


def conversation(lea: Desk, said: Heard) -> UUID:
    """What a comment is a line of."""
    with lea.scope() as scope:
        return public_desk.conversation_of(scope, said.id)
