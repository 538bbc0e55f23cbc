"""Requests built by tweepy: one for each call, without a hidden retry, a token or a text in logs."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import tweepy  # type: ignore[import-untyped]  # ships no types
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import TEST_TENANT, reveal_token
from connectors.contract.connector import (
    OAuthClient,
    PlatformCopy,
    RefreshGrant,
    Response,
    Send,
)
from connectors.contract.outcomes import Published
from connectors.platforms.x import requests
from connectors.platforms.x.client import BASE_URL, Client
from connectors.platforms.x.publisher import X
from connectors.shared import oauth
from connectors.shared.sdk_codec import Exchange, SdkRequest
from foundation.http.http_client import HttpClient
from foundation.sealed import Sealed
from gate.contract.permit import AuthOrder
from tests.connectors.conformance.worlds.x_world import create_chat_world, create_world
from tests.fakes.x.server import x

PLATFORM = X()
REFRESH = "refresh-token-of-the-account"
CALLS: dict[str, Callable[[Any], object]] = {
    "post": lambda client: client.create_tweet(text="hello"),
    "message": lambda client: client.create_direct_message(participant_id="7", text="hello"),
    "delete": lambda client: client.delete_tweet("7"),
    "hide": lambda client: client.hide_reply("7"),
    "show": lambda client: client.unhide_reply("7"),
    "read": lambda client: client.get_tweet("7", tweet_fields=["public_metrics"]),
    "owner": lambda client: client.get_me(user_fields=["public_metrics"]),
    "timeline": lambda client: client.get_users_tweets("7", max_results=20),
    "mentions": lambda client: client.get_users_mentions("7", since_id=1),
    "messages": lambda client: client.get_direct_message_events(max_results=1),
}


class FailingExchange(Exchange):
    """Shows tweepy the failures that an exchange keeps from it, and counts its requests."""

    def __init__(self, failure: int | type[Exception]) -> None:
        super().__init__(lambda _: requests.POST, (), base_url=BASE_URL)
        self._failure = failure
        self.asked: list[str] = []

    def answer_request(self, request: SdkRequest) -> Response:
        self.asked.append(request.url)
        if isinstance(self._failure, int):
            return Response("publish", self._failure, {"x-rate-limit-reset": "1"}, {})
        raise self._failure("reset")


@pytest.mark.parametrize("name", CALLS)
def test_tweepy_never_repeats_a_failed_request(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated post would be a second post."""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"slept for {seconds} s"))
    for failure in (429, 500, 503, 401, 200, ConnectionError, TimeoutError):
        exchange = FailingExchange(failure)
        client = Client(exchange, unnamed={}, newer_names=False)
        with suppress(ConnectionError, TimeoutError):
            CALLS[name](client)
        assert len(exchange.asked) == 1, failure


def test_tweepy_has_no_connection_of_its_own() -> None:
    """A method that does not use `request` would send without a permit."""
    assert version("tweepy") == "4.17.0"
    client = Client(
        Exchange(lambda _: requests.POST, (), base_url=BASE_URL), unnamed={}, newer_names=True
    )
    assert not hasattr(client, "session")
    with pytest.raises(AttributeError):
        tweepy.Client.request(client, "GET", "/2/users/me")


@given(number=st.text(min_size=1, max_size=40))
@example("..")
@example(".")
@example("../users/me")
@example("7%2F..?a=b#c")
def test_hostile_id_stays_one_segment_of_the_path(number: str) -> None:
    for turn in (
        PLATFORM.read_metrics(PlatformCopy(number, "42"), ()),
        PLATFORM.remove(PlatformCopy(number, "42"), ()),
        PLATFORM.check_presence(PlatformCopy(number, "42"), ()),
    ):
        assert isinstance(turn, Send)
        path = urlsplit(turn.step.path)
        assert unquote(path.path.removeprefix("/2/tweets/")) == number
        assert not path.fragment
        assert set(parse_qs(path.query)) <= {"tweet.fields"}


@given(
    text=st.text(max_size=400),
    marks=st.dictionaries(st.sampled_from(["made_with_ai"]), st.just(True)),
)
def test_text_reaches_the_body_unchanged(text: str, marks: dict[str, bool]) -> None:
    """Also a text that looks like a placeholder, markup or an escape."""
    turn = requests.build_request(
        requests.POST, lambda client: client.create_tweet(text=text), unnamed=marks
    )
    assert (turn.step.method, turn.step.path) == ("POST", "/2/tweets")
    assert turn.step.json == {"text": text, **marks}


@pytest.mark.parametrize("secret", [None, Sealed(b"box of the secret")])
def test_renewal_is_the_request_of_every_oauth_platform(secret: Sealed | None) -> None:
    grant = RefreshGrant("42", Sealed(b"box of the token"), OAuthClient("app", secret))
    turn = PLATFORM.refresh(grant, ())
    assert turn == Send(oauth.token_renewal_step("/2/oauth2/token", grant))


def test_logs_at_debug_contain_no_token_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    """tweepy's own method logs headers and bodies, and its OAuth library tokens."""
    caplog.set_level(logging.DEBUG)
    with x() as server:
        http = HttpClient()
        world = create_world(server, http)
        chat = create_chat_world(server, http)
        post, message = world.unit("a text of a post"), chat.unit("a text for a fan")
        for place, unit in ((world, post), (chat, message)):
            report = SendingHarness(place, place.connector).publish(unit)
            assert isinstance(report.outcome, Published)
        grant = RefreshGrant("42", Sealed(REFRESH.encode()), OAuthClient("app"))
        turn = PLATFORM.refresh(grant, ())
        assert isinstance(turn, Send)
        answer = world.transport.send(
            turn.step, AuthOrder(TEST_TENANT, world.account.channel_id), account=world.account
        )
        assert isinstance(answer, Response)
        http.close()
    secrets = [
        REFRESH,
        *(
            reveal_token(TEST_TENANT, one.account.token)
            for one in (world, chat)
            if one.account.token
        ),
        *(unit.text_of("body") for unit in (post, message)),
    ]
    logged = " ".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert caplog.records, "the transport logs its requests"
    assert [secret for secret in secrets if secret in logged] == []
