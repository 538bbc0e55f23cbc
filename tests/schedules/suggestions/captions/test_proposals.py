"""Caption sets requested for a draft: generated once by the worker, stored with reasons, and
visible to the member who requested them."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from connectors.registry import loader
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from generators.contract.engines import EngineMissing, GeneratedText, TextEngine, TextJob
from generators.engines.text.ollama import OllamaEngine
from generators.engines.text.templates import TemplateEngine
from schedules.suggestions.captions import proposals
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.shared.engine import fail_suggestions, generate_suggestions
from tests.conftest import wait_until
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, ScriptedAnswer
from tests.schedules.builders import SandboxAgency
from tests.schedules.suggestions.captions.test_prompts import GOOD, TRANSLATED

DRAFT = uuid7()


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving() as found:
        yield found


def wish(lea: SandboxAgency, **more: Any) -> CaptionSetBrief:
    return CaptionSetBrief(lea.creator_id, **{"idea": "Le port au matin", "language": "fr", **more})


def asked(lea: SandboxAgency, **more: Any) -> UUID:
    found: UUID = lea.act(proposals.request_captions, wish(lea, **more), draft=DRAFT, key=uuid7())
    return found


def shown(lea: SandboxAgency) -> CaptionSet:
    found: CaptionSet | None = lea.act(proposals.latest_captions, lea.creator_id, DRAFT)
    assert found is not None
    return found


def write(lea: SandboxAgency, kit_id: UUID, engine: Callable[[], TextEngine]) -> CaptionSet:
    event = CaptionSetDue(lea.tenant_id, kit_id)
    generate_suggestions(
        event, kind=CaptionKind(loader.load_connectors()), tenant=lea.tenant, open_engine=engine
    )
    return shown(lea)


def model(server: FakeOllama, *answers: object) -> Callable[[], TextEngine]:
    server.script.extend(ScriptedAnswer(json.dumps(one)) for one in answers)
    return lambda: OllamaEngine(server.url, "llama3.2")


def test_captions_versions_and_translations_are_generated_once(
    lea: SandboxAgency, server: FakeOllama
) -> None:
    kit_id = asked(lea, places=(lea.channels["main"],), source=GOOD["caption"], into=("de", "ja"))
    said = {"text": "Réveil en douceur sur les quais, avec les mouettes."}
    engine = model(server, GOOD, said, {"text": TRANSLATED["de"]}, {"text": TRANSLATED["ja"]})
    found = write(lea, kit_id, engine)
    assert found.written
    assert found.lacks == []
    assert [(one.field, one.of) for one in found.offers[5:]] == [
        ("version", str(lea.channels["main"])),
        ("translation", "de"),
        ("translation", "ja"),
    ]
    assert [one.field for one in found.offers[:5]] == [
        "caption",
        "title",
        "alt",
        "description",
        "hashtags",
    ]
    assert write(lea, kit_id, engine) == found
    assert len(server.asked) == 4


def test_failed_text_does_not_affect_others(lea: SandboxAgency, server: FakeOllama) -> None:
    kit_id = asked(lea, kit=False, source=GOOD["caption"], into=("de", "es"))
    english = {"text": TRANSLATED["en"]}
    found = write(lea, kit_id, model(server, english, english, {"text": TRANSLATED["es"]}))
    assert [(one.field, one.of) for one in found.offers] == [("translation", "es")]
    assert [(one.of, one.why.code) for one in found.lacks] == [("de", "kit.wrote_language")]


def test_recently_posted_text_is_not_offered(lea: SandboxAgency, server: FakeOllama) -> None:
    lea.delivery(GOOD["caption"])
    found = write(lea, asked(lea), model(server, GOOD, GOOD))
    assert {one.label for one in found.offers} == {"template"}
    assert found.lacks[0].why.code == "kit.wrote_again"
    with lea.scope() as scope:
        scope.run(
            "UPDATE posts SET created_at = created_at - interval '91 days' WHERE tenant_id = :t",
            t=lea.tenant_id,
        )
    assert write(lea, asked(lea), model(server, GOOD)).offers


def test_templates_replace_a_missing_model_at_once(lea: SandboxAgency) -> None:
    found = write(lea, asked(lea, places=(lea.channels["main"],)), TemplateEngine)
    assert [(one.field, one.label) for one in found.offers] == [
        (field, "template") for field in ("caption", "title", "description", "hashtags", "version")
    ]
    assert found.lacks == []
    with lea.scope() as scope:
        requests = scope.run("SELECT count(*) FROM text_requests").scalar_one()
    assert requests == 0, "no model is asked"


def test_ten_consecutive_captions_of_one_topic_differ(lea: SandboxAgency) -> None:
    found = [write(lea, asked(lea), TemplateEngine).offers[0].text for _ in range(10)]
    assert len(set(found)) == 10


def test_late_model_is_replaced_and_its_answer_discarded(
    lea: SandboxAgency, server: FakeOllama
) -> None:
    answered = threading.Event()

    class Slow(OllamaEngine):
        name = "slow"

        def write(self, job: TextJob) -> GeneratedText:
            answered.wait(20)
            return super().write(job)

    server.script.append(ScriptedAnswer(json.dumps(GOOD)))
    engine = Slow(server.url, "llama3.2")
    kind = CaptionKind(loader.load_connectors(), seconds=0.2)
    for _ in range(2):  # the second request does not wait for the late call
        event = CaptionSetDue(lea.tenant_id, asked(lea))
        generate_suggestions(event, kind=kind, tenant=lea.tenant, open_engine=lambda: engine)
        found = shown(lea)
        assert {one.label for one in found.offers} == {"template"}
        assert [one.why.code for one in found.lacks] == ["engine.too_late"]
    answered.set()
    wait_until(lambda: len(server.asked) == 1)
    assert shown(lea) == found


def test_missing_model_is_stored_as_reason(lea: SandboxAgency) -> None:
    found = write(lea, asked(lea, kit=False, source=GOOD["caption"], into=("de",)), TemplateEngine)
    assert found.lacks[0].why.code == "kit.no_model"
    english = write(lea, asked(lea, idea=GOOD["caption"], language="en"), TemplateEngine)
    assert (english.offers, english.lacks[0].why.code) == ([], "kit.no_template")

    def missing() -> TextEngine:
        raise EngineMissing("engine.file_missing", file="x.gguf")

    assert write(lea, asked(lea), missing).lacks[0].why.code == "engine.file_missing"


def test_repeated_request_creates_one_caption_set_and_number_is_limited(lea: SandboxAgency) -> None:
    key = uuid7()
    first = lea.act(proposals.request_captions, wish(lea), draft=DRAFT, key=key)
    assert (
        lea.act(proposals.request_captions, wish(lea, idea="Autre chose"), draft=DRAFT, key=key)
        == first
    )
    asked(lea)
    asked(lea)
    with pytest.raises(Conflict):
        asked(lea)


def test_captions_of_others_are_not_found(lea: SandboxAgency) -> None:
    with pytest.raises(NotFound):
        asked(lea, places=(uuid7(),))
    with pytest.raises(NotFound):
        asked(lea, asset=uuid7())
    asked(lea)
    with lea.scope("system:another") as scope:
        assert proposals.latest_captions(scope, lea.creator_id, DRAFT) is None
        assert proposals.latest_captions(scope, lea.creator_id, uuid7()) is None


def test_caption_generation_survives_crash(lea: SandboxAgency, server: FakeOllama) -> None:
    lea.services = replace(lea.services, text_engine=model(server, *[GOOD] * 30))
    at, crashed = 0, True
    while crashed:
        at += 1
        kit_id = asked(lea)
        crashed = lea.crash(at)
        lea.pass_time(seconds=600)
        lea.run()
        assert lea.act(proposals.pending_captions, kit_id) is None
        assert len(shown(lea).offers) == 5
    assert at > 5
    with lea.scope() as scope:
        states = (
            scope.run("SELECT state FROM text_requests WHERE tenant_id = :t", t=lea.tenant_id)
            .scalars()
            .all()
        )
    assert states.count("kept") == at
    assert len(states) - states.count("kept") >= len(server.seen) - at > 0, (
        "requests before a crash are billed and lost"
    )


def test_abandoned_generation_is_reported(lea: SandboxAgency) -> None:
    kit_id = asked(lea)
    fail_suggestions(CaptionSetDue(lea.tenant_id, kit_id), kind=CaptionKind({}), tenant=lea.tenant)
    found = shown(lea)
    assert (found.written, found.lacks[0].why.code) == (True, "kit.gave_up")


def test_caption_set_creates_no_post(lea: SandboxAgency, server: FakeOllama) -> None:
    write(lea, asked(lea), model(server, GOOD))
    with lea.scope() as scope:
        assert (
            scope.run(
                "SELECT count(*) FROM posts WHERE tenant_id = :t", t=lea.tenant_id
            ).scalar_one()
            == 0
        )
