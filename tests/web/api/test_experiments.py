"""Tests of bot scripts, best times and forecasts of posts over the API."""

from dataclasses import replace
from uuid import UUID

from foundation.ids import uuid7
from subscribers.replies import persona
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ApiClient, error_code


def versions(api: ApiClient) -> UUID:
    """Activate a persona of mia and return the ID of another version."""
    with api.scope() as scope:
        first = replace(persona.default_persona("Mia", "virtual", ["en"]), greeting="Hello!")
        creator = api.creators["mia"]
        persona.activate_persona(scope, persona.create_persona_version(scope, creator, first))
        return persona.create_persona_version(scope, creator, replace(first, greeting="Hi!"))


def test_script_test_is_started_read_and_ended_once(api: ApiClient) -> None:
    other, path = versions(api), f"/creators/{api.creators['mia']}/script-tests"
    tag = api.ask("GET", path).headers["etag"]
    body = {"personas": [str(other)], "metric": "buyers", "planned": 500, "window_days": 7}
    made = [api.ask("POST", path, body, if_match=tag, idempotency_key="once") for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    assert made[0].json()["id"] == made[1].json()["id"]
    one = made[0].json()
    assert (one["kind"], one["more"], one["kept"]) == ("waiting", 500, None)
    assert [each["version"] for each in one["versions"]] == ["a", "b"]
    assert "Fans still needed: 500" in one["text"]
    now = api.ask("GET", path)
    assert [each["id"] for each in now.json()["items"]] == [one["id"]]
    again = api.ask("POST", path, body, if_match=now.headers["etag"])
    assert (again.status_code, error_code(again)) == (409, "scripts.running")
    stale = api.ask("POST", f"{path}/end", {"keep": "b"}, if_match=tag)
    assert stale.status_code == 412
    done = api.ask("POST", f"{path}/end", {"keep": "b"}, if_match=now.headers["etag"])
    assert (done.status_code, done.json()["kept"]) == (200, "b")
    over = api.ask("POST", f"{path}/end", {"keep": "b"}, if_match=done.headers["etag"])
    assert (over.status_code, error_code(over)) == (404, "scripts.unknown")


def test_key_without_money_sees_no_sales_in_answers(api: ApiClient) -> None:
    other, path = versions(api), f"/creators/{api.creators['mia']}/script-tests"
    writes = api.key(scopes=[ApiKeyScope.PERSONA_WRITE])
    both = api.key(scopes=[ApiKeyScope.PERSONA_WRITE, ApiKeyScope.MONEY_READ])
    body = {
        "personas": [str(other)],
        "metric": "net",
        "planned": 500,
        "window_days": 7,
        "currency": "EUR",
    }
    seen = {}
    for key in (writes, both):
        tag = api.ask("GET", path).headers["etag"]
        begun = api.ask("POST", path, body, key=key, if_match=tag)
        tag = begun.headers["etag"]
        ended = api.ask("POST", f"{path}/end", {"keep": "a"}, key=key, if_match=tag)
        assert (begun.status_code, ended.status_code) == (201, 200)
        seen[key] = [begun.json(), ended.json()]
    for one in seen[writes]:
        assert (one["kind"], one["text"], one["better"], one["more"]) == (None, None, None, 500)
        for version in one["versions"]:
            assert version["fans"] == 0
            assert {version[name] for name in ("buyers", "refunds", "net_minor", "effect")} == {
                None
            }
    for one in seen[both]:
        assert one["kind"] == "waiting"
        assert {each["net_minor"] for each in one["versions"]} == {0}


def test_script_tests_need_their_scopes_and_creator(api: ApiClient) -> None:
    versions(api)
    path = f"/creators/{api.creators['mia']}/script-tests"
    reads = api.key(scopes=[ApiKeyScope.POSTS_READ])
    assert api.ask("GET", path, key=reads).status_code == 403
    foreign = api.key(creators=["zoe"])
    assert api.ask("GET", path, key=foreign).status_code == 404
    tag = api.ask("GET", path).headers["etag"]
    body = {"personas": [str(uuid7())], "metric": "buyers", "planned": 500, "window_days": 7}
    unknown = api.ask("POST", path, body, if_match=tag)
    assert (unknown.status_code, error_code(unknown)) == (404, "persona.unknown")


def test_best_times_and_forecasts_say_what_is_missing(api: ApiClient) -> None:
    found = api.get(f"/channels/{api.channels['mia']}/best-times")
    assert (found["posts"], found["lacking"], found["hours"]) == (0, 60, [])
    assert found["uplift"] == {
        "chosen": 0,
        "random": 0,
        "lacking": 10,
        "share": None,
        "low": None,
        "high": None,
    }
    forecasts = api.get(f"/creators/{api.creators['mia']}/post-forecasts")
    assert forecasts == {"running": [], "scheduled": []}
    foreign = api.key(creators=["zoe"])
    path = f"/channels/{api.channels['mia']}/best-times"
    assert api.ask("GET", path, key=foreign).status_code == 404
