"""Client libraries (SDKs) of platforms as codecs: an SDK writes requests and reads responses, and
sends nothing.

`replay_call` runs the code of an SDK from its beginning for every step. An adapter in the place of
the SDK's connection hands it the stored answers; the first request without one becomes the next
step, which the transport sends under its own permit. The SDK has no socket, secret or file, only
placeholders. A lost answer and an error never reach it, so that it has nothing to retry, and a
request that is answered cannot be asked again.
"""

import json
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from connectors.contract.connector import (
    FileRef,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from foundation.sealed import Sealed
from gate.contract.units import Medium

TOKEN = "placeholder-token"
"""The credential that an SDK is given."""

Result = TypeVar("Result")


class SdkBreach(AssertionError):
    """An SDK did what only a bug explains. Nothing was sent."""


class RepeatedRequest(SdkBreach):
    """An SDK asked again for a request that is answered, or for a second one after an unanswered
    one: a hidden retry."""


class RequestPending(BaseException):
    """Ends the run of an SDK at a request without an answer. It is not an Exception, so that no SDK
    handles it."""


class _Unusable(BaseException):
    """Ends the run of an SDK at an answer that it must not see."""


@dataclass(frozen=True)
class Failed:
    """The end of an SDK's run without a result: `answer` is lost, not sent, no success, or
    (with `error`) a success that the SDK could not read or reports as an error."""

    answer: StepResult
    error: Exception | None = None


@dataclass(frozen=True)
class SdkRequest:
    """A request of an SDK. `form` and `json` exclude each other; `files` are the names and the
    placeholders of multipart files by part. Headers are left out: ours are in the plan."""

    method: str
    url: str
    form: Mapping[str, Any] | None = None
    json: Any = None
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    body: bytes = b""
    """The placeholder of a file that is the whole body."""

    @property
    def path(self) -> str:
        """Return the path of the URL."""
        return urlsplit(self.url).path


Plan = Callable[[SdkRequest], WireStep]
"""Returns the step of a request without its content: name, kind, headers, action, deadline, secrets
and credential. Its path is put before that of the request. With the credential `none` the request
goes to the host of its URL, which came from a response."""


class Exchange:
    """The place of a connection for one run of an SDK.

    Answers are found by the name of their step. Reads (kind control) of one name, such as pages,
    have different URLs and receive their answers in order; all other steps have one answer, the
    last of that name.
    """

    def __init__(
        self,
        plan: Plan,
        answers: Sequence[StepResult],
        *,
        base_url: str,
        media: Sequence[Medium] = (),
    ) -> None:
        self._plan = plan
        self._answers = answers
        self._base_url = base_url.rstrip("/")
        self._media = {medium.sha256: medium for medium in media}
        self._mark = f"placeholder-{secrets.token_hex(16)}:"
        self._sealed: dict[str, Sealed] = {}
        self._digests: dict[str, set[str]] = {}
        self.step: WireStep | None = None
        """The request without an answer."""
        self.failure: StepResult | None = None
        """The answer that the SDK must not see."""
        self.breach: SdkBreach | None = None
        self.last: StepResult | None = None
        """The last answer that the SDK read."""

    def file_bytes(self, medium: Medium) -> bytes:
        """Return the placeholder of a file. It cannot be guessed, so that no text or response
        contains it."""
        return f"{self._mark}{medium.sha256}".encode()

    def answer_request(self, request: SdkRequest) -> Response:
        """Return the stored response to a request, or end the run of the SDK.

        Raises ValueError for an upload URL without a host.
        """
        if self.step is not None or self.failure is not None or self.breach is not None:
            self.breach = self.breach or RepeatedRequest(f"{request.method} {request.path}")
            raise RequestPending
        step = self._build_step(request)
        answer = self._take_answer(step)
        if answer is None:
            self.step = step
            raise RequestPending
        if not isinstance(answer, Response) or not answer.is_success:
            self.failure = answer
            raise _Unusable
        self.last = answer
        return answer

    def shown_body(self, answer: Response) -> Any:
        """Return the body as the SDK reads it, with placeholders for the sealed values."""
        body = deepcopy(answer.body)
        for name, sealed in answer.sealed.items():
            placeholder = f"{self._mark}{answer.step}/{name}"
            self._sealed[placeholder] = sealed
            _put_value(body, name.split("."), placeholder)
        return body

    def shown_bytes(self, answer: Response) -> bytes:
        """Return `shown_body` as JSON."""
        return json.dumps(self.shown_body(answer)).encode()

    def _take_answer(self, step: WireStep) -> StepResult | None:
        """Return the answer of a step, None if it has none yet. Ends the run for a repetition."""
        digests = self._digests.setdefault(step.name, set())
        digest = step.wire_digest()
        if digest in digests or (digests and step.kind is not StepKind.CONTROL):
            self.breach = RepeatedRequest(step.name)
            raise RequestPending
        digests.add(digest)
        answers = [answer for answer in self._answers if answer.step == step.name]
        if step.kind is not StepKind.CONTROL:
            return answers[-1] if answers else None
        return answers[len(digests) - 1] if len(answers) >= len(digests) else None

    def _build_step(self, request: SdkRequest) -> WireStep:
        step = self._plan(request)
        if step.token == "none":
            target = urlsplit(request.url)
            if not target.netloc:
                raise ValueError("an upload URL without a host")
            query = f"?{target.query}" if target.query else ""
            step = replace(step, path="/", address=f"//{target.netloc}{target.path}{query}")
        else:
            step = replace(step, path=f"{step.path}{self._own_path(request)}")
        said = request.json if request.form is None else request.form
        values = self._open_values(said) if isinstance(said, Mapping) else said
        return replace(
            step,
            method=request.method,
            json=values or None,
            encoding="form" if request.form is not None and not request.files else step.encoding,
            file=self._file_of(request.body) if request.body else step.file,
            files={part: self._file_of(data, name) for part, (name, data) in request.files.items()},
        )

    def _own_path(self, request: SdkRequest) -> str:
        """Return path and query below the base URL. A request to another host ends the run."""
        path = request.url.removeprefix(self._base_url)
        if path == request.url or not path.startswith("/"):
            self.breach = SdkBreach(f"a request to {urlsplit(request.url).netloc}")
            raise RequestPending
        return path

    def _open_values(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values with the sealed ones in the place of their placeholders."""
        return {
            name: self._sealed.get(value, value) if isinstance(value, str) else value
            for name, value in said.items()
        }

    def _file_of(self, data: bytes, name: str = "") -> FileRef:
        medium = self._media.get(data.decode("utf-8", "replace").removeprefix(self._mark))
        if medium is None:
            self.breach = SdkBreach("a file that is not of this post")
            raise RequestPending
        return FileRef(medium.sha256, medium.mime, name)


def replay_call(exchange: Exchange, call: Callable[[], Result]) -> Send | Failed | Result:
    """Run an SDK's code and return its next request, its result, or the answer that ended it.

    An exception of the SDK after an answer is a `Failed` with that answer, because responses are
    untrusted; before the first answer it is a bug and raised. Raises SdkBreach.
    """
    try:
        result = call()
    except (RequestPending, _Unusable):
        return _resolve_end(exchange)
    except SdkBreach:
        raise
    except Exception as error:
        if (end := _end_of(exchange)) is not None:
            return end
        if exchange.last is None:
            raise
        return Failed(exchange.last, error)
    # An SDK that handles every exception continues with something else: what it asked counts.
    end = _end_of(exchange)
    return result if end is None else end


def replay_coroutine(
    exchange: Exchange, call: Callable[[], Coroutine[Any, Any, Result]]
) -> Send | Failed | Result:
    """Run the code of an asynchronous SDK as `replay_call` does, without an event loop: with stored
    answers it never waits. Raises SdkBreach if it waits."""
    return replay_call(exchange, lambda: _run_without_loop(call()))


def _run_without_loop(coroutine: Coroutine[Any, Any, Result]) -> Result:
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    coroutine.close()
    raise SdkBreach("the SDK waited for something else than a request")


def _end_of(exchange: Exchange) -> Send | Failed | None:
    if exchange.breach is not None:
        raise exchange.breach
    if exchange.step is not None:
        return Send(exchange.step)
    return Failed(exchange.failure) if exchange.failure is not None else None


def _resolve_end(exchange: Exchange) -> Send | Failed:
    end = _end_of(exchange)
    if end is None:
        raise SdkBreach("the run ended without a request")
    return end


def _put_value(body: Any, path: Sequence[str], value: str) -> None:
    """Put a value where the transport removed the secret (`response_filter.pop_path`). A path that
    the body does not have is ignored."""
    name, *rest = path
    if isinstance(body, list) and name.isdigit():
        if rest and int(name) < len(body):
            _put_value(body[int(name)], rest, value)
    elif isinstance(body, list):
        named = (one for one in body if isinstance(one, dict))
        found = next((one for one in named if str(one.get("name")).lower() == name), None)
        if found is not None and not rest:
            found["value"] = value
    elif isinstance(body, dict) and rest:
        _put_value(body.get(name), rest, value)
    elif isinstance(body, dict):
        body[name] = value
