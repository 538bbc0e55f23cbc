"""Personas and autonomy over the API: versions, checks, and levels that need evidence."""

from typing import Any

import httpx
import pytest

from subscribers.replies import persona
from tests.web.api_client import ApiClient, error_code

NOVA = {
    "name": "Nova",
    "biography": "A traveller",
    "languages": ["fr", "en"],
    "rules": ["Never promises to meet."],
    "examples": [{"fan": "Hi", "answer": "Hello you!"}],
    "opening_hours": [{"weekday": 0, "start": "09:00", "end": "18:00"}],
}


def put(api: ApiClient, what: str, body: Any, *, creator: str = "mia") -> httpx.Response:
    path = f"/creators/{api.creators[creator]}/{what}"
    return api.ask("PUT", path, body, if_match=api.ask("GET", path).headers["etag"])


def test_persona_is_saved_as_a_draft_then_activated(api: ApiClient) -> None:
    path = f"/creators/{api.creators['mia']}/persona"
    assert api.get(path) == {"active": None, "draft": None}
    saved = put(api, "persona", NOVA)
    assert saved.status_code == 200, saved.text
    assert saved.json()["active"] is None
    found = put(api, "persona", {**NOVA, "voice": "Playful", "activate": True}).json()
    assert found["draft"] is None
    assert {**NOVA, "voice": "Playful"}.items() <= found["active"].items()
    assert found["active"]["version"] == 2
    with api.scope() as scope:
        speaking = persona.active_persona(scope, api.creators["mia"])
    assert speaking is not None
    assert speaking.level == "copilot"
    stale = api.ask("PUT", path, NOVA, if_match=saved.headers["etag"])
    assert (stale.status_code, error_code(stale)) == (412, "api.other_version")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"biography": "A 16-year-old girl"}, 403, "gate.character_minor"),
        ({"greeting": "Call me: +33 6 12 34 56 78"}, 403, "persona.bad_answer"),
        ({"languages": ["es"]}, 422, "api.unfit"),
        ({"name": " "}, 422, "persona.no_name"),
    ],
)
def test_inadmissible_persona_is_refused(
    api: ApiClient, more: dict[str, Any], status: int, code: str
) -> None:
    answer = put(api, "persona", {**NOVA, **more})
    assert (answer.status_code, error_code(answer)) == (status, code)
    assert api.get(f"/creators/{api.creators['mia']}/persona")["draft"] is None


def test_higher_level_is_refused_with_what_is_missing(api: ApiClient) -> None:
    assert error_code(put(api, "autonomy", {"level": "off"})) == "autonomy.no_persona"
    put(api, "persona", {**NOVA, "activate": True})
    assert error_code(put(api, "autonomy", {"level": "autonomous"})) == "autonomy.needs_reviews"
    found = put(api, "autonomy", {"level": "off"}).json()
    assert found["level"] == "off"
    assert [one["level"] for one in found["levels"]] == [
        "off",
        "suggest",
        "supervised",
        "autonomous",
    ]
    assert [bool(one["missing"]) for one in found["levels"]] == [False, False, True, True]
    assert put(api, "autonomy", {"level": "suggest"}).json()["level"] == "suggest"
