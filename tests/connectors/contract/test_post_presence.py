"""Presence of published posts: the responses of each platform for missing posts, and those that
prove nothing."""

import pytest

from connectors.contract.connector import (
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
)
from connectors.contract.post_presence import (
    MissingPost,
    PostPresence,
    PresenceReport,
    SupportsPresenceCheck,
)
from connectors.platforms.bluesky.publisher import Bluesky
from connectors.platforms.discord.publisher import Discord
from connectors.platforms.facebook.publisher import Facebook
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.instagram.publisher import Instagram
from connectors.platforms.mastodon.account import RECORD_NOT_FOUND
from connectors.platforms.mastodon.publisher import Mastodon
from connectors.platforms.reddit.publisher import Reddit
from connectors.platforms.threads.publisher import Threads
from connectors.platforms.tiktok.publisher import TikTok
from connectors.platforms.x.publisher import X
from connectors.platforms.youtube.publisher import YouTube

POST = "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
ACCOUNTS = {"reddit": "somebody/lakes", "discord": "1111111111:2222222222:3333333333"}
IDS = {"reddit": "t3_abc", "facebook": "17_501", "fanvue": POST}
EVERY: tuple[SupportsPresenceCheck, ...] = (
    *(Instagram(), Facebook(), Threads(), Reddit(), YouTube(), X(), Mastodon(), Bluesky()),
    *(Discord(), Fanvue(), TikTok()),
)


def copy_on(one: SupportsPresenceCheck) -> PlatformCopy:
    platform = one.capabilities.platform
    return PlatformCopy(IDS.get(platform, "501"), ACCOUNTS.get(platform, "17"))


def told(body: object, status: int = 200) -> Response:
    return Response("look", status, {}, body)


def listed(what: str, *numbers: str, after: str = "") -> Response:
    """Return a page of posts of a Threads account."""
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
            {
                "value": "501",
                "type": "https://api.twitter.com/2/problems/resource-not-found",
                "title": "Not Found",
            }
        ]
    }
)


def films(*numbers: str, code: str = "ok", status: int = 200) -> Response:
    """Return TikTok's response to a video query."""
    error = {"code": code, "message": "", "log_id": "1"}
    found = {"data": {"videos": [{"id": each} for each in numbers]}} if code == "ok" else {}
    return Response("video", status, {}, {**found, "error": error})


def published(*numbers: int) -> Response:
    """Return TikTok's status of a publication."""
    posts = {"publicaly_available_post_id": list(numbers)} if numbers else {}
    return told(
        {"data": {"status": "PUBLISH_COMPLETE", **posts}, "error": {"code": "ok", "message": ""}}
    )


@pytest.mark.parametrize(
    ("one", "answers", "seen"),
    [
        (Instagram(), (told({"id": "501"}),), PresenceReport()),
        (
            Instagram(),
            (GONE_THERE, NONE, told({"data": [{"id": "501"}]})),
            PresenceReport(),
        ),  # a read by ID that is known to be wrong
        (Instagram(), (GONE_THERE, NONE, told({"data": [{"id": "502"}]})), MissingPost()),
        (
            Instagram(),
            (GONE_THERE, told({"data": [{"id": "501"}]})),
            PresenceReport(),
        ),  # a story, which no list of posts contains
        (Instagram(), (GONE_THERE, graph(190)), None),
        (Instagram(), (graph(190),), None),
        (Threads(), (told({"id": "501"}),), PresenceReport()),
        (Threads(), NOWHERE, MissingPost()),
        (Threads(), (GONE_THERE, *NOWHERE[1:]), MissingPost()),
        (Threads(), (*NOWHERE[:2], listed("replies", "501")), PresenceReport()),
        (Threads(), (*NOWHERE[:1], listed("threads", "501")), PresenceReport()),
        (Threads(), (*NOWHERE[:2], graph(10)), None),  # the token may not read replies
        (Threads(), (*NOWHERE[:1], graph(4)), None),
        (Threads(), (graph(190),), None),
        (Facebook(), (told({"id": "17_501"}),), PresenceReport()),
        (Facebook(), (GONE_THERE,), MissingPost()),
        (Facebook(), (graph(190),), None),
        (Facebook(), (graph(4),), None),
        (Reddit(), (post(),), PresenceReport()),
        (Reddit(), (post(removed_by_category="moderator"),), MissingPost("rules", "moderator")),
        (
            Reddit(),
            (post(removed_by_category="content_takedown"),),
            MissingPost("rules", "content_takedown"),
        ),
        (Reddit(), (post(removed_by_category="automod_filtered"),), None),
        (
            Reddit(),
            (post(removed_by_category="deleted", author="[deleted]"),),
            MissingPost("owner"),
        ),
        (
            Reddit(),
            (told({"kind": "Listing", "data": {"children": []}}),),
            None,
        ),  # it may be hidden from this account only
        (YouTube(), (film(uploadStatus="processed", privacyStatus="public"),), PresenceReport()),
        (
            YouTube(),
            (film(uploadStatus="rejected", rejectionReason="copyright"),),
            MissingPost("rules", "copyright"),
        ),
        (YouTube(), (film(uploadStatus="rejected", rejectionReason="<b>"),), MissingPost("rules")),
        (YouTube(), (NO_FILM,), MissingPost()),
        (X(), (told({"data": {"id": "501"}}),), PresenceReport()),
        (X(), (NOT_FOUND,), MissingPost()),
        (X(), (told({"title": "Unauthorized"}, 401),), None),
        (
            Bluesky(),
            (told({"uri": "at://did:plc:mia/app.bsky.feed.post/501", "value": {"text": "a"}}),),
            PresenceReport(),
        ),
        (
            Bluesky(),
            (told({"error": "RecordNotFound", "message": "Could not locate record"}, 400),),
            MissingPost(),
        ),
        (Bluesky(), (told({"error": "RepoTakendown", "message": "no"}, 400),), None),
        (Mastodon(), (told({"id": "501"}),), PresenceReport()),
        (Mastodon(), (told({"error": RECORD_NOT_FOUND}, 404),), MissingPost()),
        (Mastodon(), (told({"error": "no such page"}, 404),), None),
        (Discord(), (told({"id": "501"}),), PresenceReport()),
        (Discord(), (told({"message": "Unknown Message", "code": 10008}, 404),), MissingPost()),
        (Discord(), (told({"message": "Unknown Channel", "code": 10003}, 404),), None),
        (Discord(), (told({"message": "Missing Permissions", "code": 50013}, 403),), None),
        (Fanvue(), (told({"uuid": POST}),), PresenceReport()),
        (
            Fanvue(),
            (told({"error": "Not found", "message": "Post not found"}, 404),),
            MissingPost(),
        ),
        (Fanvue(), (told({"message": "Insufficient scope: read:post is required"}, 403),), None),
        (Fanvue(), (told({"error": "API version sunset", "message": "ended"}, 410),), None),
        (TikTok(), (films("501"),), PresenceReport()),
        (TikTok(), (films(),), MissingPost(hidden=True)),
        (TikTok(), (films("502"),), MissingPost(hidden=True)),
        (TikTok(), (films(code="scope_not_authorized", status=401),), None),
        (TikTok(), (films(code="internal_error", status=500),), None),
    ],
)
def test_response_maps_to_presence_report(
    one: SupportsPresenceCheck, answers: tuple[StepResult, ...], seen: PostPresence | None
) -> None:
    assert one.check_presence(copy_on(one), answers) == seen


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.capabilities.platform)
@pytest.mark.parametrize(
    "answer",
    [told({}, 503), told(None, 404), told(None), told([], 200), StepAnswerLost("look", "x")],
)
def test_outage_reports_nothing_and_check_is_read_only(
    one: SupportsPresenceCheck, answer: StepResult
) -> None:
    turn = one.check_presence(copy_on(one), ())
    assert isinstance(turn, Send)
    asks = "POST" if one.capabilities.platform == "tiktok" else "GET"
    assert (turn.step.kind, turn.step.action, turn.step.method) == (StepKind.CONTROL, "look", asks)
    assert one.check_presence(copy_on(one), (answer,)) is None


def test_tiktok_video_that_was_never_public_is_not_missing() -> None:
    copy, platform = PlatformCopy("v_pub_file~1.1", "17"), TikTok()
    assert isinstance(platform.check_presence(copy, ()), Send)
    assert platform.check_presence(copy, (published(),)) is None, (
        "without a number it cannot be requested"
    )
    assert isinstance(platform.check_presence(copy, (published(501),)), Send)
    assert platform.check_presence(copy, (published(501), films("501"))) == PresenceReport()
    assert platform.check_presence(copy, (published(501), films())) == MissingPost(hidden=True)


def test_deleted_discord_message_is_missing_without_request() -> None:
    assert (
        Discord().check_presence(PlatformCopy("removed-ABC", ACCOUNTS["discord"]), ())
        == MissingPost()
    )
