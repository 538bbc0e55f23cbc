"""Steps of the comment tests: a fan comments, the workers receive it, a member takes over and
answers."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from connectors.platforms.sandbox.publisher import Sandbox
from foundation.ids import uuid7
from subscribers.comments import moderation
from subscribers.comments.moderation import CommentView
from subscribers.conversations.states import OwnerState
from subscribers.inbox import member_actions, queries
from tests.schedules.builders import SandboxAgency
from workers.relay.ticks import TICKS

CAN = Sandbox.capabilities


def publish_post(lea: SandboxAgency) -> str:
    """Publish a post of Léa; return its native ID."""
    lea.delivery("first light")
    lea.run()
    return str(lea.posts()[-1]["id"])


def add_comment(lea: SandboxAgency, text: str, *, post: str, fan: str = "ann") -> str:
    account = quote(lea.accounts["main"], safe="")
    status, told = lea.network.json(
        "POST", f"/control/remarks/{account}", {"fan": fan, "post": post, "text": text}
    )
    assert status == 200, told
    return str(told["id"])


def receive_comments(lea: SandboxAgency) -> None:
    """Run the beat for comments and the workers."""
    lea.pass_time(minutes=2)
    next(one for one in TICKS if one.name == "remarks").write_rows(lea.services.tenant)
    lea.run()


def find_conversation_id(lea: SandboxAgency, fan: str = "ann") -> UUID:
    with lea.scope() as scope:
        found = scope.run(
            "SELECT c.id FROM conversations c JOIN fan_identities i ON i.tenant_id = c.tenant_id"
            " AND i.fan_id = c.fan_id WHERE c.tenant_id = :tenant AND c.kind = 'public' AND "
            "i.native_id = :fan",
            tenant=lea.tenant_id,
            fan=fan,
        ).scalar()
    assert found is not None
    return UUID(str(found))


def list_comments(lea: SandboxAgency, fan: str = "ann") -> list[CommentView]:
    with lea.scope() as scope:
        return moderation.list_comments_of_conversation(scope, find_conversation_id(lea, fan))


def get_owner(lea: SandboxAgency, fan: str = "ann") -> OwnerState:
    with lea.scope() as scope:
        return queries.load_conversation_desk(scope, find_conversation_id(lea, fan)).owner


def take_over(lea: SandboxAgency, fan: str = "ann") -> UUID:
    talk = find_conversation_id(lea, fan)
    lea.act(member_actions.take_over_conversation, talk, lea.manager)
    return talk


def answer_comment(
    lea: SandboxAgency, remark: CommentView, text: str, key: UUID | None = None
) -> None:
    lea.act(moderation.answer_comment, remark.id, lea.manager, text, key=key or uuid7(), can=CAN)


def get_network_comments(lea: SandboxAgency) -> dict[str, Any]:
    found: dict[str, Any] = lea.network.json(
        "GET", f"/control/remarks/{quote(lea.accounts['main'], safe='')}"
    )[1]
    return found


def list_network_replies(lea: SandboxAgency, native_id: str) -> list[str]:
    """Return the replies of Léa's account to a comment, including deleted ones."""
    posts = lea.network.truth(lea.accounts["main"])["posts"]
    return [one["text"] for one in posts if one["reply_to"] == native_id]
