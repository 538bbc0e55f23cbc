"""Requests built by tweepy: one for each call, without a hidden retry, a token or a text in logs."""

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests as http_library
from hypothesis import example, given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter

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
from connectors.shared.sdk_codec import Exchange
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


class FailingAdapter(BaseAdapter):
    """Answers each request with one failure, and counts them."""

    def __init__(self, failure: int | type[Exception]) -> None:
        super().__init__()
        self.failure = failure
        self.asked: list[str] = []

    def send(self, request: http_library.PreparedRequest, *_: Any, **__: Any) -> Any:
        self.asked.append(f"{request.method} {request.url}")
        assert len(self.asked) < 5
        if not isinstance(self.failure, int):
            raise self.failure("reset")
        response = http_library.Response()
        response.status_code = self.failure
        response._content = b"{}"
        response.headers["x-rate-limit-reset"] = "1"
        response.headers["retry-after"] = "0"
        return response

    def close(self) -> None:
        pass


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "failure",
    [429, 500, 503, 401, http_library.ConnectionError, http_library.Timeout],
    ids=str,
)
def test_tweepy_never_repeats_a_failed_request(
    name: str, failure: int | type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeated post would be a second post. `wait_on_rate_limit` repeats after 429."""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"slept for {seconds} s"))
    client = Client(
        Exchange(lambda _: requests.POST, (), base_url=BASE_URL), unnamed={}, newer_names=False
    )
    adapter = FailingAdapter(failure)
    client.session.mount("https://", adapter)
    with pytest.raises(Exception):  # noqa: B017, PT011 - of tweepy, or of its HTTP library
        CALLS[name](client)
    assert len(adapter.asked) == 1


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
    """tweepy logs headers and bodies, and its OAuth library tokens and bodies."""
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
