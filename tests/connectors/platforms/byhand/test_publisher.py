"""The connector that hands over: pure, one step to a person, links told apart by their form
alone."""

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


def test_every_place_of_the_policy_can_be_connected_and_no_other() -> None:
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
def test_what_is_no_account_is_refused_without_asking_anybody(typed: dict[str, str]) -> None:
    assert isinstance(ByHand().connect(typed, ()), Rejected)
    assert not any(
        field.secret for field in ByHand.form.fields
    )  # no password of the platform, ever


def test_one_step_to_a_person_carries_all_of_it() -> None:
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
def test_flags_become_lines_to_tick(surface: str, flags: tuple[str, ...], lines: list[str]) -> None:
    step = handed(unit(surface, media=1, flags=flags)).step
    assert step.json is not None
    assert step.json["checklist"] == lines


def test_a_price_is_set_by_the_person_who_posts() -> None:
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
def test_what_cannot_cost_that_there_is_handed_to_nobody(
    surface: str, price: Money, code: str
) -> None:
    turn = HAND.next_step(replace(unit(surface, media=1), price=price), ())
    assert isinstance(turn, Rejected)
    assert turn.reason.code == code


def test_answers_mean_a_task_or_nothing() -> None:
    assert HAND.next_step(unit(), (Response("hand_over", 201, {}, {"task": "t1"}),)) == Processing(
        "t1", by_hand=True
    )
    assert isinstance(HAND.next_step(unit(), (StepNotSent("hand_over", "deadline"),)), Retry)
    assert isinstance(HAND.next_step(unit(), (Response("hand_over", 500, {}, None),)), Uncertain)
    sought = LookupQuery("gr1", "hello", datetime(2026, 3, 2, tzinfo=UTC), "x/mia")
    assert HAND.look_up(sought, ()) == Absent()
    assert HAND.read_metrics(PlatformCopy("1", "x/mia"), ()) is None


def test_what_does_not_fit_is_said_before_anybody_gets_it() -> None:
    for wrong in (unit(body="x" * 281), unit(media=5), unit("snapchat", media=2)):
        assert isinstance(HAND.next_step(wrong, ()), Rejected)


def test_words_count_as_they_do_where_they_are_posted() -> None:
    """X takes an emoji for two characters and an address for 23, Threads an emoji for its bytes,
    YouTube bytes."""
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


def test_gone_is_somebodys_word() -> None:
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
def test_links_of_one_post_are_known_by_their_form(
    surface: str, pasted: str, native_id: str
) -> None:
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
def test_anything_else_is_no_link(pasted: str) -> None:
    assert isinstance(HAND, SupportsManualPosting)
    assert HAND.parse_post_link("x", pasted) is None
