"""Post URLs as users copy them: the URLs that name a post, and its ID."""

import pytest

from connectors.contract.connector import Response, Send
from connectors.contract.outcomes import Absent, Found
from connectors.contract.post_addresses import (
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
    SupportsAddressLookup,
    SupportsProfileUrl,
)
from connectors.platforms.telegram.publisher import Telegram
from connectors.platforms.youtube.publisher import YouTube
from connectors.registry import loader

KNOWN = loader.load_builtin_connectors()
ACCOUNTS = {
    "byhand": "onlyfans/mia",
    "discord": "11:22:44",
    "mastodon": "7@m.social",
    "reddit": "me@lakes",
}


def asked(platform: str, url: str, *, account: str = "me", destination: str = "") -> object:
    """Return what a connector does with a URL before any response."""
    connector = KNOWN[platform]
    assert isinstance(connector, SupportsAddressLookup)
    return connector.resolve_address(ClaimedAddress(url, account, destination), ())


@pytest.mark.parametrize(
    ("platform", "url", "number"),
    [
        ("youtube", "https://www.youtube.com/watch?v=aBc-_123456&list=x", "aBc-_123456"),
        ("youtube", "https://youtu.be/aBc-_123456?si=x", "aBc-_123456"),
        ("youtube", "https://m.youtube.com/shorts/aBc-_123456", "aBc-_123456"),
        ("youtube", "https://www.youtube.com/live/aBc-_123456", "aBc-_123456"),
        ("reddit", "https://old.reddit.com/r/lakes/comments/1abc9z/a_title/", "t3_1abc9z"),
        ("reddit", "https://www.reddit.com/user/mia/comments/1abc9z/", "t3_1abc9z"),
        ("reddit", "https://redd.it/1abc9z", "t3_1abc9z"),
        ("x", "https://x.com/mia/status/1780000000000000001?s=20", "1780000000000000001"),
        ("x", "https://mobile.twitter.com/i/web/status/1780000000000000001", "1780000000000000001"),
        (
            "tiktok",
            "https://www.tiktok.com/@mia/video/7300000000000000001?lang=fr",
            "7300000000000000001",
        ),
        ("mastodon", "https://m.social/@mia/11111", "11111"),
        ("mastodon", "https://m.social/users/mia/statuses/11111", "11111"),
        ("bluesky", "https://bsky.app/profile/mia.bsky.social/post/3kabc", "3kabc"),
        ("discord", "https://ptb.discord.com/channels/22/11/33", "33"),
        (
            "fanvue",
            "https://www.fanvue.com/mia/post/0190a0b0-0000-7000-8000-000000000001",
            "7000-8000-000000000001",
        ),
    ],
)
def test_post_url_requests_the_post_by_its_id(platform: str, url: str, number: str) -> None:
    turn = asked(
        platform,
        url,
        account={"mastodon": "7@m.social", "discord": "11:22:44", "reddit": "me@lakes"}.get(
            platform, "me"
        ),
    )
    assert isinstance(turn, Send)
    assert number in turn.step.path + str(turn.step.json)
    assert (turn.step.kind, turn.step.action) == ("control", "look")


@pytest.mark.parametrize(
    ("platform", "url"),
    [
        ("youtube", "https://www.youtube.com/watch"),
        ("youtube", "https://www.youtube.com/@mia"),
        ("youtube", "https://www.youtube.com.evil.example/watch?v=aBc-_123456"),
        ("reddit", "https://www.reddit.com/r/lakes/comments/1abc9z/a_title/k2comment/"),
        ("reddit", "https://www.reddit.com/r/lakes/s/AbCdEf"),
        ("instagram", "https://www.instagram.com/mia/"),
        ("instagram", "https://www.instagram.com/stories/mia/"),
        ("threads", "https://www.threads.net/@mia"),
        ("facebook", "https://www.facebook.com/permalink.php"),
        ("facebook", "https://www.facebook.com/mia.lake"),
        ("x", "https://x.com/mia"),
        ("tiktok", "https://vm.tiktok.com/ZMabc/"),
        ("mastodon", "https://elsewhere.social/@mia@m.social/11111"),
        ("bluesky", "https://bsky.app/profile/mia.bsky.social"),
        ("discord", "https://discord.com/channels/22/11"),
        ("telegram", "https://t.me/lakes"),
        ("telegram", "https://t.me/lakes/5"),  # the posting channel is not given
        ("fanvue", "https://www.fanvue.com/mia"),
        ("byhand", "https://example.com/1"),
        ("sandbox", "https://example.com/p1"),
    ],
)
def test_url_without_post_is_rejected_without_request(platform: str, url: str) -> None:
    assert asked(platform, url, account=ACCOUNTS.get(platform, "me")) == NO_POST_THERE


def test_url_of_another_account_is_rejected_without_request() -> None:
    assert (
        asked("bluesky", "https://bsky.app/profile/did:plc:other/post/3kabc", account="did:plc:me")
        == OTHER_ACCOUNTS_POST
    )
    assert (
        asked("discord", "https://discord.com/channels/22/99/33", account="11:22:44")
        == OTHER_ACCOUNTS_POST
    )
    assert asked("sandbox", "http://127.0.0.1/t/other/p1") == OTHER_ACCOUNTS_POST


def test_facebook_url_forms_resolve() -> None:
    page = "1234567"
    for path in (
        f"permalink.php?story_fbid=99&id={page}",
        "mia/posts/99",
        "mia/posts/a-title/99/",
        "watch/?v=99",
        "reel/99",
        "photo.php?fbid=99",
        f"{page}_99",
    ):
        assert isinstance(
            asked("facebook", f"https://m.facebook.com/{path}", account=page), Send
        ), path


def test_telegram_album_url_names_all_its_messages() -> None:

    chat = Response(
        "chat",
        200,
        {},
        {"ok": True, "result": {"id": -1005, "type": "channel", "username": "Lakes"}},
    )

    def named(url: str, media: int = 1) -> object:
        return Telegram().resolve_address(ClaimedAddress(url, "bot", "-1005", media), (chat,))

    assert named("https://t.me/lakes/7?thread=1") == Found("-1005/7", "https://t.me/Lakes/7")
    assert named("https://telegram.me/c/5/7", 3) == Found("-1005/7,8,9", "https://t.me/Lakes/7")
    assert named("https://t.me/lakes/8?single", 3) == NO_POST_THERE
    assert named("https://t.me/others/7") == OTHER_ACCOUNTS_POST
    assert named("https://t.me/c/6/7") == OTHER_ACCOUNTS_POST


def test_youtube_video_of_others_or_private_is_not_ours() -> None:

    def named(channel: str, privacy: str) -> object:
        item = {
            "id": "aBc-_123456",
            "snippet": {"channelId": channel},
            "status": {"privacyStatus": privacy},
        }
        told = Response("look", 200, {}, {"items": [item]})
        return YouTube().resolve_address(
            ClaimedAddress("https://youtu.be/aBc-_123456", "UCme"), (told,)
        )

    assert isinstance(named("UCme", "public"), Found)
    assert named("UCother", "public") == OTHER_ACCOUNTS_POST
    assert named("UCme", "private") == Absent()


def test_account_has_a_profile_url() -> None:
    """Members who confirm an uncertain delivery are linked there; the installation's own URLs are
    not requested with a token."""
    asked_for = {**ACCOUNTS, "telegram": "bot", "bluesky": "did:plc:me"}
    for name, connector in KNOWN.items():
        if isinstance(connector, SupportsProfileUrl):
            home = connector.profile_url(
                asked_for.get(name, "12345"), "-10012345", "http://127.0.0.1:8090"
            )
            assert home.startswith(("https://", "http://127.0.0.1")), name
    assert {name for name, one in KNOWN.items() if not isinstance(one, SupportsProfileUrl)} == {
        "own_page"
    }


@pytest.mark.parametrize(
    "last",
    ["..", "%2e%2e", "%2E", "a%20b", "a%0Ab", "x" * 2000, "%00", "%F0%9F%98%80", "a%2F..%2Fb"],
)
@pytest.mark.parametrize(
    ("platform", "before"),
    [
        ("own_page", "https://page.example/@mia/"),
        ("bluesky", "https://bsky.app/profile/mia.bsky.social/post/"),
        ("mastodon", "https://m.social/@mia/"),
        ("reddit", "https://redd.it/"),
        ("discord", "https://discord.com/channels/22/11/"),
        ("fanvue", "https://www.fanvue.com/mia/post/"),
        ("x", "https://x.com/mia/status/"),
        ("tiktok", "https://www.tiktok.com/@mia/video/"),
        ("youtube", "https://youtu.be/"),
    ],
)
def test_malformed_id_is_rejected_without_request(platform: str, before: str, last: str) -> None:
    """A lookup request carries plain IDs only, and its path cannot be redirected."""
    assert asked(platform, before + last, account=ACCOUNTS.get(platform, "me")) == NO_POST_THERE
