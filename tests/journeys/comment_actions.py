"""Comment actions of journeys: list the open comments, reply to them and moderate them."""

from uuid import UUID

from connectors.registry import loader
from foundation.ids import uuid7
from subscribers.comments import moderation
from subscribers.comments.moderation import CommentView
from subscribers.inbox import conversation_list, member_actions
from tests.schedules.builders import SandboxAgency


def list_open_comments(lea: SandboxAgency) -> list[CommentView]:
    """Return the open comments, newest conversation first."""
    with lea.scope() as scope:
        rows = [
            row.id for row in conversation_list.list_inbox(scope, [lea.creator_id]) if row.public
        ]
        return [
            one
            for talk in rows
            for one in moderation.list_comments_of_conversation(scope, talk)
            if one.state == "open"
        ]


def answer_comment(lea: SandboxAgency, said: CommentView, platform: str, text: str) -> None:
    """Take over the conversation as the manager and reply in public."""
    lea.act(member_actions.take_over_conversation, conversation_of(lea, said), lea.manager)
    can = loader.load_connectors()[platform].capabilities
    lea.act(moderation.answer_comment, said.id, lea.manager, text, key=uuid7(), can=can)


def act_on_comment(lea: SandboxAgency, said: CommentView, platform: str, what: str) -> None:
    """Request a moderation of a comment as the manager."""
    lea.act(
        moderation.request_moderation,
        said.id,
        what,
        can=loader.load_connectors()[platform].capabilities,
    )


def conversation_of(lea: SandboxAgency, said: CommentView) -> UUID:
    """Return the conversation of a comment."""
    with lea.scope() as scope:
        return moderation.conversation_of_comment(scope, said.id)
