"""Prompt templates over the API: create, change in versions, set initial pictures, archive."""

import base64
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from foundation.ids import uuid7
from gate.ratings import ratings
from studio.library.queries import get_asset_bytes
from studio.recipes import run_inputs
from studio.runs import records
from tenants.api_keys.keys import ApiKeyScope
from tests.generators.builders import encoded
from tests.web.api_client import ApiClient, create_api_client, error_code
from tests.web.builders import WebServer
from tests.web.example_agency import add_library_picture

ELLIPSE = {"kind": "ellipse", "left": 10.0, "top": 10.0, "right": 60.5, "bottom": 60.0}
EVENING = {"name": "evening", "prompt": "{place}, {mood}", "words": {"place": ["a lake", "a hill"]}}
MOOD = {"mood": {"kind": "choice", "options": ["calm", "lively"]}}


def write(api: ApiClient, creator: str = "mia", **more: Any) -> Any:
    said = {"creator_id": str(api.creators[creator]), **EVENING, "parameters": MOOD, **more}
    return api.ask("POST", "/recipes", said)


def place(answer: Any) -> tuple[str, str]:
    """Return the path and the ETag of a created or changed resource."""
    assert answer.status_code in {200, 201}, answer.text
    return answer.headers["location"].removeprefix("/v1"), answer.headers["etag"]


def test_recipe_is_created_changed_and_archived(api: ApiClient) -> None:
    weighed = {
        "weights": {"place": {"a lake": 3}},
        "formats": ["feed", "story"],
        "variants": 2,
        "seed": 7,
    }
    path, seen = place(write(api, **weighed, loras={"film": 80}, budget="2.50 USD"))
    found = api.get(path)
    assert api.ask("GET", path).headers["etag"] == seen
    assert {name: found[name] for name in (*EVENING, *weighed)} == {**EVENING, **weighed}
    assert (found["pictures"], found["sizes"][0]) == (4, {"width": 1088, "height": 1360})
    assert [one["name"] for one in found["questions"]] == ["mood"]
    assert error_code(write(api)) == "recipe.taken"
    changed = api.ask("PATCH", path, {"steps": 30, "seed": None}, if_match=seen)
    again, tag = place(changed)
    assert changed.json() == {
        **found,
        "id": changed.json()["id"],
        "version": 2,
        "steps": 30,
        "seed": None,
    }
    assert api.ask("PATCH", path, {"steps": 40}, if_match=seen).status_code == 412, (
        "another client has changed the recipe"
    )
    assert api.ask("GET", path).status_code == 404, "an older version"
    assert api.ask("PATCH", again, {"prompt": "{nothing}"}, if_match=tag).status_code == 422
    assert api.ask("PATCH", again, {"begin": None}, if_match=tag).json()["version"] == 2, (
        "unchanged"
    )
    assert api.ask("DELETE", again, if_match=tag).status_code == 200
    assert api.get("/recipes")["items"] == []
    assert write(api).json()["version"] == 3, "the version number continues"


def test_initial_picture_and_posture_are_saved_and_returned(
    api: ApiClient, room: WebServer
) -> None:
    media = str(add_library_picture(api, store=room.library))
    mask = base64.b64encode(encoded(Image.new("L", (64, 64), 255), "PNG")).decode()
    path, seen = place(
        write(api, begin={"media_id": media, "anew": 40, "part": [ELLIPSE], "mask": mask})
    )
    begin = api.get(path)["begin"]
    assert (begin["media_id"], begin["anew"], begin["part"][0]) == (media, 40, ELLIPSE)
    assert [one["kind"] for one in begin["part"]] == ["ellipse", "drawn"]
    run = api.ask("POST", "/runs", {"recipe_id": path.rsplit("/", 1)[1]}).json()["id"]
    with api.scope() as scope:
        asked = run_inputs.init_picture_of(records.get_run_row(scope, UUID(run)))
    assert asked is not None
    assert (str(asked.asset_id), asked.anew) == (media, 40)
    assert api.get(f"{path}/preview")["refusal"] is None
    same = api.ask("PATCH", path, {"begin": begin}, if_match=seen)
    assert same.json()["version"] == 1, "the returned value is accepted unchanged"
    posed = {"begin": None, "posture": {"media_id": media, "weight": 80}}
    path, seen = place(api.ask("PATCH", path, posed, if_match=seen))
    found = api.get(path)
    assert (found["begin"], found["posture"]) == (None, {"media_id": media, "weight": 80})
    with api.scope() as scope:
        ratings.freeze_bytes(scope, get_asset_bytes(scope, UUID(media)).sha256)
    assert api.get(f"{path}/preview")["refusal"]["code"] == "job.begins_from_withheld"
    assert (
        error_code(api.ask("POST", "/runs", {"recipe_id": found["id"]}))
        == "job.begins_from_withheld"
    )
    plain = api.ask("PATCH", path, {"posture": None}, if_match=seen)
    assert (plain.json()["begin"], plain.json()["posture"]) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"begin": {"media_id": str(uuid7())}}, 404),
        ({"posture": {"media_id": str(uuid7())}}, 404),
        ({"begin": {"media_id": "MINE"}, "posture": {"media_id": "MINE"}}, 422),
        ({"begin": {"media_id": "MINE", "anew": 5}}, 422),
        ({"begin": {"media_id": "MINE", "part": [{**ELLIPSE, "right": 10.0}]}}, 422),
        ({"parameters": {"place": MOOD["mood"]}}, 422),
        ({"prompt": "a\x00"}, 422),
    ],
)
def test_invalid_recipe_is_refused(api: ApiClient, wrong: dict[str, Any], status: int) -> None:
    mine = str(add_library_picture(api))
    for one in wrong.values():
        if isinstance(one, dict) and one.get("media_id") == "MINE":
            one["media_id"] = mine
    answer = write(api, **wrong)
    assert (answer.status_code, api.get("/recipes")["items"]) == (status, []), answer.text


def test_recipes_and_pictures_of_other_creators_are_not_found(
    api: ApiClient, room: WebServer
) -> None:
    path, seen = place(write(api, "zoe"))
    narrow, stranger = (
        api.key(creators=["mia"]),
        create_api_client(room.client, room.tenant).secrets["owner"],
    )
    for key in (narrow, stranger):
        assert api.ask("PATCH", path, {"steps": 30}, key=key, if_match=seen).status_code == 404
        assert api.ask("DELETE", path, key=key, if_match=seen).status_code == 404
    body = {"creator_id": str(api.creators["zoe"]), **EVENING, "parameters": MOOD, "name": "mine"}
    assert api.ask("POST", "/recipes", body, key=narrow).status_code == 404
    hers = str(add_library_picture(api, "zoe"))
    assert write(api, begin={"media_id": hers}).status_code == 404
    plans = api.key(scopes=[ApiKeyScope.POSTS_READ, ApiKeyScope.POSTS_WRITE])
    assert (
        error_code(api.ask("PATCH", path, {"steps": 30}, key=plans, if_match=seen))
        == "api.other_scope"
    )
    assert [one["version"] for one in api.get("/recipes")["items"]] == [1]
