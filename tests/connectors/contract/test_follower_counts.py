"""Follower counts of accounts: one request, and a number or None."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.metrics import MAX_FOLLOWERS, SupportsFollowerCount
from connectors.platforms.discord.ids import ChannelRef
from connectors.registry.loader import load_connectors


def _words(many: object) -> object:
    """Return an integer as text and anything else unchanged."""
    return str(many) if isinstance(many, int) and not isinstance(many, bool) else many


@dataclass(frozen=True)
class Told:
    """The follower request of one platform: account, request, and response for a given count."""

    account: str
    path: str
    body: Callable[[object], Any]
    destination: str = ""
    method: str = "GET"
    json: dict[str, object] | None = None
    token: str = "bearer"


TOLD = {
    "sandbox": Told("mia", "/api/{account}/followers", lambda many: {"followers": many}),
    "x": Told(
        "42",
        "/2/users/me?user.fields=public_metrics",
        lambda many: {
            "data": {"id": "42", "public_metrics": {"followers_count": many, "following_count": 7}}
        },
    ),
    "mastodon": Told(
        "109@social.example",
        "/api/v1/accounts/verify_credentials",
        lambda many: {"id": "109", "followers_count": many, "following_count": 7},
    ),
    "bluesky": Told(
        "did:plc:mia",
        "/xrpc/app.bsky.actor.getProfile?actor={account}",
        lambda many: {
            "did": "did:plc:mia",
            "handle": "mia.bsky.social",
            "followersCount": many,
            "followsCount": 7,
        },
    ),
    "facebook": Told(
        "17",
        "/{account}?fields=followers_count",
        lambda many: {"id": "17", "followers_count": many},
    ),
    "instagram": Told(
        "17", "/me?fields=followers_count", lambda many: {"id": "1", "followers_count": many}
    ),
    "threads": Told(
        "17",
        "/{account}/threads_insights?metric=followers_count",
        lambda many: {"data": [{"name": "followers_count", "total_value": {"value": many}}]},
    ),
    "youtube": Told(
        "UC" + "a" * 22,
        "/youtube/v3/channels?part=statistics&id={account}",
        lambda many: {
            "items": [
                {"statistics": {"subscriberCount": _words(many), "hiddenSubscriberCount": False}}
            ]
        },
    ),
    "tiktok": Told(
        "open-id-1#SELF_ONLY",
        "/v2/user/info/?fields=follower_count",
        lambda many: {"data": {"user": {"follower_count": many}}, "error": {"code": "ok"}},
    ),
    "telegram": Told(
        "mia_bot",
        "/bot{token}/getChatMemberCount",
        lambda many: {"ok": True, "result": many},
        destination="-1001",
        method="POST",
        json={"chat_id": -1001},
        token="path",
    ),
    "discord": Told(
        ChannelRef("1", "2", "3").account,
        "/guilds/2?with_counts=true",
        lambda many: {"id": "2", "approximate_member_count": many, "approximate_presence_count": 7},
        token="bot",
    ),
}
TOLD |= {
    "fanvue": Told(
        "5f0c0a3e-0000-4000-8000-000000000001",
        "/users/me",
        lambda many: {
            "isCreator": True,
            "fanCounts": {"followersCount": many, "subscribersCount": 7},
        },
    ),
    "reddit": Told(
        "mia@lakes#flair",
        "/r/u_mia/about/?raw_json=1",
        lambda many: {"kind": "t5", "data": {"display_name": "u_mia", "subscribers": many}},
    ),
}
FOLLOWED = {
    name: one for name, one in load_connectors().items() if isinstance(one, SupportsFollowerCount)
}
UNREADABLE: tuple[object, ...] = (
    {},
    [],
    None,
    "12",
    12,
    {"data": []},
    {"data": {}},
    {"items": [1]},
    {"items": []},
)
NO_NUMBERS: tuple[object, ...] = (
    -1,
    True,
    False,
    "many",
    1.5,
    12.0,
    None,
    [12],
    {"n": 12},
    MAX_FOLLOWERS + 1,
)


def asked(platform: str, *answers: StepResult) -> Send | int | None:
    told = TOLD[platform]
    return FOLLOWED[platform].count_followers(told.account, told.destination, answers)


def test_every_connector_with_a_follower_count_is_tested() -> None:
    assert TOLD.keys() == FOLLOWED.keys()


@pytest.mark.parametrize("platform", TOLD)
def test_follower_count_is_a_control_step_without_content(platform: str) -> None:
    turn, told = asked(platform), TOLD[platform]
    assert isinstance(turn, Send)
    step = turn.step
    assert (step.name, step.kind, step.action) == ("followers", StepKind.CONTROL, "metrics")
    assert (step.method, step.path, step.json, step.token) == (
        told.method,
        told.path,
        told.json,
        told.token,
    )
    assert (step.file, step.files, step.fetched, step.to) == (None, {}, {}, "network")


@pytest.mark.parametrize("platform", TOLD)
@pytest.mark.parametrize("many", [0, 12, MAX_FOLLOWERS])
def test_valid_response_returns_the_count(platform: str, many: int) -> None:
    assert asked(platform, Response("followers", 200, body=TOLD[platform].body(many))) == many


@pytest.mark.parametrize("platform", TOLD)
@pytest.mark.parametrize("many", NO_NUMBERS, ids=json.dumps)
def test_invalid_number_returns_none(platform: str, many: object) -> None:
    assert asked(platform, Response("followers", 200, body=TOLD[platform].body(many))) is None


@pytest.mark.parametrize("platform", TOLD)
@pytest.mark.parametrize(
    "answer",
    [
        StepAnswerLost("followers", "ReadTimeout"),
        StepNotSent("followers", "ConnectError"),
        Response("followers", 401, body={"error": "no"}),
        Response("followers", 500, body={}),
        *(Response("followers", 200, body=body) for body in UNREADABLE),
    ],
    ids=repr,
)
def test_missing_response_returns_none(platform: str, answer: StepResult) -> None:
    assert asked(platform, answer) is None


@pytest.mark.parametrize("platform", TOLD)
@pytest.mark.parametrize("status", [401, 403, 500])
def test_error_status_returns_none(platform: str, status: int) -> None:
    assert asked(platform, Response("followers", status, body=TOLD[platform].body(12))) is None


@pytest.mark.parametrize(
    "statistics",
    [
        {"subscriberCount": "12", "hiddenSubscriberCount": True},
        {"subscriberCount": 12, "hiddenSubscriberCount": False},
        {"subscriberCount": "\u0661\u0662"},
        {"subscriberCount": "9" * 5000},
        {"hiddenSubscriberCount": False},
    ],
    ids=lambda told: json.dumps(told)[:50],
)
def test_hidden_or_malformed_youtube_count_is_none(statistics: dict[str, object]) -> None:
    assert (
        asked("youtube", Response("followers", 200, body={"items": [{"statistics": statistics}]}))
        is None
    )


def test_telegram_bot_without_channel_has_no_count() -> None:
    assert FOLLOWED["telegram"].count_followers("mia_bot", "", ()) is None
