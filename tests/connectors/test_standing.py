"""Whether a post still stands: what each platform says of one that is gone, and what says nothing of it."""

import pytest

from connectors.bluesky import Bluesky
from connectors.contract import Answer, Copy, Response, Send, StepAnswerLost, StepKind
from connectors.discord import Discord
from connectors.facebook import Facebook
from connectors.fanvue import Fanvue
from connectors.instagram import Instagram
from connectors.mastodon import Mastodon
from connectors.mastodon_account import NO_MORE
from connectors.reddit import Reddit
from connectors.standing import Missing, Stand, Standing, Watched
from connectors.threads import Threads
from connectors.tiktok import TikTok
from connectors.x import X
from connectors.youtube import YouTube

POST = "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
ACCOUNTS = {"reddit": "somebody/lakes", "discord": "1111111111:2222222222:3333333333"}
IDS = {"reddit": "t3_abc", "facebook": "17_501", "fanvue": POST}
EVERY: tuple[Watched, ...] = (
    *(Instagram(), Facebook(), Threads(), Reddit(), YouTube(), X(), Mastodon(), Bluesky()),
    *(Discord(), Fanvue(), TikTok()),
)


def copy_on(one: Watched) -> Copy:
    platform = one.capabilities.platform
    return Copy(IDS.get(platform, "501"), ACCOUNTS.get(platform, "17"))


def told(body: object, status: int = 200) -> Response:
    return Response("look", status, {}, body)


def listed(what: str, *numbers: str, after: str = "") -> Response:
    """A page of what a Threads account wrote."""
    paging = {"paging": {"cursors": {"before": "QVFa", "after": after}}} if after else {}
    return Response(what, 200, {}, {"data": [{"id": number} for number in numbers], **paging})


def post(**said: object) -> Response:
    one = {"name": "t3_abc", "author": "somebody", "removed_by_category": None, **said}
    return told({"kind": "Listing", "data": {"children": [{"kind": "t3", "data": one}]}})


def film(**status: object) -> Response:
    return told({"kind": "youtube#videoListResponse", "items": [{"id": "501", "status": status}]})


def graph(code: int, sub: int = 0, status: int = 400) -> Response:
    return told({"error": {"code": code, "error_subcode": sub, "message": "no"}}, status)


GONE_THERE = graph(100, 33)
NOWHERE = (graph(24, 4279009), listed("threads", "502", "503"), listed("replies", "504"))
NONE = told({"data": []})
NO_FILM = told({"kind": "youtube#videoListResponse", "items": []})
NOT_FOUND = told(
    {
        "errors": [
            {"value": "501", "type": "https://api.twitter.com/2/problems/resource-not-found", "title": "Not Found"}
        ]
    }
)


def films(*numbers: str, code: str = "ok", status: int = 200) -> Response:
    """What TikTok tells of those it was asked for."""
    error = {"code": code, "message": "", "log_id": "1"}
    found = {"data": {"videos": [{"id": each} for each in numbers]}} if code == "ok" else {}
    return Response("video", status, {}, {**found, "error": error})


def published(*numbers: int) -> Response:
    """What TikTok says of a publication."""
    posts = {"publicaly_available_post_id": list(numbers)} if numbers else {}
    return told({"data": {"status": "PUBLISH_COMPLETE", **posts}, "error": {"code": "ok", "message": ""}})


@pytest.mark.parametrize(
    ("one", "answers", "seen"),
    [
        (Instagram(), (told({"id": "501"}),), Standing()),
        (Instagram(), (GONE_THERE, NONE, told({"data": [{"id": "501"}]})), Standing()),  # a read that is known to lie
        (Instagram(), (GONE_THERE, NONE, told({"data": [{"id": "502"}]})), Missing()),
        (Instagram(), (GONE_THERE, told({"data": [{"id": "501"}]})), Standing()),  # a story, in no list of posts
        (Instagram(), (GONE_THERE, graph(190)), None),
        (Instagram(), (graph(190),), None),
        (Threads(), (told({"id": "501"}),), Standing()),
        (Threads(), NOWHERE, Missing()),
        (Threads(), (GONE_THERE, *NOWHERE[1:]), Missing()),
        (Threads(), (*NOWHERE[:2], listed("replies", "501")), Standing()),
        (Threads(), (*NOWHERE[:1], listed("threads", "501")), Standing()),
        (Threads(), (*NOWHERE[:2], graph(10)), None),  # its token may not read replies
        (Threads(), (*NOWHERE[:1], graph(4)), None),
        (Threads(), (graph(190),), None),
        (Facebook(), (told({"id": "17_501"}),), Standing()),
        (Facebook(), (GONE_THERE,), Missing()),
        (Facebook(), (graph(190),), None),
        (Facebook(), (graph(4),), None),
        (Reddit(), (post(),), Standing()),
        (Reddit(), (post(removed_by_category="moderator"),), Missing("rules", "moderator")),
        (Reddit(), (post(removed_by_category="content_takedown"),), Missing("rules", "content_takedown")),
        (Reddit(), (post(removed_by_category="automod_filtered"),), None),
        (Reddit(), (post(removed_by_category="deleted", author="[deleted]"),), Missing("owner")),
        (Reddit(), (told({"kind": "Listing", "data": {"children": []}}),), None),  # it may be kept from us alone
        (YouTube(), (film(uploadStatus="processed", privacyStatus="public"),), Standing()),
        (YouTube(), (film(uploadStatus="rejected", rejectionReason="copyright"),), Missing("rules", "copyright")),
        (YouTube(), (film(uploadStatus="rejected", rejectionReason="<b>"),), Missing("rules")),
        (YouTube(), (NO_FILM,), Missing()),
        (X(), (told({"data": {"id": "501"}}),), Standing()),
        (X(), (NOT_FOUND,), Missing()),
        (X(), (told({"title": "Unauthorized"}, 401),), None),
        (Bluesky(), (told({"uri": "at://did:plc:mia/app.bsky.feed.post/501", "value": {"text": "a"}}),), Standing()),
        (Bluesky(), (told({"error": "RecordNotFound", "message": "Could not locate record"}, 400),), Missing()),
        (Bluesky(), (told({"error": "RepoTakendown", "message": "no"}, 400),), None),
        (Mastodon(), (told({"id": "501"}),), Standing()),
        (Mastodon(), (told({"error": NO_MORE}, 404),), Missing()),
        (Mastodon(), (told({"error": "no such page"}, 404),), None),
        (Discord(), (told({"id": "501"}),), Standing()),
        (Discord(), (told({"message": "Unknown Message", "code": 10008}, 404),), Missing()),
        (Discord(), (told({"message": "Unknown Channel", "code": 10003}, 404),), None),
        (Discord(), (told({"message": "Missing Permissions", "code": 50013}, 403),), None),
        (Fanvue(), (told({"uuid": POST}),), Standing()),
        (Fanvue(), (told({"error": "Not found", "message": "Post not found"}, 404),), Missing()),
        (Fanvue(), (told({"message": "Insufficient scope: read:post is required"}, 403),), None),
        (Fanvue(), (told({"error": "API version sunset", "message": "ended"}, 410),), None),
        (TikTok(), (films("501"),), Standing()),
        (TikTok(), (films(),), Missing(hidden=True)),
        (TikTok(), (films("502"),), Missing(hidden=True)),
        (TikTok(), (films(code="scope_not_authorized", status=401),), None),
        (TikTok(), (films(code="internal_error", status=500),), None),
    ],
)
def test_what_a_platform_says_of_a_post(one: Watched, answers: tuple[Answer, ...], seen: Stand | None) -> None:
    assert one.still(copy_on(one), answers) == seen


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.capabilities.platform)
@pytest.mark.parametrize(
    "answer", [told({}, 503), told(None, 404), told(None), told([], 200), StepAnswerLost("look", "x")]
)
def test_an_outage_is_no_answer_and_looking_changes_nothing(one: Watched, answer: Answer) -> None:
    turn = one.still(copy_on(one), ())
    assert isinstance(turn, Send)
    asks = "POST" if one.capabilities.platform == "tiktok" else "GET"
    assert (turn.step.kind, turn.step.action, turn.step.method) == (StepKind.CONTROL, "look", asks)
    assert one.still(copy_on(one), (answer,)) is None


def test_a_film_that_was_never_for_everybody_is_not_missed_on_tiktok() -> None:
    copy, platform = Copy("v_pub_file~1.1", "17"), TikTok()
    assert isinstance(platform.still(copy, ()), Send)
    assert platform.still(copy, (published(),)) is None, "it has no number: nobody can ask for it"
    assert isinstance(platform.still(copy, (published(501),)), Send)
    assert platform.still(copy, (published(501), films("501"))) == Standing()
    assert platform.still(copy, (published(501), films())) == Missing(hidden=True)


def test_what_discord_said_was_deleted_is_not_asked_for() -> None:
    assert Discord().still(Copy("removed-ABC", ACCOUNTS["discord"]), ()) == Missing()
