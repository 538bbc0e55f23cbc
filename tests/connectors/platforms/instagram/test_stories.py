"""Stories on Instagram: request contents, early rejections, and the rules of the fake."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Absent, Found, Published, Rejected, Unknown
from connectors.contract.post_addresses import ClaimedAddress
from connectors.platforms.instagram.publisher import AI, Instagram
from connectors.shared import options, unit_checks
from foundation.ids import uuid7
from gate.contract.units import HAS_FIRST_COMMENT, Medium, PlatformOption, Subject, Text, Unit
from tests.connectors.conformance.worlds.instagram_world import lent
from tests.connectors.fakes.instagram.test_containers import ask, asked_after, film, picture
from tests.fakes.instagram.server import FakeInstagram, Profile, instagram
from tests.fakes.meta.fetched_media import make_clip

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TALL = Medium("a" * 64, "image/jpeg", 1000, alt="a beach", width=1080, height=1920)
FILM = Medium("b" * 64, "video/mp4", 1000, seconds=59)
AS_STORY = PlatformOption("story", ("true",))
STORY = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "instagram", "instagram.post", uuid7(), "17", "public",
    media=(TALL,), native_key="k", options=(AS_STORY,),
)  # fmt: skip
STAGED = f"stage:{TALL.sha256[:24]}"


def ok(step: str, body: dict[str, Any]) -> Response:
    return Response(step, 200, {}, body)


def asked(unit: Unit, *answers: StepResult) -> WireStep:
    turn = Instagram().next_step(unit, answers)
    assert isinstance(turn, Send), turn
    return turn.step


def why(unit: Unit) -> str:
    turn = Instagram().next_step(unit, ())
    assert isinstance(turn, Rejected), turn
    return turn.reason.code


def test_story_is_one_container_with_type_mark_and_mentions() -> None:
    made = asked(replace(STORY, flags=(AI,)))
    assert (made.kind, made.path, made.json) == (
        StepKind.STAGE,
        "/{account}/media",
        {"media_type": "STORIES", "is_ai_generated": True},
    )
    assert made.fetched["image_url"].sha256 == TALL.sha256
    moving = asked(replace(STORY, media=(FILM,)))
    assert (moving.json, set(moving.fetched)) == ({"media_type": "STORIES"}, {"video_url"})
    named = PlatformOption("mentions", ("lea", "tom"), read=True)
    tagged = asked(replace(STORY, options=(named, AS_STORY))).json
    assert tagged == {
        "media_type": "STORIES",
        "user_tags": [{"username": "lea"}, {"username": "tom"}],
    }
    ready = (ok(STAGED, {"id": "101"}), ok("poll:101", {"status_code": "FINISHED"}))
    assert asked(STORY, *ready).json == {"creation_id": "101"}
    assert Instagram().next_step(STORY, (*ready, ok("publish", {"id": "900"}))) == Published("900")


def test_deselected_story_is_a_regular_post() -> None:
    plain = replace(
        STORY, options=(PlatformOption("story", ("false",)),), media=(replace(TALL, height=1080),)
    )
    assert asked(replace(plain, texts=(Text("body", "hello"),))).json == {
        "caption": "hello",
        "alt_text": "a beach",
    }


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"texts": (Text("body", "hello"),)}, "connectors.no_words_there"),
        ({"media": (TALL, replace(TALL, sha256="c" * 64))}, "connectors.too_many_media"),
        ({"media": ()}, "connectors.media_missing"),
        ({"media": (replace(FILM, seconds=61),)}, "connectors.film_too_long"),
        ({"media": (replace(FILM, seconds=2),)}, "connectors.film_too_short"),
        ({"media": (replace(FILM, size=100_000_001),)}, "connectors.medium_unfit"),
        (
            {"options": (PlatformOption("collaborators", ("lea",), read=True), AS_STORY)},
            "instagram.story_alone",
        ),
        (
            {"options": (PlatformOption("mentions", ("lea",), read=True),), "texts": ()},
            "instagram.of_stories",
        ),
        ({"parts": 2, "comment": HAS_FIRST_COMMENT}, "connectors.no_threads"),
    ],
)
def test_unsupported_story_content_is_rejected(more: dict[str, Any], code: str) -> None:
    assert why(replace(STORY, **more)) == code


def test_story_limits_are_part_of_the_capabilities() -> None:
    whole = Instagram().capabilities
    short = options.capabilities_for(whole, (AS_STORY,))
    assert (short.size_limits("instagram.post"), short.film_seconds, short.hours) == (
        (0, 1),
        (3, 60),
        24,
    )
    assert (
        short.feed_layout("instagram.post").form,
        short.feed_layout("instagram.post").fills,
    ) == ("screen", 9 / 16)
    assert options.capabilities_for(whole, (PlatformOption("story", ("false",)),)) is whole
    assert (whole.hours, unit_checks.video_length_problem(600, whole)) == (0, None)


def sought(*told: StepResult, **more: Any) -> LookupQuery:
    said: dict[str, Any] = {
        "asked_at": NOW,
        "media": (TALL,),
        "told": told,
        "options": (AS_STORY,),
        **more,
    }
    return LookupQuery("k", "", NOW, "17", **said)


def listed(*stories: dict[str, Any]) -> Response:
    return ok("look", {"data": list(stories)})


def told(number: str, kind: str = "IMAGE", *, after: float = 5) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=after)).isoformat()
    url = f"https://www.instagram.com/stories/nova/{number}"
    return {"id": number, "timestamp": at, "media_type": kind, "caption": "story", "permalink": url}


MADE, OUT = ok(STAGED, {"id": "55"}), ok("look", {"status_code": "PUBLISHED"})


def test_lost_story_is_found_by_container_type_and_time() -> None:
    wanted, find = sought(MADE), Instagram().look_up
    first, then = find(wanted, ()), find(wanted, (OUT,))
    assert isinstance(first, Send)
    assert first.step.path == "/55?fields=status_code"
    assert isinstance(then, Send)
    assert then.step.path.startswith("/{account}/stories?")
    older, moving = told("7", after=-900), told("8", "VIDEO")
    seen = find(wanted, (OUT, listed(told("9"), moving, older)))
    assert isinstance(seen, Found)
    assert (seen.native_id, seen.url) == ("9", "https://www.instagram.com/stories/nova/9")
    assert isinstance(find(wanted, (OUT, listed(told("9"), told("6")))), Unknown), (
        "two stories match"
    )
    assert isinstance(find(wanted, (OUT, listed(older))), Unknown), "the list may lag"
    assert find(wanted, (ok("look", {"status_code": "FINISHED"}),)) == Absent(confirmed=True), (
        "the container is still unpublished"
    )
    assert isinstance(find(sought(), ()), Unknown), "the container ID is unknown"


def test_story_is_found_by_its_url() -> None:
    place = ClaimedAddress("https://www.instagram.com/stories/nova/9/?igsh=a", "17", "", 1)
    seen = Instagram().resolve_address(place, (listed(told("8"), told("9")),))
    assert isinstance(seen, Found)
    assert seen.native_id == "9"
    assert Instagram().resolve_address(place, (listed(told("8")),)) == Absent()


def test_story_metrics_include_insights() -> None:
    read, copy = Instagram().read_metrics, PlatformCopy("9", "17")
    shown = ok("metrics", {"id": "9", "media_product_type": "STORY", "like_count": 3})
    then = read(copy, (shown,))
    assert isinstance(then, Send)
    assert then.step.path == "/9/insights?metric=views,shares"
    insights = [
        {"name": "views", "values": [{"value": 12}]},
        {"name": "shares", "values": [{"value": -1}]},
    ]
    assert read(copy, (shown, ok("metrics", {"data": insights}))) == {"likes": 3, "views": 12}
    few = Response(
        "metrics", 400, {}, {"error": {"code": 10, "message": "(#10) Not enough viewers"}}
    )
    assert read(copy, (shown, few)) == {"likes": 3}


def test_post_metrics_include_insights() -> None:
    read, copy = Instagram().read_metrics, PlatformCopy("9", "17")
    shown = ok("metrics", {"id": "9", "media_product_type": "FEED", "view_count": 4})
    then = read(copy, (shown,))
    assert isinstance(then, Send)
    assert then.step.path == "/9/insights?metric=reach,saved,shares"
    insights = [
        {"name": "reach", "values": [{"value": 3}]},
        {"name": "saved", "values": [{"value": 1}]},
        {"name": "shares", "values": [{"value": -1}]},
    ]
    found = read(copy, (shown, ok("metrics", {"data": insights})))
    assert found == {"views": 4, "reach": 3, "saves": 1}
    refused = Response("metrics", 400, {}, {"error": {"code": 10, "message": "(#10) permission"}})
    assert read(copy, (shown, refused)) == {"views": 4}


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    with lent() as url:
        yield f"{url}/lent/t"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeInstagram]:
    with instagram() as running:
        yield running


def shown(fake: FakeInstagram, mine: Profile, **said: Any) -> tuple[int, Any]:
    """Create a story and publish it. Return the status and the response."""
    status, made = ask(fake, mine, "POST", f"{mine.id}/media", media_type="STORIES", **said)
    if status != 200:
        return status, made
    asked_after(fake, mine, made["id"], 3)
    return ask(fake, mine, "POST", f"{mine.id}/media_publish", creation_id=made["id"])


def test_story_is_listed_separately_counts_and_expires(fake: FakeInstagram, files: str) -> None:
    mine = fake.profile("nova")
    mine.quota = 2
    first, second = (shown(fake, mine, image_url=picture(files))[1]["id"] for _ in range(2))
    assert shown(fake, mine, image_url=picture(files))[1]["error"]["error_subcode"] == 2207042, (
        "a story counts toward the daily limit"
    )
    listing = f"{mine.id}/stories?fields=id,caption"
    there = [{"id": one, "caption": "story"} for one in (second, first)]
    assert ask(fake, mine, "GET", listing)[1]["data"] == there
    assert ask(fake, mine, "GET", f"{mine.id}/media?fields=id")[1]["data"] == []
    insights = f"{first}/insights?metric=views"
    assert ask(fake, mine, "GET", insights)[1]["data"][0]["values"] == [{"value": 12}]
    mine.stories[0]["_viewers"] = 4
    assert ask(fake, mine, "GET", insights)[1]["error"]["code"] == 10
    fake.clock.advance(24 * 3600)
    assert ask(fake, mine, "GET", listing)[1]["data"] == []
    for path in (first, insights):
        assert ask(fake, mine, "GET", path)[1]["error"]["error_subcode"] == 33, (
            "the reason is not reported"
        )


def test_unsupported_fields_or_long_video_are_refused(fake: FakeInstagram, files: str) -> None:
    mine = fake.profile("luna")
    for more in (
        {"caption": "hello"},
        {"alt_text": "a beach"},
        {"collaborators": ["lea"]},
        {"share_to_feed": True},
    ):
        assert shown(fake, mine, image_url=picture(files), **more)[0] == 400
    assert shown(fake, mine, image_url=picture(files), video_url=film(files))[0] == 400
    assert shown(fake, mine, video_url=film(files))[0] == 200
    status, told = shown(fake, mine, video_url=film(files, make_clip(61.0)))
    assert (status, told["error"]["code"]) == (400, 9007), "the container is unusable"
    assert [one["media_type"] for one in mine.stories] == ["VIDEO"]
