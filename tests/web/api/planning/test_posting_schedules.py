"""Scheduling over the API: series, slots and queues, quiet days, pauses, bulk moves, imports and
feeds."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.web.api_client import NEXT_YEAR, ApiClient, error_code, instant_after, module_start
from tests.web.example_agency import (
    FILE,
    ExampleAgency,
    create_example_agency,
    create_series,
    expect_success,
    move_request,
    pause_request,
    review_picture,
    upload_import,
)


@pytest.fixture
def mine(api: ApiClient) -> ExampleAgency:
    """Return an agency with one resource of each kind."""
    return create_example_agency(api)


def bare(api: ApiClient) -> ExampleAgency:
    return ExampleAgency(
        api, {"creator_id": str(api.creators["mia"]), "channel_id": str(api.channels["mia"])}
    )


def test_series_is_started_skipped_changed_and_stopped(api: ApiClient) -> None:
    found = bare(api)
    one = expect_success(api.ask("POST", "/series", create_series(found)))
    assert (one["rule"], one["state"]) == ("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TH;COUNT=8", "running")
    assert [wall["wall_time"] for wall in one["coming"][:2]] == [
        "2031-03-03T18:30",
        "2031-03-06T18:30",
    ]
    assert api.get("/series")["items"] == [one]
    path = f"/series/{one['id']}"
    tag = api.ask("GET", path).headers["etag"]
    skipped = api.ask("POST", f"{path}/skip", {"day": "2031-03-06"}, if_match=tag)
    assert expect_success(skipped)["left_out"] == ["2031-03-06"]
    again = api.ask("POST", f"{path}/skip", {"day": "2031-03-10"}, if_match=tag)
    assert (again.status_code, error_code(again), again.json()["error"]["states"]) == (
        412,
        "api.other_version",
        {one["id"]: "running"},
    )
    tag = skipped.headers["etag"]
    change = {"day": "2031-03-13", "at": {"wall_time": "2031-03-13T20:00", "zone": "Europe/Paris"}}
    foreign = {**change, "channels": [str(api.channels["zoe"])]}
    refused = api.ask("POST", f"{path}/change", foreign, if_match=tag)
    assert (refused.status_code, error_code(refused)) == (404, "channel.unknown")
    change = {**change, "channels": [found.ids["channel_id"]]}
    changed = api.ask(
        "POST", f"{path}/change", {**change, "words": {"body": "later"}}, if_match=tag
    )
    rest = expect_success(changed)
    assert rest["id"] != one["id"]
    assert rest["coming"][0]["wall_time"] == "2031-03-13T20:00"
    assert rest["rule"].endswith("COUNT=5")
    assert api.get(f"/posts/{rest['post_id']}")["body"] == "later"
    assert api.get(path)["rule"].endswith("UNTIL=20310312")
    stopped = api.ask("POST", f"/series/{rest['id']}/stop", if_match=changed.headers["etag"])
    assert expect_success(stopped)["state"] == "stopped"
    monthly = {"every": "monthly", "end": 3, "weekdays": [0], "which": -1}
    last = expect_success(api.ask("POST", "/series", create_series(found, repeat=monthly)))
    assert last["rule"] == "FREQ=MONTHLY;INTERVAL=1;BYDAY=-1MO;COUNT=3"
    assert last["coming"][0]["wall_time"] == "2031-03-31T18:30"
    late = api.ask(
        "POST",
        f"/series/{rest['id']}/skip",
        {"day": "2031-03-17"},
        if_match=stopped.headers["etag"],
    )
    assert (late.status_code, error_code(late), late.json()["error"]["states"]) == (
        409,
        "series.is_stopped",
        {rest["id"]: "stopped"},
    )


def test_detached_date_becomes_a_separate_post(api: ApiClient) -> None:
    one = expect_success(api.ask("POST", "/series", create_series(bare(api))))
    path, day = f"/series/{one['id']}", {"day": "2031-03-06"}
    tag = api.ask("GET", path).headers["etag"]
    first, again = (
        api.ask("POST", f"{path}/detach", day, if_match=tag, idempotency_key="that-date")
        for _ in range(2)
    )
    assert first.status_code == 201, first.text
    alone = first.json()
    assert again.json() == alone
    assert first.headers["location"] == f"/v1/posts/{alone['id']}"
    assert [row["wall_time"] for row in alone["deliveries"]] == ["2031-03-06T18:30"]
    assert alone["id"] != one["post_id"]
    words = api.ask(
        "PATCH", f"/posts/{alone['id']}", {"body": "only then"}, if_match=first.headers["etag"]
    )
    assert words.status_code == 200, words.text
    assert api.get(f"/posts/{one['post_id']}")["body"] != "only then"
    assert api.get(path)["left_out"] == ["2031-03-06"]
    late = api.ask("POST", f"{path}/detach", {"day": "2031-03-10"}, if_match=tag)
    assert (late.status_code, error_code(late)) == (412, "api.other_version")


@pytest.mark.parametrize(
    "repeat",
    [
        {"every": "weekly"},
        {"every": "weekly", "end": 0},
        {"every": "weekly", "end": "2001-01-01"},
        {"every": "weekly", "end": "soon"},
        {"every": "weekly", "end": True},
        {"every": "daily", "end": 5, "weekdays": [1]},
        {"every": "daily", "end": 5, "interval": 401},
        {"every": "hourly", "end": 5},
        {"every": "monthly", "end": 5, "or_last": True},
        {"every": "monthly", "end": 5, "which": 1},
        {"every": "monthly", "end": 5, "which": 5, "weekdays": [0]},
        {"every": "monthly", "end": 5, "which": 1, "weekdays": [0], "month_days": [3]},
        {"every": "weekly", "end": 5, "month_days": [3]},
    ],
)
def test_invalid_repeat_rule_is_refused(api: ApiClient, repeat: dict[str, Any]) -> None:
    answer = api.ask("POST", "/series", create_series(bare(api), repeat=repeat))
    assert answer.status_code == 422, answer.text
    assert api.get("/series")["items"] == []


def test_series_is_checked_against_platform_limits(api: ApiClient) -> None:
    wrong = {"place": "mastodon", "options": {"nobody": "x"}}
    answer = api.ask("POST", "/series", create_series(bare(api), otherwise=[wrong]))
    assert (answer.status_code, error_code(answer)) == (422, "option.unknown")
    assert api.get("/series")["items"] == []
    one = expect_success(api.ask("POST", "/series", create_series(bare(api))))
    path, day = f"/series/{one['id']}", one["coming"][1]["wall_time"][:10]
    tag = api.ask("GET", path).headers["etag"]
    answer = api.ask(
        "POST", f"{path}/change", {"day": day, "words": {"otherwise": [wrong]}}, if_match=tag
    )
    assert (answer.status_code, error_code(answer)) == (422, "option.unknown")
    assert api.get("/series")["items"] == [one], "the series is unchanged"


def test_series_are_paged(api: ApiClient) -> None:
    for month in range(3, 6):
        first = {"wall_time": f"2031-{month:02}-03T18:30", "zone": "Europe/Paris"}
        expect_success(
            api.ask(
                "POST",
                "/series",
                create_series(bare(api), at=first, repeat={"every": "daily", "end": 2}),
            )
        )
    seen, following = [], ""
    while following is not None:
        page = api.get(f"/series?limit=1{following and '&cursor=' + following}")
        seen += [one["starts_on"] for one in page["items"]]
        following = page["next"]
    assert seen == ["2031-05-03", "2031-04-03", "2031-03-03"]


def test_slots_and_queue_are_changed(api: ApiClient, mine: ExampleAgency) -> None:
    account = mine.ids["channel_id"]
    twice = {"channel_id": account, "weekday": 2, "clock": "18:30"}
    known = api.ask("POST", "/slots", twice)
    assert (known.status_code, error_code(known)) == (409, "slot.known")
    second = expect_success(
        api.ask("POST", "/posts", {"creator_id": mine.ids["creator_id"], "body": "second"})
    )
    path = f"/queues/{account}"
    filled = api.ask(
        "POST",
        f"{path}/fill",
        {"posts": [second["id"]]},
        if_match=mine.etag("/queues/{channel_id}"),
    )
    queue = expect_success(filled)
    assert [one["words"] for one in queue["items"]] == ["hello", "second"]
    assert [one["at"]["wall_time"][-5:] for one in queue["items"]] == ["18:30", "18:30"]
    order = [one["delivery_id"] for one in reversed(queue["items"])]
    stale = api.ask("POST", f"{path}/reorder", {"order": order}, if_match='"x"')
    assert stale.status_code == 412
    assert set(stale.json()["error"]["states"]) == set(order)
    moved = api.ask("POST", f"{path}/reorder", {"order": order}, if_match=filled.headers["etag"])
    assert len(expect_success(moved)["moved"]) == 2
    assert [one["words"] for one in api.get(path)["items"]] == ["second", "hello"]
    out = api.ask(
        "POST", f"{path}/take-out", {"delivery_id": order[0]}, if_match=moved.headers["etag"]
    )
    assert [one["words"] for one in expect_success(out)["items"]] == ["hello"]
    forward = api.ask("POST", f"{path}/forward", if_match=out.headers["etag"])
    assert len(expect_success(forward)["moved"]) == 1
    shuffled = api.ask("POST", f"{path}/shuffle", if_match=forward.headers["etag"])
    assert expect_success(shuffled)["moved"] == []
    tag, slot = mine.etag("/slots/{slot_id}"), f"/slots/{mine.ids['slot_id']}"
    full = api.ask("DELETE", f"{slot}?move=true", if_match=tag)
    assert (full.status_code, error_code(full)) == (422, "queue.full")
    other = expect_success(
        api.ask("POST", "/slots", {"channel_id": account, "weekday": 4, "clock": "09:15"})
    )
    gone = api.ask("DELETE", f"{slot}?move=true", if_match=tag)
    assert expect_success(gone)["id"] == mine.ids["slot_id"]
    assert [one["at"]["wall_time"][-5:] for one in api.get(path)["items"]] == ["09:15"]
    last = api.ask("GET", f"/slots/{other['id']}").headers["etag"]
    assert (
        expect_success(api.ask("DELETE", f"/slots/{other['id']}", if_match=last))["id"]
        == other["id"]
    )
    assert api.get(f"/slots?channel={account}") == {"items": [], "next": None}
    empty = api.ask("GET", path)
    assert expect_success(empty)["items"] == []
    before = api.ask("GET", f"/channels/{account}").headers["etag"]
    paced = api.ask(
        "PATCH",
        f"/channels/{account}",
        {"apart_minutes": 90, "holds_distance": True},
        if_match=before,
    )
    assert (expect_success(paced)["min_gap_seconds"], expect_success(paced)["holds_distance"]) == (
        5400,
        True,
    )
    held = api.ask("GET", path)
    assert (expect_success(held)["min_gap_seconds"], expect_success(held)["holds_distance"]) == (
        5400,
        True,
    )
    assert held.headers["etag"] != empty.headers["etag"]
    advice = api.ask(
        "PATCH", f"/channels/{account}", {"holds_distance": False}, if_match=paced.headers["etag"]
    )
    assert (
        expect_success(advice)["min_gap_seconds"],
        expect_success(advice)["holds_distance"],
    ) == (5400, False)


def test_holidays_are_set_for_creator_and_agency(api: ApiClient, mine: ExampleAgency) -> None:
    creator = mine.ids["creator_id"]
    nothing = api.get(f"/holidays?creator={creator}")
    assert (nothing["country"], nothing["days"]) == ("", [])
    agency = expect_success(api.ask("POST", "/holidays", {"country": "FR"}))
    assert {("National Day", "Fête nationale", True)} <= {
        (one["english"], one["french"], one["quiet"]) for one in agency["days"]
    }
    hers = api.get(f"/holidays?creator={creator}")
    assert (hers["country"], hers["own"]) == ("FR", False)
    own = {"creator_id": creator, "country": "FR", "region": "57", "left_out": ["National Day"]}
    told = expect_success(api.ask("POST", "/holidays", own))
    assert (told["own"], told["region"]) == (True, "57")
    assert [one["quiet"] for one in told["days"] if one["english"] == "National Day"] == [False]
    assert len(api.get("/quiet")["items"]) == 1, "holidays are not quiet periods"
    back = expect_success(api.ask("POST", "/holidays", {"creator_id": creator, "country": None}))
    assert (back["own"], back["region"]) == (False, "")
    wrong = api.ask("POST", "/holidays", {"creator_id": creator, "country": "XX"})
    assert (wrong.status_code, error_code(wrong)) == (422, "holidays.no_country")


def test_quiet_days_and_hours_are_validated_and_deleted(
    api: ApiClient, mine: ExampleAgency
) -> None:
    (night,) = api.get("/quiet")["items"]
    assert (night["start"], night["end"], night["weekday"]) == ("22:00", "08:00", None)
    for wrong in (
        {},
        {"first": "2031-01-01"},
        {"start": "10:00", "end": "11:00", "first": "2031-01-01"},
    ):
        answer = api.ask("POST", "/quiet", {"creator_id": mine.ids["creator_id"], **wrong})
        assert (answer.status_code, error_code(answer)) == (422, "api.no_period")
    foreign = {
        "creator_id": mine.ids["creator_id"],
        "channel_id": str(api.channels["zoe"]),
        "start": "10:00",
    }
    assert api.ask("POST", "/quiet", {**foreign, "end": "11:00"}).status_code == 404
    assert (
        api.ask(
            "DELETE", f"/quiet/{mine.ids['pause_id']}", if_match=mine.etag("/pauses/{pause_id}")
        ).status_code
        == 404
    )
    assert (
        api.ask(
            "DELETE", f"/quiet/{night['id']}", if_match=mine.etag("/quiet/{quiet_id}")
        ).status_code
        == 200
    )
    assert api.get("/quiet")["items"] == []


def test_pause_moves_previewed_posts_and_restores_them(api: ApiClient) -> None:
    found = bare(api)
    post = api.approved(at={"wall_time": f"{NEXT_YEAR}-08-03T10:00", "zone": "Europe/Paris"})
    days = f"creator_id={found.ids['creator_id']}&first={NEXT_YEAR}-08-01&last={NEXT_YEAR}-08-07"
    shown = api.get(f"/pauses/preview?{days}")
    (move,) = shown["moving"]
    assert (move["before"]["wall_time"], move["after"]["wall_time"]) == (
        f"{NEXT_YEAR}-08-03T10:00",
        f"{NEXT_YEAR}-08-10T10:00",
    )
    answer = api.ask("POST", "/pauses", pause_request(found, seen=shown["seen"]))
    pause = expect_success(answer)
    assert [one["delivery_id"] for one in pause["moved"]] == [post["deliveries"][0]["id"]]
    assert api.get("/pauses")["items"] == [pause["pause"]]
    ended = api.ask("POST", f"/pauses/{pause['pause']['id']}/end", if_match=answer.headers["etag"])
    assert [one["after"]["wall_time"] for one in expect_success(ended)["moved"]] == [
        f"{NEXT_YEAR}-08-03T10:00"
    ]
    assert api.get("/pauses")["items"] == []


def test_bulk_move_is_applied_as_previewed_and_undone(api: ApiClient) -> None:
    found = bare(api)
    first, second = (
        api.approved(f"post {hours}", at=instant_after(hours=hours)) for hours in (24, 25)
    )
    which = move_request(
        found, since=instant_after(hours=1), before=instant_after(hours=30), days=1
    )
    del which["seen"]
    shown = api.ask(
        "GET",
        "/shifts/preview?"
        + "&".join(f"{k}={str(v).replace('+', '%2B')}" for k, v in which.items()),
    )
    seen = expect_success(shown)["seen"]
    assert len(seen) == 2
    assert api.ask(
        "POST",
        f"/deliveries/{(late := second['deliveries'][0])['id']}/now",
        version=late["version"],
    ).is_success
    answer = api.ask("POST", "/shifts", {**which, "seen": seen})
    done = expect_success(answer)
    assert [one["delivery_id"] for one in done["moved"]] == [first["deliveries"][0]["id"]]
    path = f"/shifts/{done['shift_id']}"
    assert len(api.get(path)["deliveries"]) == 1
    tag = answer.headers["etag"]
    back = expect_success(api.ask("POST", f"{path}/undo", if_match=tag))
    due = datetime.fromisoformat(api.get(f"/deliveries/{first['deliveries'][0]['id']}")["due_at"])
    assert abs(due - (module_start() + timedelta(hours=24))) < timedelta(minutes=10)
    assert (back["shift_id"], len(back["moved"])) == (None, 1)
    assert api.ask("POST", f"{path}/undo", if_match=tag).status_code == 412


def test_import_is_checked_and_applied_only_when_ready(api: ApiClient) -> None:
    text = FILE.replace("Good morning!", "From a file")
    answer = upload_import(api, text=text)
    assert answer.status_code == 202
    one = expect_success(answer)
    assert one["state"] == "waiting"
    assert expect_success(upload_import(api, text=text))["id"] == one["id"], (
        "the same bytes are the same import"
    )
    path = f"/imports/{one['id']}"
    early = api.ask("POST", f"{path}/apply", {}, if_match=answer.headers["etag"])
    assert (early.status_code, early.json()["error"]["states"]) == (409, {one["id"]: "waiting"})
    review_picture(api, one["id"])
    ready = api.ask("GET", path)
    assert (ready.json()["state"], ready.json()["findings"]) == ("ready", [])
    asked = expect_success(api.ask("POST", f"{path}/apply", {}, if_match=ready.headers["etag"]))
    assert asked["state"] == "writing"
    assert [each["id"] for each in api.get("/imports")["items"]] == [one["id"]]
    unwritten = api.ask("POST", f"{path}/undo", if_match=api.ask("GET", path).headers["etag"])
    assert (unwritten.status_code, error_code(unwritten)) == (409, "import.not_written")


def test_import_with_problems_names_their_lines(api: ApiClient) -> None:
    one = expect_success(upload_import(api, text=FILE.replace("Sandbox {creator}", "Nobody on X")))
    review_picture(api, one["id"])
    found = api.get(f"/imports/{one['id']}")
    assert (found["state"], found["problems"]) == ("refused", 1)
    assert [(each["line"], each["column"], each["problem"]) for each in found["findings"]] == [
        (2, "channels", True)
    ]


def test_import_is_limited_to_csv_and_size(api: ApiClient) -> None:
    assert error_code(upload_import(api, text="")) == "api.unfit"
    form = api.ask("POST", "/imports", "x", content_type="multipart/form-data; boundary=x")
    assert (form.status_code, error_code(form)) == (415, "api.not_csv")
    large = api.ask("POST", "/imports", b"x" * (8 * 2**20 + 1), content_type="text/csv")
    assert (large.status_code, error_code(large)) == (413, "api.too_large")
    odd = api.ask("POST", "/imports", b"\xff\xfe\x00" * 50, content_type="text/csv")
    review_picture(api, expect_success(odd)["id"])
    assert api.get(f"/imports/{odd.json()['id']}")["state"] == "refused"


def test_feeds_are_followed_paused_and_deleted(api: ApiClient, mine: ExampleAgency) -> None:
    path = f"/feeds/{mine.ids['feed_id']}"
    paused = api.ask("POST", f"{path}/pause", if_match=mine.etag("/feeds/{feed_id}"))
    assert expect_success(paused)["paused"] is True
    resumed = api.ask("POST", f"{path}/resume", if_match=paused.headers["etag"])
    assert expect_success(resumed)["paused"] is False
    for url in ("ftp://example.com/x", "http://a@b/", "x", "https://"):
        body = {
            "creator_id": mine.ids["creator_id"],
            "url": url,
            "channels": [mine.ids["channel_id"]],
        }
        assert error_code(api.ask("POST", "/feeds", body)) == "feed.no_address"
    assert api.ask("DELETE", path, if_match=resumed.headers["etag"]).status_code == 200
    assert api.get("/feeds") == {"items": [], "next": None}
    assert api.ask("GET", path).status_code == 404
