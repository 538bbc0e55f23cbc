"""Missed posts after a downtime over the API: what each account missed, and the single decision to
publish or hold."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from schedules.downtime import missed_posts
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies.rights import Role
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ApiClient, create_api_client, error_code, parse_instant
from tests.web.builders import WebServer
from tests.web.example_agency import create_missed_posts, expect_success


def seen(api: ApiClient, downtime_id: str, **more: Any) -> tuple[dict[str, Any], str]:
    """Return a downtime and its ETag."""
    answer = api.ask("GET", f"/downtimes/{downtime_id}", **more)
    return expect_success(answer), answer.headers["etag"]


def states(found: dict[str, Any]) -> list[str]:
    return [one["state"] for account in found["accounts"] for one in account["deliveries"]]


def test_missed_posts_are_listed_by_account(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api, count=3)
    (told,) = api.get("/downtimes")["items"]
    found, _ = seen(api, downtime_id)
    assert (told["state"], told["left"], told["waiting"], told["held"], told["others_too"]) == (
        "open",
        0,
        3,
        0,
        False,
    )
    assert {name: found[name] for name in told} == told
    (account,) = found["accounts"]
    assert (account["channel_id"], account["channel"]) == (str(api.channels["mia"]), "Sandbox mia")
    turns = [parse_instant(one["not_before"]) for one in account["deliveries"]]
    assert turns == sorted(turns)
    assert parse_instant(found["since"]) == min(
        parse_instant(one["due_at"]) for one in account["deliveries"]
    )
    assert found["accounts"][0]["deliveries"][0] == {
        name: value
        for name, value in api.get(f"/deliveries/{account['deliveries'][0]['id']}").items()
        if name not in {"moves", "attempts", "edits", "next"}
    }


def test_downtime_is_accepted_once_and_may_be_held_later(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api)
    path, tag = f"/downtimes/{downtime_id}", seen(api, downtime_id)[1]
    kept = api.ask("POST", f"{path}/keep", if_match=tag, idempotency_key="keep")
    again = api.ask("POST", f"{path}/keep", if_match=tag, idempotency_key="keep")
    assert (expect_success(kept)["state"], kept.content, again.headers["idempotent-replayed"]) == (
        "kept",
        again.content,
        "true",
    )
    stale = api.ask("POST", f"{path}/hold", if_match=tag)
    assert (stale.status_code, stale.json()["error"]["states"]) == (412, {downtime_id: "kept"})
    twice = api.ask("POST", f"{path}/keep", if_match=kept.headers["etag"])
    assert (twice.status_code, error_code(twice)) == (409, "downtime.decided")
    assert twice.json()["error"]["states"] == {downtime_id: "kept"}
    held = api.ask("POST", f"{path}/hold", if_match=kept.headers["etag"])
    assert (expect_success(held)["state"], states(held.json())) == ("stopped", ["held", "held"])
    assert (
        error_code(api.ask("POST", f"{path}/hold", if_match=held.headers["etag"]))
        == "downtime.decided"
    )
    assert [one["held"] for one in api.get("/downtimes")["items"]] == [2], "a person must decide"


def test_published_post_keeps_the_version_and_is_not_held(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api, count=3)
    found, tag = seen(api, downtime_id)
    first = found["accounts"][0]["deliveries"][0]["id"]
    with api.scope("system:publishing") as scope:
        transition_delivery(scope, get_delivery(scope, UUID(first)), DeliveryState.PUBLISHING)
    held = expect_success(api.ask("POST", f"/downtimes/{downtime_id}/hold", if_match=tag))
    assert (held["left"], held["waiting"], held["held"]) == (1, 0, 2)
    reasons = [one["reason"] and one["reason"]["code"] for one in held["accounts"][0]["deliveries"]]
    assert reasons == [None, "downtime.held", "downtime.held"]


def test_newly_affected_account_changes_the_version(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api)
    tag = seen(api, downtime_id)[1]
    assert create_missed_posts(api, "zoe") == downtime_id
    answer = api.ask("POST", f"/downtimes/{downtime_id}/keep", if_match=tag)
    assert (answer.status_code, error_code(answer)) == (412, "api.other_version")
    found, tag = seen(api, downtime_id)
    assert [account["channel"] for account in found["accounts"]] == ["Sandbox mia", "Sandbox zoe"]
    assert (
        expect_success(api.ask("POST", f"/downtimes/{downtime_id}/keep", if_match=tag))["state"]
        == "kept"
    )


def test_simultaneous_decisions_take_effect_once(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api)
    tag = seen(api, downtime_id)[1]
    with ThreadPoolExecutor(4) as pool:
        acts = [f"/downtimes/{downtime_id}/{act}" for act in ("keep", "hold", "keep", "hold")]
        answers = list(pool.map(lambda path: api.ask("POST", path, if_match=tag), acts))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (won,) = [answer.json() for answer in answers if answer.is_success]
    assert seen(api, downtime_id)[0] == won


def test_key_for_one_creator_sees_and_holds_only_her_posts(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api)
    create_missed_posts(api, "zoe")
    hers = api.key(creators=["zoe"])
    found, tag = seen(api, downtime_id, key=hers)
    assert ([one["channel"] for one in found["accounts"]], found["others_too"]) == (
        ["Sandbox zoe"],
        True,
    )
    refused = api.ask("POST", f"/downtimes/{downtime_id}/keep", if_match=tag, key=hers)
    assert (refused.status_code, error_code(refused)) == (403, "downtime.others_too")
    held = expect_success(api.ask("POST", f"/downtimes/{downtime_id}/hold", if_match=tag, key=hers))
    assert (held["state"], states(held)) == ("open", ["held", "held"]), (
        "the posts of mia still need a decision"
    )
    whole, _ = seen(api, downtime_id)
    assert states(whole) == ["scheduled", "scheduled", "held", "held"]


def test_unaffected_members_do_not_find_the_downtime(api: ApiClient, room: WebServer) -> None:
    downtime_id = create_missed_posts(api)
    other = create_api_client(room.client, api.tenant)
    for asker, key in ((api, api.key(creators=["zoe"])), (other, other.secrets["owner"])):
        assert asker.get("/downtimes", key=key) == {"items": [], "next": None}
        for method, path in (("GET", ""), ("POST", "/keep"), ("POST", "/hold")):
            answer = asker.ask(method, f"/downtimes/{downtime_id}{path}", key=key, version=1)
            assert (answer.status_code, error_code(answer)) == (404, "downtime.unknown")
    assert states(seen(api, downtime_id)[0]) == ["scheduled", "scheduled"]


def test_decisions_need_the_calendar_scope(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api)
    tag = seen(api, downtime_id)[1]
    reads = api.key(
        Role.OWNER,
        scopes=[ApiKeyScope.POSTS_READ, ApiKeyScope.POSTS_WRITE, ApiKeyScope.DELIVERIES_WRITE],
    )
    for act in ("keep", "hold"):
        answer = api.ask("POST", f"/downtimes/{downtime_id}/{act}", if_match=tag, key=reads)
        assert (answer.status_code, error_code(answer)) == (403, "api.other_scope")


def test_undecided_downtime_is_over_once_all_posts_are_published(api: ApiClient) -> None:
    downtime_id = create_missed_posts(api)
    found, _ = seen(api, downtime_id)
    with api.scope("system:publishing") as scope:
        for one in found["accounts"][0]["deliveries"]:
            transition_delivery(
                scope, get_delivery(scope, UUID(one["id"])), DeliveryState.PUBLISHING
            )
        missed_posts.close_finished_downtimes(scope)
    assert api.get("/downtimes")["items"] == []
    over, tag = seen(api, downtime_id)
    assert (over["state"], over["left"]) == ("over", 2)
    for act in ("keep", "hold"):
        answer = api.ask("POST", f"/downtimes/{downtime_id}/{act}", if_match=tag)
        assert (answer.status_code, answer.json()["error"]["states"]) == (
            409,
            {downtime_id: "over"},
        )


def test_downtimes_are_paged(api: ApiClient) -> None:
    first = create_missed_posts(api)
    held = api.ask("POST", f"/downtimes/{first}/hold", if_match=seen(api, first)[1])
    assert held.status_code == 200
    second = create_missed_posts(api, "zoe")
    page = api.get("/downtimes?limit=1")
    assert [one["id"] for one in page["items"]] == [first]
    assert [one["id"] for one in api.get(f"/downtimes?limit=1&cursor={page['next']}")["items"]] == [
        second
    ]


@pytest.mark.parametrize(
    "asked", ["?creator=x", "?limit=0", "?limit=201", "?cursor=x", "?cursor=" + "x" * 500]
)
def test_invalid_page_parameters_are_refused(api: ApiClient, asked: str) -> None:
    assert api.ask("GET", f"/downtimes{asked}").status_code == 422
