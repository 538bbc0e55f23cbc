"""Reviews of posts over the API: comments, change requests, rejections, missing approvals. A key
never counts as a human look."""

from typing import Any, get_args

import httpx

from gate.contract.units import Rating
from schedules.approvals.decisions import REJECTION_CODES
from studio.library import assets
from tenants.notices.queries import list_open_notices
from tests.gate.answers import rate_and_answer
from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import add_library_picture, expect_success
from web.api.posts.review_comment_schemas import ChangeReason, RejectionReason


def say(
    api: ApiClient, post: dict[str, Any], words: str = "Is the date right?", **more: Any
) -> httpx.Response:
    sent = {name: more.pop(name) for name in ("key", "idempotency_key") if name in more}
    return api.ask("POST", "/comments", {"post_id": post["id"], "words": words, **more}, **sent)


def test_comment_is_answered_resolved_and_reopened(api: ApiClient) -> None:
    post, owner = api.write(), api.secrets["owner"]
    readers = api.get(f"/comments?post={post['id']}")["readers"]
    assert {one["name"] for one in readers} == {"owner", "creator"}, "chatters cannot read posts"
    boss = next(one for one in readers if one["name"] == "owner")
    first = say(api, post, named=[boss["id"]], idempotency_key="once")
    again = say(api, post, named=[boss["id"]], idempotency_key="once")
    assert (first.status_code, again.content) == (201, first.content)
    (told,) = notices(api, boss["id"])
    assert told.code == "comment.named"
    path = f"/comments/{first.json()['id']}"
    answered = api.ask(
        "POST", f"{path}/answer", {"words": "It is."}, key=owner, if_match=first.headers["etag"]
    )
    assert [one["by"]["name"] for one in expect_success(answered)["answers"]] == ["owner"]
    late = api.ask("POST", f"{path}/resolve", if_match=first.headers["etag"])
    assert late.status_code == 412, "the comment has a new answer"
    settled = api.ask("POST", f"{path}/resolve", if_match=answered.headers["etag"])
    assert expect_success(settled)["resolved_by"]["name"] == "manager"
    assert api.get(f"/posts/{post['id']}/needed")["open_comments"] == 0
    opened = api.ask("POST", f"{path}/reopen", if_match=settled.headers["etag"])
    assert expect_success(opened)["resolved_at"] is None
    assert api.get(f"/comments?post={post['id']}")["items"] == [api.get(path)]


def notices(api: ApiClient, principal: str) -> list[Any]:
    with api.scope() as scope:
        found = list_open_notices(scope, limit=50, to=None)
        return [
            one.message
            for one in found
            if one.cause.startswith("comment:") and one.cause.endswith(principal)
        ]


def test_invalid_comment_is_refused(api: ApiClient) -> None:
    post, theirs = api.write(), api.write(creator="zoe")
    stranger = "0198c0de-0000-7000-8000-000000000009"
    for wrong, why in (
        ({"words": "   "}, "comment.empty"),
        ({"named": [stranger]}, "comment.cannot_read"),
        ({"part": 3}, "comment.no_such_part"),
        ({"media_id": stranger}, "comment.no_such_part"),
    ):
        assert error_code(say(api, post, **{"words": "x", **wrong})) == why
    narrow = api.key(creators=["mia"])
    hers = expect_success(say(api, theirs))
    assert error_code(say(api, theirs, key=narrow)) == "post.unknown"
    assert (
        error_code(api.ask("GET", f"/comments?post={theirs['id']}", key=narrow)) == "post.unknown"
    )
    assert error_code(api.ask("GET", f"/comments/{hers['id']}", key=narrow)) == "comment.unknown"
    reader = say(api, post, key=api.key(scopes=["posts:read", "posts:write"]))
    assert (reader.status_code, error_code(reader)) == (403, "api.other_scope")


def test_missing_approvers_are_listed_and_a_change_is_requested(api: ApiClient) -> None:
    assert (get_args(ChangeReason), get_args(RejectionReason)) == (
        REJECTION_CODES["change"],
        REJECTION_CODES["no"],
    )
    post, owner = api.write(), api.secrets["owner"]
    path = f"/posts/{post['id']}"
    needed = api.get(f"{path}/needed")
    assert (needed["approved"], needed["tiers"], needed["missing"]) == (False, 1, [1])
    assert {one["name"] for one in needed["who"]} == {"owner", "creator"}, "not its author"
    (waiting,) = api.get("/approvals")["items"]
    assert (waiting["post_id"], waiting["own"], waiting["tier"]) == (post["id"], True, 1)
    assert api.get("/approvals", key=owner)["items"][0]["own"] is False
    counts = [api.get("/approvals/counts", key=key)["total"] for key in (None, owner)]
    assert counts == [0, 1], "authors do not approve their own posts"
    wordless = api.ask("POST", f"{path}/ask-change", {"note": ""}, key=owner, version=1)
    assert error_code(wordless) == "api.unfit"
    wish = {"why": "words", "note": "Say which quay."}
    asked = api.ask("POST", f"{path}/ask-change", wish, key=owner, version=1)
    assert expect_success(asked)["approved"] is False
    (wanted,) = api.get(f"{path}/needed")["wanted"]
    assert (wanted["verdict"], wanted["why"], wanted["note"], wanted["answered"]) == (
        "change",
        *wish.values(),
        False,
    )
    assert api.get("/approvals")["items"] == [], "the author must act"
    twice = api.ask("POST", f"{path}/ask-change", wish, key=owner, version=1)
    assert (twice.status_code, error_code(twice)) == (409, "api.not_awaited")
    back = api.ask("POST", f"{path}/withdraw", key=owner, version=1)
    assert back.status_code == 200, back.text
    assert len(api.get("/approvals")["items"]) == 1
    stale = api.ask("POST", f"{path}/reject", {"note": "no"}, key=owner, version=9)
    assert stale.status_code == 412
    gone = api.ask(
        "POST", f"{path}/reject", {"why": "taste", "note": "Not like her."}, key=owner, version=1
    )
    assert [one["state"] for one in expect_success(gone)["deliveries"]] == ["cancelled"]
    writer = api.ask(
        "POST", f"{path}/reject", {"note": "no"}, key=api.key(scopes=["posts:write"]), version=1
    )
    assert (writer.status_code, error_code(writer)) == (403, "api.other_scope")


def test_key_cannot_approve_media_that_need_a_human_look(api: ApiClient) -> None:
    media = add_library_picture(api)
    post, owner = api.write(media=[str(media)]), api.secrets["owner"]
    path = f"/posts/{post['id']}"
    blurred = api.ask("POST", f"{path}/approve", {}, key=owner, version=1)
    assert (blurred.status_code, error_code(blurred)) == (403, "api.look_first")
    assert api.get(f"{path}/needed")["to_look_at"] == [str(media)]
    with api.scope() as scope:
        rate_and_answer(scope, assets.get_asset(scope, media).sha256, Rating.G, source="rule:test")
    assert api.get(f"{path}/needed")["to_look_at"] == []
    assert (
        expect_success(api.ask("POST", f"{path}/approve", {}, key=owner, version=1))["approved"]
        is True
    )


def test_key_of_the_author_cannot_approve(api: ApiClient) -> None:
    post = api.write()
    own = api.ask("POST", f"/posts/{post['id']}/approve", {}, version=1)
    assert (own.status_code, error_code(own)) == (403, "approval.own_work")
