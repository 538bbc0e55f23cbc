"""Rules of the fake Fanvue: versions, multipart uploads, prices, rate limits, chats, earnings and
webhooks."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from connectors.conformance.fake_servers import AdjustableClock
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.fanvue.server import OPERATIONS, FakeFanvue, fanvue
from tests.fakes.fanvue.spec import FORM, JSON, VERSION, VERSION_HEADER, Refusal, load_description
from tests.fakes.fanvue.state import Member

HTTP = HttpClient()
NOBODY = "00000000-0000-4000-8000-000000000000"
NAMES = ("text", "audience", "price", "mediaUuids", "mediaPreviewUuid", "publishAt")
described = pytest.mark.skipif(
    load_description() is None, reason="Fanvue's description is missing (set GREENROOM_SHARED)"
)


@pytest.fixture
def fake() -> Iterator[FakeFanvue]:
    with fanvue() as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture
def rough() -> Iterator[FakeFanvue]:
    """A server that accepts invalid test requests; its responses must still match the description."""
    with fanvue() as running:
        yield running
        assert not [told for told in running.spec.refused if told.startswith("answer")]


@pytest.fixture
def nova(fake: FakeFanvue) -> Member:
    return fake.account("nova")


def send(
    fake: FakeFanvue, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> Any:
    """Send one request; the response may be lost."""
    address = path if path.startswith("http") else fake.url + path
    return HTTP.send(HttpRequest(method, address, headers, body, 5.0))


def ask(
    fake: FakeFanvue, mine: Member | str, method: str, path: str, said: Any = None
) -> tuple[int, Any, Any]:
    """Return the status, the JSON body (or text) and the headers of one request."""
    token = mine if isinstance(mine, str) else mine.token
    headers = {"authorization": f"Bearer {token}", VERSION_HEADER: VERSION}
    headers |= {"content-type": JSON} if said is not None else {}
    reply = send(
        fake, method, path, headers, json.dumps(said).encode() if said is not None else b""
    )
    assert isinstance(reply, HttpResponse), reply
    plain = not reply.headers.get("content-type", "").startswith(JSON)
    return reply.status, reply.body.decode() if plain else json.loads(reply.body), reply.headers


def picture(number: int = 1) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, number)).save(file, "PNG")
    return file.getvalue()


def begun(fake: FakeFanvue, mine: Member, prefix: str = "", **more: Any) -> tuple[str, str]:
    said = {"name": "a", "filename": "a.png", "mediaType": "image", **more}
    status, told, _ = ask(fake, mine, "POST", f"{prefix}/media/uploads", said)
    assert status == 200, told
    return str(told["mediaUuid"]), f"{prefix}/media/uploads/{quote(told['uploadId'])}"


def put(fake: FakeFanvue, mine: Member, session: str, number: int, data: bytes) -> dict[str, Any]:
    _, address, headers = ask(fake, mine, "GET", f"{session}/parts/{number}/url")
    assert headers["content-type"].startswith("text/plain")
    reply = send(fake, "PUT", address, {}, data)
    assert reply.status == 200, reply
    return {"PartNumber": number, "ETag": reply.headers["etag"]}


def uploaded(fake: FakeFanvue, mine: Member, data: bytes | None = None, *, looks: int = 1) -> str:
    medium, session = begun(fake, mine)
    parts = [put(fake, mine, session, 1, picture() if data is None else data)]
    assert ask(fake, mine, "PATCH", session, {"parts": parts})[:2] == (
        200,
        {"status": "processing"},
    )
    for _ in range(looks):
        ask(fake, mine, "GET", f"/media/{medium}")
    return medium


def post(fake: FakeFanvue, mine: Member, text: str, **more: Any) -> tuple[int, Any]:
    return ask(fake, mine, "POST", "/posts", {"audience": "subscribers", "text": text, **more})[:2]


def test_post_is_stored_as_sent(fake: FakeFanvue, nova: Member) -> None:
    text, media = "  Élan… 🎞️\n\tend  ", [uploaded(fake, nova)]
    status, told = post(fake, nova, text, mediaUuids=media, price=999)
    assert (status, told["text"], told["price"], told["publishAt"]) == (201, text, 999, None)
    assert "mediaUuids" not in told
    one = nova.posts[told["uuid"]]
    one.likes, one.tips = 7, [(500, 400), (1000, 800)]
    _, full, _ = ask(fake, nova, "GET", f"/posts/{one.id}")
    assert (full["text"], full["mediaUuids"], full["likesCount"]) == (text, media, 7)
    assert full["tips"] == {"count": 2, "totalGross": 1500, "totalNet": 1200}
    assert ask(fake, nova, "GET", "/v1/posts")[1]["data"] == [full]
    assert nova.taken == [(one.id, text)]
    _, me, _ = ask(fake, nova, "GET", "/users/me")
    assert (me["uuid"], me["handle"], me["isCreator"]) == (nova.id, "nova", True)
    assert (me["contentCounts"]["imageCount"], me["contentCounts"]["payToViewPostCount"]) == (1, 1)


def test_request_requires_a_supported_version(fake: FakeFanvue, nova: Member) -> None:
    bearer = {"authorization": f"Bearer {nova.token}"}
    for version in ("", "2025-06-27", "latest"):
        reply = send(fake, "GET", "/users/me", bearer | {VERSION_HEADER: version})
        told = json.loads(reply.body)
        assert (reply.status, set(told), told["error"]) == (
            400,
            {"error", "message"},
            "Unsupported API version",
        )
    assert send(fake, "GET", "/users/me", bearer).status == 400
    assert "deprecation" not in ask(fake, nova, "GET", "/users/me")[2]
    fake.next_version = "2027-01-01"
    status, _, headers = ask(fake, nova, "GET", "/users/me")
    assert (status, headers["x-fanvue-api-next-version"], "sunset" in headers) == (
        200,
        "2027-01-01",
        True,
    )
    fake.retired = True
    status, told, _ = ask(fake, nova, "GET", "/users/me")
    assert (status, told["nextVersion"]) == (410, "2027-01-01")


@described
def test_scopes_match_the_description(fake: FakeFanvue) -> None:
    for method, path, scope, _ in OPERATIONS:
        assert fake.spec.scope(method, "/" + path) in (
            {scope} if (method, path) != ("DELETE", "posts/*") else {""}
        )
        mine = fake.account(f"{method} {path}", scopes=("read:self",))
        status, told, _ = ask(fake, mine, method, "/" + path.replace("*", NOBODY))
        if scope != "read:self":
            assert (status, told) == (403, {"error": f"Insufficient scope: {scope} is required"})


def test_revoked_token_and_suspended_account_are_refused(fake: FakeFanvue, nova: Member) -> None:
    nova.state = "suspended"
    assert ask(fake, nova, "GET", "/users/me")[:2] == (403, {"error": "Account suspended"})
    nova.state = "fan"
    assert (post(fake, nova, "x")[0], ask(fake, nova, "GET", "/users/me")[1]["isCreator"]) == (
        403,
        False,
    )
    fake.revoke(nova)
    assert ask(fake, nova, "GET", "/users/me")[:2] == (401, {"error": "Unauthorized"})
    assert ask(fake, "nobody", "GET", "/users/me")[0] == 401


def test_media_are_usable_only_when_ready(fake: FakeFanvue, nova: Member) -> None:
    fake.slow = 2
    medium, session = begun(fake, nova)
    assert ask(fake, nova, "GET", f"/media/{medium}")[1] == {"uuid": medium, "status": "created"}
    parts = [put(fake, nova, session, 1, picture())]
    assert post(fake, nova, "early", mediaUuids=[medium])[0] == 400
    assert ask(fake, nova, "PATCH", session, {"parts": parts})[1] == {"status": "processing"}
    assert fake.named[hashlib.sha256(picture()).hexdigest()] == medium
    for _ in range(2):
        assert ask(fake, nova, "GET", f"/media/{medium}")[1] == {
            "uuid": medium,
            "status": "processing",
        }
        assert post(fake, nova, "early", mediaUuids=[medium])[1]["errors"] == [
            "mediaUuids: Some media are not ready"
        ]
    _, told, _ = ask(fake, nova, "GET", f"/media/{medium}?variants=main,thumbnail")
    assert (told["status"], told["mediaType"], len(told["variants"])) == ("ready", "image", 2)
    other = fake.account("other")
    assert ask(fake, other, "GET", f"/media/{medium}")[:2] == (404, {"message": "Media not found"})
    assert ask(fake, other, "GET", f"{session}/parts/1/url")[0] == 404
    assert ask(fake, other, "PATCH", session, {"parts": parts})[0] == 404
    assert post(fake, other, "stolen", mediaUuids=[medium])[0] == 400
    for _ in range(2):
        assert post(fake, nova, "on time", mediaUuids=[medium])[0] == 201


def test_invalid_picture_ends_in_error_status(fake: FakeFanvue, nova: Member) -> None:
    medium = uploaded(fake, nova, b"text")
    assert ask(fake, nova, "GET", f"/media/{medium}")[1]["status"] == "error"
    fake.spoils = True
    medium = uploaded(fake, nova)
    assert ask(fake, nova, "GET", f"/media/{medium}")[1]["status"] == "error"
    assert post(fake, nova, "x", mediaUuids=[medium])[0] == 400


def test_part_upload_requires_its_signed_url(fake: FakeFanvue, nova: Member) -> None:
    _, session = begun(fake, nova)
    address = ask(fake, nova, "GET", f"{session}/parts/1/url")[1]
    second = ask(fake, nova, "GET", f"{session}/parts/2/url")[1]
    assert address.startswith(f"{fake.url}/store/")
    token = send(fake, "PUT", address, {"authorization": f"Bearer {nova.token}"}, b"x")
    assert (token.status, b"Only one auth" in token.body, len(fake.forbidden)) == (400, True, 1)
    wrongs = (
        address[:-1] + "é",
        address.partition("?")[0] + "?" + second.partition("?")[2],
        address + "&x=1",
    )
    for wrong in (*wrongs, address.partition("?")[0]):
        assert send(fake, "PUT", quote(wrong, safe=":/?=&"), {}, b"x").status == 403
    assert send(fake, "GET", address, {}).status == 403
    assert send(fake, "PUT", address, {}, b"x" * (fake.most_part + 1)).status == 400
    fake.clock.advance(fake.urls_live.total_seconds() + 1)
    late = send(fake, "PUT", address, {}, b"x")
    assert (late.status, b"Request has expired" in late.body) == (403, True)
    assert all(upload.parts == {} for upload in fake.uploads.values())
    for number in ("0", "10001", "one", "-1"):
        assert ask(fake, nova, "GET", f"{session}/parts/{number}/url")[0] == 400


def test_etags_are_verified_on_completion(rough: FakeFanvue) -> None:
    nova = rough.account("nova")
    rough.least_part = 4
    _, session = begun(rough, nova)
    first, second = (put(rough, nova, session, number, picture(number)) for number in (1, 2))
    bare = first | {"ETag": first["ETag"].strip('"')}
    wrongs: list[Any] = [
        [],
        [bare],
        [{"PartNumber": 1}],
        [first | {"ETag": second["ETag"]}],
        [second, first],
    ]
    wrongs += [
        [first, first],
        [first | {"PartNumber": 3}],
        ["1"],
        [first | {"PartNumber": True}],
        [first | {"size": 1}],
    ]
    for wrong in wrongs:
        assert (wrong, ask(rough, nova, "PATCH", session, {"parts": wrong})[0]) == (wrong, 400)
    rough.least_part = 5 * 2**20
    assert ask(rough, nova, "PATCH", session, {"parts": [first, second]})[0] == 400
    rough.least_part = 4
    assert ask(rough, nova, "PATCH", session, {"parts": [first, second]})[0] == 200
    assert hashlib.sha256(picture(1) + picture(2)).hexdigest() in rough.named
    assert ask(rough, nova, "PATCH", session, {"parts": [first, second]})[:2] == (
        200,
        {"status": "processing"},
    )
    assert ask(rough, nova, "GET", f"{session}/parts/1/url")[0] == 404
    rough.complete_again = 404
    assert ask(rough, nova, "PATCH", session, {"parts": [first, second]})[0] == 404


def test_v1_uploads_require_the_file_size(fake: FakeFanvue, nova: Member) -> None:
    said: dict[str, Any] = {"name": "a", "filename": "a.png", "mediaType": "image"}
    assert ask(fake, nova, "POST", "/v1/media/uploads", said)[0] == 400
    length = len(picture())
    told = ask(fake, nova, "POST", "/v1/media/uploads", said | {"sizeBytes": length})[1]
    assert (told["totalParts"], told["partSize"]) == (1, fake.most_part)
    _, session = begun(fake, nova, "/v1", sizeBytes=length + 1)
    parts = [put(fake, nova, session, 1, picture())]
    assert ask(fake, nova, "PATCH", session, {"parts": parts})[0] == 400
    for wrong in ({"name": ""}, {"filename": "x" * 256}, {"sizeBytes": 0}):
        assert ask(fake, nova, "POST", "/media/uploads", said | wrong)[0] == 400


def test_price_requires_media_and_three_dollars(rough: FakeFanvue) -> None:
    nova = rough.account("nova")
    media = [uploaded(rough, nova)]
    assert post(rough, nova, "x", price=300)[1]["errors"] == ["price: A price needs media"]
    for wrong in (299, 9.99, 300.5, "300", True, None, -300):
        assert (wrong, post(rough, nova, "x", price=wrong, mediaUuids=media)[0]) == (wrong, 400)
    assert post(rough, nova, "x", price=300, mediaUuids=media, mediaPreviewUuid=media[0])[0] == 201
    assert post(rough, nova, "x", mediaUuids=media, mediaPreviewUuid=media[0])[0] == 400
    assert post(rough, nova, "x", mediaUuids=media * 2)[0] == 400
    assert post(rough, nova, "x", mediaUuids=[NOBODY])[0] == 400
    assert (
        ask(rough, nova, "POST", "/posts", {"audience": "subscribers", "mediaUuids": media})[1][
            "text"
        ]
        is None
    )


@described
def test_invalid_body_or_query_is_rejected(rough: FakeFanvue) -> None:
    nova = rough.account("nova")
    wrongs: list[dict[str, Any]] = [
        {"isFree": True},
        {"audience": "everyone"},
        {"mediaUuids": "x"},
        {"text": None},
    ]
    for wrong in wrongs:
        status, told, _ = ask(
            rough, nova, "POST", "/posts", {"audience": "subscribers", "text": "x"} | wrong
        )
        assert (wrong, status, list(told)) == (wrong, 400, ["errors"])
    assert ask(rough, nova, "POST", "/posts", {"text": "x"})[0] == 400
    for query in ("size=0", "size=51", "page=0", "limit=5", "page=1&page=1", "page=one"):
        assert (query, ask(rough, nova, "GET", f"/posts?{query}")[0]) == (query, 400)
    assert ask(rough, nova, "GET", "/posts/abc")[:2] == (400, {"message": "Invalid UUID format"})
    assert ask(rough, nova, "DELETE", f"/posts/{NOBODY}?now=1")[0] == 400
    for path in ("/creators", "/nothing", f"/creators/{NOBODY}/posts", "/v1"):
        assert ask(rough, nova, "GET", path)[:2] == (404, {"message": "Not Found"})
    # without the requests that are invalid by their values alone
    assert len(rough.spec.refused) == 9


def test_text_is_limited_to_5000_characters(rough: FakeFanvue) -> None:
    nova = rough.account("nova")
    assert (
        post(rough, nova, "é" * 5000)[0],
        post(rough, nova, "é" * 5001)[0],
        post(rough, nova, "")[0],
    ) == (
        201,
        400,
        400,
    )


def test_native_scheduling_is_rejected_and_recorded(fake: FakeFanvue, nova: Member) -> None:
    for name in ("publishAt", "expiresAt"):
        assert post(fake, nova, "x", **{name: "2030-01-01T00:00:00Z"})[0] == 400
    assert (fake.forbidden, nova.taken) == (["nova: publishAt", "nova: expiresAt"], [])


def test_malformed_input_is_rejected_without_errors(rough: FakeFanvue) -> None:
    nova = rough.account("nova")
    headers = {"authorization": f"Bearer {nova.token}", VERSION_HEADER: VERSION}
    bodies = [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff",
        b'{"text":1}',
        b"[" * 99_999,
        b'{"audience":[]}',
    ]
    bodies += [
        b'{"audience":"subscribers","text":"\\ud800"}',
        b'{"audience":"subscribers","price":NaN}',
    ]
    for path in ("/posts", "/media/uploads", f"/chats/{NOBODY}/message"):
        for body in bodies:
            reply = send(rough, "POST", path, headers | {"content-type": JSON}, body)
            assert (path, body, reply.status) == (path, body, 400)
    for kind in ("text/plain", FORM, "multipart/form-data; boundary=x"):
        assert (
            send(
                rough, "POST", "/posts", headers | {"content-type": kind}, b'{"audience":"x"}'
            ).status
            == 400
        )
    for path in ("/store/x/1", "/store/x", "/store", "/store/x/1?expires=x&sig=y"):
        assert send(rough, "PUT", path, {}, b"{").status == 403
    assert send(rough, "PUT", "/posts", headers).status == 404
    assert nova.taken == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("subscribers"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
)


@given(JUNK)
def test_any_body_is_a_post_or_a_rejection(said: Any) -> None:
    server = FakeFanvue(AdjustableClock())
    mine, status = server.account("nova"), 0
    try:
        server.publish(
            mine, said if isinstance(said, dict) else {"audience": "subscribers", "text": said}
        )
    except Refusal as refusal:
        status = refusal.status
    assert (len(mine.taken), status) in {(1, 0), (0, 400)}


def test_posts_are_paginated(fake: FakeFanvue, nova: Member) -> None:
    ids = []
    for number in range(5):
        ids.append(post(fake, nova, f"post {number}")[1]["uuid"])
        fake.clock.advance(60)
    post(fake, fake.account("other"), "not mine")
    _, told, _ = ask(fake, nova, "GET", "/posts?size=3")
    assert [each["uuid"] for each in told["data"]] == ids[:1:-1]
    assert told["pagination"] == {"page": 1, "size": 3, "hasMore": True}
    _, told, _ = ask(fake, nova, "GET", "/posts?size=3&page=2")
    assert [each["uuid"] for each in told["data"]] == ids[1::-1]
    assert told["pagination"] == {"page": 2, "size": 2, "hasMore": False}
    fake.book.schedule_fault("lag", lookup_lag=90.0)
    assert [each["uuid"] for each in ask(fake, nova, "GET", "/posts")[1]["data"]] == ids[3::-1]
    nova.posts[ids[0]].pinned = True
    assert ask(fake, nova, "GET", "/posts")[1]["data"][0]["uuid"] == ids[0]


@pytest.mark.parametrize(("status", "body"), [(204, ""), (200, {})])
def test_post_is_deleted_by_its_owner_only(
    fake: FakeFanvue, nova: Member, status: int, body: Any
) -> None:
    fake.delete_status, one = status, post(fake, nova, "x")[1]["uuid"]
    other = fake.account("other")
    for method in ("GET", "DELETE"):
        assert ask(fake, other, method, f"/posts/{one}")[:2] == (404, {"message": "Post not found"})
    assert ask(fake, nova, "DELETE", f"/posts/{one}")[:2] == (status, body)
    for method in ("GET", "DELETE"):
        assert ask(fake, nova, method, f"/posts/{one}")[0] == 404
    assert (nova.posts, len(nova.taken)) == ({}, 1)
