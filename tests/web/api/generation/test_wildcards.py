"""Wildcard lists over the API: written in versions, used by recipes, protected while a recipe names
them."""

from uuid import UUID

from studio.recipes import specs, versions
from tests.studio.builders import build_spec
from tests.web.api_client import ApiClient, create_api_client, error_code
from tests.web.builders import WebServer
from tests.web.mcp.test_tools import call

OUTFITS = {"name": "outfits", "words": ["a red dress", "a coat"], "weights": {"a coat": 3}}


def test_list_is_created_used_changed_and_deleted(api: ApiClient) -> None:
    first = api.ask("POST", "/word-lists", OUTFITS, idempotency_key="one")
    again = api.ask("POST", "/word-lists", OUTFITS, idempotency_key="one")
    assert (first.status_code, again.json()) == (201, first.json()), (
        "created once per idempotency key"
    )
    assert error_code(api.ask("POST", "/word-lists", OUTFITS)) == "list.taken"
    path, seen = first.headers["location"].removeprefix("/v1"), first.headers["etag"]
    assert api.ask("GET", path).headers["etag"] == seen
    with api.scope() as scope:
        mine = str(
            specs.save_recipe(scope, api.creators["mia"], build_spec(prompt="{@outfits}", words={}))
        )
    assert api.get(f"/recipes/{mine}")["lists"] == ["outfits"]
    assert call(api, "list_word_lists")["items"] == [first.json()]
    preview = api.get(f"/recipes/{mine}/preview?seed=7&count=24")["pictures"]
    assert {one["prompt"] for one in preview} == set(OUTFITS["words"])
    run = api.ask("POST", "/runs", {"recipe_id": mine, "seed": 7, "count": 24}).json()
    changed = api.ask("PATCH", path, {"words": ["a hat"]}, if_match=seen)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert api.ask("PATCH", path, {"words": ["a shawl"]}, if_match=seen).status_code == 412, (
        "another client has changed the list"
    )
    assert api.ask("GET", path).status_code == 404, "an older version"
    assert {one["prompt"] for one in api.get(f"/recipes/{mine}/preview")["pictures"]} == {"a hat"}
    path, seen = changed.headers["location"].removeprefix("/v1"), changed.headers["etag"]
    assert [one["version"] for one in api.get(f"{path}/versions")["items"]] == [2, 1]
    kept = api.ask("DELETE", path, if_match=seen)
    assert (kept.status_code, error_code(kept)) == (409, "list.named")
    with api.scope() as scope:
        versions.archive_recipe(scope, api.creators["mia"], UUID(mine))
    assert api.ask("DELETE", path, if_match=seen).status_code == 200
    assert api.get("/word-lists")["items"] == []
    assert (api.get(f"/runs/{run['id']}")["state"], run["lists"]) == ("queued", {"outfits": 1})
    assert [one["lists"] for one in api.get("/runs")["items"]] == [{"outfits": 1}]


def test_missing_list_is_reported_in_the_preview(api: ApiClient) -> None:
    made = api.ask("POST", "/word-lists", OUTFITS)
    with api.scope() as scope:
        mine = str(specs.save_recipe(scope, api.creators["mia"], build_spec(prompt="{@outfits}")))
        versions.archive_recipe(scope, api.creators["mia"], UUID(mine))
    gone = api.ask(
        "DELETE", made.headers["location"].removeprefix("/v1"), if_match=made.headers["etag"]
    )
    assert gone.status_code == 200
    with api.scope() as scope:
        versions.unarchive_recipe(scope, api.creators["mia"], UUID(mine))
    for answer in (
        api.ask("GET", f"/recipes/{mine}/preview"),
        api.ask("POST", "/runs", {"recipe_id": mine}),
    ):
        assert (answer.status_code, error_code(answer)) == (422, "recipe.list_unknown")


def test_renamed_list_is_renamed_in_its_recipes(api: ApiClient) -> None:
    made = api.ask("POST", "/word-lists", OUTFITS)
    path, seen = made.headers["location"].removeprefix("/v1"), made.headers["etag"]
    with api.scope() as scope:
        mine = str(specs.save_recipe(scope, api.creators["mia"], build_spec(prompt="{@outfits}")))
    run = api.ask("POST", "/runs", {"recipe_id": mine, "seed": 7}).json()
    renamed = api.ask("PATCH", path, {"name": "clothes"}, if_match=seen)
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["words"]) == (
        200,
        "clothes",
        OUTFITS["words"],
    )
    assert renamed.json()["weights"] == OUTFITS["weights"]
    assert api.ask("PATCH", path, {"name": "hats"}, if_match=seen).status_code == 412, (
        "the version is stale"
    )
    (found,) = api.get("/recipes")["items"]
    assert (found["prompt"], found["lists"], found["version"]) == ("{@clothes}", ["clothes"], 2)
    assert api.get(f"/runs/{run['id']}")["lists"] == {"outfits": 1}
    path, seen = renamed.headers["location"].removeprefix("/v1"), renamed.headers["etag"]
    both = api.ask("PATCH", path, {"name": "hats", "words": ["a hat"]}, if_match=seen)
    assert (both.json()["name"], both.json()["words"]) == ("hats", ["a hat"])
    assert api.ask("POST", "/word-lists", OUTFITS).status_code == 201, "the old name is free again"
    path, seen = both.headers["location"].removeprefix("/v1"), both.headers["etag"]
    assert error_code(api.ask("PATCH", path, {"name": "outfits"}, if_match=seen)) == "list.taken"
    assert error_code(api.ask("PATCH", path, {"name": "Hats!"}, if_match=seen)) == "list.invalid"


def test_lists_of_other_creators_are_not_found(api: ApiClient, room: WebServer) -> None:
    hers = api.ask("POST", "/word-lists", {**OUTFITS, "creator_id": str(api.creators["zoe"])})
    path, seen = hers.headers["location"].removeprefix("/v1"), hers.headers["etag"]
    narrow, stranger = (
        api.key(creators=["mia"]),
        create_api_client(room.client, room.tenant).secrets["owner"],
    )
    for key in (narrow, stranger):
        assert api.get("/word-lists", key=key)["items"] == []
        assert api.ask("GET", path, key=key).status_code == 404
        assert api.ask("GET", f"{path}/versions", key=key).status_code == 404
        assert api.ask("PATCH", path, {"words": ["x"]}, key=key, if_match=seen).status_code == 404
        assert api.ask("DELETE", path, key=key, if_match=seen).status_code == 404
    assert api.ask("POST", "/word-lists", OUTFITS, key=narrow).status_code == 403, (
        "lists of the agency need a key for all creators"
    )
    assert (
        error_code(api.ask("POST", "/word-lists", {**OUTFITS, "words": ["a", "a"]}))
        == "list.invalid"
    )
    assert api.get("/word-lists")["items"] == [hers.json()]
