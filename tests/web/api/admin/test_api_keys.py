"""API keys created with a key: only for members with a second factor, and never wider or longer
than the parent key."""

from itertools import combinations
from typing import Any

import pytest

from foundation.ids import uuid7
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ApiClient, error_code

WIDE = (ApiKeyScope.KEYS_WRITE, ApiKeyScope.POSTS_READ, ApiKeyScope.POSTS_WRITE)


def make(api: ApiClient, key: str = "", **more: Any) -> Any:
    said = {"name": "Nightly", "scopes": ["posts:read"], "days": 5, **more}
    return api.ask("POST", "/keys", said, key=key)


def test_secret_is_returned_only_once(api: ApiClient) -> None:
    said = {"name": "Nightly", "scopes": ["posts:read"]}
    name = uuid7().hex
    first = api.ask("POST", "/keys", said, idempotency_key=name)
    again = api.ask("POST", "/keys", said, idempotency_key=name)
    assert (first.status_code, again.status_code) == (201, 201)
    secret = first.json()["secret"]
    assert again.json() == {**first.json(), "secret": None}
    assert api.get("/posts", key=secret) == {"items": [], "next": None}
    with api.scope() as scope:
        rows = scope.run("SELECT body FROM api_answers WHERE tenant_id = :t", t=api.tenant_id)
        assert not any(secret in str(row.body) for row in rows)
    assert secret not in api.ask("GET", "/keys").text


def test_member_without_second_factor_creates_no_key(api: ApiClient) -> None:
    with api.scope() as scope:
        scope.run(
            "UPDATE passkeys SET ended_at = people_now(), ended = 'removed' WHERE tenant_id = :t",
            t=api.tenant_id,
        )
    for secret in (api.secrets["manager"], api.secrets["owner"]):
        answer = make(api, secret)
        assert (answer.status_code, error_code(answer)) == (403, "key.no_second_factor")


@pytest.mark.parametrize("held", [c for n in (2, 3) for c in combinations(WIDE, n)])
def test_key_grants_no_scope_it_lacks(api: ApiClient, held: tuple[ApiKeyScope, ...]) -> None:
    parent = api.key(scopes=held)
    for scope in ApiKeyScope:
        answer = make(api, parent, scopes=[scope])
        if ApiKeyScope.KEYS_WRITE not in held:
            assert error_code(answer) == "api.other_scope"
        elif scope in held and scope is not ApiKeyScope.KEYS_WRITE:
            assert answer.status_code == 201
        else:
            assert error_code(answer) == "key.beyond_uses"


def test_key_for_some_creators_creates_keys_only_for_them(api: ApiClient) -> None:
    parent = api.key(creators=["mia"])
    made = make(api, parent)
    assert made.json()["creators"] == [str(api.creators["mia"])]
    assert make(api, parent, creators=[str(api.creators["zoe"])]).status_code == 404
    wide = make(api, creators=[str(api.creators["zoe"])])
    assert wide.json()["creators"] == [str(api.creators["zoe"])]


def test_child_key_does_not_outlive_its_parent(api: ApiClient) -> None:
    parent = api.key(days=3)
    assert error_code(make(api, parent, days=4)) == "key.beyond_life"
    child = make(api, parent, days=3).json()["secret"]
    assert api.ask("GET", "/posts", key=child).status_code == 200
    mine = api.get("/keys", key=parent)["items"]
    parent_id = max((one for one in mine if one["name"] == "test"), key=lambda one: one["id"])["id"]
    tag = api.ask("GET", f"/keys/{parent_id}", key=parent).headers["etag"]
    assert api.ask("DELETE", f"/keys/{parent_id}", if_match=tag).status_code == 200
    for secret in (parent, child):
        assert api.ask("GET", "/posts", key=secret).status_code == 401


def test_keys_of_other_members_are_not_found(api: ApiClient) -> None:
    other = api.get("/keys", key=api.secrets["owner"])["items"][0]["id"]
    assert other not in api.ask("GET", "/keys").text
    assert api.ask("GET", f"/keys/{other}").status_code == 404
    assert api.ask("DELETE", f"/keys/{other}", version=1).status_code == 404
