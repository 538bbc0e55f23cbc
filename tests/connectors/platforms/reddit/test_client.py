"""praw without a connection: it retries nothing, never pauses, and no setting of the computer
counts."""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import praw
import prawcore
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.platforms.reddit import client
from connectors.platforms.reddit.account import NSFW_MARK
from connectors.platforms.reddit.publisher import PUBLISH, Reddit
from connectors.shared import requests_adapter
from connectors.shared.sdk_codec import TOKEN, Exchange, Failed, RepeatedRequest, SdkRequest
from gate.contract.units import Text
from tests.connectors.platforms.reddit.test_publisher import (
    PICTURES,
    UNIT,
    lease,
    sent,
    step_of,
)
from tests.connectors.platforms.reddit.test_videos import FILM, FILMED, leased, put

PLATFORM = Reddit()
STEP = WireStep("publish", StepKind.PUBLISH, "", "")
REFUSALS = (
    *(Response("publish", status) for status in (408, 429, 500, 502, 503, 504, 520, 522)),
    Response("publish", 401, body={}),
    StepAnswerLost("publish", "ReadError"),
    StepAnswerLost("publish", "ReadTimeout"),
    StepNotSent("publish", "ConnectError"),
)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("praw paused"))


def test_private_attributes_that_are_replaced_exist_in_the_pinned_versions() -> None:
    """`Session._retry_strategy_class`, `Session._rate_limiter` and `Reddit._core`: a new version
    must be checked for other retries and pauses before it is pinned."""
    assert (version("praw"), version("prawcore")) == ("8.0.3", "4.0.0")
    plain = prawcore.session(authorizer=prawcore.ImplicitAuthorizer(
        authenticator=prawcore.UntrustedAuthenticator(
            client_id="-", requestor=prawcore.Requestor(user_agent="greenroom")
        ),
        access_token="-",
        expires_in=60,
        scope="*",
    ))  # fmt: skip
    assert plain._retry_strategy_class is prawcore.sessions.FiniteRetryStrategy
    assert type(plain._rate_limiter) is prawcore.rate_limit.RateLimiter
    used: list[praw.Reddit] = []
    client.run_praw(lambda _: STEP, lambda one: used.append(one.reddit))
    [reddit] = used
    assert reddit._core is not None
    assert reddit._core._retry_strategy_class is not plain._retry_strategy_class
    assert type(reddit._core._rate_limiter) is not type(plain._rate_limiter)
    assert not reddit.read_only


@pytest.mark.parametrize("answer", REFUSALS, ids=lambda one: str(getattr(one, "status", one)))
def test_praw_retries_no_failure(answer: StepResult) -> None:
    """Without this, praw sent a post again after 503 and so posted twice."""
    calls: list[object] = []

    def call(one: client.Client) -> object:
        calls.append(one)
        return one.reddit.subreddit("lakes").submit("A lake", selftext="")

    assert client.run_praw(lambda _: STEP, call, (answer,)) == Failed(answer)
    assert len(calls) == 1


class SeenFailures(Exchange):
    """Shows praw the failures that an exchange keeps from it, and counts its requests."""

    def __init__(self, failure: int | str) -> None:
        super().__init__(lambda _: STEP, (), base_url=client.BASE_URL)
        self._failure = failure
        self.urls: list[str] = []

    def answer_request(self, request: SdkRequest) -> Response:
        self.urls.append(request.url)
        if isinstance(self._failure, int):
            return Response("publish", self._failure, body={})
        reset = requests.exceptions.ConnectionError(self._failure)
        raise prawcore.RequestException(reset, (), {})


@pytest.mark.parametrize("failure", [503, 429, 500, 408, 401, "reset"])
def test_praw_repeats_no_request_even_if_it_sees_the_failure(failure: int | str) -> None:
    """The second protection: it holds if a failure reaches praw."""
    exchange = SeenFailures(failure)
    with pytest.raises((prawcore.PrawcoreException, KeyError)):  # KeyError: 401 without a reason
        client.Client(exchange).reddit.subreddit("lakes").submit("A lake", selftext="")
    assert exchange.urls == ["https://oauth.reddit.com/api/submit/?raw_json=1"]


def test_rate_limit_refusal_in_a_success_is_not_repeated() -> None:
    """praw repeats a post up to three times after the error RATELIMIT."""
    body = {"json": {"errors": [["RATELIMIT", "Take a break for 1 second.", "ratelimit"]]}}
    turn = client.run_praw(
        lambda _: STEP,
        lambda one: one.reddit.subreddit("lakes").submit("A lake", selftext=""),
        (
            Response(
                "publish", 200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, body
            ),
        ),
    )
    assert isinstance(turn, Failed)
    assert isinstance(turn.error, praw.exceptions.RedditAPIException)


def test_hidden_repetition_is_a_breach() -> None:
    def twice(one: client.Client) -> None:
        for _ in range(2):
            one.reddit.post("api/submit/", data={"title": "A lake"})

    with pytest.raises(RepeatedRequest):
        client.run_praw(lambda _: STEP, twice, (Response("publish", 200, body={}),))


@pytest.fixture
def planted_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plant a settings file and variables that would send the account's token elsewhere."""
    planted = ("oauth_url=https://evil.example", "comment_kind=t9", "refresh_token=theirs")
    (tmp_path / "praw.ini").write_text("\n".join(("[DEFAULT]", *planted, "")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("praw_site", "evil")
    monkeypatch.setenv("praw_username", "evil")
    monkeypatch.setenv("praw_reddit_url", "https://evil.example")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setattr(praw.config.Config, "CONFIG", None)
    yield
    praw.config.Config.CONFIG = None


@pytest.mark.usefixtures("planted_settings")
def test_settings_of_the_computer_have_no_effect() -> None:
    step = step_of(PLATFORM.next_step(UNIT, ()))
    assert step.path == "/api/submit/?raw_json=1"
    reply = client.run_praw(lambda _: STEP, lambda one: one.thing_of("t1_c1").reply("thanks"))
    assert isinstance(reply, Send)
    assert (reply.step.path, dict(reply.step.json or {})["thing_id"]) == (
        "/api/comment/?raw_json=1",
        "t1_c1",
    )


GALLERY = (
    replace(UNIT, media=PICTURES),
    {one.step: one for number in (0, 1) for one in (lease(number), sent(number))},
)
VIDEO = (
    FILMED,
    {one.step: one for medium in (FILM, PICTURES[0]) for one in (leased(medium), put(medium))},
)


@settings(max_examples=25)
@given(
    post=st.sampled_from([GALLERY, VIDEO]),
    title=st.text(min_size=1, max_size=300).filter(str.strip),
    adult=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_post_continues_after_any_answer_with_the_same_request(
    post: tuple[Any, dict[str, Response]], title: str, adult: bool, order: Any
) -> None:
    """After a crash the stored answers lead to the same bytes, in any order, so that the permit of
    the next step covers them."""
    unit = replace(post[0], texts=(Text("title", title),), flags=(NSFW_MARK,) if adult else ())
    answers: tuple[StepResult, ...] = ()
    names = []
    while (step := step_of(PLATFORM.next_step(unit, answers))).name != PUBLISH:
        names.append(step.name)
        known = list(answers)
        order.shuffle(known)
        assert step_of(PLATFORM.next_step(unit, tuple(known))).wire_digest() == step.wire_digest()
        answers = (*answers, post[1][step.name])
    assert sorted(names) == sorted(post[1])
    assert (step.json["title"], step.json["nsfw"]) == (title, adult)


def test_picture_that_a_gallery_contains_twice_is_uploaded_twice() -> None:
    unit = replace(UNIT, media=(PICTURES[0], PICTURES[0]))
    answers: tuple[StepResult, ...] = ()
    names = []
    while (step := step_of(PLATFORM.next_step(unit, answers))).name != PUBLISH:
        names.append(step.name)
        answers = (*answers, replace(sent(0) if step.files else lease(0), step=step.name))
    assert len(set(names)) == 4
    assert [one["media_id"] for one in step.json["items"]] == ["asset0", "asset0"]


@pytest.mark.parametrize(
    "asset", [None, 7, {"id": "a"}, "../a", "a" * 64, "", "a b"], ids=lambda one: str(one)[:8]
)
def test_gallery_refuses_an_id_that_is_none(asset: object) -> None:
    unit = replace(UNIT, media=PICTURES)
    first = lease(0)
    hostile = replace(first, body={**first.body, "asset": {"asset_id": asset}})
    turn = PLATFORM.next_step(unit, (hostile, sent(0), lease(1), sent(1)))
    assert not isinstance(turn, Send)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def hostile_leases() -> st.SearchStrategy[Any]:
    """Leases in which any part is missing or has another type."""
    name = st.sampled_from(["key", "policy", "acl", "\ud800"]) | JSON
    fields = st.lists(st.fixed_dictionaries({}, optional={"name": name, "value": JSON}), max_size=3)
    action = st.sampled_from(
        [
            "//oauth.reddit.com/api/submit",
            "//127.0.0.1:1",
            "https://evil.example",
            "evil",
            "//[::1",
            "",
        ]
    )
    args = st.fixed_dictionaries({}, optional={"action": action | JSON, "fields": fields | JSON})
    return (
        st.fixed_dictionaries({}, optional={"args": args | JSON, "asset": JSON, "json": JSON})
        | JSON
    )


@given(body=hostile_leases(), receipt=JSON)
def test_hostile_response_always_has_an_outcome(body: Any, receipt: Any) -> None:
    """No response raises, and none leads to a post or a credential for another host."""
    unit = replace(UNIT, media=PICTURES[:1])
    answers = (replace(lease(0), body=body), replace(sent(0), body=receipt))
    for known in (answers[:1], answers):
        turn = PLATFORM.next_step(unit, known)
        if isinstance(turn, Send):
            turn.step.wire_digest()
            assert turn.step.kind is not StepKind.PUBLISH or len(known) == 2
            assert turn.step.token == ("none" if turn.step.address else "bearer")


def test_logs_contain_neither_texts_nor_credentials(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert step_of(PLATFORM.next_step(UNIT, ())).json["text"] == "at dawn"
    assert not [record for record in caplog.records if "prawcore" in record.name]
    assert "at dawn" not in caplog.text
    assert TOKEN not in caplog.text


def test_client_has_no_connection() -> None:
    """Every way of praw to the network ends in the exchange."""
    found: list[requests.Session] = []
    client.run_praw(
        lambda _: STEP,
        lambda one: found.extend(
            core.requestor._http
            for core in (one.reddit._core, one.reddit._read_only_core)
            if core is not None
        ),
    )
    assert len(found) == 2
    for session in found:
        adapters = list(session.adapters.values())
        assert [type(one) for one in adapters] == [requests_adapter.ExchangeAdapter]
        assert not session.trust_env
