"""The connector of manual posting: one step to a member, no requests, and post links recognized by
their form."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import (
    Connector,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepNotSent,
    SupportsManualPosting,
)
from connectors.contract.outcomes import Absent, Processing, Published, Rejected, Retry, Uncertain
from connectors.platforms.byhand.publisher import MANUAL_SITES, ByHand
from connectors.shared import prices
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Medium, Subject, Text, Unit
from gate.policy.bundle import shipped_bundle

HAND: Connector = ByHand()
PICTURE = Medium("a" * 64, "image/jpeg", 10, alt="a", ai="generated")


def unit(
    surface: str = "x", *, body: str = "hello", media: int = 0, flags: tuple[str, ...] = ()
) -> Unit:
    return Unit(
        tenant_id=uuid7(),
        creator_id=uuid7(),
        subject=Subject("delivery", uuid7()),
        platform="byhand",
        surface=surface,
        channel_id=uuid7(),
        account=f"{surface}/mia",
        audience="public",
        texts=(Text("body", body),),
        media=(PICTURE,) * media,
        flags=flags,
        native_key="gr1",
    )


def handed(of: Unit) -> Send:
    turn = HAND.next_step(of, ())
    assert isinstance(turn, Send), turn
    return turn


def test_exactly_the_places_of_the_policy_can_be_connected() -> None:
    rows = {row.surface for row in shipped_bundle().rows.values() if row.platform == "byhand"}
    assert rows == set(MANUAL_SITES) == set(HAND.capabilities.surfaces)
    for site in MANUAL_SITES:
        found = ByHand().connect({"site": site, "account": "@Mia.Lumiere"}, ())
        assert isinstance(found, ConnectedAccount)
        assert (found.surface, found.account, found.token) == (site, f"{site}/mia.lumiere", None)
        assert found.options["hand_over"] is True


@pytest.mark.parametrize(
    "typed", [{"site": "myspace", "account": "mia"}, {"site": "x"}, {"site": "x", "account": "a b"}]
)
def test_invalid_account_is_rejected_without_request(typed: dict[str, str]) -> None:
    assert isinstance(ByHand().connect(typed, ()), Rejected)
    assert not any(
        field.secret for field in ByHand.form.fields
    )  # the form never requires a password of the platform


def test_manual_task_contains_the_whole_post() -> None:
    step = handed(unit(body="See https://example.test/a now", media=2)).step
    assert (step.kind, step.to) == (StepKind.PUBLISH, "person")
    assert step.json is not None
    assert (step.json["caption"], step.json["links"]) == (
        "See https://example.test/a now",
        ["https://example.test/a"],
    )
    assert [file.sha256 for file in step.files.values()] == [PICTURE.sha256] * 2
    assert step.wire_digest() != handed(unit(body="other", media=2)).step.wire_digest()


@pytest.mark.parametrize(
    ("surface", "flags", "lines"),
    [
        ("x", (), []),
        (
            "x",
            ("media_metadata.sensitive_media_warning.adult_content=true", "made_with_ai=true"),
            ["adult", "ai"],
        ),
        ("reddit", ("nsfw=true",), ["adult"]),
        ("instagram", ("is_ai_generated=true",), ["ai"]),
        ("youtube", ("status.containsSyntheticMedia=true",), ["ai"]),
        ("tiktok", ("post_info.is_aigc=true",), ["ai"]),
        ("onlyfans", (), ["audience", "partners"]),
        ("x", ("something.new=true",), ["marks"]),
    ],
)
def test_marks_become_checklist_items(
    surface: str, flags: tuple[str, ...], lines: list[str]
) -> None:
    step = handed(unit(surface, media=1, flags=flags)).step
    assert step.json is not None
    assert step.json["checklist"] == lines


def test_price_is_on_the_checklist_of_the_task() -> None:
    for surface in ("onlyfans", "byhand.fansly", "fanvue"):
        paid = replace(unit(surface, media=1), price=Money(1200, "USD"))
        step = handed(paid).step
        assert step.json is not None
        assert step.json["price"] == {"minor": 1200, "currency": "USD"}
        assert step.json["checklist"] == ["price", "audience", "partners"]
        assert not prices.is_mispriced(step, "byhand", paid.price)
        for other in (None, Money(1100, "USD"), Money(1200, "EUR")):
            assert prices.is_mispriced(step, "byhand", other)
        free = handed(replace(paid, price=None)).step
        assert free.json is not None
        assert free.json["price"] is None
        assert prices.is_mispriced(free, "byhand", paid.price)
        assert not prices.is_mispriced(free, "byhand", None)


@pytest.mark.parametrize(
    ("surface", "price", "code"),
    [
        ("instagram", Money(1200, "USD"), "price.not_here"),
        ("pornhub", Money(1200, "USD"), "price.not_here"),
        ("onlyfans", Money(99, "USD"), "price.out_of_range"),
        ("fanvue", Money(299, "USD"), "price.out_of_range"),
        ("onlyfans", Money(1200, "EUR"), "price.out_of_range"),
    ],
)
def test_unsupported_price_is_rejected_before_a_task(surface: str, price: Money, code: str) -> None:
    turn = HAND.next_step(replace(unit(surface, media=1), price=price), ())
    assert isinstance(turn, Rejected)
    assert turn.reason.code == code


def test_responses_map_to_task_or_retry() -> None:
    assert HAND.next_step(unit(), (Response("hand_over", 201, {}, {"task": "t1"}),)) == Processing(
        "t1", by_hand=True
    )
    assert isinstance(HAND.next_step(unit(), (StepNotSent("hand_over", "deadline"),)), Retry)
    assert isinstance(HAND.next_step(unit(), (Response("hand_over", 500, {}, None),)), Uncertain)
    sought = LookupQuery("gr1", "hello", datetime(2026, 3, 2, tzinfo=UTC), "x/mia")
    assert HAND.look_up(sought, ()) == Absent()
    assert HAND.read_metrics(PlatformCopy("1", "x/mia"), ()) is None


def test_unit_over_the_limits_is_rejected_before_a_task() -> None:
    for wrong in (unit(body="x" * 281), unit(media=5), unit("snapchat", media=2)):
        assert isinstance(HAND.next_step(wrong, ()), Rejected)


def test_text_length_follows_the_rules_of_the_site() -> None:
    """X counts an emoji as two characters and a link as 23, Threads counts an emoji's bytes,
    YouTube counts bytes."""
    said = "été 🌊 https://example.com/a/long/way/to/go"
    counted = {
        place: HAND.count_text(unit(place, body=said))
        for place in ("x", "threads", "youtube", "linkedin")
    }
    assert counted == {
        "x": (4 + 2 + 1 + 23, 280),
        "threads": (len(said) + 3, 500),
        "youtube": (len(said.encode()), 5000),
        "linkedin": (len(said), 3000),
    }
    assert isinstance(HAND.next_step(unit(body="🌊" * 141), ()), Rejected)
    assert isinstance(HAND.next_step(unit(body="🌊" * 140), ()), Send)


def test_removal_is_confirmed_by_a_member() -> None:
    asked = HAND.remove(PlatformCopy("task:1", "x/mia"), ())
    assert isinstance(asked, Send)
    assert (asked.step.kind, asked.step.to, asked.step.json) == (StepKind.RESTRICT, "person", None)
    assert isinstance(
        HAND.remove(PlatformCopy("1", "x"), (Response("take_back", 200, {}, {"gone": False}),)),
        Retry,
    )
    assert HAND.remove(
        PlatformCopy("1", "x"), (Response("take_back", 200, {}, {"gone": True}),)
    ) == Published("1")


@pytest.mark.parametrize(
    ("surface", "pasted", "native_id"),
    [
        ("x", "https://x.com/mia/status/1893450001", "x.com/mia/status/1893450001"),
        (
            "x",
            "https://twitter.com/mia/status/1893450001?s=20&t=abc",
            "twitter.com/mia/status/1893450001",
        ),
        ("byhand.x", "1893450001", "1893450001"),
        (
            "instagram",
            " https://www.instagram.com/reel/C9x_Yz-1/?igsh=aa ",
            "instagram.com/reel/C9x_Yz-1",
        ),
        ("onlyfans", "onlyfans.com/123456789/mia", "onlyfans.com/123456789/mia"),
        ("fansly", "https://fansly.com/post/987654321", "fansly.com/post/987654321"),
        (
            "tiktok",
            "https://www.tiktok.com/@mia/video/7300000000",
            "tiktok.com/@mia/video/7300000000",
        ),
        ("tiktok", "https://vm.tiktok.com/ZMabc123/", "vm.tiktok.com/ZMabc123"),
        (
            "reddit",
            "https://old.reddit.com/r/pics/comments/1abcd/title/",
            "old.reddit.com/r/pics/comments/1abcd/title",
        ),
        (
            "youtube",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "youtube.com/watch?v=dQw4w9WgXcQ",
        ),
        (
            "linkedin",
            "https://www.linkedin.com/posts/mia_activity-7",
            "linkedin.com/posts/mia_activity-7",
        ),
    ],
)
def test_post_links_are_parsed_to_one_id(surface: str, pasted: str, native_id: str) -> None:
    assert isinstance(HAND, SupportsManualPosting)
    found = HAND.parse_post_link(surface, pasted)
    assert found is not None
    assert found.native_id == native_id
    assert found.url == (f"https://{native_id}" if "." in native_id else "")


@pytest.mark.parametrize(
    "pasted",
    [
        "https://x.com/mia",
        "https://x.com",
        "https://evil.example/mia/status/1893450001",
        "https://x.com.evil.example/mia/status/1893450001",
        "https://user:pw@x.com/mia/status/1893450001",
        "javascript:alert(1)//x.com/mia/status/1893450001",
        "ftp://x.com/mia/status/1893450001",
        "http://[::1/mia/status/1893450001",
        "see x.com/mia/status/1893450001",
        "posted!",
        "",
        "x" * 900,
    ],
)
def test_invalid_post_link_is_rejected(pasted: str) -> None:
    assert isinstance(HAND, SupportsManualPosting)
    assert HAND.parse_post_link("x", pasted) is None
