"""The fake Instagram validates containers and downloads videos while it processes them."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.conformance.world import TEST_OBJECTS
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.connectors.conformance.worlds.instagram_world import FILM, MEDIA, lent
from tests.fakes.instagram.server import FakeInstagram, Profile, instagram
from tests.fakes.meta.fetched_media import LONGEST, SHORTEST, make_clip, video_seconds

HTTP = HttpClient()


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    with lent() as url:
        yield f"{url}/lent/t"


@pytest.fixture
def fake() -> Iterator[FakeInstagram]:
    with instagram() as running:
        yield running


@pytest.fixture
def mine(fake: FakeInstagram) -> Profile:
    return fake.profile("nova")


def ask(fake: FakeInstagram, mine: Profile, method: str, path: str, **said: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {mine.token}", "content-type": "application/json"}
    body = json.dumps(said).encode() if said else b""
    reply = HTTP.send(HttpRequest(method, f"{fake.url}/{path}", headers, body))
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body)


def contain(fake: FakeInstagram, mine: Profile, **said: Any) -> tuple[int, Any]:
    return ask(fake, mine, "POST", f"{mine.id}/media", **said)


def asked_after(fake: FakeInstagram, mine: Profile, container: str, times: int) -> dict[str, str]:
    told: dict[str, str] = {}
    for _ in range(times):
        told = ask(fake, mine, "GET", container)[1]
    return told


def film(files: str, data: bytes = b"") -> str:
    """Return the URL of a video."""
    data = data or TEST_OBJECTS[FILM.sha256]
    digest = hashlib.sha256(data).hexdigest()
    TEST_OBJECTS[digest] = data
    return f"{files}/{digest}.mp4"


def picture(files: str) -> str:
    return f"{files}/{MEDIA[0].sha256}.jpg"


def test_reel_is_downloaded_during_processing(
    fake: FakeInstagram, mine: Profile, files: str
) -> None:
    status, made = contain(
        fake, mine, media_type="REELS", video_url=film(files), share_to_feed=True
    )
    assert (status, mine.fetched) == (200, [])
    assert asked_after(fake, mine, made["id"], 1)["status_code"] == "IN_PROGRESS"
    assert (
        ask(fake, mine, "POST", f"{mine.id}/media_publish", creation_id=made["id"])[1]["error"][
            "code"
        ]
        == 9007
    )
    assert asked_after(fake, mine, made["id"], 1)["status_code"] == "IN_PROGRESS"
    assert mine.fetched == [film(files)]
    assert asked_after(fake, mine, made["id"], 1)["status_code"] == "FINISHED"
    assert ask(fake, mine, "POST", f"{mine.id}/media_publish", creation_id=made["id"])[0] == 200
    assert [post["_files"] for post in mine.posts] == [(TEST_OBJECTS[FILM.sha256],)]


@pytest.mark.parametrize(
    "said",
    [
        {"media_type": "REELS"},
        {"media_type": "REELS", "image_url": "PICTURE"},
        {"media_type": "REELS", "video_url": "FILM", "image_url": "PICTURE"},
        {"media_type": "REELS", "video_url": "FILM", "alt_text": "waves"},
        {"media_type": "REELS", "video_url": "FILM", "is_carousel_item": True},
        {"media_type": "VIDEO", "video_url": "FILM"},
        {"media_type": "STORY", "video_url": "FILM"},
        {"video_url": "FILM"},
        {"image_url": "PICTURE", "share_to_feed": True},
        {},
    ],
)
def test_invalid_container_is_rejected(
    fake: FakeInstagram, mine: Profile, files: str, said: dict[str, Any]
) -> None:
    places = {"FILM": film(files), "PICTURE": picture(files)}
    status, told = contain(
        fake, mine, caption="x", **{key: places.get(value, value) for key, value in said.items()}
    )
    assert (status, told["error"]["code"], mine.containers) == (400, 100, {})


def test_video_in_a_carousel_is_an_item(fake: FakeInstagram, mine: Profile, files: str) -> None:
    kinds = ({"media_type": "VIDEO", "video_url": film(files)}, {"image_url": picture(files)})
    items = [contain(fake, mine, is_carousel_item=True, **kind)[1]["id"] for kind in kinds]
    whole = {"media_type": "CAROUSEL", "children": ",".join(items)}
    assert contain(fake, mine, **whole)[0] == 400, "the video is not ready"
    for item in items:
        asked_after(fake, mine, item, 3)
    made = contain(fake, mine, **whole)[1]["id"]
    assert mine.containers[made].files == (TEST_OBJECTS[FILM.sha256], TEST_OBJECTS[MEDIA[0].sha256])


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("FILM of 2.9", 2207026),
        ("FILM of 901", 2207026),
        ("PICTURE", 2207026),
        ("NOT A FILM", 2207026),
        ("A FILM, THEY SAY A PICTURE", 2207026),
        ("NOWHERE", 2207003),
    ],
)
def test_invalid_video_ends_in_error_status(
    fake: FakeInstagram, mine: Profile, files: str, address: str, code: int
) -> None:
    places = {
        "PICTURE": picture(files),
        "NOT A FILM": film(files, b"none at all"),
        "NOWHERE": "http://127.0.0.1:9/a",
    }
    places["A FILM, THEY SAY A PICTURE"] = film(files).replace(".mp4", ".jpg")
    url = places.get(address) or film(files, make_clip(float(address.rpartition(" ")[2])))
    made = contain(fake, mine, media_type="REELS", video_url=url)[1]["id"]
    told = asked_after(fake, mine, made, 3)
    assert told["status_code"] == "ERROR"
    assert told["status"] == f"Error: Media upload has failed with error code {code}"
    assert ask(fake, mine, "POST", f"{mine.id}/media_publish", creation_id=made)[0] == 400


def test_oversized_video_ends_in_error_status(
    fake: FakeInstagram, mine: Profile, files: str
) -> None:
    for most, end in ((FILM.size - 1, "ERROR"), (FILM.size, "FINISHED")):
        fake.most_film = most
        made = contain(fake, mine, media_type="REELS", video_url=film(files))[1]["id"]
        assert asked_after(fake, mine, made, 3)["status_code"] == end


def test_video_length_is_read_from_its_header() -> None:
    assert [video_seconds(make_clip(length)) for length in (SHORTEST, 12.5, LONGEST)] == [
        SHORTEST,
        12.5,
        LONGEST,
    ]
    assert video_seconds(b"mvhd" + bytes(200)) == 0.0
    assert video_seconds(TEST_OBJECTS[MEDIA[0].sha256]) == 0.0
