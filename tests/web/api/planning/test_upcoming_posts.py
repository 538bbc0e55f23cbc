"""Upcoming posts over the API: next step, account failover, weekly plans, emergency stops, dry
runs, the calendar."""

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from channels.accounts import queries as channel_reads
from foundation.outbox import outbox
from gate.policy import emergency_stops
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import handle_stop_request
from schedules.calendar import versioned_actions
from studio.recipes import specs
from tenants.agencies.rights import Role
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth import members
from tests.studio.builders import build_spec
from tests.web.api_client import NEXT_YEAR, ApiClient, error_code, instant_after, module_start
from tests.web.example_agency import add_spare_account, expect_success


def test_delivery_shows_its_next_step_time_and_person(api: ApiClient) -> None:
    post = api.write()
    path = f"/deliveries/{post['deliveries'][0]['id']}"
    wish = api.get(path)["next"]
    assert (wish["code"], wish["who"]) == ("calendar.next.draft_until", "creator, owner")
    assert wish["at"] == post["deliveries"][0]["due_at"]
    expect_success(
        api.ask("POST", f"/posts/{post['id']}/approve", {}, key=api.secrets["owner"], version=1)
    )
    planned = api.get(path)
    assert (planned["next"]["code"], planned["next"]["who"]) == ("calendar.next.scheduled", "")
    assert planned["wall_time"].split("T")[1][:5] in planned["next"]["text"]
    off = api.ask("POST", f"{path}/cancel", version=planned["version"])
    assert expect_success(off)["state"] == "cancelled"
    assert (api.get(path)["next"]["code"], api.get(path)["next"]["at"]) == (
        "calendar.next.cancelled",
        None,
    )
    again = api.ask("POST", f"{path}/cancel", version=off.json()["version"])
    assert again.status_code == 409


def test_publish_now_is_refused_without_approval_of_the_time(
    api: ApiClient,
) -> None:
    with api.scope() as scope:
        scope.run(
            "UPDATE creators SET approval_tiers = 2, approve_times = true WHERE id = :c",
            c=api.creators["mia"],
        )
    post = api.write()
    path = f"/deliveries/{post['deliveries'][0]['id']}"
    wish = api.get(path)
    refused = api.ask("POST", f"{path}/now", version=wish["version"])
    assert (refused.status_code, error_code(refused)) == (409, "delivery.needs_yes")
    expect_success(
        api.ask("POST", f"/posts/{post['id']}/approve", {}, key=api.secrets["owner"], version=1)
    )
    with api.scope() as scope:
        versioned_actions.approve_and_schedule(
            scope, UUID(post["id"]), member_id=api.members[Role.CREATOR], tier=2
        )
    planned = api.get(path)
    assert planned["state"] == "scheduled"
    refused = api.ask("POST", f"{path}/now", version=planned["version"])
    assert (refused.status_code, error_code(refused)) == (409, "delivery.hour_agreed")
    assert api.get(path) == planned


def test_queue_moves_to_spare_account_as_previewed(api: ApiClient) -> None:
    post, source = api.approved(), str(api.channels["mia"])
    target = str(add_spare_account(api, str(api.creators["mia"])))
    both = {"source_id": source, "target_id": target}
    shown = api.get(f"/spares/preview?{urlencode(both)}")
    assert [one["post_id"] for one in shown["moving"]] == [post["id"]]
    unseen = expect_success(api.ask("POST", "/spares", {**both, "seen": {}}))
    assert (unseen["moving"], unseen["left"][0]["why"]["code"]) == ([], "shift.changed")
    whole = {**both, "seen": shown["seen"]}
    done = [api.ask("POST", "/spares", whole, idempotency_key="spare") for _ in range(2)]
    assert [one["post_id"] for one in expect_success(done[0])["moving"]] == [post["id"]]
    assert done[1].content == done[0].content
    states = {
        one["channel_id"]: one["state"] for one in api.get(f"/posts/{post['id']}")["deliveries"]
    }
    assert states == {source: "cancelled", target: "scheduled"}
    other = {"source_id": source, "target_id": str(api.channels["zoe"])}
    assert error_code(api.ask("POST", "/spares", {**other, "seen": {}})) == "spare.other_creator"
    assert (
        api.ask("POST", "/spares", {**other, "seen": {}}, key=api.key(creators=["mia"])).status_code
        == 404
    )
    assert api.ask("POST", "/spares", whole, key=api.key(scopes=["posts:read"])).status_code == 403


def brief(api: ApiClient, creator: str = "mia", **more: Any) -> dict[str, Any]:
    account = str(api.channels[creator])
    whole = {
        "creator_id": str(api.creators[creator]),
        "goal": "The harbour feast",
        "channels": [account],
        "count": 3,
    }
    return {**whole, **more}


def test_weekly_plan_lines_become_drafts(api: ApiClient) -> None:
    asked = [api.ask("POST", "/weeks", brief(api), idempotency_key="week") for _ in range(2)]
    assert (asked[0].status_code, asked[1].content) == (202, asked[0].content)
    week = expect_success(asked[0])
    assert (week["state"], len(week["lines"]), api.get("/weeks")["items"]) == ("waiting", 3, [week])
    paths = [f"/weeks/lines/{one['id']}" for one in week["lines"]]
    changed = api.ask("PATCH", paths[0], {"body": "Boats!", "at": instant_after(days=9)}, version=0)
    assert (changed.status_code, error_code(changed)) == (412, "week.changed")
    version = week["lines"][0]["version"]
    changed = api.ask(
        "PATCH", paths[0], {"body": "Boats!", "at": instant_after(days=9)}, version=version
    )
    assert expect_success(changed)["words_by"] == "person"
    accepted = expect_success(api.ask("POST", f"{paths[0]}/accept", version=version + 1))
    post = api.get(f"/posts/{accepted['post_id']}")
    assert (accepted["state"], post["body"], post["approved"]) == ("accepted", "Boats!", False)
    assert [one["state"] for one in post["deliveries"]] == ["draft"]
    dropped = expect_success(
        api.ask("POST", f"{paths[1]}/drop", version=week["lines"][1]["version"])
    )
    assert (dropped["state"], dropped["post_id"]) == ("dropped", None)
    over = api.ask("POST", f"{paths[1]}/accept", version=dropped["version"])
    assert (over.status_code, over.json()["error"]["states"]) == (409, {dropped["id"]: "dropped"})


def test_weekly_plan_needs_brief_creator_and_generate_scope(api: ApiClient) -> None:
    for wrong, why in (
        ({"goal": ""}, "week.no_goal"),
        ({"first": "2019-01-07"}, "week.not_ahead"),
        ({"count": 0}, "api.unfit"),
    ):
        assert error_code(api.ask("POST", "/weeks", brief(api, **wrong))) == why
    foreign = api.ask("POST", "/weeks", brief(api, channels=[str(api.channels["zoe"])]))
    assert (foreign.status_code, error_code(foreign)) == (404, "channel.unknown")
    hers, narrow = (
        expect_success(api.ask("POST", "/weeks", brief(api, "zoe"))),
        api.key(creators=["mia"]),
    )
    for path in (f"/weeks/{hers['id']}", f"/weeks/lines/{hers['lines'][0]['id']}"):
        answer = api.ask("GET", path, key=narrow)
        assert (answer.status_code, error_code(answer)) == (404, "week.unknown")
    with api.scope() as scope:
        recipe = str(specs.save_recipe(scope, api.creators["mia"], build_spec()))
    line = expect_success(api.ask("POST", "/weeks", brief(api, recipes=[recipe])))["lines"][0]
    writer = api.key(scopes=[ApiKeyScope.POSTS_READ, ApiKeyScope.POSTS_WRITE])
    refused = api.ask(
        "POST", f"/weeks/lines/{line['id']}/accept", key=writer, version=line["version"]
    )
    assert (refused.status_code, refused.json()["error"]["message"][-9:]) == (403, "generate.")
    assert expect_success(
        api.ask("POST", f"/weeks/lines/{line['id']}/accept", version=line["version"])
    )["post_id"]


def pressed(api: ApiClient) -> int:
    """Process the requested stops as the workers do and return their number."""
    with api.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = :k",
            t=api.tenant_id,
            k=EmergencyStopRequested.kind,
        ).all()
    for row in rows:
        asked = outbox.rebuild_event(
            EmergencyStopRequested, api.tenant_id, row.subject_id, row.args
        )
        handle_stop_request(asked, tenant=api.tenant)
    return len(rows)


def test_key_requests_but_never_ends_a_stop(api: ApiClient) -> None:
    mia, narrow = str(api.creators["mia"]), api.key(creators=["mia"])
    post = api.approved()
    wish = {"where": "creator", "target": mia, "reason": "Her account was taken over"}
    asked = [api.ask("POST", "/stops", wish, key=narrow, idempotency_key="stop") for _ in range(2)]
    assert (asked[0].status_code, asked[1].content) == (202, asked[0].content)
    assert pressed(api) == 1
    (held,) = api.get("/stops", key=narrow)["items"]
    assert (held["where"], held["target"], held["by"]) == (
        "creator",
        mia,
        f"member:{api.members['manager']}",
    )
    assert api.get("/stops", key=api.key(creators=["zoe"]))["items"] == []
    story = api.get(f"/deliveries/{post['deliveries'][0]['id']}")
    assert story["next"]["code"] == "calendar.next.stopped_until"
    for way in ("DELETE", "PATCH"):
        assert api.ask(way, "/stops").status_code == 405
    for wide in ({"where": "tenant"}, {"where": "platform", "target": "sandbox"}):
        answer = api.ask("POST", "/stops", wide, key=narrow)
        assert (answer.status_code, error_code(answer)) == (403, "api.narrowed")
    for wrong, status in (
        ({"where": "creator", "target": "x"}, 422),
        ({"where": "platform", "target": "nowhere"}, 422),
        ({"where": "tenant", "target": "x"}, 422),
        ({"where": "channel", "target": str(api.channels["zoe"])}, 404),
        ({"where": "creator", "target": str(api.creators["zoe"])}, 404),
    ):
        key = narrow if status == 404 else ""
        assert api.ask("POST", "/stops", wrong, key=key).status_code == status
    unable = api.ask("POST", "/stops", wish, key=api.key(scopes=["posts:read", "calendar:write"]))
    assert (unable.status_code, error_code(unable)) == (403, "api.other_scope")


def test_key_of_member_for_one_creator_stops_only_what_they_may(
    api: ApiClient,
) -> None:
    """As on the page: a key has exactly the rights of its member, unless it was created for chosen
    creators."""
    own, chosen, mia = api.key(), api.key(creators=["mia"]), api.members[Role.MANAGER]
    with api.scope() as scope:
        members.change_member(scope, mia, role=Role.MANAGER, creators=["mia"])
        account = channel_reads.get_channel(scope, api.channels["zoe"])
        scope.run("UPDATE channels SET platform = 'mastodon' WHERE id = :id", id=account.id)
    with api.scope(f"member:{api.members[Role.OWNER]}") as scope:
        for where, target in (("platform", "mastodon"), ("creator", str(api.creators["zoe"]))):
            emergency_stops.close_switch(scope, where, target, "sending", reason="hers")
    for wide in ({"where": "tenant"}, {"where": "platform", "target": "sandbox"}):
        assert api.ask("POST", "/stops", wide, key=own).status_code == 202
        assert error_code(api.ask("POST", "/stops", wide, key=chosen)) == "api.narrowed"
    for hers, status in (
        ({"where": "platform", "target": "mastodon"}, 422),
        ({"where": "creator", "target": str(api.creators["zoe"])}, 404),
        ({"where": "channel", "target": str(account.id)}, 404),
    ):
        assert api.ask("POST", "/stops", hers, key=own).status_code == status
    for rehearsed in (own, chosen):
        assert (
            error_code(api.ask("POST", "/rehearsals", {"what": "tenant"}, key=rehearsed))
            == "api.narrowed"
        )
    assert pressed(api) == 2
    for key in (own, chosen):
        assert {one["where"] for one in api.get("/stops", key=key)["items"]} == {
            "tenant",
            "platform",
        }
        assert [one["target"] for one in api.get("/stops", key=key)["items"] if one["target"]] == [
            "sandbox"
        ]
    assert len(api.get("/stops", key=api.secrets["owner"])["items"]) == 4


def test_post_account_or_agency_is_only_dry_run_until_ended(api: ApiClient) -> None:
    post, account = api.approved(), str(api.channels["mia"])
    begun = api.ask("POST", "/rehearsals", {"what": "post", "of_id": post["id"]})
    assert expect_success(begun) == {"what": "post", "of_id": post["id"], "ahead": 1}
    path = f"/deliveries/{post['deliveries'][0]['id']}"
    assert api.get(path)["next"]["code"] == "calendar.next.dry"
    (ahead,) = api.get("/outlook?days=2")["ahead"]
    assert (ahead["delivery_id"], ahead["dry"]) == (post["deliveries"][0]["id"], True)
    assert api.get("/outlook?creator=" + str(api.creators["zoe"]))["ahead"] == []
    narrow = api.key(creators=["zoe"])
    assert api.get("/rehearsals", key=narrow)["items"] == []
    assert (
        error_code(api.ask("GET", f"/rehearsals/{post['id']}", key=narrow)) == "rehearsal.unknown"
    )
    whole = api.ask("POST", "/rehearsals", {"what": "tenant"}, key=narrow)
    assert (whole.status_code, error_code(whole)) == (403, "api.narrowed")
    ended = api.ask("DELETE", f"/rehearsals/{post['id']}", if_match=begun.headers["etag"])
    assert ended.status_code == 200
    assert api.get(path)["next"]["code"] == "calendar.next.scheduled"
    expect_success(api.ask("POST", "/rehearsals", {"what": "channel", "of_id": account}))
    everything = api.ask("POST", "/rehearsals", {"what": "tenant"})
    assert expect_success(everything)["of_id"] == str(api.tenant_id)
    assert {one["what"] for one in api.get("/rehearsals")["items"]} == {"channel", "tenant"}
    unable = api.ask(
        "DELETE", f"/rehearsals/{api.tenant_id}", key=narrow, if_match=everything.headers["etag"]
    )
    assert (unable.status_code, error_code(unable)) == (403, "api.narrowed")
    assert error_code(api.ask("POST", "/rehearsals", {"what": "post"})) == "api.no_subject"
    assert (
        api.ask("POST", "/rehearsals", {"what": "channel", "of_id": str(api.tenant_id)}).status_code
        == 404
    )


def test_calendar_days_are_read_in_any_time_zone_and_exported(api: ApiClient) -> None:
    label = expect_success(api.ask("POST", "/labels", {"name": "Spring"}))["id"]
    late = {"wall_time": f"{NEXT_YEAR}-03-03T23:30", "zone": "Europe/Paris"}
    first = api.approved("Late at night", at=late, labels=[label])
    other = api.approved(
        "=HYPERLINK(1)", creator="zoe", at={"wall_time": f"{NEXT_YEAR}-03-04T10:00", "zone": "UTC"}
    )
    span = {"first": f"{NEXT_YEAR}-03-03", "last": f"{NEXT_YEAR}-03-04"}

    def days(**more: str) -> Any:
        return api.get(f"/calendar?{urlencode({**span, **more})}")

    there = days(zone="Asia/Tokyo")
    assert [(one["day"], one["clock"]) for one in there["items"]] == [
        (f"{NEXT_YEAR}-03-04", "07:30"),
        (f"{NEXT_YEAR}-03-04", "19:00"),
    ]
    assert (there["shown_in"], there["items"][0]["account"]) == ("Asia/Tokyo", "Sandbox mia")
    page = days(limit="1")
    assert [one["post_id"] for one in page["items"]] == [first["id"]]
    assert [one["post_id"] for one in days(limit="1", cursor=page["next"])["items"]] == [
        other["id"]
    ]
    for narrowed in (
        {"label": label},
        {"channel": str(api.channels["mia"])},
        {"creator": str(api.creators["mia"])},
    ):
        assert [one["post_id"] for one in days(**narrowed)["items"]] == [first["id"]]
        table = api.ask("GET", f"/calendar.csv?{urlencode({**span, **narrowed})}")
        rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert [(row["time"], row["zone"], row["state"]) for row in rows] == [
            ("23:30", "Europe/Paris", "scheduled")
        ]
    table = api.ask("GET", f"/calendar.csv?{urlencode(span)}")
    assert table.headers["content-type"].startswith("text/csv")
    assert "'=HYPERLINK" in table.text
    ics = api.ask("GET", f"/calendar.ics?{urlencode(span)}")
    assert (ics.headers["content-type"][:13], ics.text.count("BEGIN:VEVENT")) == (
        "text/calendar",
        2,
    )
    narrow = api.key(creators=["zoe"])
    mine = api.ask("GET", f"/calendar.csv?{urlencode(span)}", key=narrow)
    assert (mine.text.count("Sandbox zoe"), "Late at night" in mine.text) == (1, False)
    for wrong, status in (
        ({"first": f"{NEXT_YEAR}-03-05"}, 422),
        ({"last": f"{NEXT_YEAR + 3}-01-01"}, 422),
        ({"zone": "Nowhere/At_all"}, 422),
        ({"first": "soon"}, 422),
        ({"creator": str(api.tenant_id)}, 404),
        ({"label": str(api.tenant_id)}, 404),
    ):
        for form in ("calendar", "calendar.csv", "calendar.ics"):
            answer = api.ask("GET", f"/{form}?{urlencode({**span, **wrong})}")
            assert answer.status_code == status, (form, wrong, answer.text)
    soon = api.approved("Soon", at=(module_start() + timedelta(hours=2)).isoformat())
    assert [one["post_id"] for one in api.get("/calendar")["items"]] == [soon["id"]]
