"""Suggestions of every kind are judged with the agency's own terms and its list of banned people,
when they are asked for, when they are written and when they are answered."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from foundation.errors import BadInput
from foundation.ids import uuid7
from gate.people import depiction_bans
from gate.reviews import own_terms
from gate.surfaces.model_texts import load_text_judge
from generators.engines.text.ollama import OllamaEngine
from schedules.suggestions.captions import proposals, styles
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.captions.styles import WritingStyle
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.ideas.brief import IdeaBrief
from schedules.suggestions.shared.engine import generate_suggestions
from schedules.suggestions.shared.results import MeasuredResults, ResultLesson
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, ScriptedAnswer
from tests.schedules.builders import SandboxAgency
from tests.schedules.suggestions.captions.test_prompts import GOOD

NAME = "Zorvek Plumquav"
CODES = {
    "minor": ("kit.never_written", "kit.wrote_never"),
    "minor_context": ("kit.never_written", "kit.wrote_never"),
    "prohibited": ("kit.never_written", "kit.wrote_never"),
    "explicit": ("kit.explicit_asked", "kit.wrote_explicit"),
    "nudity": ("kit.explicit_asked", "kit.wrote_explicit"),
    "banned": ("never.named", "kit.wrote_name"),
}


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving() as found:
        yield found


def ban(lea: SandboxAgency, kind: str) -> None:
    if kind == "banned":
        lea.act(depiction_bans.add_depiction_ban, NAME)
    else:
        lea.act(own_terms.add_own_terms, kind, (NAME,))


def wish(lea: SandboxAgency, **more: Any) -> CaptionSetBrief:
    return CaptionSetBrief(lea.creator_id, **{"idea": "Le port au matin", "language": "fr", **more})


def ask(lea: SandboxAgency, **more: Any) -> CaptionSetDue:
    kit_id = lea.act(proposals.request_captions, wish(lea, **more), draft=uuid7(), key=uuid7())
    return CaptionSetDue(lea.tenant_id, kit_id)


def write(lea: SandboxAgency, due: CaptionSetDue, server: FakeOllama) -> CaptionSet:
    kind = CaptionKind({})
    engine = OllamaEngine(server.url, "llama3.2")
    generate_suggestions(due, kind=kind, tenant=lea.tenant, open_engine=lambda: engine)
    found: CaptionSet = lea.act(proposals.get_captions, [lea.creator_id], due.subject_id)
    return found


@pytest.mark.parametrize("kind", CODES)
def test_banned_word_is_neither_asked_for_nor_offered(
    lea: SandboxAgency, server: FakeOllama, kind: str
) -> None:
    texts = {"idea": NAME, "picture": f"so {NAME}"}
    waiting = ask(lea, idea=f"so {NAME}")
    ban(lea, kind)
    asked_code, wrote_code = CODES[kind]
    for field, text in texts.items():
        with pytest.raises(BadInput) as refused:
            ask(lea, **{field: text})
        assert refused.value.message.code == asked_code
    found = write(lea, waiting, server)
    assert [one.why.code for one in found.lacks] == [asked_code]
    assert (found.offers, server.asked) == ([], [])
    answer = {**GOOD, "title": f"Un matin avec {NAME}"}
    server.script += [ScriptedAnswer(json.dumps(answer))] * 2
    found = write(lea, ask(lea), server)
    assert [one.why.code for one in found.lacks] == [wrote_code]
    assert not any(NAME in one.text for one in found.offers)
    # The second prompt must not repeat the text.
    assert NAME not in json.dumps(server.asked)


@pytest.mark.parametrize("kind", CODES)
def test_tone_with_a_banned_word_is_dropped_or_refused(
    lea: SandboxAgency, server: FakeOllama, kind: str
) -> None:
    lea.act(styles.save_style, lea.creator_id, styles.ALL_NETWORKS, WritingStyle(f"so {NAME}"))
    ban(lea, kind)
    with pytest.raises(BadInput, match=CODES[kind][0]):
        lea.act(styles.save_style, lea.creator_id, "x", WritingStyle(f"so {NAME}"))
    server.script.append(ScriptedAnswer(json.dumps(GOOD)))
    assert write(lea, ask(lea, tone=f"like {NAME}"), server).lacks == []
    assert server.asked
    assert NAME not in json.dumps(server.asked)


@pytest.mark.parametrize("kind", CODES)
def test_idea_is_asked_for_without_texts_that_are_banned(lea: SandboxAgency, kind: str) -> None:
    lesson = ResultLesson("tag", f"#{NAME.replace(' ', '')}", 18, 14)
    results = MeasuredResults(60, 24, 0, (lesson,))
    brief = IdeaBrief(lea.creator_id, "fr", results, about=NAME, tone=NAME)
    ban(lea, kind)
    shown = brief.bounded_for_model(lea.act(load_text_judge, "model.suggestion"))
    assert (shown.about, shown.tone, shown.results.lessons) == ("", "", ())
