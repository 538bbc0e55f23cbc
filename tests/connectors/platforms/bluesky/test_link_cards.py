"""Link cards and mentions in Bluesky posts: card texts, and handles that resolve to accounts."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Response, Send, StepAnswerLost, StepKind, StepResult
from connectors.contract.outcomes import Outcome, Published, Reauthorize, Rejected, Retry
from connectors.platforms.bluesky.publisher import PUBLISH, Bluesky
from connectors.platforms.bluesky.record import CARD_TEXT_OPTION, CARD_TITLE_OPTION, PICTURE_BYTES
from connectors.platforms.bluesky.text import MAX_NAMES, build_facets, mentioned_handles
from connectors.shared.feed_preview import LinkCard
from foundation.http.http_client import HttpClient
from gate.contract.units import Medium, PlatformOption, Text, Unit
from tests.connectors.conformance.worlds import bluesky_world
from tests.connectors.platforms.bluesky.test_publisher import UNIT
from tests.fakes.bluesky.server import FakeBluesky, bluesky

PLATFORM = Bluesky()
PAGE = "https://mia.example/calendar?a=(1)"
DID = "did:plc:abcdefghijklmnopqrstuvwx"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeBluesky]:
    with bluesky() as running:
        yield running


@pytest.fixture
def world(server: FakeBluesky) -> ConnectorWorld:
    return bluesky_world.create_world(server, HttpClient())


def carded(unit: Unit, text: str = f"Look: {PAGE}.", **said: str) -> Unit:
    options = tuple(PlatformOption(name, (value,), read=True) for name, value in said.items())
    return replace(unit, texts=(Text("body", text),), options=options)


def record(world: ConnectorWorld, unit: Unit) -> dict[str, Any]:
    outcome = SendingHarness(world, world.connector).publish(unit).outcome
    assert isinstance(outcome, Published), outcome
    fake = world.fake
    assert isinstance(fake, bluesky_world.BlueskyFake)
    return fake.repo.records[outcome.native_id.rpartition("/")[2]]


def test_card_describes_the_first_link(world: ConnectorWorld) -> None:
    unit = carded(
        world.unit(),
        f"Look: {PAGE}. And https://b.example",
        **{CARD_TITLE_OPTION: "My calendar", CARD_TEXT_OPTION: "All of it"},
    )
    shown = {"uri": PAGE, "title": "My calendar", "description": "All of it"}
    assert record(world, unit)["embed"] == {"$type": "app.bsky.embed.external", "external": shown}
    assert PLATFORM.link_card(unit) == LinkCard(PAGE, "My calendar", "All of it")
    plain = carded(world.unit())
    assert "embed" not in record(world, plain)
    assert PLATFORM.link_card(plain) is None


def test_single_picture_becomes_the_card_thumbnail(world: ConnectorWorld) -> None:
    embed = record(world, carded(world.unit(media=1), **{CARD_TITLE_OPTION: "My calendar"}))[
        "embed"
    ]
    thumb = embed["external"].pop("thumb")
    assert (thumb["mimeType"], thumb["ref"]["$link"]) == (
        "image/png",
        world.name_of(world.media[0]),
    )
    assert embed["external"] == {"uri": PAGE, "title": "My calendar", "description": ""}


def picture(mime: str = "image/png", size: int = 9) -> Medium:
    return Medium("a" * 64, mime, size, alt="a picture", ai="none")


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (carded(UNIT, **{CARD_TEXT_OPTION: "All of it"}), "bluesky.card_untitled"),
        (carded(UNIT, "no address", **{CARD_TITLE_OPTION: "A"}), "bluesky.card_unlinked"),
        (
            carded(replace(UNIT, media=(picture(), picture())), **{CARD_TITLE_OPTION: "A"}),
            "bluesky.card_pictures",
        ),
        (
            carded(replace(UNIT, media=(picture("video/mp4"),)), **{CARD_TITLE_OPTION: "A"}),
            "bluesky.card_pictures",
        ),
        (
            carded(
                replace(UNIT, media=(picture(size=PICTURE_BYTES + 1),)), **{CARD_TITLE_OPTION: "A"}
            ),
            "connectors.medium_unfit",
        ),
    ],
)
def test_invalid_card_is_rejected(unit: Unit, code: str) -> None:
    found = PLATFORM.next_step(unit, ())
    assert isinstance(found, Rejected)
    assert found.reason.code == code


def test_known_handle_becomes_a_mention_and_others_stay_text(
    world: ConnectorWorld, server: FakeBluesky
) -> None:
    leo = server.account("leo-of-the-lake.bsky.social")
    text = "é with @Leo-of-the-lake.bsky.social, @nobody.example (mail a@b.example) #lac"
    made = record(world, replace(world.unit(), texts=(Text("body", text),)))
    spans = [
        (
            made["text"].encode()[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(),
            one["features"][0],
        )
        for one in made["facets"]
    ]
    mention = {"$type": "app.bsky.richtext.facet#mention", "did": leo.did}
    assert spans[0] == ("@Leo-of-the-lake.bsky.social", mention)
    assert [said for said, _ in spans] == ["@Leo-of-the-lake.bsky.social", "#lac"]


def test_post_is_retried_while_a_handle_is_unresolved(
    world: ConnectorWorld, server: FakeBluesky
) -> None:
    """A repeat with the resolved mention would be another record under the same key."""
    server.account("ida-of-the-lake.bsky.social")
    unit = replace(world.unit(), texts=(Text("body", "with @ida-of-the-lake.bsky.social"),))
    world.inject_fault("status:503", "names")
    world.inject_fault("reset_after", "posts")
    story = SendingHarness(world, world.connector).publish(unit)
    assert isinstance(story.outcomes[0], Retry)
    assert isinstance(story.outcome, Published)
    assert len(world.fake.accepted_posts()) == 1


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Response("name:mia.example", 400, {}, {"error": "InvalidRequest"}), Send),
        (Response("name:mia.example", 400, {}, {"error": "HandleNotFound"}), Send),
        (Response("name:mia.example", 400, {}, {"error": "ExpiredToken"}), Reauthorize),
        (Response("name:mia.example", 200, {}, {"did": "mia"}), Retry),
        (Response("name:mia.example", 502, {}, None), Retry),
        (StepAnswerLost("name:mia.example", "ReadTimeout"), Retry),
    ],
)
def test_handle_resolution_response_maps_to_outcome(
    answer: StepResult, meant: type[Send | Outcome]
) -> None:
    unit = replace(UNIT, texts=(Text("body", "with @mia.example"),), media=())
    asked = PLATFORM.next_step(unit, ())
    assert isinstance(asked, Send)
    assert (asked.step.kind, asked.step.action) == (StepKind.CONTROL, "look")
    found = PLATFORM.next_step(unit, (answer,))
    assert isinstance(found, meant)
    if isinstance(found, Send):
        assert (found.step.name, "facets" in (found.step.json or {})["record"]) == (PUBLISH, False)


def test_handles_are_found_in_text_up_to_a_limit() -> None:
    assert mentioned_handles(
        "@a.example @A.example, (@b.example) x@c.example https://d.example/@e.example @f @g.1 "
        "@-h.example"
    ) == [
        "a.example",
        "b.example",
    ]
    assert (
        len(mentioned_handles(" ".join(f"@a{number}.example" for number in range(20)))) == MAX_NAMES
    )
    inside = build_facets("https://a.example/(@b.example", {"b.example": DID})
    assert [one["features"][0]["$type"] for one in inside] == ["app.bsky.richtext.facet#link"], (
        "facets must not overlap"
    )
