"""Rules of the fake Reddit: upload leases, errors in responses with status 200, posting intervals
and delayed lists."""

import hashlib
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.fakes.reddit.client import (
    ask,
    create_post,
    get_posts,
    list_posts,
    picture,
    refusal_reason,
    request_lease,
    send_file,
    submit,
    submit_gallery,
    upload_file,
)
from tests.fakes.reddit.server import FakeReddit, reddit
from tests.fakes.reddit.state import Member

FLAIR = "17bf09c4-520c-11e7-8073-0ef8adb5ef68"


@pytest.fixture
def fake() -> Iterator[FakeReddit]:
    with reddit() as running:
        running.subreddit("Pictures")
        yield running
        assert running.unknown == []


@pytest.fixture
def nova(fake: FakeReddit) -> Member:
    return fake.account("nova")


def test_post_is_stored_and_returned(fake: FakeReddit, nova: Member) -> None:
    title, body = "Élan & <more> 🎞️", "One\n\n**two** & <three>"
    told = submit(fake, nova, title, text=body, spoiler="true")
    assert (told["errors"], told["data"]["name"], told["data"]["drafts_count"]) == (
        [],
        f"t3_{told['data']['id']}",
        0,
    )
    assert told["data"]["url"].startswith(
        f"https://www.reddit.com/r/Pictures/comments/{told['data']['id']}/"
    )
    one = nova.posts[told["data"]["name"]]
    one.score, one.comments = 7, 2
    [shown] = list_posts(fake, nova)
    assert (shown["title"], shown["selftext"], shown["author"], shown["subreddit"]) == (
        title,
        body,
        "nova",
        "Pictures",
    )
    assert (shown["score"], shown["num_comments"], shown["spoiler"], shown["over_18"]) == (
        7,
        2,
        True,
        False,
    )
    assert (shown["created_utc"], shown["is_self"], shown["removed_by_category"]) == (
        one.created,
        True,
        None,
    )
    assert (get_posts(fake, nova, one.name), nova.taken) == (
        [shown],
        [(one.name, f"{title}\n\n{body}")],
    )
    escaped = ask(fake, nova, "GET", "/user/nova/submitted")[1]["data"]["children"][0]["data"]
    assert (escaped["title"], escaped["selftext"]) == (
        "Élan &amp; &lt;more&gt; 🎞️",
        "One\n\n**two** &amp; &lt;three&gt;",
    )


def test_request_without_json_gets_another_shape(fake: FakeReddit, nova: Member) -> None:
    said = {"sr": "Pictures", "kind": "self", "title": "A wall"}
    assert ask(fake, nova, "POST", "/api/submit", said)[1] == {"jquery": [], "success": True}
    assert ask(fake, nova, "POST", "/api/submit", {})[1]["success"] is False
    assert len(nova.posts) == 1


def test_invalid_post_is_rejected(fake: FakeReddit, nova: Member) -> None:
    assert refusal_reason(fake, nova, title=" ") == ("NO_TEXT", "title")
    assert refusal_reason(fake, nova, title="x" * 301) == ("TOO_LONG", "title")
    assert refusal_reason(fake, nova, text="x" * 40_001) == ("TOO_LONG", "text")
    assert refusal_reason(fake, nova, kind="gallery")[0] == "INVALID_OPTION"
    assert refusal_reason(fake, nova, sr="") == ("SUBREDDIT_REQUIRED", "sr")
    assert refusal_reason(fake, nova, sr="nowhere") == ("SUBREDDIT_NOEXIST", "sr")
    assert refusal_reason(fake, nova, kind="link") == ("NO_URL", "url")
    assert refusal_reason(fake, nova, kind="link", url="example.com") == ("BAD_URL", "url")
    assert nova.taken == []
    assert create_post(fake, nova, "x" * 300, text="x" * 40_000, sr="r/PICTURES")


def test_subreddit_rules_are_enforced(fake: FakeReddit, nova: Member) -> None:
    place = fake.places["pictures"]
    place.submission_type = "link"
    assert refusal_reason(fake, nova) == ("NO_SELFS", "sr")
    place.submission_type = "self"
    assert refusal_reason(fake, nova, kind="link", url="https://example.com/") == ("NO_LINKS", "sr")
    place.submission_type, place.allow_images, place.allow_galleries = "any", False, False
    assert (
        refusal_reason(fake, nova, kind="image", url=upload_file(fake, nova)[1])[0] == "NO_IMAGES"
    )
    assert refusal_reason(fake, nova, nsfw="true")[1] == "nsfw"
    fake.refuses_nsfw = False
    name = create_post(fake, nova, nsfw="true")
    assert nova.posts[name].nsfw
    place.over18 = True
    name = create_post(fake, nova, nsfw="false")
    assert nova.posts[name].nsfw
    place.title_min, place.title_max = 5, 8
    assert refusal_reason(fake, nova, title="four") == ("SUBMIT_VALIDATION_MIN_LENGTH", "title")
    assert refusal_reason(fake, nova, title="nine long") == (
        "SUBMIT_VALIDATION_MAX_LENGTH",
        "title",
    )
    place.title_required, place.title_refused, place.body_policy = ("[OC]",), ("bad",), "required"
    assert (
        refusal_reason(fake, nova, title="A wall", text="x")[0]
        == "SUBMIT_VALIDATION_TITLE_REQUIREMENT"
    )
    assert (
        refusal_reason(fake, nova, title="[OC] bad", text="x")[0]
        == "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING"
    )
    assert refusal_reason(fake, nova, title="[OC] wal")[0] == "SUBMIT_VALIDATION_BODY_REQUIRED"
    place.body_policy = "notAllowed"
    assert (
        refusal_reason(fake, nova, title="[OC] wal", text="x")[0]
        == "SUBMIT_VALIDATION_BODY_NOT_ALLOWED"
    )
    codes = [
        each[0].removeprefix("SUBMIT_VALIDATION_")
        for each in submit(fake, nova, "bad", text="x")["errors"]
    ]
    assert codes == [
        "MIN_LENGTH",
        "TITLE_REQUIREMENT",
        "TITLE_BLACKLISTED_STRING",
        "BODY_NOT_ALLOWED",
    ]
    told = ask(fake, nova, "GET", "/api/v1/pictures/post_requirements")[1]
    assert (
        told["title_text_min_length"],
        told["title_text_max_length"],
        told["is_flair_required"],
    ) == (5, 8, False)
    assert told["body_restriction_policy"] == "notAllowed"
    assert create_post(fake, nova, "[OC] wal")


def test_flair_rules_are_enforced(fake: FakeReddit, nova: Member) -> None:
    place = fake.places["pictures"]
    place.flair_required = True
    place.flairs = [
        {"id": FLAIR, "text": "Wall"},
        {"id": "two", "text": "Mine", "text_editable": True},
    ]
    place.flairs.append({"id": "mods", "text": "News", "mod_only": True})
    assert refusal_reason(fake, nova) == ("SUBMIT_VALIDATION_FLAIR_REQUIRED", "flair")
    assert (
        refusal_reason(fake, nova, flair_id="none")[0]
        == refusal_reason(fake, nova, flair_id="mods")[0]
        == "BAD_FLAIR_TEMPLATE_ID"
    )
    fixed, free = (
        create_post(fake, nova, flair_id=FLAIR, flair_text="other"),
        create_post(fake, nova, flair_id="two", flair_text="x"),
    )
    assert (nova.posts[fixed].flair_text, nova.posts[free].flair_text) == ("Wall", "x")
    assert get_posts(fake, nova, fixed)[0]["link_flair_template_id"] == FLAIR
    status, told, _ = ask(fake, nova, "GET", "/r/pictures/api/link_flair_v2")
    assert (status, [one["text_editable"] for one in told]) == (200, [False, True, False])
    said = {"api_type": "json", "sr": "Pictures", "kind": "self", "title": "x"}
    assert ask(fake, nova, "POST", "/api/submit", said | {"flair_text": "x"})[0] == 400
    fake.validation_status = 400
    status, told, _ = ask(fake, nova, "POST", "/api/submit", said)
    assert (status, told["reason"], told["fields"]) == (
        400,
        "SUBMIT_VALIDATION_FLAIR_REQUIRED",
        ["flair"],
    )


def test_access_depends_on_the_subreddit_type(fake: FakeReddit, nova: Member) -> None:
    for kind in ("restricted", "private", "banned"):
        fake.subreddit(kind, type=kind)
    assert (
        ask(fake, nova, "GET", "/r/restricted/about")[1]["data"]["subreddit_type"] == "restricted"
    )
    told = ask(fake, nova, "GET", "/r/private/about/")
    assert told[:2] == (403, {"reason": "private", "message": "Forbidden", "error": 403})
    told = ask(fake, nova, "GET", "/r/banned/about/rules")
    assert told[:2] == (404, {"reason": "banned", "message": "Not Found", "error": 404})
    assert ask(fake, nova, "GET", "/r/nowhere/about.json")[:2] == (
        404,
        {"message": "Not Found", "error": 404},
    )
    assert (
        refusal_reason(fake, nova, sr="restricted")
        == refusal_reason(fake, nova, sr="private")
        == ("SUBREDDIT_NOTALLOWED", "sr")
    )
    assert refusal_reason(fake, nova, sr="banned") == ("SUBREDDIT_NOEXIST", "sr")
    fake.places["private"].approved.add("nova")
    assert create_post(fake, nova, sr="private")
    assert ask(fake, nova, "GET", "/r/private/about")[0] == 200
    nova.banned_from.add("Pictures")
    assert refusal_reason(fake, nova) == ("SUBREDDIT_NOTALLOWED", "sr")
    assert ask(fake, nova, "GET", "/r/pictures/about")[1]["data"]["user_is_banned"] is True
    assert get_posts(fake, nova, create_post(fake, nova, sr="u_nova"))[0]["subreddit"] == "u_nova"
    assert refusal_reason(fake, fake.account("other"), sr="u_nova") == (
        "SUBREDDIT_NOTALLOWED",
        "sr",
    )


def test_subreddit_settings_and_rules_are_returned(fake: FakeReddit, nova: Member) -> None:
    place = fake.subreddit(
        "Grown", over18=True, rules=[{"short_name": "Be kind", "description": "a & b"}]
    )
    _, told, _ = ask(fake, nova, "GET", "/r/grown/about")
    assert (told["kind"], told["data"]["display_name"], told["data"]["over18"]) == (
        "t5",
        "Grown",
        True,
    )
    _, told, _ = ask(fake, nova, "GET", "/r/grown/about/rules")
    [rule] = told["rules"]
    assert (rule["short_name"], rule["violation_reason"], rule["description"]) == (
        "Be kind",
        "Be kind",
        "a &amp; b",
    )
    assert place.fullname.startswith("t5_")
    _, told, _ = ask(fake, nova, "GET", "/api/v1/me")
    assert (told["name"], told["is_suspended"], told["over_18"]) == ("nova", False, True)


def test_link_is_accepted_once_per_subreddit(fake: FakeReddit, nova: Member) -> None:
    link = {"kind": "link", "url": "https://example.com/a?b=1&c=2"}
    first, other = create_post(fake, nova, **link), fake.account("other")
    assert (
        refusal_reason(fake, nova, **link)
        == refusal_reason(fake, other, resubmit="false", **link)
        == ("ALREADY_SUB", "url")
    )
    assert create_post(fake, nova, resubmit="true", **link) != first
    fake.subreddit("Elsewhere")
    assert create_post(fake, nova, sr="elsewhere", **link)
    _, told, _ = ask(fake, nova, "GET", f"/api/info?raw_json=1&{urlencode({'url': link['url']})}")
    assert len(told["data"]["children"]) == 3


def test_posting_interval_is_enforced(fake: FakeReddit, nova: Member) -> None:
    fake.places["pictures"].posting_every = 660
    create_post(fake, nova)
    told = submit(fake, nova)
    assert (told["errors"][0][0], told["errors"][0][2]) == ("RATELIMIT", "ratelimit")
    assert "11 minutes" in told["errors"][0][1]
    assert 650 < told["ratelimit"] <= 660
    assert "data" not in told
    nova.quota_filled = True
    assert refusal_reason(fake, nova) == ("QUOTA_FILLED", None)
    nova.quota_filled = False
    fake.clock.advance(630)
    assert "seconds before" in submit(fake, nova)["errors"][0][1]
    assert create_post(fake, fake.account("other"))
    fake.clock.advance(31)
    assert create_post(fake, nova)


def test_rate_limit_error_may_come_with_a_post(fake: FakeReddit, nova: Member) -> None:
    fake.limited_but_made = True
    told = submit(fake, nova)
    assert (told["errors"][0][0], told["ratelimit"]) == ("RATELIMIT", 180.0)
    assert list(nova.posts) == [told["data"]["name"]]


def test_lists_lag_and_are_paginated(fake: FakeReddit, nova: Member) -> None:
    names = [create_post(fake, nova, f"wall {place}") for place in range(5)]
    assert [one["name"] for one in list_posts(fake, nova)] == names[::-1]
    _, told, _ = ask(fake, nova, "GET", "/user/NOVA/submitted?limit=2")
    assert told["data"]["after"] == names[3]
    assert [one["name"] for one in list_posts(fake, nova, f"&limit=3&after={names[3]}")] == names[
        2::-1
    ]
    fake.clock.advance(60)
    fake.lag = 30
    late = create_post(fake, nova, "late")
    assert (len(list_posts(fake, nova)), [one["name"] for one in get_posts(fake, nova, late)]) == (
        5,
        [late],
    )
    fake.clock.advance(31)
    assert len(list_posts(fake, nova)) == 6
    fake.book.schedule_fault("lag", lookup_lag=100)
    assert list_posts(fake, nova) == []
    fake.book.clear_faults()
    assert ask(fake, nova, "GET", "/user/nobody/submitted")[0] == 404


def test_filtered_and_hidden_posts_are_missing_from_lists(fake: FakeReddit, nova: Member) -> None:
    fake.filters = True
    name = create_post(fake, nova)
    assert list_posts(fake, nova)[0]["removed_by_category"] == "automod_filtered"
    assert list_posts(fake, fake.account("other"), name="nova") == []
    fake.hides_nsfw, fake.places["pictures"].over18 = True, True
    adult = create_post(fake, nova)
    assert (
        [one["name"] for one in list_posts(fake, nova)]
        == [one["name"] for one in get_posts(fake, nova, name, adult)]
        == [name]
    )


def test_post_is_deleted_by_its_author_only(fake: FakeReddit, nova: Member) -> None:
    name, other = create_post(fake, nova, text="body"), fake.account("other")
    assert ask(fake, other, "POST", "/api/del", {"id": name})[:2] == (200, {})
    assert ask(fake, nova, "POST", "/api/del", {"id": "t3_none"})[:2] == (200, {})
    assert list(nova.posts) == [name]
    assert ask(fake, nova, "POST", "/api/del", {"id": name})[:2] == (200, {})
    assert (nova.posts, list_posts(fake, nova), len(nova.taken)) == ({}, [], 1)
    [gone] = get_posts(fake, nova, name)
    assert (gone["author"], gone["selftext"], gone["title"]) == ("[deleted]", "[deleted]", "A wall")


def test_marking_nsfw_requires_the_moderator_scope(fake: FakeReddit, nova: Member) -> None:
    name = create_post(fake, nova)
    assert ask(fake, nova, "POST", "/api/marknsfw", {"id": name})[0] == 403
    nova.scopes = (*nova.scopes, "modposts")
    assert ask(fake, nova, "POST", "/api/marknsfw", {"id": name})[:2] == (200, {})
    assert get_posts(fake, nova, name)[0]["over_18"] is True
    assert ask(fake, nova, "POST", "/api/marknsfw", {"id": "t3_none"})[0] == 403


def test_picture_becomes_a_post_later(fake: FakeReddit, nova: Member) -> None:
    asset, address = upload_file(fake, nova)
    assert fake.named == {hashlib.sha256(picture()).hexdigest(): asset}
    fake.media_delay = 20
    told = submit(fake, nova, "Seen", kind="image", url=address)
    assert set(told["data"]) == {"user_submitted_page", "websocket_url"}
    assert (nova.posts, list_posts(fake, nova), [text for _, text in nova.taken]) == (
        {},
        [],
        ["Seen"],
    )
    fake.clock.advance(21)
    [shown] = list_posts(fake, nova)
    assert (shown["url"], shown["is_self"]) == (f"https://i.redd.it/{asset}.png", False)
    [one] = nova.posts.values()
    assert one.media == [asset]
    assert create_post(fake, nova, "no break between")
    fake.media_fails = True
    assert submit(fake, nova, kind="image", url=address)["errors"] == []
    fake.media_fails = False
    assert (
        submit(fake, nova, kind="image", url=upload_file(fake, nova, b"no picture")[1])["errors"]
        == []
    )
    fake.clock.advance(60)
    assert len(nova.posts) == 2
    other = fake.account("other")
    assert refusal_reason(fake, other, kind="image", url=address) == ("BAD_URL", "url")
    assert refusal_reason(fake, nova, kind="image", url=address.replace("https:", "http:")) == (
        "BAD_URL",
        "url",
    )
    fake.clock.advance(24 * 3600)
    assert refusal_reason(fake, nova, kind="image", url=address) == ("BAD_URL", "url")


def test_gallery_is_validated(fake: FakeReddit, nova: Member) -> None:
    media = [upload_file(fake, nova, picture(place))[0] for place in range(3)]
    items = [{"media_id": one, "caption": f"n. {one}", "outbound_url": ""} for one in media]
    told = submit_gallery(fake, nova, items, text="body")
    assert (told["errors"], set(told["data"]), told["data"]["id"][:3]) == ([], {"id", "url"}, "t3_")
    [shown] = list_posts(fake, nova)
    assert [one["media_id"] for one in shown["gallery_data"]["items"]] == media
    assert (shown["is_gallery"], shown["selftext"]) == (True, "body")
    assert [one["caption"] for one in shown["gallery_data"]["items"]] == [
        f"n. {one}" for one in media
    ]
    assert submit_gallery(fake, nova, items[:1])["errors"][0][2] == "items"
    assert submit_gallery(fake, nova, items * 7)["errors"][0][2] == "items"
    assert submit_gallery(fake, fake.account("other"), items)["errors"][0][0] == "INVALID_MEDIA"
    assert (
        submit_gallery(fake, nova, [items[0], items[1] | {"caption": "x" * 181}])["errors"][0][0]
        == "TOO_LONG"
    )
    assert submit_gallery(fake, nova, ["x"]) == 400
    fake.places["pictures"].allow_galleries = False
    assert submit_gallery(fake, nova, items)["errors"][0][0] == "GALLERIES_DISABLED"


def test_upload_lease_is_valid_for_one_file(fake: FakeReddit, nova: Member) -> None:
    leased = request_lease(fake, nova)
    assert leased["args"]["action"].startswith("//127.0.0.1:")
    assert leased["asset"]["processing_state"] == "incomplete"
    reply = send_file(fake, leased, picture())
    assert (reply.status, reply.headers["etag"]) == (201, f'"{hashlib.md5(picture()).hexdigest()}"')
    assert b"<PostResponse><Location>https://127.0.0.1:" in reply.body
    assert f"rte_images%2F{leased['asset']['asset_id']}" in reply.headers["location"]
    for change, status, word in (
        ({"policy": None}, 403, b"SignatureDoesNotMatch"),
        ({"X_Amz_Signature": "x"}, 403, b"SignatureDoesNotMatch"),
        ({"key": "rte_images/other"}, 403, b"Policy Condition failed"),
        ({"content_type": "image/jpeg"}, 403, b"Policy Condition failed"),
        ({"acl": None}, 403, b"Policy Condition failed"),
        ({"more": "1"}, 403, b"Extra input fields: more"),
        ({"headers": {"authorization": "Bearer x"}}, 400, b"Only one auth mechanism"),
        ({"headers": {"content-type": "image/png"}}, 412, b"PreconditionFailed"),
    ):
        reply = send_file(fake, leased, picture(), **change)
        assert (reply.status, word in reply.body) == (status, True), reply.body
    assert b"exactly one file" in send_file(fake, leased, None).body
    assert fake.forbidden == ["a token shown to the store"]
    fake.most_bytes = 10
    reply = send_file(fake, request_lease(fake, nova), picture())
    assert (reply.status, b"<MaxSizeAllowed>10</MaxSizeAllowed>" in reply.body) == (400, True)
    fake.clock.advance(60)
    assert b"Policy expired" in send_file(fake, leased, picture()).body
    assert (
        ask(
            fake, nova, "POST", "/api/media/asset.json", {"filepath": "a", "mimetype": "text/plain"}
        )[0]
        == 400
    )


def test_faults_are_injected_by_request_kind(fake: FakeReddit, nova: Member) -> None:
    fake.book.schedule_fault("status:503_after", on="posts")
    said = {"api_type": "json", "sr": "Pictures", "kind": "self", "title": "A wall"}
    assert ask(fake, nova, "POST", "/api/submit/", said)[0] == 503
    assert len(nova.posts) == 1
    for path, kind in (
        ("/api/v1/me", "checks"),
        ("/user/nova/submitted", "lookups"),
        ("/api/info", "metrics"),
    ):
        fake.book.schedule_fault("status:500", on=kind)
        assert ask(fake, nova, "GET", path)[0] == 500
    assert [row["kind"] for row in fake.book.list_requests()] == [
        "posts",
        "checks",
        "lookups",
        "metrics",
    ]
