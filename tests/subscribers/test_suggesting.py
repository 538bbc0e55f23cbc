"""Words that a model suggests for an answer in public: in a member's box, marked, and never sent by themselves."""

import json
from typing import Any

import pytest

from generators.contract import EngineError
from subscribers import composing, persona, suggesting, talks
from subscribers.events import RemarkSuggest
from subscribers.persona import Persona
from subscribers.public_desk import Heard
from tests.schedules.builders import Desk
from tests.subscribers.builders import Writer
from tests.subscribers.builders import answer as written
from tests.subscribers.commenting import answer, conversation_of, hear, lines, posted, said, take, under

SPEAKER = Persona(
    name="Léa", virtual=False, card="Léa photographs quiet places.", voice="Warm, short.", languages=("fr", "en")
)


def suggested(lea: Desk, remark: Heard, *says: Any) -> str:
    """Ask for words, and let the model say something; what stands in the member's box then."""
    with lea.scope() as scope:
        persona.activate(scope, persona.write(scope, lea.creator_id, SPEAKER))
    lea.act(suggesting.wanted, remark.id, lea.manager, most=60)
    event = RemarkSuggest(lea.tenant_id, remark.id, lea.manager, 60)
    writer = Writer(list(says))
    suggesting.suggest(event, tenant=lea.services.tenant, write=writer)
    assert "where is this?" in str(writer.asked[0].turns[-1])
    with lea.scope() as scope:
        return composing.text_of(scope, conversation_of(lea), lea.manager)


def test_a_model_s_words_lie_in_the_box_and_leave_by_a_person_alone(lea: Desk) -> None:
    native = said(lea, "where is this?", post=posted(lea))
    hear(lea)
    take(lea)
    words = suggested(lea, lines(lea)[0], written("At the lake, in spring."))
    assert words == "At the lake, in spring."
    lea.live(minutes=30)
    assert under(lea, native) == [], "nothing leaves by itself"
    answer(lea, lines(lea)[0], words)
    lea.run()
    assert under(lea, native) == [words]
    with lea.scope() as scope:
        found = scope.run("SELECT unit FROM decision_inputs WHERE tenant_id = :t ORDER BY id", t=lea.tenant_id)
        assert [json.loads(row.unit)["text_ai"] for row in found][-1] == "generated"


def test_what_the_member_writes_meanwhile_is_not_written_over(lea: Desk) -> None:
    said(lea, "where is this?", post=posted(lea))
    hear(lea)
    talk = take(lea)
    with lea.scope() as scope:
        composing.keep(scope, talks.read(scope, talk), lea.manager, "I was")
    assert suggested(lea, lines(lea)[0], written("At the lake.")) == "I was"


@pytest.mark.parametrize("trouble", ["engine", "improper", "handoff", "too long"])
def test_a_model_in_trouble_is_told_and_says_nothing(lea: Desk, trouble: str) -> None:
    said(lea, "where is this?", post=posted(lea))
    hear(lea)
    take(lea)
    says = {
        "engine": [EngineError("engine.down")],
        "improper": [written("I am really human"), written("I am really human")],
        "too long": [written("At the lake, " * 5)],
        "handoff": [written("Let a person answer.", handoff="asked")],
    }
    assert suggested(lea, lines(lea)[0], *says[trouble]) == ""
    with lea.scope() as scope:
        found = scope.run("SELECT message FROM notices WHERE tenant_id = :t", t=lea.tenant_id)
        assert "remark.no_suggestion" in {row.message["code"] for row in found}
