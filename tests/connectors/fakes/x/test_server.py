"""The fake X follows the published description and works with the common client library."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance.fake_servers import AdjustableClock
from foundation.http.http_client import ResponseLost
from tests.fakes.x import text_rules
from tests.fakes.x.client import (
    ask,
    create_post,
    describe,
    picture,
    post,
    send,
    tweepy_client,
    upload,
    uploaded,
)
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.spec import FORM, JSON, load_description
from tests.fakes.x.state import DUPLICATE, NO_MEDIA, NO_PARENT, Member, Refusal

QUARTER, DAY = 15 * 60, 24 * 3600
NAMES = (
    "text",
    "media",
    "media_ids",
    "reply",
    "in_reply_to_tweet_id",
    "made_with_ai",
    "reply_settings",
)
described = pytest.mark.skipif(
    load_description() is None, reason="X's description is missing (set GREENROOM_SHARED)"
)


@pytest.fixture
def fake() -> Iterator[FakeX]:
    with x() as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture
def rough() -> Iterator[FakeX]:
    """A server that accepts invalid test requests; its responses must still match the description."""
    with x() as running:
        yield running
        assert not [told for told in running.spec.refused if told.startswith("answer")]


@pytest.fixture
def nova(fake: FakeX) -> Member:
    return fake.account("nova")


def test_tweepy_posts_reads_and_deletes(fake: FakeX, nova: Member) -> None:
    api = tweepy_client(fake, nova.token)
    assert api.get_me(user_auth=False).data.id == int(nova.id)
    first = api.create_tweet(text="hello <you> & you", user_auth=False).data["id"]
    answer = api.create_tweet(text="again", in_reply_to_tweet_id=first, user_auth=False).data["id"]
    fields = ["created_at", "public_metrics", "referenced_tweets", "author_id", "conversation_id"]
    shown = api.get_users_tweets(nova.id, max_results=5, tweet_fields=fields, user_auth=False)
    assert [each.id for each in shown.data] == [int(answer), int(first)]
    assert shown.data[0].referenced_tweets[0].id == int(first)
    assert (shown.data[0].author_id, shown.data[0].conversation_id) == (int(nova.id), int(first))
    assert shown.data[1].text == "hello &lt;you&gt; &amp; you"
    assert shown.data[1].public_metrics["retweet_count"] == 1
    assert api.get_tweet(first, user_auth=False).data.edit_history_tweet_ids == [int(first)]
    assert api.delete_tweet(answer, user_auth=False).data == {"deleted": True}
    gone = api.get_tweet(answer, user_auth=False)
    assert (gone.data, gone.errors[0]["type"].rpartition("/")[2]) == (None, "resource-not-found")
    assert (list(nova.posts), [text for _, text in nova.taken]) == (
        [first],
        ["hello <you> & you", "again"],
    )


def test_each_request_requires_its_scopes(fake: FakeX) -> None:
    reads = fake.account("reads", scopes=("tweet.read", "users.read"))
    assert ask(fake, reads, "GET", f"/2/users/{reads.id}/tweets")[0] == 200
    assert (post(fake, reads, "x")[0], upload(fake, reads, picture())[0]) == (403, 403)
    assert ask(fake, reads, "DELETE", "/2/tweets/1")[0] == 403
    writes = fake.account("writes", scopes=("media.write",))
    assert (upload(fake, writes, picture())[0], ask(fake, writes, "GET", "/2/users/me")[0]) == (
        200,
        403,
    )


def test_pictures_are_returned_with_their_metadata(fake: FakeX, nova: Member) -> None:
    status, told = upload(fake, nova, picture())
    assert (status, told["data"]["expires_after_secs"]) == (200, DAY)
    medium, key = told["data"]["id"], told["data"]["media_key"]
    assert describe(fake, nova, medium, alt_text={"text": "a wall"})[1]["data"]["id"] == medium
    warned = describe(fake, nova, medium, sensitive_media_warning={"adult_content": True})[1][
        "data"
    ]
    assert warned["associated_metadata"]["sensitive_media_warning"]["adult_content"] is True
    one = create_post(
        fake, nova, "https://example.com/a & more", media={"media_ids": [medium]}, made_with_ai=True
    )
    assert (nova.posts[one].made_with_ai, fake.media[medium].alt_text) == (True, "a wall")
    fields = "entities,possibly_sensitive,attachments,media_metadata,created_at"
    shown = ask(fake, nova, "GET", f"/2/tweets/{one}?post.fields={fields}")[1]["data"]
    assert (shown["possibly_sensitive"], shown["attachments"]["media_keys"]) == (True, [key])
    link, own = shown["entities"]["urls"]
    assert (link["expanded_url"], own["media_key"]) == ("https://example.com/a", key)
    assert shown["text"] == f"{link['url']} &amp; more {own['url']}"
    assert [shown["text"][url["start"] : url["end"]] for url in (link, own)] == [
        link["url"],
        own["url"],
    ]
    assert "public_metrics" not in shown
    assert describe(fake, nova, medium, alt_text={"text": "late"})[0] == 400


def test_content_warning_may_be_dropped(fake: FakeX, nova: Member) -> None:
    fake.drops_warnings = True
    [medium] = uploaded(fake, nova)
    told = describe(fake, nova, medium, sensitive_media_warning={"adult_content": True})[1]["data"]
    assert told["associated_metadata"] == {}


def test_media_belong_to_one_account_and_expire(fake: FakeX, nova: Member) -> None:
    other, [medium] = fake.account("other"), uploaded(fake, nova)
    refused = post(fake, other, "stolen", media={"media_ids": [medium]})
    assert (refused[0], refused[1]["errors"][0]["message"]) == (400, NO_MEDIA)
    assert describe(fake, other, medium, alt_text={"text": "x"})[0] == 400
    fake.clock.advance(DAY)
    assert post(fake, nova, "late", media={"media_ids": [medium]})[0] == 400
    assert describe(fake, nova, medium, alt_text={"text": "x"})[0] == 400
    again = uploaded(fake, nova)
    assert post(fake, nova, "now", media={"media_ids": again})[0] == 201
    assert post(fake, nova, "twice", media={"media_ids": again})[0] == 400
    fake.media_again = True
    assert post(fake, nova, "twice", media={"media_ids": again})[0] == 201


def test_post_has_four_pictures_or_one_gif(rough: FakeX) -> None:
    nova = rough.account("nova")
    media = uploaded(rough, nova, 5)
    assert post(rough, nova, "five", media={"media_ids": media})[0] == 400
    moving = upload(rough, nova, picture("GIF"), "tweet_gif")[1]["data"]["id"]
    assert post(rough, nova, "mixed", media={"media_ids": [media[0], moving]})[0] == 400
    assert post(rough, nova, "twice", media={"media_ids": [media[0]] * 2})[0] == 400
    assert post(rough, nova, "", media={"media_ids": media[:4]})[0] == 201
    assert post(rough, nova, "", media={"media_ids": [moving]})[0] == 201
    assert (post(rough, nova, " \n")[0], post(rough, nova, "none", media={"media_ids": []})[0]) == (
        400,
        400,
    )


def test_uploads_are_validated(rough: FakeX) -> None:
    nova = rough.account("nova")
    for data, category in (
        (b"text", "tweet_image"),
        (b"", "tweet_image"),
        (picture("BMP"), "tweet_image"),
    ):
        assert upload(rough, nova, data, category)[0] == 400
    for category in ("tweet_gif", "tweet_video", "poster", ""):
        assert upload(rough, nova, picture(), category)[0] == 400
    assert upload(rough, nova, picture("GIF", (1281, 2)), "tweet_gif")[0] == 400
    at_most = picture().ljust(5 * 2**20, b"\0")
    assert (upload(rough, nova, at_most)[0], upload(rough, nova, at_most + b"\0")[0]) == (200, 400)
    as_text = {"media": base64.b64encode(picture()).decode(), "media_category": "tweet_image"}
    assert ask(rough, nova, "POST", "/2/media/upload", as_text)[0] == 200


def test_metadata_are_validated(rough: FakeX) -> None:
    nova = rough.account("nova")
    [medium] = uploaded(rough, nova)
    assert describe(rough, nova, medium, alt_text={"text": "x" * 1000})[0] == 200
    wrongs: list[dict[str, Any]] = [
        {"alt_text": {"text": "x" * 1001}},
        {"alt_text": "x"},
        {"sensitive_media_warning": ["adult_content"]},
        {"sensitive_media_warning": {"adult_content": "true"}},
        {"sensitive_media_warning": {"nudity": True}},
        {"made_with_ai": True},
    ]
    assert [describe(rough, nova, medium, **wrong)[0] for wrong in wrongs] == [400] * len(wrongs)
    assert ask(rough, nova, "POST", "/2/media/metadata", {"id": medium, "alt_text": "x"})[0] == 400
    assert rough.media[medium].alt_text == "x" * 1000


@described
def test_invalid_body_or_query_is_rejected(rough: FakeX) -> None:
    nova = rough.account("nova")
    wrong: dict[str, Any]
    for wrong in (
        {"sensitive": True},
        {"made_with_ai": "yes"},
        {"reply": {}},
        {"reply_settings": "all"},
    ):
        status, told = post(rough, nova, "x", **wrong)
        assert (status, told["type"].rpartition("/")[2], told["title"]) == (
            400,
            "invalid-request",
            "Invalid Request",
        )
    timeline = f"/2/users/{nova.id}/tweets"
    for query in (
        "max_results=4",
        "max_results=101",
        "limit=5",
        "post.fields=likes",
        "max_results=5&max_results=5",
    ):
        assert ask(rough, nova, "GET", f"{timeline}?{query}")[0] == 400
    assert ask(rough, nova, "GET", "/2/tweets/abc")[0] == 400
    assert ask(rough, nova, "GET", "/2/tweets")[0] == 400
    assert ask(rough, nova, "GET", "/2/likes")[0] == 404
    assert len(rough.spec.refused) == 12
    rough.names = "new"
    assert ask(rough, nova, "GET", f"{timeline}?tweet.fields=created_at")[0] == 400
    rough.names = "old"
    assert ask(rough, nova, "GET", f"{timeline}?post.fields=created_at")[0] == 400


def test_malformed_input_is_rejected_without_errors(rough: FakeX) -> None:
    nova = rough.account("nova")
    bearer = f"Bearer {nova.token}"
    bodies = [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff",
        b'{"text":1}',
        b'{"text":"\\ud800"}',
        b"[" * 99_999,
    ]
    bodies += [
        b'{"media":7}',
        b'{"media":{"media_ids":7}}',
        b'{"reply":7}',
        b'{"text":"x","poll":{}}',
    ]
    for body in bodies:
        reply = send(rough, "POST", "/2/tweets", bearer, (JSON, body))
        assert (body, reply.status // 100) == (body, 4)
        assert {"title", "detail", "type", "status"} <= set(json.loads(reply.body))
    for kind in ("text/plain", FORM, "multipart/form-data; boundary=x", "multipart/form-data"):
        assert send(rough, "POST", "/2/tweets", bearer, (kind, b'{"text":"x"}')).status == 400
        assert send(rough, "POST", "/2/media/upload", bearer, (kind, b"--x\r\n\r\ny")).status == 400
    assert send(rough, "PUT", "/2/tweets", bearer).status == 404
    assert nova.taken == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
)


@given(JUNK)
def test_any_body_is_a_post_or_a_rejection(said: Any) -> None:
    server = FakeX(AdjustableClock())
    mine, refused = server.account("nova"), 0
    try:
        server.publish(mine, said if isinstance(said, dict) else {"text": said})
    except Refusal as refusal:
        refused = refusal.status
    assert (len(mine.taken), refused) in {(1, 0), (0, 400), (0, 403)}


@pytest.mark.parametrize(
    ("text", "weighs"),
    [
        ("", 0),
        ("cafe\u0301 Ünïcödé Я", 14),
        ("\u10ff\u1100", 3),
        ("“quoted” – it’s", 15),
        ("… €", 5),
        ("日本語", 6),
        ("😀", 2),
        ("👨‍👩‍👧‍👦👍🏽🇫🇷1️⃣❤️🏴󠁧󠁢󠁳󠁣󠁴󠁿", 12),
        ("1#*", 3),
        ("see https://example.com/a?b=c#d.", 28),
        ("http://example.com/" + "x" * 200, 23),
        ("greenroom.example is no domain, example.com is", 32 + 23 + 3),
        ("(example.com/a_(b))", 25),
        ("mail me@example.com or @nova.com #tag.com", 41),
        ("http://münchen.de", 23),
        ("a.b.c e.g. readme.nothing a.com.nothing me@a.com", 26 + 23 + 8 + 9),
    ],
)
def test_weighted_length_follows_the_text_rules(text: str, weighs: int) -> None:
    assert text_rules.weight(text) == weighs


def test_text_is_limited_to_weight_280(fake: FakeX, nova: Member) -> None:
    assert post(fake, nova, "x" * 280)[0] == 201
    assert post(fake, nova, "日" * 140)[0] == 201
    assert post(fake, nova, "x" * 256 + " https://example.com/" + "y" * 90)[0] == 201
    for text in ("x" * 281, "日" * 140 + "x", "y" * 257 + " https://example.com"):
        assert post(fake, nova, text)[0] == 403
    assert (create_post(fake, nova, "  e\u0301tude \n"), "\u00e9tude") == nova.taken[-1]


def test_same_text_is_refused_for_a_day(fake: FakeX, nova: Member) -> None:
    first = create_post(fake, nova, "hello")
    status, told = post(fake, nova, " hello ")
    assert (status, told["detail"], told["title"]) == (403, DUPLICATE, "Forbidden")
    assert post(fake, fake.account("other"), "hello")[0] == 201
    ask(fake, nova, "DELETE", f"/2/tweets/{first}")
    assert post(fake, nova, "hello")[0] == 403
    fake.clock.advance(DAY)
    assert post(fake, nova, "hello")[0] == 201


def test_reply_requires_an_existing_post(fake: FakeX, nova: Member) -> None:
    first = create_post(fake, nova, "first")
    second = create_post(fake, nova, "second", reply={"in_reply_to_tweet_id": first})
    path = (
        f"/2/tweets/{second}?expansions=referenced_posts,author_id&post.fields=conversation_id,"
        "public_metrics"
    )
    told = ask(fake, nova, "GET", path)[1]
    assert told["data"]["referenced_posts"] == [{"type": "replied_to", "id": first}]
    assert (told["data"]["conversation_id"], told["includes"]["users"][0]["id"]) == (first, nova.id)
    ask(fake, nova, "DELETE", f"/2/tweets/{first}")
    status, refused = post(fake, nova, "third", reply={"in_reply_to_tweet_id": first})
    assert (status, refused["detail"]) == (403, NO_PARENT)
    assert set(nova.posts) == {second}


def test_post_is_deleted_by_its_owner_only(fake: FakeX, nova: Member) -> None:
    one, other = create_post(fake, nova, "mine"), fake.account("other")
    assert ask(fake, other, "DELETE", f"/2/tweets/{one}")[0] == 403
    for _ in range(2):
        assert ask(fake, nova, "DELETE", f"/2/tweets/{one}")[:2] == (
            200,
            {"data": {"deleted": True}},
        )
    fake.missing_delete = 404
    assert ask(fake, nova, "DELETE", f"/2/tweets/{one}")[0] == 404
    assert (nova.posts, len(nova.taken)) == ({}, 1)


def test_missing_posts_are_errors_in_a_successful_response(fake: FakeX, nova: Member) -> None:
    one = create_post(fake, nova, "here")
    status, told, _ = ask(fake, nova, "GET", f"/2/tweets?ids={one},12345")
    assert (status, [each["id"] for each in told["data"]]) == (200, [one])
    missing = told["errors"][0]
    assert (missing["resource_id"], missing["title"]) == ("12345", "Not Found Error")
    status, told, _ = ask(fake, nova, "GET", "/2/tweets?ids=12345")
    assert (status, "data" in told, len(told["errors"])) == (200, False, 1)
    assert "data" not in ask(fake, nova, "GET", "/2/users/12345/tweets")[1]


def test_timeline_is_paginated(rough: FakeX) -> None:
    nova = rough.account("nova")
    path = f"/2/users/{nova.id}/tweets?max_results=5"
    assert ask(rough, nova, "GET", path)[1] == {"meta": {"result_count": 0}}
    ids = []
    for number in range(7):
        ids.append(create_post(rough, nova, f"post {number}"))
        rough.clock.advance(60)
    first = ask(rough, nova, "GET", path)[1]
    assert [each["id"] for each in first["data"]] == ids[:1:-1]
    assert set(first["data"][0]) == {
        "id",
        "text",
        "edit_history_post_ids",
        "edit_history_tweet_ids",
    }
    rest = ask(rough, nova, "GET", f"{path}&pagination_token={first['meta']['next_token']}")[1]
    assert ([each["id"] for each in rest["data"]], "next_token" in rest["meta"]) == (
        ids[1::-1],
        False,
    )
    start = nova.posts[ids[5]].at.strftime("%Y-%m-%dT%H:%M:%SZ")
    since = ask(rough, nova, "GET", f"{path}&start_time={start}&post.fields=created_at")[1]
    assert [each["id"] for each in since["data"]] == [ids[6], ids[5]]
    wrongs = (
        "start_time=2026-01-01T00:00:00",
        "start_time=2026-13-01T00:00:00Z",
        "pagination_token=7",
    )
    for wrong in (*wrongs, f"max_results={'9' * 5000}", f"until_id={'9' * 20}"):
        assert ask(rough, nova, "GET", f"/2/users/{nova.id}/tweets?{wrong}")[0] == 400
    rough.book.schedule_fault("lag", lookup_lag=90.0)
    assert ask(rough, nova, "GET", path)[1]["data"][0]["id"] == ids[5]


@pytest.mark.parametrize(("names", "kept"), [("new", "post"), ("old", "tweet")])
def test_either_field_names_may_be_the_only_ones(
    fake: FakeX, nova: Member, names: str, kept: str
) -> None:
    fake.names, one = names, create_post(fake, nova, "hello")
    told = ask(fake, nova, "GET", f"/2/tweets/{one}?{kept}.fields=public_metrics")[1]["data"]
    assert [name for name in told if name.startswith("edit")] == [f"edit_history_{kept}_ids"]
    assert {"new": "repost_count", "old": "retweet_count"}[names] in told["public_metrics"]
    assert len(told["public_metrics"]) == 6


def test_rate_windows_are_reported_and_end(fake: FakeX, nova: Member) -> None:
    fake.limits.most["posts"] = 2
    _, _, headers = ask(fake, nova, "POST", "/2/tweets", {"text": "one"})
    assert (headers["x-rate-limit-limit"], headers["x-rate-limit-remaining"]) == ("2", "1")
    ends = int(headers["x-rate-limit-reset"])
    assert abs(ends - fake.clock().timestamp() - QUARTER) < 3
    assert post(fake, nova, "one")[0] == 403  # refused, but counted
    status, told, headers = ask(fake, nova, "POST", "/2/tweets", {"text": "three"})
    assert (status, told["title"], headers["x-rate-limit-remaining"]) == (
        429,
        "Too Many Requests",
        "0",
    )
    assert headers["x-app-limit-24hour-remaining"] == "9998"
    assert post(fake, fake.account("other"), "three")[0] == 201
    fake.clock.advance(ends - fake.clock().timestamp())
    assert post(fake, nova, "three")[0] == 201
    assert ask(fake, nova, "GET", "/2/users/me")[2]["x-rate-limit-remaining"] == "74"


def test_application_has_a_daily_limit(fake: FakeX, nova: Member) -> None:
    fake.limits.most["posts/app"], other = 1, fake.account("other")
    assert post(fake, nova, "one")[0] == 201
    status, _, headers = ask(fake, other, "POST", "/2/tweets", {"text": "two"})
    assert (status, headers["x-rate-limit-remaining"], headers["x-app-limit-24hour-remaining"]) == (
        429,
        "100",
        "0",
    )
    fake.clock.advance(QUARTER)
    assert post(fake, other, "two")[0] == 429
    fake.clock.advance(DAY)
    assert post(fake, other, "two")[0] == 201


def test_depleted_credits_refuse_requests(fake: FakeX, nova: Member) -> None:
    fake.out_of_credits = True
    status, told = post(fake, nova, "x")
    assert (status, told["title"], told["type"].rpartition("/")[2]) == (
        402,
        "CreditsDepleted",
        "credits",
    )
    assert nova.taken == []


def test_locked_or_suspended_account_is_refused(fake: FakeX, nova: Member) -> None:
    one, other = create_post(fake, nova, "x"), fake.account("other")
    for state in ("locked", "suspended"):
        nova.state = state
        status, told = post(fake, nova, "y")
        assert (status, state in told["detail"]) == (403, True)
    assert "data" not in ask(fake, other, "GET", f"/2/tweets/{one}")[1]
    fake.unknown_tokens = 1
    assert post(fake, other, "y")[1]["title"] == "Unsupported Authentication"
    assert post(fake, other, "y")[0] == 201


def test_retry_after_a_lost_response_is_a_duplicate(fake: FakeX, nova: Member) -> None:
    body = (JSON, json.dumps({"text": "hello"}).encode())
    for mode in ("reset_before", "reset_after"):
        fake.book.schedule_fault(mode, on="posts")
        assert isinstance(
            send(fake, "POST", "/2/tweets", f"Bearer {nova.token}", body), ResponseLost
        )
    assert [text for _, text in nova.taken] == ["hello"]
    assert post(fake, nova, "hello")[1]["detail"] == DUPLICATE
    fake.book.schedule_fault("status:503_after", on="posts")
    assert post(fake, nova, "there")[0] == 503
    assert len(nova.posts) == 2
    told = [(each["status"], each["accepted"]) for each in fake.book.list_requests()]
    assert told == [(0, 0), (201, 1), (403, 0), (201, 1)]


def test_every_request_kind_can_fail(fake: FakeX, nova: Member) -> None:
    one, [medium] = create_post(fake, nova, "x"), uploaded(fake, nova)
    assert fake.named[hashlib.sha256(picture(size=(1, 1))).hexdigest()] == medium
    for method, path, kind in (
        ("POST", "/2/media/upload", "files"),
        ("POST", "/2/media/metadata", "metadata"),
        ("DELETE", f"/2/tweets/{one}", "deletes"),
        ("GET", f"/2/tweets/{one}", "metrics"),
        ("GET", f"/2/tweets?ids={one}", "metrics"),
        ("GET", f"/2/users/{nova.id}/tweets", "lookups"),
        ("GET", "/2/users/me", "checks"),
        ("POST", "/2/oauth2/token", "tokens"),
    ):
        fake.book.schedule_fault("status:503", on=kind)
        assert ask(fake, nova, method, path, {} if method == "POST" else None)[0] == 503
    assert set(nova.posts) == {one}
