"""praw without a connection: it writes requests and reads stored answers.

praw is pinned, because three of its private attributes are replaced: the retries of a session, the
pause before a request, and the session of an account. Its settings files and environment variables
have no effect. It is imported only in processes that send to Reddit.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import praw
import prawcore
import requests
from praw.models import Message, PostMedia
from prawcore.rate_limit import RateLimiter
from prawcore.sessions import FiniteRetryStrategy

from connectors.contract.connector import Send, StepResult
from connectors.shared.requests_adapter import exchange_session, stored_response
from connectors.shared.sdk_codec import (
    TOKEN,
    Exchange,
    Failed,
    Plan,
    SdkRequest,
    replay_call,
)
from gate.contract.units import Medium

BASE_URL = "https://oauth.reddit.com"
NAME = "greenroom"
KINDS = {
    "comment_kind": "t1",
    "message_kind": "t4",
    "redditor_kind": "t2",
    "submission_kind": "t3",
    "subreddit_kind": "t5",
    "trophy_kind": "t6",
}
Result = TypeVar("Result")

logging.getLogger("prawcore").setLevel(logging.WARNING)  # its DEBUG entries contain posts and texts


class Client:
    """praw for one run, with the placeholders of its files."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.reddit = _open_praw(exchange)

    def media_of(self, medium: Medium, name: str) -> PostMedia:
        """Return a file of the post for `submit`."""
        return PostMedia(self._exchange.file_bytes(medium), name=name)

    def thing_of(self, name: str) -> Any:
        """Return the post, comment or message with a full name, without reading it."""
        kind, _, number = name.partition("_")
        if kind == KINDS["submission_kind"]:
            return self.reddit.submission(number)
        if kind == KINDS["comment_kind"]:
            return self.reddit.comment(number)
        return Message(self.reddit, _data={"id": number})


def run_praw(
    plan: Plan,
    call: Callable[[Client], Result],
    answers: Sequence[StepResult] = (),
    media: Sequence[Medium] = (),
) -> Send | Failed | Result:
    """Run a call of praw with the answers so far, and return its next request or its end."""
    exchange = Exchange(plan, answers, base_url=BASE_URL, media=media)
    return replay_call(exchange, lambda: call(Client(exchange)))


class _StoredAnswers(prawcore.Requestor):
    """Has the stored answers of an exchange in the place of a connection."""

    def __init__(self, *, exchange: Exchange, **more: Any) -> None:
        super().__init__(session=exchange_session(exchange), **more)
        self._exchange = exchange

    def request(self, *args: Any, timeout: float | None = None, **said: Any) -> requests.Response:
        """Return the stored response to a request (method and URL), or end the run."""
        method, url = args
        query = f"?{urlencode(said['params'])}" if said.get("params") else ""
        asked = SdkRequest(
            method,
            url + query,
            form=dict(said.get("data") or ()) or None,
            json=said.get("json"),
            files=said.get("files") or {},
        )
        response = stored_response(self._exchange, asked)
        for name in [name for name in response.headers if name.lower().startswith("x-ratelimit")]:
            del response.headers[name]  # our limits are read from the stored answer
        return response


class _NoPause(RateLimiter):
    def delay(self) -> None:
        """Do nothing: the rate limits of accounts and applications decide before each send."""


class _NoRetries(FiniteRetryStrategy):
    def should_retry_on_failure(self) -> bool:
        """Return False: a request is sent once, under its permit."""
        return False


def _open_praw(exchange: Exchange) -> praw.Reddit:
    """Return praw with every setting stated, so that no settings file or environment variable of
    the computer counts."""
    requestor = {"exchange": exchange}
    reddit = praw.Reddit(
        "DEFAULT",
        client_id=NAME,
        client_secret=None,
        user_agent=NAME,
        oauth_url=BASE_URL,
        reddit_url=BASE_URL,
        refresh_token=None,
        username=None,
        password=None,
        redirect_uri=None,
        check_for_updates=False,
        check_for_async=False,
        ratelimit_seconds=-1,  # a refused post is not sent again
        requestor_class=_StoredAnswers,
        requestor_kwargs=requestor,
        **KINDS,
    )
    user = prawcore.UntrustedAuthenticator(
        client_id=NAME, requestor=_StoredAnswers(user_agent=NAME, oauth_url=BASE_URL, **requestor)
    )
    session = prawcore.session(
        authorizer=prawcore.ImplicitAuthorizer(
            authenticator=user, access_token=TOKEN, expires_in=10**6, scope="*"
        )
    )
    session._rate_limiter = _NoPause(window_size=600)
    session._retry_strategy_class = _NoRetries
    reddit._core = session  # type: ignore[assignment]  # praw infers None from its first value
    return reddit
