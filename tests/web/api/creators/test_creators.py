"""Creators over the API: add, edit, deactivate and archive, within the rights of the key."""

from dataclasses import replace

import pytest

from tenants import audit
from tenants.agencies.rights import Role
from tests.web.api_client import ApiClient, error_code

NEW = {"name": "Léa Moreau", "kind": "virtual", "zone": "Europe/Paris", "languages": ["fr", "en"]}


@pytest.fixture
def owner(api: ApiClient) -> ApiClient:
    """Return the client with the owner's key."""
    return replace(api, secrets={**api.secrets, "manager": api.secrets["owner"]})


def test_creator_is_added_edited_and_archived(owner: ApiClient) -> None:
    api = owner
    asked = {**NEW, "images_per_day": 20}
    first = api.ask("POST", "/creators", asked, idempotency_key="lea-1")
    assert first.status_code == 201, first.text
    made = first.json()
    assert (made["slug"], made["state"], made["images_per_day"]) == ("lea-moreau", "active", 20)
    again = api.ask("POST", "/creators", asked, idempotency_key="lea-1")
    assert again.json() == made
    second = api.ask("POST", "/creators", {**NEW, "handle": "lea-moreau"})
    assert (second.status_code, error_code(second)) == (409, "creator.handle_taken")
    path = f"/creators/{made['id']}"
    stale = first.headers["etag"]
    changed = api.ask(
        "PATCH", path, {"biography": "Photographe", "posts_per_day": 4}, if_match=stale
    )
    assert changed.status_code == 200, changed.text
    assert api.get(path) == changed.json()
    assert (changed.json()["biography"], changed.json()["posts_per_day"]) == ("Photographe", 4)
    late = api.ask("PATCH", path, {"name": "Autre"}, if_match=stale)
    assert late.status_code == 412
    tag = changed.headers["etag"]
    archived = api.ask("POST", f"{path}/archive", {}, if_match=tag)
    assert archived.json()["state"] == "archived"
    tag = archived.headers["etag"]
    refused = api.ask("POST", f"{path}/deactivate", {}, if_match=tag)
    assert (refused.status_code, refused.json()["error"]["states"]) == (
        409,
        {made["id"]: "archived"},
    )
    assert [one["id"] for one in api.get("/creators?state=archived")["items"]] == [made["id"]]
    back = api.ask("POST", f"{path}/reactivate", {}, if_match=tag)
    assert back.json()["state"] == "active"
    with api.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=scope.tenant_id)
    tag = back.headers["etag"]
    moved = api.ask("PATCH", path, {"handle": "lea", "name": "Léa"}, if_match=tag)
    assert (moved.json()["slug"], moved.json()["name"]) == ("lea", "Léa")
    tag = moved.headers["etag"]
    reserved = api.ask("PATCH", path, {"handle": "admin"}, if_match=tag)
    assert (reserved.status_code, error_code(reserved)) == (422, "creator.handle")
    with api.scope() as scope:
        about = f"creator:{made['id']}"
        acts = [one.act for one in audit.list_recent_acts(scope) if one.about == about]
    assert {"creator.added", "creator.changed", "creator.archived", "creator.reactivated"} <= set(
        acts
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**NEW, "zone": "Mars/Olympus"}, "agency.zone"),
        ({**NEW, "languages": ["xx"]}, "agency.language"),
        ({**NEW, "handle": "api"}, "creator.handle"),
        ({**NEW, "handle": "Léa Moreau"}, "creator.handle"),
        ({**NEW, "biography": "a\u202eb"}, "creator.biography"),
        ({**NEW, "name": "EXPLICIT-MARKER-A"}, "gate.RATING_EXCEEDS_SURFACE"),
    ],
)
def test_invalid_creator_is_refused_and_not_added(
    owner: ApiClient, body: dict[str, object], code: str
) -> None:
    api = owner
    before = len(api.get("/creators")["items"])
    refused = api.ask("POST", "/creators", body)
    assert (refused.status_code // 100, error_code(refused)) == (4, code)
    assert len(api.get("/creators")["items"]) == before


def test_only_owners_with_an_unlimited_key_manage_creators(api: ApiClient) -> None:
    path = f"/creators/{api.creators['mia']}"
    tag = api.ask("GET", path).headers["etag"]
    for method, where, body in (
        ("POST", "/creators", NEW),
        ("POST", f"{path}/deactivate", {}),
        ("PATCH", path, {"rating_ceiling": "E"}),
    ):
        refused = api.ask(method, where, body, if_match=tag)
        assert refused.status_code == 403, (method, refused.text)
    edited = api.ask("PATCH", path, {"biography": "Bonjour"}, if_match=tag)
    assert edited.status_code == 200, edited.text
    limited = api.key(Role.OWNER, scopes=["creators:write", "posts:read"], creators=("zoe",))
    assert api.ask("POST", "/creators", NEW, key=limited).status_code == 403
    tag = edited.headers["etag"]
    assert api.ask("POST", f"{path}/archive", {}, key=limited, if_match=tag).status_code == 404
