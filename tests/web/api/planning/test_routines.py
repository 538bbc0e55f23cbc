"""Routines over the API: created, changed at the version that was read, paused; today's steps."""

from typing import Any

import httpx

from schedules.routines import routines
from studio.recipes import specs
from tenants.agencies.rights import Role
from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import expect_success


def path_of(api: ApiClient, creator: str = "mia") -> str:
    return f"/creators/{api.creators[creator]}/routine"


def plan(api: ApiClient, **changes: Any) -> dict[str, Any]:
    slot = {"at": "23:30", "channels": [str(api.channels["mia"])], "media": "library"}
    return {"slots": [slot], "report_at": "23:45", **changes}


def put(api: ApiClient, body: Any, version: int, **more: Any) -> httpx.Response:
    return api.ask("PUT", path_of(api), body, version=version, **more)


def test_routine_is_created_changed_and_paused(api: ApiClient) -> None:
    assert error_code(api.ask("GET", path_of(api))) == "routine.unknown"
    made = expect_success(put(api, plan(api), 0))
    assert (made["version"], made["active"]) == (1, True)
    assert {step["kind"] for step in made["steps"]} >= {"propose", "approve", "report"}
    stale = put(api, plan(api, tone="calme"), 0)
    assert (stale.status_code, error_code(stale)) == (412, "routine.changed_meanwhile")
    changed = expect_success(put(api, plan(api, tone="calme", active=False), 1))
    assert (changed["tone"], changed["active"]) == ("calme", False)
    read = api.ask("GET", path_of(api))
    assert read.json() == changed
    assert read.headers["etag"] == f'"{changed["version"]}"'
    with api.scope() as scope:
        found = routines.find_routine(scope, api.creators["mia"])
    assert found is not None
    assert not found.active


def test_invalid_routine_is_refused_and_changes_nothing(api: ApiClient) -> None:
    slot = plan(api)["slots"][0]
    for body, code in (
        (plan(api, approve_by="07:00"), "routine.times_wrong"),
        (plan(api, report_at="20:00"), "routine.report_early"),
        (plan(api, slots=[{**slot, "media": "generated"}]), "routine.slot_no_template"),
        (plan(api, slots=[{**slot, "media": "clip"}]), "routine.slot_no_clip"),
        (plan(api, slots=[slot, slot]), "routine.slot_twice"),
        (plan(api, weekly={"plan_at": "09:00"}), "routine.no_topics"),
        (plan(api, templates=[{"name": "absent", "pictures": 1}]), "routine.template_unknown"),
        (
            plan(api, slots=[{**slot, "channels": [str(api.channels["zoe"])]}]),
            "routine.channel_unknown",
        ),
        (plan(api, approvers=[str(api.members[Role.CHATTER])]), "routine.approver_unfit"),
    ):
        refused = put(api, body, 0)
        assert refused.status_code in (404, 422), refused.text
        assert error_code(refused) == code
    assert api.ask("GET", path_of(api)).status_code == 404


def test_step_that_cannot_run_again_is_refused(api: ApiClient) -> None:
    made = expect_success(put(api, plan(api), 0))
    step = made["steps"][-1]["id"]
    refused = api.ask("POST", f"{path_of(api)}/again", {"step_id": step}, version=1)
    assert (refused.status_code, error_code(refused)) == (409, "routine.step_over")
    assert step in refused.json()["error"]["states"] or step in str(refused.json())


def test_key_of_another_creator_sees_no_routine(api: ApiClient) -> None:
    expect_success(put(api, plan(api), 0))
    narrow = api.key(creators=["zoe"])
    assert api.ask("GET", path_of(api), key=narrow).status_code == 404
    assert put(api, plan(api), 1, key=narrow).status_code == 404


def test_prompt_templates_are_named(api: ApiClient) -> None:
    with api.scope() as scope:
        specs.save_recipe(
            scope, api.creators["mia"], specs.RecipeSpec(name="beach", prompt="a beach in summer")
        )
    slot = {**plan(api)["slots"][0], "media": "generated"}
    body = plan(api, slots=[slot], templates=[{"name": "beach", "pictures": 2}], clips=1)
    assert expect_success(put(api, body, 0))["templates"] == [{"name": "beach", "pictures": 2}]
