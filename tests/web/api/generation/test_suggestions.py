"""Texts and ideas over the API: asked for once, written by the worker, in the creator's manner,
seen by who may."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from connectors.registry import loader
from foundation.ids import uuid7
from generators.contract.engines import OriginLabel
from generators.engines.text.ollama import OllamaEngine
from schedules.suggestions.captions import proposals
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.captions.prompts import CaptionOffer
from schedules.suggestions.events import CaptionSetDue, IdeasDue
from schedules.suggestions.ideas.kind import IdeaKind
from schedules.suggestions.shared.engine import generate_suggestions
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants.api_keys.keys import ApiKeyScope
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, ScriptedAnswer
from tests.schedules.suggestions.captions.test_prompts import GOOD, TRANSLATED
from tests.schedules.suggestions.ideas.test_proposals import GOOD as IDEAS
from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import add_library_picture, expect_success, record_missing_model

HARBOUR = {"idea": "Le port au matin", "language": "fr"}


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving() as found:
        yield found


def asking(api: ApiClient, creator: str = "mia", **more: object) -> dict[str, object]:
    return {"creator_id": str(api.creators[creator]), **HARBOUR, **more}


def test_texts_are_asked_for_written_and_read(api: ApiClient, server: FakeOllama) -> None:
    media_id, channel = add_library_picture(api), str(api.channels["mia"])
    said = asking(
        api,
        media_id=str(media_id),
        channels=[channel, channel],
        source=GOOD["caption"],
        into=["de", "de"],
    )
    answer = api.ask("POST", "/kits", said)
    waiting = expect_success(answer)
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/kits/{waiting['id']}")
    assert (waiting["state"], waiting["offers"], waiting["lacks"]) == ("waiting", [], [])
    english = {"text": TRANSLATED["en"]}
    version = {"text": "Réveil en douceur sur les quais, avec les mouettes."}
    server.script.extend(
        ScriptedAnswer(json.dumps(one)) for one in (GOOD, version, english, english)
    )
    generate_suggestions(
        CaptionSetDue(api.tenant_id, UUID(waiting["id"])),
        kind=CaptionKind(loader.load_connectors()),
        tenant=api.tenant,
        open_engine=lambda: OllamaEngine(server.url, "llama3.2"),
    )
    found = api.get(f"/kits/{waiting['id']}")
    assert found["state"] == "written"
    assert found["offers"][0] == {
        "field": "caption",
        "of": "",
        "text": GOOD["caption"],
        "quality": "",
    }
    assert [(one["field"], one["of"]) for one in found["offers"][5:]] == [("version", channel)]
    (lack,) = found["lacks"]
    assert (lack["field"], lack["of"], lack["reason"]["code"]) == (
        "translation",
        "de",
        "kit.wrote_language",
    )


def test_they_are_written_in_the_creators_manner_and_never_twice(api: ApiClient) -> None:
    with api.scope() as scope:
        dry = PersonaVersion(
            "Mia",
            virtual=True,
            card="A baker.",
            voice="dry",
            languages=("fr",),
            forbidden=("honey",),
        )
        persona.activate_persona(
            scope, persona.create_persona_version(scope, api.creators["mia"], dry)
        )
    answer = api.ask("POST", "/kits", asking(api, idea="Sweet as honey"))
    assert (answer.status_code, error_code(answer)) == (422, "week.forbidden")
    twice = [api.ask("POST", "/kits", asking(api), idempotency_key="harbour") for _ in range(2)]
    assert expect_success(twice[0]) == expect_success(twice[1])
    with api.scope() as scope:
        assert (
            proposals.get_captions(
                scope, [api.creators["mia"]], UUID(expect_success(twice[0])["id"])
            ).wish.tone
            == "dry"
        )


def test_what_a_small_model_wrote_says_so(api: ApiClient) -> None:
    kit_id = UUID(expect_success(api.ask("POST", "/kits", asking(api)))["id"])
    with api.scope() as scope:
        proposals.store_captions(
            scope, kit_id, [CaptionOffer("caption", "A line", label=OriginLabel.DEMO)]
        )
    assert [one["quality"] for one in api.get(f"/kits/{kit_id}")["offers"]] == ["demo"]


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"idea": ""}, 422, "kit.no_idea"),
        ({"kit": False}, 422, "kit.nothing_asked"),
        ({"into": ["de"]}, 422, "kit.no_source"),
        ({"language": "tlh"}, 422, "kit.language_unknown"),
        ({"idea": "a" * 501}, 422, "api.unfit"),
        ({"media_id": str(uuid7())}, 404, "library.asset_unknown"),
        ({"channels": [str(uuid7())]}, 404, "channel.unknown"),
    ],
)
def test_what_nobody_could_write_from_is_refused(
    api: ApiClient, more: dict[str, object], status: int, said: str
) -> None:
    answer = api.ask("POST", "/kits", asking(api, **more))
    assert (answer.status_code, error_code(answer)) == (status, said)


def test_a_fourth_waits_for_the_others(api: ApiClient) -> None:
    for _ in range(proposals.MAX_PENDING):
        assert api.ask("POST", "/kits", asking(api)).status_code == 202
    answer = api.ask("POST", "/kits", asking(api))
    assert (answer.status_code, error_code(answer)) == (409, "kit.busy")


def test_ideas_are_asked_for_written_and_read(api: ApiClient, server: FakeOllama) -> None:
    answer = api.ask("POST", "/ideas", {"creator_id": str(api.creators["mia"]), "language": "fr"})
    waiting = expect_success(answer)
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/ideas/{waiting['id']}")
    assert (waiting["state"], waiting["posts"], waiting["lacking"]) == ("waiting", 0, 20)
    again = api.ask("POST", "/ideas", {"creator_id": str(api.creators["mia"])})
    assert (again.status_code, error_code(again)) == (409, "idea.busy")
    server.script.extend(ScriptedAnswer(json.dumps(one)) for one in IDEAS)
    event = IdeasDue(api.tenant_id, UUID(waiting["id"]))
    generate_suggestions(
        event,
        kind=IdeaKind(),
        tenant=api.tenant,
        open_engine=lambda: OllamaEngine(server.url, "llama3.2"),
    )
    found = api.get(f"/ideas/{waiting['id']}")
    assert (found["state"], found["lacks"], found["quality"]) == ("written", [], "")
    assert [one["title"] for one in found["ideas"]] == [one["title"] for one in IDEAS]
    assert {one["source"] for one in found["ideas"]} == {None}, "nothing was measured yet"
    path, tag = f"/ideas/{waiting['id']}", api.ask("GET", f"/ideas/{waiting['id']}").headers["etag"]
    nobodys = api.ask("POST", f"{path}/dismiss", {"number": 99}, if_match=tag)
    assert (nobodys.status_code, error_code(nobodys)) == (404, "idea.unknown")
    away = api.ask("POST", f"{path}/dismiss", {"number": 0}, if_match=tag)
    assert [one["number"] for one in expect_success(away)["ideas"]] == list(range(1, len(IDEAS)))
    assert api.get(path) == away.json()
    assert api.ask("POST", f"{path}/dismiss", {"number": 1}, if_match=tag).status_code == 412


def test_why_there_are_none_is_told(api: ApiClient) -> None:
    kit_id = expect_success(api.ask("POST", "/kits", asking(api)))["id"]
    ideas_id = expect_success(api.ask("POST", "/ideas", {"creator_id": str(api.creators["mia"])}))[
        "id"
    ]
    record_missing_model(api, kit_id, ideas_id)
    assert [one["reason"]["code"] for one in api.get(f"/kits/{kit_id}")["lacks"]] == ["kit.gave_up"]
    assert [one["code"] for one in api.get(f"/ideas/{ideas_id}")["lacks"]] == ["kit.gave_up"]


def test_nobody_elses_are_found_and_reading_asks_for_nothing(api: ApiClient) -> None:
    kit_id = expect_success(api.ask("POST", "/kits", asking(api, "zoe")))["id"]
    ideas_id = expect_success(api.ask("POST", "/ideas", {"creator_id": str(api.creators["zoe"])}))[
        "id"
    ]
    hers, reader = api.key(creators=("mia",)), api.key(scopes=(ApiKeyScope.POSTS_READ,))
    for path in (f"/kits/{kit_id}", f"/ideas/{ideas_id}"):
        assert api.ask("GET", path, key=hers).status_code == 404
        assert api.ask("GET", path, key=reader).status_code == 200
    for path in ("/kits", "/ideas"):
        body = asking(api, "zoe") if path == "/kits" else {"creator_id": str(api.creators["zoe"])}
        assert api.ask("POST", path, body, key=hers).status_code == 404
        assert api.ask("POST", path, body, key=reader).status_code == 403
