"""Posts over the API: create, read, change, schedule, approve, cancel."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, load_zone
from schedules.posts.states import DeliveryState
from tests.web.api_client import NEXT_YEAR, ApiClient, instant_after, parse_instant
from web.api.common.schemas import EARLIEST_INSTANT, LATEST_INSTANT, WallIn, wall_time_in


def test_new_post_is_pending_approval_with_its_requested_time(api: ApiClient) -> None:
    at = {"wall_time": f"{NEXT_YEAR}-07-01T10:00", "zone": "Europe/Paris"}
    answer = api.ask("POST", "/posts", api.draft(title="Morning", at=at))
    assert answer.status_code == 201, answer.text
    post = answer.json()
    assert answer.headers["location"] == f"/v1/posts/{post['id']}"
    assert answer.headers["etag"] == '"1"'
    assert (post["title"], post["version"], post["approved"]) == ("Morning", 1, False)
    assert post["author"] == f"member:{api.members['manager']}"
    (place,) = post["deliveries"]
    assert (place["state"], place["wall_time"], place["zone"]) == (
        "draft",
        f"{NEXT_YEAR}-07-01T10:00",
        "Europe/Paris",
    )
    assert parse_instant(place["due_at"]) == datetime(NEXT_YEAR, 7, 1, 8, tzinfo=UTC)
    assert api.get(f"/posts/{post['id']}") == post
    assert [one["id"] for one in api.get("/posts")["items"]] == [post["id"]]


def test_approval_of_another_member_schedules_the_post(api: ApiClient) -> None:
    post = api.approved()
    assert post["approved"] is True
    assert [place["state"] for place in post["deliveries"]] == ["scheduled"]
    story = api.get(f"/deliveries/{post['deliveries'][0]['id']}")
    assert [move["after"] for move in story["moves"]] == ["approved", "scheduled"]
    assert {move["by"] for move in story["moves"]} == {f"member:{api.members['owner']}"}
    assert story["attempts"] == []


def test_post_over_a_limit_of_a_channel_is_refused_with_the_excess(api: ApiClient) -> None:
    answer = api.ask("POST", "/posts", api.draft("x" * 5000))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "limit.text"
    assert "the text has 5000 characters, 904 more than the limit of 4096" in error["message"]
    assert api.get("/posts")["items"] == []
    draft = api.draft("x" * 5000)
    post = api.ask(
        "POST", "/posts", {k: v for k, v in draft.items() if k not in ("channels", "at")}
    )
    assert post.status_code == 201  # a draft without channels has no limit yet
    answer = api.ask(
        "POST",
        f"/posts/{post.json()['id']}/schedule",
        {"channels": draft["channels"], "at": draft["at"]},
        version=1,
    )
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, error["message"])


def test_author_cannot_approve_their_post(api: ApiClient) -> None:
    post = api.write()
    answer = api.ask("POST", f"/posts/{post['id']}/approve", {}, version=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "approval.own_work")


def test_approval_applies_only_to_the_version_seen(api: ApiClient) -> None:
    post = api.write()
    assert api.ask("PATCH", f"/posts/{post['id']}", {"body": "other"}, version=1).status_code == 200
    answer = api.ask(
        "POST", f"/posts/{post['id']}/approve", {}, key=api.secrets["owner"], version=1
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "post.changed_meanwhile")
    assert api.get(f"/posts/{post['id']}")["approved"] is False


def test_new_text_needs_new_approval_and_keeps_the_time(api: ApiClient) -> None:
    post = api.approved(parts=[{"body": "second"}, {"body": "first!", "comment": True}])
    answer = api.ask("PATCH", f"/posts/{post['id']}", {"body": "better"}, version=1)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert answer.headers["etag"] == '"2"'
    assert (changed["body"], changed["version"], changed["approved"]) == ("better", 2, False)
    assert [part["body"] for part in changed["parts"]] == ["second", "first!"]
    assert changed["deliveries"][0]["state"] == "draft"
    assert changed["deliveries"][0]["due_at"] == post["deliveries"][0]["due_at"]


def test_late_limit_is_changed_without_new_approval(api: ApiClient) -> None:
    usual = api.write()
    assert usual["late_ok"] == "30m"
    post = api.approved(late_ok="2h")
    assert post["late_ok"] == "2h"
    answer = api.ask("PATCH", f"/posts/{post['id']}", {"late_ok": "always"}, version=1)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["late_ok"], changed["version"], changed["approved"]) == ("always", 2, True)
    assert changed["deliveries"][0]["state"] == "scheduled"
    both = api.ask(
        "PATCH", f"/posts/{post['id']}", {"late_ok": "day", "body": "better"}, version=2
    ).json()
    assert (both["late_ok"], both["body"], both["approved"]) == ("day", "better", False)
    assert (
        api.ask(
            "PATCH", f"/posts/{post['id']}", {"late_ok": "never"}, version=both["version"]
        ).status_code
        == 422
    )


def test_added_account_needs_separate_approval(api: ApiClient) -> None:
    """Regression: it was published on the approval of another account."""
    post = api.approved()
    (first,) = post["deliveries"]
    with api.scope() as scope:
        other = lifecycle.connect_account(
            scope,
            creator_id=UUID(post["creator_id"]),
            platform="sandbox",
            surface="sandbox.post",
            account=f"second-{api.tenant_id}",
            name="second",
            base_url="http://127.0.0.1:9",
            token=None,
            zone="UTC",
        )
    at = {"wall_time": f"{NEXT_YEAR}-07-01T10:00", "zone": "Europe/Paris"}
    said = {"channels": [str(other)], "at": at}
    answer = api.ask("POST", f"/posts/{post['id']}/schedule", said, version=post["version"])
    assert answer.status_code == 200, answer.text
    assert {one["channel_id"]: one["state"] for one in answer.json()["deliveries"]} == {
        first["channel_id"]: "scheduled",
        str(other): "draft",
    }
    assert answer.json()["approved"] is False


def test_ai_text_mark_is_saved_with_the_new_text(api: ApiClient) -> None:
    """Regression: the mark of the first text remained, and the post was published with it."""
    post = api.write()
    changed = api.ask(
        "PATCH", f"/posts/{post['id']}", {"body": "by a model", "text_ai": "generated"}, version=1
    )
    assert changed.json()["text_ai"] == "generated"
    again = api.ask("PATCH", f"/posts/{post['id']}", {"title": "T"}, version=2)
    assert again.json()["text_ai"] == "generated"


def test_price_is_saved_and_refused_where_nothing_is_sold(api: ApiClient) -> None:
    asks = {"place": "fanvue", "price": {"minor": 1200, "currency": "USD"}}
    post = api.write(otherwise=[asks])
    assert [(one["place"], one["price"], one["body"]) for one in post["otherwise"]] == [
        ("fanvue", asks["price"], None)
    ]
    changed = api.ask("PATCH", f"/posts/{post['id']}", {"body": "better"}, version=1)
    assert changed.json()["otherwise"] == post["otherwise"]
    here = {**asks, "place": str(api.channels["mia"])}
    answer = api.ask("PATCH", f"/posts/{post['id']}", {"otherwise": [here]}, version=2)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "price.not_here")
    assert api.get(f"/posts/{post['id']}")["otherwise"] == post["otherwise"]
    assert (
        api.ask("POST", "/posts", api.draft(otherwise=[here])).json()["error"]["code"]
        == "price.not_here"
    )
    for wrong in (
        {"minor": 0, "currency": "USD"},
        {"minor": 1.5, "currency": "USD"},
        {"minor": 5, "currency": "usd"},
    ):
        assert (
            api.ask("POST", "/posts", api.draft(otherwise=[{**asks, "price": wrong}])).status_code
            == 422
        )


def test_platform_override_remains_until_changed(api: ApiClient) -> None:
    said = {
        "place": "sandbox",
        "title": None,
        "body": "shorter",
        "media": None,
        "parts": [{"body": "more"}],
    }
    post = api.write(otherwise=[said])
    (kept,) = post["otherwise"]
    assert (kept["place"], kept["body"], kept["title"], kept["media"]) == (
        "sandbox",
        "shorter",
        None,
        None,
    )
    assert [part["body"] for part in kept["parts"]] == ["more"]
    changed = api.ask("PATCH", f"/posts/{post['id']}", {"body": "better"}, version=1).json()
    assert changed["otherwise"] == post["otherwise"]
    gone = api.ask("PATCH", f"/posts/{post['id']}", {"otherwise": []}, version=2).json()
    assert (gone["otherwise"], gone["body"]) == ([], "better")
    twice = api.ask("POST", "/posts", api.draft(otherwise=[said, said]))
    assert (twice.status_code, twice.json()["error"]["code"]) == (422, "post.too_many_places")


def test_post_is_created_first_and_scheduled_later(api: ApiClient) -> None:
    post = api.write(channels=[], at=None)
    assert post["deliveries"] == []
    assert (
        api.ask("PATCH", f"/posts/{post['id']}", {"title": "T"}, version=1).json()["version"] == 2
    )
    body = {"at": instant_after(hours=2), "channels": [str(api.channels["mia"])]}
    answer = api.ask("POST", f"/posts/{post['id']}/schedule", body, version=2)
    assert answer.status_code == 200, answer.text
    assert [place["channel_id"] for place in answer.json()["deliveries"]] == [
        str(api.channels["mia"])
    ]
    moved = api.ask(
        "POST", f"/posts/{post['id']}/schedule", {"at": instant_after(hours=5)}, version=2
    ).json()
    assert len(moved["deliveries"]) == 1
    assert moved["deliveries"][0]["due_at"] > answer.json()["deliveries"][0]["due_at"]


@pytest.mark.parametrize("state", ["published", "publishing", "uncertain", "removed"])
def test_published_delivery_is_never_published_again(api: ApiClient, state: str) -> None:
    post = api.approved()
    (place,) = post["deliveries"]
    with api.scope() as scope:
        scope.run("UPDATE deliveries SET state = :s WHERE tenant_id = :t", s=state, t=api.tenant_id)
    for path, body, version in (
        (f"/posts/{post['id']}/schedule", {"at": instant_after(hours=3)}, 1),
        (f"/posts/{post['id']}/cancel", None, 1),
        (f"/deliveries/{place['id']}/move", {"at": instant_after(hours=3)}, place["version"]),
        (f"/deliveries/{place['id']}/now", None, place["version"]),
        (f"/deliveries/{place['id']}/cancel", None, place["version"]),
        (f"/deliveries/{place['id']}/importance", {"priority": 1}, place["version"]),
    ):
        answer = api.ask("POST", path, body, version=version)
        assert answer.status_code == 409, (path, answer.text)
        assert answer.json()["error"]["states"] == {place["id"]: state}
    answer = api.ask("PATCH", f"/posts/{post['id']}", {"body": "x"}, version=1)
    assert (answer.status_code, answer.json()["error"]["states"]) == (409, {place["id"]: state})


def test_priority_of_scheduled_post_is_raised(api: ApiClient) -> None:
    (place,) = api.approved()["deliveries"]
    path = f"/deliveries/{place['id']}/importance"
    assert place["priority"] == 5
    answer = api.ask("POST", path, {"priority": 1}, version=place["version"])
    assert (answer.status_code, answer.json()["priority"], answer.json()["due_at"]) == (
        200,
        1,
        place["due_at"],
    )
    assert api.ask("POST", path, {"priority": 2}, version=place["version"]).status_code == 412
    for wrong in (0, 10, "first", None):
        assert (
            api.ask("POST", path, {"priority": wrong}, version=answer.json()["version"]).status_code
            == 422
        )
    with api.scope() as scope:
        rows = scope.run(
            "SELECT priority FROM outbox WHERE tenant_id = :t AND kind = 'delivery.publish' AND "
            "state = 'waiting'",
            t=api.tenant_id,
        )
        assert list(rows.scalars()) == [1]


def test_post_is_removed_from_the_calendar(api: ApiClient) -> None:
    post = api.approved()
    answer = api.ask("POST", f"/posts/{post['id']}/cancel", version=1)
    assert [place["state"] for place in answer.json()["deliveries"]] == ["cancelled"]
    again = api.ask("POST", f"/posts/{post['id']}/cancel", version=1)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "post.nothing_to_cancel")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"at": "2031-07-01T10:00:00"}, "api.unfit"),
        ({"at": {"wall_time": "2031-07-01T10:00"}}, "api.unfit"),
        ({"at": 1_900_000_000}, "api.unfit"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "api.unfit"),
        ({"at": {"wall_time": "2031-02-30T10:00", "zone": "Europe/Paris"}}, "api.no_such_time"),
        ({"at": {"wall_time": "9999-12-31T23:59", "zone": "America/New_York"}}, "api.no_such_time"),
        ({"at": {"wall_time": "2031-07-01T10:00", "zone": "Mars/Base"}}, "calendar.zone_unknown"),
        (
            {"at": {"wall_time": "2031-07-01T10:00", "zone": "../../etc/passwd"}},
            "calendar.zone_unknown",
        ),
        ({"at": {"wall_time": "2020-01-01T10:00", "zone": "UTC"}}, "delivery.time_passed"),
        ({"body": "", "title": " "}, "compose.empty"),
        ({"channels": []}, "compose.no_account"),
        ({"at": None}, "post.no_time"),
        ({"body": "a\x00b"}, "api.unfit"),
        ({"body": "x" * 20_001}, "api.unfit"),
        ({"parts": [{"body": "x"}] * 26}, "api.unfit"),
        ({"parts": [{"body": " "}]}, "post.empty_part"),
        ({"body": None}, "api.unfit"),
        ({"tenant_id": "0198c0de-0000-7000-8000-00000000000a"}, "api.unfit"),
        ({"channels": ["main"]}, "api.unfit"),
    ],
)
def test_invalid_post_is_refused_with_its_reason(
    api: ApiClient, said: dict[str, object], code: str
) -> None:
    # hostile values on purpose
    answer = api.ask("POST", "/posts", api.draft(**said))  # type: ignore[arg-type]  # see above
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code), answer.text
    assert api.get("/posts")["items"] == []


@given(
    # Hypothesis makes the bounds aware.
    at=st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  see above
    zone=st.sampled_from(
        ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
    ),
)
def test_instant_is_unchanged_in_every_zone(at: datetime, zone: str) -> None:
    assert wall_time_in(at, zone).instant() == at


@settings(max_examples=200)
@given(
    at=st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001  a wall time
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe"]),
)
def test_wall_time_is_unchanged(at: datetime, zone: str) -> None:
    wall = wall_time_in(WallIn(wall_time=f"{at:%Y-%m-%dT%H:%M}", zone=zone), "UTC")
    assert wall == WallTime(at.date(), at.time().replace(second=0, microsecond=0), zone)
    assert EARLIEST_INSTANT <= wall.instant() < LATEST_INSTANT
    assert load_zone(wall.zone).key == zone


def test_each_post_is_listed_on_one_page(api: ApiClient) -> None:
    made = [api.write(f"post {number}")["id"] for number in range(5)]
    first = api.get("/posts?limit=2")
    api.write("written meanwhile")
    second = api.get(f"/posts?limit=2&cursor={first['next']}")
    third = api.get(f"/posts?limit=2&cursor={second['next']}")
    found = [one["id"] for page in (first, second, third) for one in page["items"]]
    assert found == made[::-1]
    assert third["next"] is None
    with (
        api.scope() as scope
    ):  # ids of imported posts derive from file bytes and have no order in time
        scope.run(
            "UPDATE posts SET created_at = created_at - interval '1 day' WHERE id = :id",
            id=UUID(made[4]),
        )
    assert [one["id"] for one in api.get("/posts")["items"]][-1] == made[4]


def test_delivery_pages_keep_their_filters(api: ApiClient) -> None:
    for hours in (3, 1, 2):
        api.write(at=instant_after(hours=hours))
    api.write(creator="zoe")
    mia, zoe = api.channels["mia"], api.channels["zoe"]
    first = api.get(f"/deliveries?limit=2&channel={mia}")
    rest = api.get(f"/deliveries?limit=2&channel={mia}&cursor={first['next']}")
    times = [one["due_at"] for one in (*first["items"], *rest["items"])]
    assert times == sorted(times)
    assert len(times) == 3
    assert (
        api.ask("GET", f"/deliveries?limit=2&channel={zoe}&cursor={first['next']}").status_code
        == 422
    )
    assert len(api.get("/deliveries?state=draft")["items"]) == 4
    assert api.get("/deliveries?state=published")["items"] == []
    until = instant_after(minutes=90).replace("+", "%2B")
    assert len(api.get(f"/deliveries?before={until}")["items"]) == 2
    assert len(api.get(f"/deliveries?creator={api.creators['zoe']}")["items"]) == 1


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "W10", "eyJhIjoxfQ", "A" * 400, "A" * 401, "🎈", "bnVsbA"]
)
@pytest.mark.parametrize("path", ["/posts", "/deliveries"])
def test_forged_cursor_is_refused(api: ApiClient, path: str, cursor: str) -> None:
    assert api.ask("GET", f"{path}?cursor={cursor}").status_code == 422


def test_delivery_actions_depend_on_the_state(api: ApiClient) -> None:
    post = api.approved()
    (place,) = post["deliveries"]
    path = f"/deliveries/{place['id']}"
    answer = api.ask("POST", f"{path}/now", version=place["version"])
    assert (answer.status_code, answer.json()["state"]) == (200, "scheduled")
    assert parse_instant(answer.json()["due_at"]) < parse_instant(place["due_at"])
    version = answer.json()["version"]
    assert answer.headers["etag"] == f'"{version}"'
    assert api.ask("POST", f"{path}/now", version=place["version"]).status_code == 412
    for act, body in (
        ("again", None),
        ("link", {"url": "https://example.test/1"}),
        ("remove", None),
    ):
        refused = api.ask("POST", f"{path}/{act}", body, version=version)
        assert refused.status_code == 409, (act, refused.text)
        assert refused.json()["error"]["states"] == {place["id"]: "scheduled"}
    _bring(api, "uncertain")
    answer = api.ask("POST", f"{path}/link", {"url": "https://example.test/1"}, version=version)
    assert (answer.status_code, answer.json()["state"]) == (202, "uncertain")
    with api.scope() as scope:
        kinds = (
            scope.run("SELECT kind FROM outbox WHERE tenant_id = :t", t=api.tenant_id)
            .scalars()
            .all()
        )
    assert "delivery.end_doubt" in kinds
    assert (
        api.ask("POST", f"{path}/link", {"url": "javascript:alert(1)"}, version=version).status_code
        == 422
    )
    _bring(api, "failed")
    answer = api.ask("POST", f"{path}/again", version=version)
    assert (answer.status_code, answer.json()["state"]) == (202, "scheduled")


def test_uncertain_delivery_is_closed_and_live_post_is_reposted(api: ApiClient) -> None:
    post = api.approved()
    (place,) = post["deliveries"]
    path, version = f"/deliveries/{place['id']}", place["version"]
    assert api.ask("POST", f"{path}/leave", version=version).status_code == 409
    later_on = {"at": {"wall_time": f"{NEXT_YEAR}-08-01T10:00", "zone": "America/New_York"}}
    assert api.ask("POST", f"{path}/once-more", later_on, version=version).status_code == 409
    _bring(api, "published")
    assert (
        api.ask(
            "POST", f"{path}/once-more", {"at": "2001-01-01T00:00:00Z"}, version=version
        ).status_code
        == 422
    )
    twice = [
        api.ask("POST", f"{path}/once-more", later_on, version=version, idempotency_key="more")
        for _ in range(2)
    ]
    made = twice[0].json()
    assert [one.status_code for one in twice] == [201, 201], twice[0].text
    assert (twice[1].json(), twice[1].headers["idempotent-replayed"]) == (made, "true")
    assert twice[0].headers["location"] == f"/v1/deliveries/{made['id']}"
    assert (made["state"], made["zone"], made["post_id"]) == (
        "scheduled",
        "America/New_York",
        post["id"],
    )
    assert api.ask("POST", f"{path}/once-more", later_on, version=version).status_code == 409, (
        "a repost is already scheduled"
    )
    assert len(api.get(f"/deliveries?post={post['id']}")["items"]) == 2
    _bring(api, "uncertain")
    left = api.ask("POST", f"{path}/leave", version=version)
    assert (left.status_code, left.json()["state"], left.json()["reason"]["code"]) == (
        200,
        "cancelled",
        "delivery.left_in_doubt",
    )
    assert api.ask("POST", f"{path}/leave", version=version).status_code == 412


def _bring(api: ApiClient, state: str) -> None:
    with api.scope() as scope:
        scope.run("UPDATE deliveries SET state = :s WHERE tenant_id = :t", s=state, t=api.tenant_id)


def test_deliveries_are_filtered_by_every_state(api: ApiClient) -> None:
    for state in DeliveryState:
        assert api.get(f"/deliveries?state={state}") == {"items": [], "next": None}
    assert api.ask("GET", "/deliveries?state=lost").status_code == 422
    assert api.ask("GET", f"/deliveries/{uuid7()}").status_code == 404
    soon = (datetime(2031, 1, 1, tzinfo=UTC) + timedelta(hours=1)).replace(tzinfo=None).isoformat()
    assert api.ask("GET", f"/deliveries?since={soon}").status_code == 422


def test_text_of_a_live_post_is_changed(api: ApiClient) -> None:
    """The change needs approval, and the delivery shows the old and the new text."""
    post = api.approved()
    (place,) = post["deliveries"]
    early = api.ask("POST", f"/posts/{post['id']}/reword", {"body": "better"}, version=1)
    assert (early.status_code, early.json()["error"]["code"]) == (409, "edit.nothing_stands")
    with api.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'published', native_id = 'p1' WHERE tenant_id = :t",
            t=api.tenant_id,
        )
    answer = api.ask("POST", f"/posts/{post['id']}/reword", {"body": "better"}, version=1)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["body"], answer.json()["version"], answer.json()["approved"]) == (
        "better",
        2,
        False,
    )
    (edit,) = api.get(f"/deliveries/{place['id']}")["edits"]
    assert (edit["state"], edit["before"][1], edit["after"][1]) == (
        "waiting",
        post["body"],
        "better",
    )
    assert (
        api.ask(
            "POST", f"/posts/{post['id']}/approve", {}, key=api.secrets["owner"], version=2
        ).status_code
        == 200
    )
    (edit,) = api.get(f"/deliveries/{place['id']}")["edits"]
    assert (edit["state"], edit["settled_at"]) == ("due", None)


def test_options_are_saved_and_unknown_ones_refused(api: ApiClient) -> None:
    chosen = {"place": "mastodon", "options": {"visibility": "unlisted", "warning": "Food"}}
    listed = {"place": "bluesky", "options": {"languages": ["fr", "en"]}}
    post = api.write(otherwise=[chosen, listed])
    assert {one["place"]: one["options"] for one in post["otherwise"]} == {
        "mastodon": chosen["options"],
        "bluesky": listed["options"],
    }
    for wrong, code in (
        ({"nobody": "x"}, "option.unknown"),
        ({"visibility": "direct"}, "option.no_such_choice"),
    ):
        answer = api.ask("POST", "/posts", api.draft(otherwise=[{**chosen, "options": wrong}]))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert (
        api.ask(
            "POST", "/posts", api.draft(otherwise=[{**chosen, "options": {"visibility": 1}}])
        ).status_code
        == 422
    )
    limits = next(
        one["limits"] for one in api.get("/channels")["items"] if one["platform"] == "sandbox"
    )
    assert (limits["options"], limits["formats"]) == ([], [])
