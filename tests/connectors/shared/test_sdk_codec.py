"""SDKs as codecs: stored answers are replayed, the first request without one is sent by us, and a
hidden retry sends nothing."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import Retry

from connectors.contract.connector import (
    FileRef,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.shared.requests_adapter import exchange_session
from connectors.shared.sdk_codec import (
    Exchange,
    Failed,
    RepeatedRequest,
    SdkBreach,
    SdkRequest,
    replay_call,
    replay_coroutine,
)
from foundation.sealed import Sealed
from gate.contract.units import Medium

BASE = "https://api.example"
PICTURE = Medium("a" * 64, "image/png", 100)
POST = SdkRequest("POST", f"{BASE}/posts", form={"text": "hello", "flag": True})
UPLOAD_HOST = "https://store.example"


def plan(request: SdkRequest) -> WireStep:
    if request.url.startswith(UPLOAD_HOST):
        return WireStep("put", StepKind.STAGE, "", "", token="none", deadline=120.0)
    if request.path == "/lease":
        secret = ("fields.policy", "key")
        return WireStep("lease", StepKind.STAGE, "", "", secret_fields=secret)
    kind = StepKind.CONTROL if request.method == "GET" else StepKind.PUBLISH
    return WireStep("look" if kind is StepKind.CONTROL else "publish", kind, "", "")


def exchange_of(*answers: StepResult) -> Exchange:
    return Exchange(plan, answers, base_url=BASE, media=(PICTURE,))


def good(step: str, body: Any = None, **more: Any) -> Response:
    return Response(step, 200, body={} if body is None else body, **more)


def sent_step(turn: object) -> WireStep:
    assert isinstance(turn, Send)
    return turn.step


LOST = st.sampled_from(
    (
        Response("publish", 503),
        Response("publish", 500, body={"error": "later"}),
        Response("publish", 429, {"retry-after": "1"}, {"error": "limit"}),
        Response("publish", 401, body={}),
        Response("publish", 200, body=None),
        StepAnswerLost("publish", "ReadError"),
        StepNotSent("publish", "ConnectError"),
    )
)


@given(answer=LOST, tries=st.integers(2, 5))
def test_lost_answer_or_error_is_never_shown_to_the_sdk(answer: StepResult, tries: int) -> None:
    """An SDK that retries 503, 429 and resets has nothing to retry: its first request ends it."""
    exchange = exchange_of(answer)
    asked = []

    def persistent_call() -> object:
        for _ in range(tries):
            asked.append(POST)
            try:
                return exchange.answer_request(POST)
            except Exception:
                continue
        return None

    assert replay_call(exchange, persistent_call) == Failed(answer)
    assert len(asked) == 1


@given(hidden=st.integers(1, 4), answered=st.booleans(), swallows=st.booleans())
def test_hidden_retry_is_a_breach_and_sends_nothing(
    hidden: int, answered: bool, swallows: bool
) -> None:
    """Whether the first request is answered or not, and even if the SDK handles every exception."""
    exchange = exchange_of(*([good("publish")] if answered else []))

    def retrying_call() -> None:
        for _ in range(hidden + 1):
            try:
                exchange.answer_request(POST)
            except BaseException:
                if not swallows:
                    raise

    if not answered and not swallows:  # unanswered, and the first request ends the run
        assert sent_step(replay_call(exchange, retrying_call)).name == "publish"
    else:
        with pytest.raises(RepeatedRequest):
            replay_call(exchange, retrying_call)


def test_swallowed_end_of_the_run_is_still_the_next_step() -> None:
    exchange = exchange_of()

    def deaf_call() -> str:
        try:
            exchange.answer_request(POST)
        except BaseException:
            return "posted"
        return "posted"

    step = sent_step(replay_call(exchange, deaf_call))
    assert (step.method, step.path, step.json, step.encoding) == (
        "POST",
        "/posts",
        {"text": "hello", "flag": True},
        "form",
    )


def test_pages_of_one_name_are_answered_in_order_and_each_only_once() -> None:
    def pages(exchange: Exchange, *urls: str) -> Callable[[], list[Any]]:
        return lambda: [exchange.answer_request(SdkRequest("GET", BASE + url)).body for url in urls]

    first, second = good("look", {"page": 1}), good("look", {"page": 2})
    exchange = exchange_of(first)
    assert sent_step(replay_call(exchange, pages(exchange, "/all", "/all?after=1"))).path == (
        "/all?after=1"
    )
    exchange = exchange_of(first, second)
    assert replay_call(exchange, pages(exchange, "/all", "/all?after=1")) == [
        {"page": 1},
        {"page": 2},
    ]
    exchange = exchange_of(first, second)
    with pytest.raises(RepeatedRequest):
        replay_call(exchange, pages(exchange, "/all", "/all"))


def test_secrets_and_files_are_placeholders_and_return_in_the_step() -> None:
    """The SDK reads neither; the step contains the sealed value and the reference of the file."""
    policy, key = Sealed(b"p"), Sealed(b"k")
    body = {"fields": [{"name": "Acl", "value": "public"}, {"name": "Policy"}]}
    lease = good("lease", body, sealed={"fields.policy": policy, "key": key})
    exchange = exchange_of(lease)

    def upload() -> object:
        answer = exchange.answer_request(
            SdkRequest("POST", f"{BASE}/lease", form={"name": "a.png"})
        )
        told = json.loads(exchange.shown_bytes(answer))
        form = {one["name"]: one["value"] for one in told["fields"]} | {"key": told["key"]}
        assert "sealed" not in str(form)
        files = {"file": ("a.png", exchange.file_bytes(PICTURE))}
        return exchange.answer_request(
            SdkRequest("POST", f"{UPLOAD_HOST}/b?c=1", form=form, files=files)
        )

    step = sent_step(replay_call(exchange, upload))
    assert (step.address, step.path, step.token) == ("//store.example/b?c=1", "/", "none")
    assert step.json == {"Acl": "public", "Policy": policy, "key": key}
    assert step.files == {"file": FileRef(PICTURE.sha256, PICTURE.mime, "a.png")}
    assert body["fields"][1] == {"name": "Policy"}  # the stored answer is unchanged


def test_placeholder_of_another_run_is_an_ordinary_text() -> None:
    """A text or a response cannot name a secret or a file: the placeholder is random."""
    earlier = exchange_of().file_bytes(PICTURE).decode()
    exchange = exchange_of()
    asked = SdkRequest("POST", f"{BASE}/posts", json={"text": earlier})
    assert sent_step(replay_call(exchange, lambda: exchange.answer_request(asked))).json == {
        "text": earlier
    }
    exchange = exchange_of()
    with pytest.raises(SdkBreach, match="a file that is not of this post"):
        replay_call(
            exchange,
            lambda: exchange.answer_request(SdkRequest("PUT", f"{BASE}/x", body=earlier.encode())),
        )


@pytest.mark.parametrize("url", ["https://evil.example/posts", f"{BASE}.evil.example/posts", BASE])
def test_credential_never_goes_to_another_host(url: str) -> None:
    exchange = exchange_of()
    with pytest.raises(SdkBreach, match="a request to"):
        replay_call(
            exchange, lambda: exchange.answer_request(SdkRequest("POST", url, json={"a": 1}))
        )


def test_unreadable_answer_is_a_failure_and_our_own_mistake_is_raised() -> None:
    answer = good("publish", {"unexpected": True})
    exchange = exchange_of(answer)
    failed = replay_call(exchange, lambda: exchange.answer_request(POST).body["id"])
    assert isinstance(failed, Failed)
    assert (failed.answer, type(failed.error)) == (answer, KeyError)
    exchange = exchange_of(answer)
    with pytest.raises(ZeroDivisionError):
        replay_call(exchange, lambda: 1 // 0)


def test_asynchronous_sdk_runs_without_a_loop_and_must_not_wait() -> None:
    async def post(exchange: Exchange) -> object:
        async with asyncio.Lock():
            return exchange.answer_request(POST).body

    exchange = exchange_of()
    assert sent_step(replay_coroutine(exchange, lambda: post(exchange))).name == "publish"
    exchange = exchange_of(good("publish", {"id": 1}))
    assert replay_coroutine(exchange, lambda: post(exchange)) == {"id": 1}
    with pytest.raises(SdkBreach, match="waited"):
        replay_coroutine(exchange_of(), lambda: asyncio.sleep(0))


def test_library_requests_sends_nothing_and_reads_the_stored_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its JSON and form bodies become steps; proxies of the environment are not used, and a mounted
    retry policy has no effect."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("the SDK slept"))
    exchange = exchange_of()
    session = exchange_session(exchange)
    session.adapters["https://"].max_retries = Retry(5)  # type: ignore[attr-defined]  # no HTTPAdapter
    headers = {"authorization": "Bearer placeholder"}
    step = sent_step(
        replay_call(
            exchange, lambda: session.post(f"{BASE}/posts", json={"a": [1]}, headers=headers)
        )
    )
    assert (step.json, step.encoding, dict(step.headers)) == ({"a": [1]}, "json", {})
    exchange = exchange_of(good("publish", {"id": 7}, headers={"content-encoding": "gzip"}))
    session = exchange_session(exchange)
    done = replay_call(exchange, lambda: session.post(f"{BASE}/posts", data={"a": "1"}).json())
    assert done == {"id": 7}
    exchange = exchange_of()
    session = exchange_session(exchange)
    step = sent_step(
        replay_call(exchange, lambda: session.get(f"{BASE}/all", params={"after": "x y"}))
    )
    assert (step.kind, step.path) == (StepKind.CONTROL, "/all?after=x+y")
    with pytest.raises(requests.exceptions.InvalidSchema):
        exchange_session(exchange_of()).get("http://api.example/all")
