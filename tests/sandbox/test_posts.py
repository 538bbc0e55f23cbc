"""The timeline: accepted posts, refused posts and lookups."""

from typing import Any

import pytest

from tests.fakes.sandbox import RunningSandbox

POST = {
    "key": "k1",
    "surface": "post",
    "title": "",
    "text": "hello",
    "media": [],
    "adult": False,
    "ai": False,
}


def test_post_is_published_and_deleted(sandbox: RunningSandbox, account: str) -> None:
    status, post = sandbox.api("POST", account, "posts", POST)
    assert status == 201
    assert sandbox.api("GET", account, f"posts/{post['id']}")[1]["text"] == "hello"
    assert sandbox.api("DELETE", account, f"posts/{post['id']}") == (200, {"deleted": post["id"]})
    assert sandbox.api("DELETE", account, f"posts/{post['id']}")[0] == 404
    assert sandbox.api("GET", account, f"posts/{post['id']}")[0] == 404


def test_repeat_without_keys_is_a_second_post(sandbox: RunningSandbox, account: str) -> None:
    first, second = (sandbox.api("POST", account, "posts", POST)[1]["id"] for _ in range(2))
    assert first != second
    assert sandbox.api("GET", account, "posts?key=k1") == (400, {"error": "no_keys_here"})
    listed = sandbox.api("GET", account, "posts?limit=10")[1]["posts"]
    assert [post["id"] for post in listed] == [second, first]
    assert {post["key"] for post in listed} == {""}


def test_repeat_with_keys_is_the_first_post(sandbox: RunningSandbox) -> None:
    account = sandbox.account("keeps+key")
    created, repeated = (sandbox.api("POST", account, "posts", POST) for _ in range(2))
    assert (created[0], repeated[0]) == (201, 200)
    assert created[1] == repeated[1]
    assert [post["id"] for post in sandbox.api("GET", account, "posts?key=k1")[1]["posts"]] == [
        created[1]["id"]
    ]


def test_post_needs_uploaded_files_of_its_account(sandbox: RunningSandbox, account: str) -> None:
    medium = {"sha256": "0" * 64, "mime": "image/png", "alt": "", "ai": "none"}
    assert (
        sandbox.api("POST", account, "posts", {**POST, "media": [medium]})[1]["error"]
        == "unknown_media"
    )
    assert sandbox.api("PUT", account, f"files/{'0' * 64}", {})[1]["error"] == "bad_file"
    digest = sandbox.put_file(account, b"a picture")
    assert sandbox.put_file(account, b"a picture") == digest
    assert (
        sandbox.api("POST", account, "posts", {**POST, "media": [{**medium, "sha256": digest}]})[0]
        == 201
    )
    other = sandbox.account(f"{account}-other")
    assert (
        sandbox.api("POST", other, "posts", {**POST, "media": [{**medium, "sha256": digest}]})[0]
        == 422
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"text": ""}, "empty"),
        ({"text": "x" * 281, "surface": "as_x"}, "text_too_long"),
        ({"surface": "as_instagram"}, "wrong_number_of_media"),
        ({"surface": "nowhere"}, "unknown_surface"),
        ({"media": [{"url": "https://example.org/a.png"}]}, "bad_request"),
        ({"extra": 1}, "bad_request"),
    ],
)
def test_invalid_post_is_refused(
    sandbox: RunningSandbox, change: dict[str, object], error: str
) -> None:
    account = sandbox.account("strict")
    status, body = sandbox.api("POST", account, "posts", {**POST, **change})
    assert (status, body["error"]) == (422, error)
    assert sandbox.truth(account)["posts"] == []


def test_adult_content_is_refused_where_it_is_forbidden(
    sandbox: RunningSandbox, account: str
) -> None:
    media = [
        {"sha256": sandbox.put_file(account, b"tile"), "mime": "image/png", "alt": "", "ai": "none"}
    ]
    post = {**POST, "surface": "as_instagram", "media": media, "adult": True}
    assert sandbox.api("POST", account, "posts", post) == (403, {"error": "content_refused"})


def test_token_is_required_and_can_be_revoked(sandbox: RunningSandbox, account: str) -> None:
    assert sandbox.json("GET", f"/api/{account}/posts", token="wrong") == (
        401,
        {"error": "bad_token"},
    )
    assert sandbox.json("GET", "/api/nobody/posts", token="wrong") == (
        404,
        {"error": "no_such_account"},
    )
    sandbox.json("POST", f"/control/token/{account}", {"revoke": True})
    assert sandbox.api("GET", account, "posts")[0] == 401
    assert sandbox.json("GET", f"/api/{account}/posts", token="")[0] == 401
    sandbox.tokens[account] = sandbox.json("POST", f"/control/token/{account}", {})[1]["token"]
    assert sandbox.api("GET", account, "posts")[0] == 200
    sandbox.account(account, state="suspended")
    assert sandbox.api("GET", account, "posts") == (403, {"error": "account_suspended"})


def test_timeline_is_paginated(sandbox: RunningSandbox, account: str) -> None:
    ids = [
        sandbox.api("POST", account, "posts", {**POST, "text": f"post {n}"})[1]["id"]
        for n in range(5)
    ]
    first = sandbox.api("GET", account, "posts?limit=2")[1]["posts"]
    then = sandbox.api("GET", account, f"posts?limit=9&before={first[-1]['id']}")[1]["posts"]
    assert [post["id"] for post in first + then] == ids[::-1]


def test_metrics_grow_and_are_repeatable(sandbox: RunningSandbox, account: str) -> None:
    post = sandbox.api("POST", account, "posts", POST)[1]
    early = sandbox.api("GET", account, f"posts/{post['id']}/metrics")[1]
    assert sandbox.api("GET", account, f"posts/{post['id']}/metrics")[1] == early
    sandbox.clock.advance(86_400)
    assert sandbox.api("GET", account, f"posts/{post['id']}/metrics")[1]["views"] > early["views"]


def test_follower_count_can_be_set(sandbox: RunningSandbox, account: str) -> None:
    assert sandbox.api("GET", account, "followers") == (200, {"followers": 0})
    sandbox.fan(account, "leo", "message", text="hi")
    assert sandbox.api("GET", account, "followers")[1] == {"followers": 1}
    for many in (1200, 1199, 0):
        assert sandbox.json("POST", f"/control/followers/{account}", {"followers": many})[0] == 200
        assert sandbox.api("GET", account, "followers")[1] == {"followers": many}
    for wrong in (-1, 10**9 + 1, "12", True, None):
        assert sandbox.json("POST", f"/control/followers/{account}", {"followers": wrong})[0] == 422
    assert sandbox.json("POST", "/control/followers/nobody", {"followers": 1})[0] == 404
    assert sandbox.json("GET", f"/api/{account}/followers", token="another")[0] == 401


def test_control_api_accepts_only_json(sandbox: RunningSandbox, account: str) -> None:
    """A cross-site form cannot send JSON, so it cannot control a sandbox on a user's machine."""
    from foundation.http.http_client import HttpRequest, HttpResponse

    request = HttpRequest(
        "POST", f"{sandbox.url}/control/faults", {"content-type": "text/plain"}, b'{"mode":"hang"}'
    )
    reply = sandbox.http.send(request)
    assert isinstance(reply, HttpResponse)
    assert reply.status == 415


def test_reply_needs_a_parent_of_its_account(sandbox: RunningSandbox, account: str) -> None:
    first = sandbox.api("POST", account, "posts", POST)[1]["id"]
    status, reply = sandbox.api(
        "POST", account, "posts", {**POST, "text": "more", "reply_to": first}
    )
    assert status == 201
    assert sandbox.api("GET", account, f"posts/{reply['id']}")[1]["reply_to"] == first
    assert sandbox.api("GET", account, f"posts/{first}")[1]["reply_to"] == ""
    foreign = sandbox.api("POST", sandbox.account("another"), "posts", POST)[1]["id"]
    for nowhere in (foreign, "p999999", "x"):
        assert sandbox.api("POST", account, "posts", {**POST, "reply_to": nowhere}) == (
            422,
            {"error": "unknown_parent"},
        )
    assert sandbox.api("DELETE", account, f"posts/{first}")[0] == 200
    assert sandbox.api("POST", account, "posts", {**POST, "reply_to": first})[0] == 422


def said(
    sandbox: RunningSandbox, account: str, post: str, text: str, fan: str = "ann"
) -> tuple[int, Any]:
    return sandbox.json(
        "POST", f"/control/remarks/{account}", {"fan": fan, "post": post, "text": text}
    )


def test_comment_is_listed_and_answered(sandbox: RunningSandbox) -> None:
    account = sandbox.account("ana")
    first = sandbox.api("POST", account, "posts", POST)[1]["id"]
    remark = said(sandbox, account, first, "well said")[1]["id"]
    told = sandbox.api("GET", account, "remarks?after=0")[1]
    assert [(one["id"], one["post"], one["fan"], one["text"]) for one in told["remarks"]] == [
        (remark, first, "ann", "well said")
    ]
    assert sandbox.api("GET", account, f"remarks?after={told['cursor']}")[1]["remarks"] == []
    assert (
        sandbox.api("POST", account, "posts", {**POST, "text": "thanks", "reply_to": remark})[0]
        == 201
    )
    assert sandbox.api("POST", account, "posts", {**POST, "reply_to": "r999"}) == (
        422,
        {"error": "unknown_parent"},
    )


def test_comment_is_moderated_and_its_author_blocked(
    sandbox: RunningSandbox,
) -> None:
    account = sandbox.account("ana")
    first = sandbox.api("POST", account, "posts", POST)[1]["id"]
    remark = said(sandbox, account, first, "well said")[1]["id"]
    page = f"/t/{account}/{first}"
    for act, seen in (
        ("hide", False),
        ("show", True),
        ("report", True),
        ("block", True),
        ("delete", False),
    ):
        assert sandbox.api("POST", account, f"remarks/{remark}/{act}", {})[0] == 200
        assert (b"well said" in sandbox.call("GET", page).body) is seen, act
    assert sandbox.api("POST", account, f"remarks/{remark}/hide", {}) == (
        404,
        {"error": "no_such_remark"},
    )
    assert said(sandbox, account, first, "again") == (403, {"error": "kept_away"})
    assert sandbox.api("POST", account, f"remarks/{remark}/praise", {}) == (
        404,
        {"error": "no_such_remark"},
    )


def test_comment_is_liked_and_unliked(sandbox: RunningSandbox) -> None:
    account = sandbox.account("bea")
    first = sandbox.api("POST", account, "posts", POST)[1]["id"]
    remark = said(sandbox, account, first, "well said")[1]["id"]
    for act in ("like", "like", "unlike", "unlike", "like"):
        assert sandbox.api("POST", account, f"remarks/{remark}/{act}", {})[0] == 200
        (one,) = sandbox.json("GET", f"/control/remarks/{account.replace('+', '%2B')}")[1][
            "remarks"
        ]
        assert one["liked"] is (act == "like")
    assert sandbox.api("POST", account, f"remarks/{remark}/praise", {}) == (
        422,
        {"error": "bad_act"},
    )
