"""The fake Facebook is as strict as the platform: its rejections, stored data and responses."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.connectors.conformance.worlds.instagram_world import FILM, MEDIA, lent
from tests.fakes.facebook.server import FakeFacebook, facebook
from tests.fakes.facebook.state import Page


@pytest.fixture(scope="module")
def server() -> Iterator[FakeFacebook]:
    with facebook() as running:
        yield running


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    with lent() as url:
        yield url


@pytest.fixture
def page(server: FakeFacebook) -> Page:
    return server.page("Mia")


class Caller:
    """Requests with a Page access token."""

    def __init__(self, server: FakeFacebook, page: Page) -> None:
        self.server, self.page, self.http = server, page, HttpClient()

    def __call__(self, method: str, path: str, **said: Any) -> HttpResponse:
        headers = {"authorization": f"Bearer {self.page.token}", "content-type": "application/json"}
        body = json.dumps(said).encode() if said else b""
        reply = self.http.send(HttpRequest(method, f"{self.server.url}{path}", headers, body, 10.0))
        assert isinstance(reply, HttpResponse)
        return reply

    def told(self, method: str, path: str, **said: Any) -> dict[str, Any]:
        reply = self(method, path, **said)
        assert reply.status == 200, reply.body
        found: dict[str, Any] = json.loads(reply.body)
        return found

    def code(self, method: str, path: str, **said: Any) -> tuple[int, int]:
        reply = self(method, path, **said)
        assert reply.status >= 400
        error = json.loads(reply.body)["error"]
        return error["code"], error.get("error_subcode", 0)


@pytest.fixture
def ask(server: FakeFacebook, page: Page) -> Iterator[Caller]:
    caller = Caller(server, page)
    yield caller
    server.book.clear_faults()
    caller.http.close()


def picture(files: str, place: int = 0) -> str:
    return f"{files}/lent/x/{MEDIA[place].sha256}.jpg"


def film(files: str) -> str:
    return f"{files}/lent/x/{FILM.sha256}.mp4"


def test_unpublished_photo_is_hidden_until_a_post_attaches_it(
    ask: Caller, page: Page, files: str
) -> None:
    made = ask.told(
        "POST", f"/{page.id}/photos", url=picture(files), published=False, alt_text_custom="a lake"
    )
    assert page.posts == {}
    shown = [{"media_fbid": made["id"]}]
    post = ask.told("POST", f"/{page.id}/feed", message="  hello ", attached_media=shown)
    assert page.posts[post["id"]].message == "hello"
    assert [photo.alt for photo in page.posts[post["id"]].photos] == ["a lake"]
    assert ask.code("POST", f"/{page.id}/feed", message="again", attached_media=shown) == (
        100,
        1366051,
    )


def test_photo_without_published_false_becomes_a_post(ask: Caller, page: Page, files: str) -> None:
    ask.told("POST", f"/{page.id}/photos", url=picture(files))
    assert len(page.posts) == 1, "without published=False the photo is posted at once"


@pytest.mark.parametrize(
    ("path", "said", "code"),
    [
        ("photos", {"url": "http://127.0.0.1:9/x.jpg", "published": False}, (324, 2069019)),
        ("videos", {"file_url": "http://127.0.0.1:9/x.mp4"}, (389, 0)),
        ("feed", {}, (100, 1366051)),
        ("feed", {"message": "x" * 63_207}, (100, 0)),
        ("feed", {"message": "x", "attached_media": [{"media_fbid": "9"}]}, (100, 1366051)),
        ("feed", {"message": "x", "is_ai_generated": True}, (100, 0)),
        ("photos", {"url": "x", "alt_text": "x"}, (100, 0)),
        ("blocked", {"psid": ["7"]}, (100, 0)),
    ],
)
def test_invalid_request_is_rejected_with_its_code(
    ask: Caller, page: Page, path: str, said: dict[str, Any], code: tuple[int, int]
) -> None:
    assert ask.code("POST", f"/{page.id}/{path}", **said) == code
    assert page.posts == {}


def test_same_text_within_two_hours_is_a_duplicate(
    ask: Caller, server: FakeFacebook, page: Page
) -> None:
    ask.told("POST", f"/{page.id}/feed", message="hello")
    assert ask.code("POST", f"/{page.id}/feed", message="hello") == (506, 1455006)
    server.clock.advance(timedelta(hours=2).total_seconds())
    ask.told("POST", f"/{page.id}/feed", message="hello")


def test_processing_video_is_in_no_list(
    ask: Caller, server: FakeFacebook, page: Page, files: str
) -> None:
    made = ask.told("POST", f"/{page.id}/videos", file_url=film(files), description="waves")
    look, fields = f"/{made['id']}?fields=status,post_id", "id,message,attachments{target{id}}"
    assert ask.told("GET", look) == {"status": {"video_status": "processing"}, "id": made["id"]}
    assert ask.told("GET", f"/{page.id}/published_posts?fields={fields}")["data"] == []
    server.clock.advance(60)
    ready = ask.told("GET", look)
    assert ready["status"] == {"video_status": "ready"}
    (post,) = ask.told("GET", f"/{page.id}/published_posts?fields={fields}")["data"]
    assert post["id"] == f"{page.id}_{ready['post_id']}"
    assert post["attachments"]["data"][0]["target"]["id"] == made["id"]


def test_list_is_paginated_and_rejects_unknown_fields(ask: Caller, page: Page) -> None:
    for place in range(3):
        ask.told("POST", f"/{page.id}/feed", message=f"post {place}")
    path = f"/{page.id}/published_posts?fields=id,message&limit=2"
    first = ask.told("GET", path)
    assert len(first["data"]) == 2
    assert "next" in first["paging"]
    rest = ask.told("GET", f"{path}&after={first['paging']['cursors']['after']}")
    assert len(rest["data"]) == 1
    assert "next" not in rest["paging"]
    assert ask.code("GET", f"/{page.id}/published_posts?fields=id,caption") == (100, 0)
    assert ask.code("GET", f"{path}&after=nowhere") == (100, 0)


def test_missing_permission_is_rejected(ask: Caller, page: Page) -> None:
    post = ask.told("POST", f"/{page.id}/feed", message="hello")["id"]
    comment = page.say(post, "hi", by="Ann")
    page.rights = frozenset()
    for method, path, said in [
        ("POST", f"/{page.id}/feed", {"message": "x"}),
        ("POST", f"/{page.id}/photos", {"url": "x"}),
        ("POST", f"/{page.id}/videos", {"file_url": "x"}),
        ("POST", f"/{page.id}/blocked", {"psid": [7]}),
        ("GET", f"/{page.id}/published_posts", {}),
        ("POST", f"/{comment.id}/comments", {"message": "x"}),
        ("POST", f"/{comment.id}", {"is_hidden": True}),
        ("DELETE", f"/{comment.id}", {}),
        ("DELETE", f"/{post}", {}),
    ]:
        assert ask.code(method, path, **said) == (200, 0), path
    del ask.server.pages[page.id]
    assert ask.code("GET", "/me") == (190, 0)


def test_deleted_object_is_reported_as_missing(
    ask: Caller, server: FakeFacebook, page: Page
) -> None:
    post = ask.told("POST", f"/{page.id}/feed", message="hello")["id"]
    comment = page.say(post, "hi", by="Ann")
    assert ask.told("DELETE", f"/{post}") == {"success": True}
    for method, path in [
        ("DELETE", f"/{post}"),
        ("GET", f"/{post}"),
        ("GET", f"/{comment.id}"),
        ("GET", "/1_2"),
    ]:
        assert ask.code(method, path) == (100, 33)
    elsewhere = server.page("Lea")
    assert ask.code("GET", f"/{elsewhere.id}/published_posts") == (100, 33), (
        "a foreign Page is reported as missing"
    )


def test_rate_limit_reports_its_wait(ask: Caller, server: FakeFacebook, page: Page) -> None:
    server.limited = 1
    reply = ask("POST", f"/{page.id}/feed", message="x")
    assert reply.status == 400
    usage = json.loads(reply.headers["x-business-use-case-usage"])
    assert usage["1"][0]["estimated_time_to_regain_access"] == 15


def test_message_requires_permission_form_and_24_hour_window(
    ask: Caller, server: FakeFacebook, page: Page
) -> None:
    said = page.chats.say("Ann", "hi", server.clock())
    reader = {"recipient": {"id": said.by}, "messaging_type": "RESPONSE"}
    listed = f"/{page.id}/conversations?platform=messenger&fields=id,messages{{from,sticker}}"
    (talk,) = ask.told("GET", listed)["data"]
    assert talk["messages"]["data"][0]["from"]["name"] == "Ann"
    assert ask.code("GET", listed.replace("messenger", "instagram")) == (100, 0)
    assert ask.code("GET", listed.replace("sticker", "story")) == (100, 0)
    for form in (
        {"messaging_type": "UPDATE"},
        {"tag": "HUMAN_AGENT"},
        {"message": {"text": "x" * 2001}},
    ):
        assert (
            ask.code(
                "POST", f"/{page.id}/messages", **{**reader, "message": {"text": "hello"}, **form}
            )[0]
            == 100
        )
    ask.told("POST", f"/{page.id}/messages", **reader, message={"text": "x" * 2000})
    signed_up = f"/{page.id}/subscribed_apps?subscribed_fields=feed,messages"
    assert ask.told("POST", signed_up) == {"success": True}
    page.rights -= {"pages_messaging"}
    assert ask.code("GET", listed) == (10, 0)
    assert ask.code("POST", signed_up) == (200, 0)
    page.rights |= {"pages_messaging"}
    server.clock.advance(24 * 3600 + 1)
    assert ask.code("POST", f"/{page.id}/messages", **reader, message={"text": "late"}) == (
        10,
        2018278,
    )
    page.chats.person("Ann").shut = "blocked"
    assert ask.code("POST", f"/{page.id}/messages", **reader, message={"text": "hello"}) == (
        551,
        1545041,
    )


def test_conversations_are_paginated(ask: Caller, server: FakeFacebook, page: Page) -> None:
    for name in ("Ann", "Bo", "Cy"):
        server.clock.advance(1)
        page.chats.say(name, "hi", server.clock())
    listed, after = f"/{page.id}/conversations?platform=messenger&fields=id&limit=2", ""
    found = list[str]()
    while after or not found:
        told = ask.told("GET", f"{listed}&after={after}" if after else listed)
        found += [talk["id"] for talk in told["data"]]
        after = told["paging"]["cursors"]["after"] if "next" in told["paging"] else ""
    assert found == [page.chats.person(name).id for name in ("Cy", "Bo", "Ann")]
