"""A/B tests of a series over the API: start, read the verdict, end; at most one at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.ids import uuid7
from schedules.recurrence import series
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ApiClient, create_api_client, error_code, module_start
from tests.web.builders import WebServer
from tests.web.example_agency import (
    ExampleAgency,
    begin_ab_test,
    begin_ab_test_on_new_series,
    create_series,
    expect_success,
)


@pytest.fixture
def mine(api: ApiClient) -> ExampleAgency:
    """Return mia and her account as an agency."""
    return ExampleAgency(
        api, {"creator_id": str(api.creators["mia"]), "channel_id": str(api.channels["mia"])}
    )


def daily(world: ExampleAgency, **more: Any) -> str:
    """Create a daily series and return its ID."""
    body = create_series(world, repeat={"every": "daily", "end": 90}, **more)
    return str(expect_success(world.api.ask("POST", "/series", body))["id"])


def ended(api: ApiClient, test_id: str, keep: str, **more: Any) -> Any:
    path = f"/tests/{test_id}"
    more.setdefault("if_match", api.ask("GET", path).headers["etag"])
    return api.ask("POST", f"{path}/end", {"keep": keep}, **more)


def test_ab_test_is_started_read_and_ended(api: ApiClient, mine: ExampleAgency) -> None:
    series_id = daily(mine)
    answer = begin_ab_test(api, series_id)
    one = expect_success(answer)
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/tests/{one['id']}")
    assert (one["state"], one["kept"], one["ended_at"], one["differ"]) == (
        "running",
        None,
        None,
        ["words"],
    )
    assert (one["metric"], one["age_hours"], one["planned"]) == ("views", 24, 60)
    told = one["verdict"]
    assert (told["kind"], told["more"], told["effect"], told["better"]) == (
        "waiting",
        60,
        None,
        None,
    )
    assert "Posts still needed: 60" in told["text"]
    assert api.ask("GET", f"/tests/{one['id']}").headers["etag"] == answer.headers["etag"]
    assert api.get("/tests") == {"items": [one], "next": None}
    before, running = api.get(f"/series/{series_id}"), api.get(f"/series/{one['series_id']}")
    assert before["rule"].endswith("UNTIL=20310305")
    assert (running["post_id"], running["coming"][0]["wall_time"]) == (
        one["a_id"],
        "2031-03-06T18:30",
    )
    other = api.get(f"/posts/{one['b_id']}")
    assert (other["body"], other["approved"], other["author"]) == (
        "again, otherwise",
        False,
        f"member:{api.members['manager']}",
    )
    done = expect_success(ended(api, one["id"], "b"))
    assert (done["state"], done["kept"], done["verdict"]["kind"]) == ("ended", "b", "waiting")
    assert "ended before its planned size (posts missing: 60)" in done["verdict"]["text"]
    assert api.get("/series")["items"][0]["post_id"] == one["b_id"]


def test_ab_test_is_started_once_per_idempotency_key(api: ApiClient, mine: ExampleAgency) -> None:
    path = f"/series/{daily(mine)}"
    tag = api.ask("GET", path).headers["etag"]
    body = {
        "day": "2031-03-06",
        "body": "other",
        "metric": "likes",
        "age_hours": 168,
        "planned": 40,
    }
    said = [
        api.ask("POST", f"{path}/test", body, if_match=tag, idempotency_key="once")
        for _ in range(2)
    ]
    assert [each.status_code for each in said] == [201, 201]
    assert said[0].content == said[1].content
    assert len(api.get("/tests")["items"]) == 1
    stale = api.ask("POST", f"{path}/test", body, if_match=tag)
    assert (stale.status_code, len(api.get("/tests")["items"])) == (412, 1)


def test_running_test_blocks_other_tests_and_series_changes(
    api: ApiClient, mine: ExampleAgency
) -> None:
    running = expect_success(begin_ab_test_on_new_series(api, mine))["series_id"]
    second = begin_ab_test(api, running, body="a third way")
    assert (second.status_code, error_code(second)) == (409, "variants.running")
    assert second.json()["error"]["states"] == {running: "running"}
    tag = api.ask("GET", f"/series/{running}").headers["etag"]
    changed = api.ask(
        "POST",
        f"/series/{running}/change",
        {"day": "2031-03-07", "words": {"body": "x"}},
        if_match=tag,
    )
    assert (changed.status_code, error_code(changed)) == (409, "variants.running")


def test_ab_test_is_ended_once_with_one_result(api: ApiClient, mine: ExampleAgency) -> None:
    one = expect_success(begin_ab_test_on_new_series(api, mine))
    tag = api.ask("GET", f"/tests/{one['id']}").headers["etag"]
    said = [ended(api, one["id"], "a", if_match=tag, idempotency_key="end") for _ in range(2)]
    assert said[0].content == said[1].content
    assert said[1].headers["idempotent-replayed"] == "true"
    late = ended(api, one["id"], "b", if_match=tag)
    assert (late.status_code, late.json()["error"]["states"]) == (412, {one["id"]: "ended"})
    other = ended(api, one["id"], "b")
    assert (other.status_code, error_code(other)) == (409, "variants.is_ended")
    assert expect_success(ended(api, one["id"], "a"))["kept"] == "a", (
        "the same verdict again is no change"
    )


def test_simultaneous_ends_take_effect_once(api: ApiClient, mine: ExampleAgency) -> None:
    one = expect_success(begin_ab_test_on_new_series(api, mine))
    tag = api.ask("GET", f"/tests/{one['id']}").headers["etag"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda keep: ended(api, one["id"], keep, if_match=tag), "abab"))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (won,) = [answer.json() for answer in answers if answer.is_success]
    assert api.get(f"/tests/{one['id']}") == won


def test_stopped_series_has_no_more_ab_tests(api: ApiClient, mine: ExampleAgency) -> None:
    one = expect_success(begin_ab_test_on_new_series(api, mine))
    path = f"/series/{one['series_id']}"
    assert api.ask("POST", f"{path}/stop", if_match=api.ask("GET", path).headers["etag"]).is_success
    found = api.get(f"/tests/{one['id']}")
    assert (found["state"], found["kept"]) == ("stopped", None)
    assert "there is no result" in found["verdict"]["text"]
    stopped = begin_ab_test(api, one["series_id"])
    assert (stopped.status_code, error_code(stopped)) == (409, "variants.running")
    assert expect_success(ended(api, one["id"], "a"))["state"] == "ended"
    over = begin_ab_test(api, one["series_id"])
    assert (over.status_code, error_code(over)) == (409, "series.is_stopped")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"body": "again"}, "variants.one_difference"),
        ({"body": None}, "variants.one_difference"),
        ({"body": "other", "media": [str(uuid7())]}, "variants.one_difference"),
        ({"metric": "reach"}, "experiments.no_such_reading"),
        ({"metric": ""}, "experiments.no_such_reading"),
        ({"age_hours": 1}, "experiments.no_such_reading"),
        ({"age_hours": 10**30}, "experiments.no_such_reading"),
        ({"planned": 39}, "api.unfit"),
        ({"planned": 1001}, "api.unfit"),
        ({"planned": 90}, "variants.ends_before"),
        ({"day": "2031-02-01"}, "series.no_such_day"),
        ({"day": "2020-01-01"}, "series.no_such_day"),
        ({"day": "soon"}, "api.unfit"),
        ({"day": 5}, "api.unfit"),
        ({"body": "x\x00"}, "api.unfit"),
        ({"body": "x" * 100_001}, "api.unfit"),
        ({"keep": "a"}, "api.unfit"),
    ],
)
def test_invalid_ab_test_is_refused(
    api: ApiClient, mine: ExampleAgency, more: dict[str, Any], told: str
) -> None:
    series_id = daily(mine)
    answer = begin_ab_test(api, series_id, **more)
    assert (answer.status_code, error_code(answer)) == (422, told), answer.text
    assert api.get("/tests")["items"] == []
    assert [one["id"] for one in api.get("/series")["items"]] == [series_id]
    assert len(api.get("/posts")["items"]) == 1, "no second version remains"


def test_unknown_picture_is_refused(api: ApiClient, mine: ExampleAgency) -> None:
    answer = begin_ab_test(api, daily(mine), body=None, media=[str(uuid7())])
    assert answer.status_code in {404, 422}, answer.text
    assert api.get("/tests")["items"] == []


def test_several_versions_run_on_several_accounts(api: ApiClient, mine: ExampleAgency) -> None:
    with api.scope() as scope:
        second = lifecycle.connect_account(
            scope,
            creator_id=api.creators["mia"],
            platform="sandbox",
            surface="sandbox.post",
            account=f"second-{api.tenant_id}",
            name="Second",
            base_url="http://127.0.0.1:9",
            token=None,
            zone="Europe/Paris",
        )
    channels = [mine.ids["channel_id"], str(second)]
    one = expect_success(
        begin_ab_test(
            api,
            daily(mine, channels=channels),
            more=[{"body": "a third way"}],
            method="sequential",
        )
    )
    assert (one["channel_ids"], one["method"]) == (channels, "sequential")
    assert [each["version"] for each in one["versions"]] == ["a", "b", "c"]
    assert one["versions"][1]["post_id"] == one["b_id"]
    assert api.get(f"/posts/{one['versions'][2]['post_id']}")["body"] == "a third way"
    assert one["verdict"]["versions"] == {"a": 0, "b": 0, "c": 0}
    assert expect_success(ended(api, one["id"], "c"))["kept"] == "c"


@pytest.mark.parametrize(
    "body", [{}, {"keep": "e"}, {"keep": "A"}, {"keep": None}, {"keep": ["a"]}, {"keep": ""}]
)
def test_ab_test_is_not_ended_with_an_invalid_version(
    api: ApiClient, mine: ExampleAgency, body: dict[str, Any]
) -> None:
    one = expect_success(begin_ab_test_on_new_series(api, mine))
    tag = api.ask("GET", f"/tests/{one['id']}").headers["etag"]
    answer = api.ask("POST", f"/tests/{one['id']}/end", body, if_match=tag)
    assert (answer.status_code, error_code(answer)) == (422, "api.unfit")
    assert api.get(f"/tests/{one['id']}")["state"] == "running"


def test_ab_tests_need_the_write_scope(api: ApiClient, mine: ExampleAgency) -> None:
    one, reads = (
        expect_success(begin_ab_test_on_new_series(api, mine)),
        api.key(scopes=[ApiKeyScope.POSTS_READ, ApiKeyScope.CALENDAR_WRITE]),
    )
    assert api.get("/tests", key=reads)["items"] == [one]
    tag = api.ask("GET", f"/tests/{one['id']}").headers["etag"]
    answer = ended(api, one["id"], "a", if_match=tag, key=reads)
    assert (answer.status_code, error_code(answer)) == (403, "api.other_scope")


def test_foreign_ab_tests_are_not_found(
    api: ApiClient, mine: ExampleAgency, room: WebServer
) -> None:
    one, series_id = expect_success(begin_ab_test_on_new_series(api, mine)), daily(mine)
    other = create_api_client(room.client, api.tenant)
    said = {"day": "2031-03-06", "body": "other", "metric": "views", "age_hours": 24, "planned": 60}
    for asker, key in ((api, api.key(creators=["zoe"])), (other, other.secrets["owner"])):
        assert asker.get("/tests", key=key) == {"items": [], "next": None}
        assert asker.get(f"/tests?creator={mine.ids['creator_id']}", key=key)["items"] == []
        for answer in (
            asker.ask("GET", f"/tests/{one['id']}", key=key),
            asker.ask("POST", f"/tests/{one['id']}/end", {"keep": "a"}, key=key, version=1),
            asker.ask("POST", f"/series/{series_id}/test", said, key=key, version=1),
        ):
            assert answer.status_code == 404, answer.text
            assert error_code(answer) in {"variants.unknown", "series.unknown"}
    assert api.get(f"/tests/{one['id']}") == one


def test_ab_tests_are_paged_newest_first(api: ApiClient, mine: ExampleAgency) -> None:
    ids = [
        expect_success(begin_ab_test_on_new_series(api, mine, hour=hour))["id"]
        for hour in ("00:30", "08:30", "16:30")
    ]
    found, following = [], ""
    while following is not None:
        page = api.get(f"/tests?limit=1{following and '&cursor=' + following}")
        found += [one["id"] for one in page["items"]]
        following = page["next"]
    assert found == ids[::-1]
    foreign = api.get("/series?limit=1")["next"]
    answer = api.ask("GET", f"/tests?cursor={foreign}")
    assert (answer.status_code, error_code(answer)) == (422, "api.no_cursor")


def test_finished_test_names_the_better_version_and_the_effect(
    api: ApiClient, mine: ExampleAgency
) -> None:
    first = {
        "wall_time": f"{module_start() + timedelta(days=1):%Y-%m-%d}T18:30",
        "zone": "Europe/Paris",
    }
    day = f"{module_start() + timedelta(days=2):%Y-%m-%d}"
    one = expect_success(
        begin_ab_test(api, daily(mine, at=first, confirmed=True), day=day, planned=40)
    )
    _read(api, one, {"a": 100, "b": 300})
    told = api.get(f"/tests/{one['id']}")["verdict"]
    assert (told["kind"], told["more"], told["better"]) == ("better", 0, "b")
    assert (told["a"] + told["b"], told["days"]) == (40, 39)
    assert 1.5 < told["effect"]["low"] <= told["effect"]["share"] <= told["effect"]["high"] < 2.5
    assert told["text"].startswith("B performs better")


def _read(api: ApiClient, one: dict[str, Any], views: dict[str, int]) -> None:
    """Publish the deliveries of the test, one a day, A and B in turn, and record their views."""
    with api.scope() as scope:
        series.extend_series(scope, UUID(one["series_id"]))
        scope.run(LEFT, t=api.tenant_id, series=one["series_id"], start=scope.now)
        scope.run(READ, t=api.tenant_id, series=one["series_id"], now=scope.now, **views)


LEFT = """
WITH units AS (
  SELECT id, row_number() OVER (ORDER BY due_at) - 1 AS nth FROM deliveries
  WHERE tenant_id = :t AND series_id = :series AND variant IS NOT NULL)
UPDATE deliveries d SET state = 'published', settled_at = CAST(:start AS timestamptz) + nth *
interval '1 day',
  variant = CASE nth % 2 WHEN 0 THEN 'a' ELSE 'b' END
FROM units WHERE d.tenant_id = :t AND d.id = units.id
"""
READ = """
INSERT INTO metric_snapshots (tenant_id, creator_id, id, delivery_id, channel_id, metric,
age_hours, value, quality,
  observed_at)
SELECT tenant_id, creator_id, gen_random_uuid(), id, channel_id, 'views', 24,
  CASE variant WHEN 'a' THEN CAST(:a AS bigint) ELSE :b END, 'measured', :now
FROM deliveries WHERE tenant_id = :t AND series_id = :series AND variant IS NOT NULL
"""
