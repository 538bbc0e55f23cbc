"""The fake Threads rejects what the real one rejects: parameters, lengths, permissions, quotas, and
containers that are not ready."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.connectors.conformance.worlds.instagram_world import FILM, MEDIA, lent
from tests.fakes.threads.server import FakeThreads, count_text, threads
from tests.fakes.threads.state import SCOPES, Profile

HTTP = HttpClient()
GONE = (24, 4279009)


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    with lent() as url:
        yield url


@pytest.fixture
def fake() -> Iterator[FakeThreads]:
    with threads() as running:
        yield running


@pytest.fixture
def mine(fake: FakeThreads) -> Profile:
    return fake.profile("mia")


def ask(fake: FakeThreads, mine: Profile, method: str, path: str, **said: Any) -> Any:
    """Return the response, or the code and subcode of a rejection."""
    shown = {"authorization": f"Bearer {mine.token}", "content-type": "application/json"}
    reply = HTTP.send(
        HttpRequest(method, f"{fake.url}/{path}", shown, json.dumps(said).encode() if said else b"")
    )
    assert isinstance(reply, HttpResponse)
    told = json.loads(reply.body)
    error = told.get("error", {})
    return told if reply.status == 200 else (error["code"], error.get("error_subcode", 0))


def contain(fake: FakeThreads, mine: Profile, **said: Any) -> Any:
    return ask(fake, mine, "POST", f"{mine.id}/threads", **said)


def publish(fake: FakeThreads, mine: Profile, container: str) -> Any:
    return ask(fake, mine, "POST", f"{mine.id}/threads_publish", creation_id=container)


def posted(fake: FakeThreads, mine: Profile, text: str, **more: Any) -> str:
    return str(
        publish(fake, mine, contain(fake, mine, media_type="TEXT", text=text, **more)["id"])["id"]
    )


def asked_after(fake: FakeThreads, mine: Profile, container: str, times: int) -> Any:
    return [
        ask(fake, mine, "GET", f"{container}?fields=status,error_message") for _ in range(times)
    ][-1]


@pytest.mark.parametrize(
    "said",
    [
        {"text": "x"},
        {"media_type": "TEXT"},
        {"media_type": "TEXT", "text": "x" * 501},
        {"media_type": "TEXT", "text": "😀" * 126},
        {"media_type": "TEXT", "text": " ".join(f"https://a.example/{n}" for n in range(6))},
        {"media_type": "TEXT", "text": "x", "caption": "x"},
        {"media_type": "TEXT", "text": "x", "image_url": "http://a.example/a.jpg"},
        {"media_type": "REELS", "video_url": "http://a.example/a.mp4"},
        {"media_type": "CAROUSEL", "children": "1"},
        {
            "media_type": "IMAGE",
            "image_url": "http://a.example/a.jpg",
            "is_carousel_item": True,
            "text": "x",
        },
    ],
)
def test_invalid_container_is_rejected(
    fake: FakeThreads, mine: Profile, said: dict[str, Any]
) -> None:
    assert contain(fake, mine, **said) == (100, 0)


def test_container_is_published_once_when_ready(
    fake: FakeThreads, mine: Profile, files: str
) -> None:
    made = contain(
        fake, mine, media_type="IMAGE", image_url=f"{files}/lent/t/{MEDIA[0].sha256}.jpg", text="x"
    )["id"]
    assert publish(fake, mine, made) == GONE, "the container is not ready"
    assert asked_after(fake, mine, made, 2)["status"] == "FINISHED"
    shown = publish(fake, mine, made)["id"]
    assert publish(fake, mine, made) == GONE
    assert asked_after(fake, mine, made, 1)["status"] == "PUBLISHED"
    assert mine.every[shown].kind == "IMAGE"
    old = contain(fake, mine, media_type="TEXT", text="old")["id"]
    fake.clock.advance(86_401)
    assert asked_after(fake, mine, old, 1)["status"] == "EXPIRED"
    assert publish(fake, mine, old) == GONE


def test_video_is_downloaded_during_processing(
    fake: FakeThreads, mine: Profile, files: str
) -> None:
    made = contain(fake, mine, media_type="VIDEO", video_url=f"{files}/lent/t/{FILM.sha256}.mp4")[
        "id"
    ]
    assert mine.fetched == []
    assert asked_after(fake, mine, made, 3)["status"] == "FINISHED"
    assert len(mine.fetched) == 1
    lost = contain(fake, mine, media_type="VIDEO", video_url="http://127.0.0.1:9/a.mp4")["id"]
    assert asked_after(fake, mine, lost, 2)["error_message"] == "FAILED_DOWNLOADING_VIDEO"


@pytest.mark.parametrize("right", sorted(SCOPES))
def test_each_permission_is_required(fake: FakeThreads, mine: Profile, right: str) -> None:
    post = posted(fake, mine, "x")
    mine.rights -= {right}
    said = mine.say("hello @mia", post).id
    acts = {
        "threads_basic": lambda: ask(fake, mine, "GET", "me"),
        "threads_content_publish": lambda: contain(fake, mine, media_type="TEXT", text="y"),
        "threads_delete": lambda: ask(fake, mine, "DELETE", post),
        "threads_manage_insights": lambda: ask(fake, mine, "GET", f"{post}/insights?metric=views"),
        "threads_read_replies": lambda: ask(fake, mine, "GET", f"{post}/conversation?fields=id"),
        "threads_manage_replies": lambda: ask(
            fake, mine, "POST", f"{said}/manage_reply", hide=True
        ),
        "threads_manage_mentions": lambda: ask(fake, mine, "GET", f"{mine.id}/mentions?fields=id"),
    }
    assert acts[right]() == (10, 0)
    mine.rights |= {right}
    assert isinstance(acts[right](), dict)


def test_daily_limits_are_enforced(fake: FakeThreads, mine: Profile) -> None:
    mine.quota, mine.reply_quota = 2, 1
    first = posted(fake, mine, "1")
    posted(fake, mine, "2")
    over = contain(fake, mine, media_type="TEXT", text="3")["id"]
    assert publish(fake, mine, over) == (4, 2207042)
    posted(fake, mine, "a reply", reply_to_id=first)
    again = contain(fake, mine, media_type="TEXT", text="b", reply_to_id=first)["id"]
    assert publish(fake, mine, again) == (4, 2207042)
    fake.clock.advance(86_401)
    assert posted(fake, mine, "4") in mine.every


def test_conversation_lists_all_depths_and_reply_lists_one(
    fake: FakeThreads, mine: Profile
) -> None:
    post = posted(fake, mine, "x")
    top = mine.say("one", post)
    deep = mine.say("two", top.id, by="bob")
    own = posted(fake, mine, "three", reply_to_id=deep.id)
    told = ask(
        fake,
        mine,
        "GET",
        f"{post}/conversation?fields=id,root_post,replied_to,is_reply_owned_by_me&limit=2",
    )
    assert [one["id"] for one in told["data"]] == [own, deep.id], "newest first"
    assert told["data"][0]["root_post"] == {"id": post}
    assert told["data"][0]["replied_to"] == {"id": deep.id}
    rest = ask(
        fake,
        mine,
        "GET",
        f"{post}/conversation?fields=id&after={told['paging']['cursors']['after']}",
    )
    assert [one["id"] for one in rest["data"]] == [top.id]
    assert [
        one["id"] for one in ask(fake, mine, "GET", f"{mine.id}/threads?fields=id")["data"]
    ] == [post]
    assert [
        one["id"] for one in ask(fake, mine, "GET", f"{mine.id}/replies?fields=id")["data"]
    ] == [own]
    assert ask(fake, mine, "GET", f"{mine.id}/threads?fields=likes") == (100, 0)
    assert ask(fake, mine, "POST", f"{deep.id}/manage_reply", hide=True) == (100, 0), (
        "only top-level replies can be hidden"
    )
    assert ask(fake, mine, "POST", f"{top.id}/manage_reply", hide=True) == {"success": True}
    assert ask(fake, mine, "DELETE", top.id) == (100, 33), "comments of others cannot be deleted"


def test_emoji_count_as_bytes() -> None:
    assert [count_text(text) for text in ("é", "😀", "👨‍👩‍👧‍👦", "x")] == [1, 4, 25, 1]
