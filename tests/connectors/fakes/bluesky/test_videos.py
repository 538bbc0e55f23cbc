"""Videos on the fake Bluesky: uploads as blobs, posts with a single video, and a size limit of
their own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.contract.outcomes import Published, Rejected
from connectors.platforms.bluesky.record import record_key
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.connectors.conformance.worlds import bluesky_world
from tests.connectors.conformance.worlds.mastodon_world import FILM
from tests.fakes.bluesky.server import POST, FakeBluesky, Repo, bluesky

HTTP = HttpClient()
DATA = b"\0\0\0\x18ftypmp42 frames"
VIDEO, IMAGES = "app.bsky.embed.video", "app.bsky.embed.images"


@pytest.fixture
def fake() -> Iterator[FakeBluesky]:
    with bluesky() as running:
        yield running


@pytest.fixture
def mine(fake: FakeBluesky) -> Repo:
    return fake.account("nova.bsky.social")


def send(fake: FakeBluesky, mine: Repo, name: str, body: bytes, mime: str) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {fake.sessions.start(mine.did)[0]}", "content-type": mime}
    reply = HTTP.send(
        HttpRequest("POST", f"{fake.url}/xrpc/com.atproto.repo.{name}", headers, body)
    )
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body)


def put(
    fake: FakeBluesky, mine: Repo, embed: str, mime: str, data: bytes = DATA
) -> tuple[int, str]:
    """Upload a file and return the response to a record that embeds it."""
    status, told = send(fake, mine, "uploadBlob", data, mime)
    assert status == 200
    shown = (
        {"video": told["blob"]}
        if embed == VIDEO
        else {"images": [{"alt": "waves", "image": told["blob"]}]}
    )
    record = {
        "$type": POST,
        "text": "waves",
        "createdAt": "2026-11-20T10:00:00Z",
        "embed": {"$type": embed, **shown},
    }
    asked = {
        "repo": mine.did,
        "collection": POST,
        "rkey": record_key("a", fake.clock()),
        "record": record,
    }
    status, told = send(fake, mine, "putRecord", json.dumps(asked).encode(), "application/json")
    return status, told.get("error", "")


def test_video_record_is_stored_and_uses_its_blob(fake: FakeBluesky, mine: Repo) -> None:
    assert put(fake, mine, VIDEO, "video/mp4") == (200, "")
    assert [record["embed"]["$type"] for _, record in mine.taken] == [VIDEO]
    assert [known.used for known in mine.blobs.values()] == [True]


@pytest.mark.parametrize("described", [True, False], ids=["with lexicons", "without description"])
@pytest.mark.parametrize(
    ("embed", "mime"), [(VIDEO, "image/jpeg"), (VIDEO, "video/webm"), (IMAGES, "video/mp4")]
)
def test_video_and_image_embeds_require_matching_types(
    fake: FakeBluesky, mine: Repo, embed: str, mime: str, described: bool
) -> None:
    fake.lexicons = fake.lexicons if described else None
    unlike = (
        b"\x1aE\xdf\xa3 a film" if embed == VIDEO else DATA
    )  # the type cannot be detected, so the declared type counts
    assert put(fake, mine, embed, mime, unlike)[0] == 400
    assert mine.taken == []


@pytest.mark.parametrize("described", [True, False], ids=["with lexicons", "without description"])
def test_video_may_be_larger_than_an_image(fake: FakeBluesky, mine: Repo, described: bool) -> None:
    fake.lexicons = fake.lexicons if described else None
    large = bytes(2_000_001)
    assert put(fake, mine, VIDEO, "video/mp4", large)[0] == 200
    assert put(fake, mine, IMAGES, "image/png", large)[0] == 400


def test_upload_over_the_server_limit_is_rejected(fake: FakeBluesky) -> None:
    fake.most_upload = FILM.size - 1
    world = bluesky_world.create_world(fake, HTTP, film=True)
    outcome = SendingHarness(world, world.connector).publish(world.unit(media=1)).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.reason.params == {"status": 413, "word": "payloadtoolarge"}
    assert world.fake.accepted_posts() == []
    fake.most_upload = FILM.size
    assert isinstance(
        SendingHarness(world, world.connector).publish(world.unit(media=1)).outcome, Published
    )
