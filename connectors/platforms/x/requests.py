"""Requests to X, built by tweepy.

Each call of tweepy is one request, and its result is the parsed body. tweepy therefore never sees a
response: the other modules read responses as untrusted input. Uploads and the metadata of media are
built by `publisher` and `media`, because tweepy has neither in version 2 of the API, and the
revocation of tokens by `account`. tweepy is imported with the first request, so that a process that
sends nothing to X does not load it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connectors.contract.comments import COMMENTS_ACTION, MODERATE_ACTION
from connectors.contract.connector import (
    RefreshGrant,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.metrics import FOLLOWERS_STEP
from connectors.platforms.x.responses import is_unknown_field
from connectors.shared import oauth
from connectors.shared.http_responses import MESSAGE_STEP, quote_segment
from connectors.shared.sdk_codec import Exchange, SdkBreach, replay_call

if TYPE_CHECKING:
    from connectors.platforms.x.client import Client

PUBLISH = "publish"


def _template(name: str, kind: StepKind, action: str = "") -> WireStep:
    return WireStep(name, kind, "", "", action=action)


POST = _template(PUBLISH, StepKind.PUBLISH)
MESSAGE = _template(MESSAGE_STEP, StepKind.PUBLISH)
DELETE = _template("delete", StepKind.RESTRICT, "delete")
LOOK = _template("look", StepKind.CONTROL, "look")
METRICS = _template("metrics", StepKind.CONTROL, "metrics")
FOLLOWERS = _template(FOLLOWERS_STEP, StepKind.CONTROL, "metrics")
COMMENTS = _template(COMMENTS_ACTION, StepKind.CONTROL, "updates")
MODERATE = _template(MODERATE_ACTION, StepKind.CONTROL, MODERATE_ACTION)
UPDATES = _template("updates", StepKind.CONTROL, "updates")
VERIFY = _template("me", StepKind.CONTROL, "look")
"""Steps without their content: name, kind and action of a request."""


def build_request(
    template: WireStep,
    call: Callable[["Client"], object],
    answers: tuple[StepResult, ...] = (),
    *,
    unnamed: Mapping[str, Any] | None = None,
) -> Send:
    """Return the request of a call of `tweepy.Client`.

    Fields are requested by the names that all clients use or, if the first of `answers` refused
    these, by those of the newest API reference. `unnamed` are fields of the body that tweepy has no
    parameters for. IDs in `call` must be quoted, because tweepy inserts them into paths.
    """
    from connectors.platforms.x import client  # noqa: PLC0415  see above

    exchange = Exchange(lambda _: template, (), base_url=client.BASE_URL)
    newer_names = bool(answers) and is_unknown_field(answers[0])
    built = client.Client(exchange, unnamed=unnamed or {}, newer_names=newer_names)
    return _first_request(exchange, lambda: call(built))


def build_renewal_request(grant: RefreshGrant, path: str) -> Send:
    """Return the request that exchanges a refresh token for new tokens.

    tweepy builds its body with a placeholder for the refresh token; how the application
    authenticates and which secrets the response has is the same on every platform.
    """
    from connectors.platforms.x import client  # noqa: PLC0415  see above

    exchange = Exchange(lambda _: _template("", StepKind.AUTH), (), base_url=client.BASE_URL)
    built = _first_request(exchange, lambda: client.refresh_tokens(exchange, grant, path)).step
    said = {**(built.json or {}), oauth.REFRESH_TOKEN_FIELD: grant.refresh}
    step = replace(oauth.token_renewal_step(path, grant), method=built.method, path=built.path)
    return Send(replace(step, json=said, encoding=built.encoding))


def _first_request(exchange: Exchange, call: Callable[[], object]) -> Send:
    request = replay_call(exchange, call)
    if not isinstance(request, Send):
        raise SdkBreach("tweepy built no request")
    return request


def needs_reading(answers: tuple[StepResult, ...]) -> bool:
    """Return True if a read was not sent yet, or was refused for the names of its fields."""
    return not answers or (len(answers) == 1 and is_unknown_field(answers[0]))


def read_post(
    template: WireStep,
    number: str,
    answers: tuple[StepResult, ...] = (),
    fields: list[str] | None = None,
) -> Send:
    """Return the request for a post with the given fields besides its ID and text."""
    return build_request(
        template,
        lambda client: client.get_tweet(quote_segment(number), tweet_fields=fields),
        answers,
    )


def read_owner(template: WireStep, fields: list[str] | None = None) -> Send:
    """Return the request for the account that the token belongs to."""
    return build_request(template, lambda client: client.get_me(user_fields=fields))
