"""The creator's own page: addressed by content ID, so no item is ever published twice."""

from dataclasses import replace

import pytest

from connectors.contract.connector import LookupQuery, PlatformCopy, Response, Send
from connectors.contract.outcomes import (
    Absent,
    Found,
    Published,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.own_page.publisher import OwnPage
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from gate.contract.units import Medium, Subject, Text, Unit

FEED = OwnPage()
KEY = str(uuid7())
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="own_page",
    surface="own_page.public",
    channel_id=uuid7(),
    account="mia",
    audience="public",
    texts=(Text("body", "hello"), Text("title", "Title")),
    media=(Medium("0" * 64, "image/png", 5, alt="a cat", ai="generated"),),
    native_key=KEY,
)
STAGED = Response(f"stage:{'0' * 24}", 200, body={"sha256": "0" * 64})


def test_files_are_staged_before_the_item() -> None:
    stage, put = FEED.next_step(UNIT, ()), FEED.next_step(UNIT, (STAGED,))
    assert isinstance(stage, Send)
    assert isinstance(put, Send)
    assert (stage.step.method, stage.step.path) == ("PUT", f"/house/{{account}}/files/{'0' * 64}")
    assert (put.step.method, put.step.path) == ("PUT", f"/house/{{account}}/items/{KEY}")
    assert put.step.json == {
        "title": "Title",
        "text": "hello",
        "media": [{"sha256": "0" * 64, "mime": "image/png", "alt": "a cat", "ai": "generated"}],
        "rating_flags": [],
        "ai": True,
    }


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Response("publish", 201, body={"id": KEY, "url": "u"}), Published),
        (Response("publish", 200, body={"id": "another", "url": "u"}), Uncertain),
        (Response("publish", 507), Retry),
        (Response("publish", 401), Retry),
        (Response("publish", 404), Rejected),
        (Response("publish", 410), Rejected),
        (Response("publish", 502), Uncertain),
    ],
)
def test_publish_response_maps_to_outcome(answer: Response, outcome: type) -> None:
    assert isinstance(FEED.next_step(UNIT, (STAGED, answer)), outcome)


def test_item_without_content_id_is_rejected() -> None:
    assert isinstance(FEED.next_step(replace(UNIT, native_key=""), ()), Rejected)


@pytest.mark.parametrize(
    ("answer", "sighting"),
    [
        (Response("look", 200, body={"id": KEY, "url": "u"}), Found),
        (Response("look", 410, body={}), Found),
        (Response("look", 404, body={}), Absent),
        (Response("look", 500), Unknown),
    ],
)
def test_lookup_requests_the_content_id(answer: Response, sighting: type) -> None:
    sought = LookupQuery(KEY, "hello", wall_now(), "mia")
    first = FEED.look_up(sought, ())
    assert isinstance(first, Send)
    assert first.step.path == f"/house/{{account}}/items/{KEY}"
    assert isinstance(FEED.look_up(sought, (answer,)), sighting)


def test_unstaged_files_are_staged_again() -> None:
    gone = Response("publish", 422, body={"error": "file_not_staged"})
    turn = FEED.next_step(UNIT, (STAGED, gone))
    assert isinstance(turn, Retry)
    assert turn.uploads_gone


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, Published), (204, Published), (410, Published), (500, Retry)]
)
def test_tombstone_proves_removal(status: int, outcome: type) -> None:
    assert isinstance(FEED.remove(PlatformCopy(KEY, "mia"), (Response("delete", status),)), outcome)
