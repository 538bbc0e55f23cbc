"""Suggested answers to comments: in the member's message box, marked as AI, and never sent
automatically."""

import json
from typing import Any

import pytest

from generators.contract.engines import EngineError
from subscribers.comments import answer_suggestions
from subscribers.comments.events import CommentAnswerDue
from subscribers.comments.moderation import CommentView
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tests.schedules.builders import SandboxAgency
from tests.subscribers.builders import ScriptedModel
from tests.subscribers.builders import build_model_reply as written
from tests.subscribers.comments.comment_actions import (
    add_comment,
    answer_comment,
    find_conversation_id,
    list_comments,
    list_network_replies,
    publish_post,
    receive_comments,
    take_over,
)

SPEAKER = PersonaVersion(
    name="Léa",
    virtual=False,
    card="Léa photographs quiet places.",
    voice="Warm, short.",
    languages=("fr", "en"),
)


def suggested(lea: SandboxAgency, remark: CommentView, *says: Any) -> str:
    """Request a suggestion with a scripted model answer; return the text in the member's box."""
    with lea.scope() as scope:
        persona.activate_persona(
            scope, persona.create_persona_version(scope, lea.creator_id, SPEAKER)
        )
    lea.act(answer_suggestions.request_answer_suggestion, remark.id, lea.manager, most=60)
    event = CommentAnswerDue(lea.tenant_id, remark.id, lea.manager, 60)
    writer = ScriptedModel(list(says))
    answer_suggestions.suggest_answer(event, tenant=lea.services.tenant, write=writer)
    assert "where is this?" in str(writer.asked[0].turns[-1])
    with lea.scope() as scope:
        return unsent_text.load_unsent_text(scope, find_conversation_id(lea), lea.manager)


def test_suggestion_fills_the_box_and_is_sent_only_by_a_member(lea: SandboxAgency) -> None:
    native = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    words = suggested(lea, list_comments(lea)[0], written("At the lake, in spring."))
    assert words == "At the lake, in spring."
    lea.live(minutes=30)
    assert list_network_replies(lea, native) == [], "nothing is sent automatically"
    answer_comment(lea, list_comments(lea)[0], words)
    lea.run()
    assert list_network_replies(lea, native) == [f"{words}\n\n— made with AI"]
    with lea.scope() as scope:
        found = scope.run(
            "SELECT unit FROM decision_inputs WHERE tenant_id = :t ORDER BY id", t=lea.tenant_id
        )
        assert [json.loads(row.unit)["text_ai"] for row in found][-1] == "generated"


def test_suggestion_does_not_replace_the_members_text(lea: SandboxAgency) -> None:
    add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    talk = take_over(lea)
    with lea.scope() as scope:
        unsent_text.store_unsent_text(
            scope, conversation_rows.get_conversation(scope, talk), lea.manager, "I was"
        )
    assert suggested(lea, list_comments(lea)[0], written("At the lake.")) == "I was"


@pytest.mark.parametrize("trouble", ["engine", "improper", "handoff", "too long"])
def test_failed_suggestion_is_reported_and_the_box_stays_empty(
    lea: SandboxAgency, trouble: str
) -> None:
    add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    says = {
        "engine": [EngineError("engine.down")],
        "improper": [written("I am really human"), written("I am really human")],
        "too long": [written("At the lake, " * 5)],
        "handoff": [written("Let a person answer.", handoff="asked")],
    }
    assert suggested(lea, list_comments(lea)[0], *says[trouble]) == ""
    with lea.scope() as scope:
        found = scope.run("SELECT message FROM notices WHERE tenant_id = :t", t=lea.tenant_id)
        assert "remark.no_suggestion" in {row.message["code"] for row in found}
