"""A stateful Replicate over HTTP: tokens, schemas, predictions that advance with each poll, files
and billing.

It reproduces behaviour of the real service that clients often get wrong: there are no idempotency
keys; a prediction is billed once it has started, whatever its result; unknown inputs are dropped
silently but returned; an input out of bounds returns 422; inputs and outputs are deleted after an
hour; the list is paged, newest first, and a new prediction appears in it with a delay; files are on
another origin and accept no token. A picture inside a request must be valid and small; a mask must
have its size. https://replicate.com/docs/topics/predictions/input-files
"""

import io
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from foundation.ops.clock import wall_now
from tests.fakes.generators import picture_checks

TOKEN = "r8_secret-of-the-test"
MODEL, SHAPED, EDITS, LOOKS = "acme/portrait", "acme/shaped:5c7d", "acme/edits", "acme/looks:9a01"
MOST_INLINE = 256 * 1024

_NUMBER = {"type": "integer", "minimum": 1, "maximum": 50}
_SIZES = {name: {"type": "integer", "minimum": 64, "maximum": 1440} for name in ("width", "height")}
_SHOWN = {"type": "string", "format": "uri"}
_PART = {"type": "number", "minimum": 0, "maximum": 0.95}
_SHAPE = {"aspect_ratio": {"enum": ["1:1", "16:9", "3:4"], "type": "string"}}


def _schema(properties: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    told = {"prompt": {"type": "string"}, "seed": {"type": "integer"}, **properties}
    return {
        "components": {"schemas": {"Input": {"properties": told, "required": ["prompt"]}, **parts}}
    }


SCHEMAS = {
    MODEL: _schema({**_SIZES, "num_inference_steps": _NUMBER}),
    SHAPED: _schema(
        {"aspect_ratio": {"allOf": [{"$ref": "#/components/schemas/aspect_ratio"}]}}, **_SHAPE
    ),
    EDITS: _schema(
        {
            "image": _SHOWN,
            "mask": {**_SHOWN, "description": "Black is preserved"},
            "prompt_strength": _PART,
        }
    ),
    LOOKS: _schema({**_SIZES, "reference_images": {"type": "array", "items": _SHOWN}}),
}


@dataclass(frozen=True)
class Fault:
    """A fault of a request: a status, no response, or a reset before or after it was processed."""

    status: int = 0
    hang: bool = False
    reset: bool = False
    reset_after: bool = False
    body: str = '{"detail": "no"}'


Meet = Callable[[str, str], bool]
"""Callback with the stage of a request and its prompt. It may block the request, and returns True
if the request continues."""


def hold_nothing(_moment: str, _prompt: str) -> bool:
    """Let every request continue."""
    return True


@dataclass
class FakeReplicate:
    """The service's state. Tests set `faults`, `looks`, `ends` and `late`, and inspect `billed`,
    `asked` and `cancelled`."""

    meet: Meet = hold_nothing
    """Called at `described` (with the model as prompt), `arrived`, `taken`, `looked`, `listed` (of
    all) and `fetched` (half of the file sent)."""

    looks: int = 2
    """Number of polls until a prediction is complete. The first one starts it."""
    begins: bool = True
    ends: str = "succeeded"
    error: str | None = None
    late: int = 0
    """Number of reads of the list before a new prediction appears in it."""
    page: int = 100
    credit: bool = True
    throttled: int = 0
    """Number of next orders that are rate limited."""
    output: Any = None
    """Output of predictions instead of their picture."""
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    billed: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    tokens_at_files: list[str] = field(default_factory=list)
    lists: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    files_url: str = ""

    def fail(self, path: str, *faults: Fault) -> None:
        """Queue faults for the next requests to `path`, one each."""
        self.faults.setdefault(path, deque()).extend(faults)

    def age(self, hours: float) -> None:
        """Let hours pass. Predictions older than an hour lose their inputs, outputs and files."""
        for one in self.predictions.values():
            one["at"] -= timedelta(hours=hours)
            if one["at"] < wall_now() - timedelta(hours=1):
                one.update(input={}, output=None, data_removed=True)
                self.files.clear()

    def order(self, model: str, asked: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Create a prediction."""
        if not self.credit:
            return 402, {"title": "Insufficient credit", "status": 402}
        if self.throttled:
            self.throttled -= 1
            return 429, {"detail": "Request was throttled. Your rate limit resets in ~7s."}
        if model not in SCHEMAS:
            return 404, {"detail": "The requested resource could not be found."}
        given = asked.get("input", {})
        if wrong := _wrong(SCHEMAS[model]["components"]["schemas"], given):
            return 422, {"title": "Input validation failed", "detail": wrong}
        order = f"p{len(self.predictions):04}"
        told = {
            "id": order,
            "model": model,
            "status": "starting",
            "input": given,
            "output": None,
            "error": None,
        }
        self.predictions[order] = {
            **told,
            "logs": "",
            "started_at": None,
            "looks": 0,
            "at": wall_now(),
        }
        self.predictions[order]["listed_at"] = self.lists + self.late
        self.asked.append(given)
        return 201, self.told(order)

    def told(self, order: str) -> dict[str, Any]:
        """Return a prediction as the API does."""
        one = self.predictions[order]
        shown = {
            name: value for name, value in one.items() if name not in ("looks", "at", "listed_at")
        }
        return {**shown, "created_at": one["at"].isoformat()}

    def look(self, order: str) -> dict[str, Any]:
        """Return a prediction after advancing it by one step."""
        one = self.predictions[order]
        if one["status"] in ("starting", "processing") and self.begins:
            if not one["looks"]:
                one.update(status="processing", started_at=wall_now().isoformat())
                self.billed.append(order)
            one["looks"] += 1
            one["logs"] = "".join(
                f"\r{100 * n // (self.looks + 1)}%|##| {n}/3" for n in range(one["looks"] + 1)
            )
            if one["looks"] > self.looks:
                self._end(order, one)
        return self.told(order)

    def cancel(self, order: str) -> dict[str, Any]:
        """Cancel a prediction. A started one remains billed."""
        one = self.predictions[order]
        if one["status"] in ("starting", "processing"):
            one["status"] = "canceled"
            self.cancelled.append(order)
        return self.told(order)

    def listed(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return a page of the list."""
        self.lists += 1
        since = (
            datetime.fromisoformat(query["created_after"][0]) if "created_after" in query else None
        )
        stand = [
            one
            for one, told in reversed(self.predictions.items())
            if told["listed_at"] < self.lists
        ]
        known = [one for one in stand if since is None or self.predictions[one]["at"] >= since]
        first = int(query.get("cursor", ["0"])[0])
        more = first + self.page < len(known)
        following = (
            f"https://elsewhere.example/v1/predictions?cursor={first + self.page}" if more else None
        )
        return {
            "results": [self.told(one) for one in known[first : first + self.page]],
            "next": following,
        }

    def _end(self, order: str, one: dict[str, Any]) -> None:
        one.update(status=self.ends, error=self.error)
        if self.ends == "succeeded":
            name = f"/{order}/out-0.png"
            self.files[name] = _picture(one["input"])
            one["output"] = [self.files_url + name] if self.output is None else self.output


def _wrong(parts: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    if "prompt" not in given:
        return "- input: prompt is required\n"
    for name, one in parts["Input"]["properties"].items():
        if name not in given:
            continue
        if one.get("format") == "uri" or "items" in one:
            if not _shown(name, given):
                return f"- input.{name}: is no picture that is taken\n"
            continue
        kinds = {"string": str, "integer": int, "number": (int, float)}
        value, kind = given[name], kinds.get(one.get("type"), object)
        low, high = one.get("minimum", value), one.get("maximum", value)
        choices = parts.get(name, {}).get("enum", [value])
        if not isinstance(value, kind) or not low <= value <= high or value not in choices:
            return f"- input.{name}: is out of bounds\n"
    return ""


def _shown(name: str, given: Mapping[str, Any]) -> bool:
    """Return True if an input contains acceptable pictures. A mask must have the size of its
    picture."""
    many = given[name] if isinstance(given[name], list) else [given[name]]
    images = [picture_checks.open_inline_picture(one, most=MOST_INLINE) for one in many]
    if any(one is None or picture_checks.has_metadata(one) for one in images):
        return False
    if name != "mask":
        return True
    over = picture_checks.open_inline_picture(given.get("image"), most=MOST_INLINE)
    return (
        over is not None
        and images[0] is not None
        and (images[0].size, images[0].mode) == (over.size, "L")
    )


def _picture(given: Mapping[str, Any]) -> bytes:
    """Return a plain picture that depends only on the inputs of the model."""
    known = {name: value for name, value in given.items() if name != "greenroom"}
    digest = sha256(json.dumps(known, sort_keys=True).encode()).digest()
    out = io.BytesIO()
    Image.new("RGB", (given.get("width", 96), given.get("height", 64)), tuple(digest[:3])).save(
        out, "PNG"
    )
    return out.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeReplicate

    def log_message(self, format: str, *args: Any) -> None:
        """Suppress logging; tests inspect the state instead."""

    def do_GET(self) -> None:
        if not self._faulty():
            with self.state.lock:
                status, told = self._get(urlsplit(self.path).path.removeprefix("/v1"))
            if self._met(*_moment(urlsplit(self.path).path, told)):
                self._json(status, told)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        prompt = str(asked.get("input", {}).get("prompt", ""))
        if self._faulty(before=True) or not self._met("arrived", prompt):
            return
        with self.state.lock:
            status, told = self._post(urlsplit(self.path).path.removeprefix("/v1"), asked)
        if self._met("taken", prompt) and not self._faulty():
            self._json(status, told)

    def _met(self, moment: str, prompt: str) -> bool:
        """Return True if the request continues. Otherwise close its connection."""
        going = self.state.meet(moment, prompt)
        self.close_connection = self.close_connection or not going
        return going

    def _get(self, path: str) -> tuple[int, Any]:
        if not self._may():
            return 401, {"title": "Unauthenticated"}
        parts = path.strip("/").split("/")
        match parts:
            case ["account"]:
                return 200, {"username": "acme"}
            case ["predictions"]:
                return 200, self.state.listed(parse_qs(urlsplit(self.path).query))
            case ["predictions", order] if order in self.state.predictions:
                return 200, self.state.look(order)
            case ["models", owner, name] if f"{owner}/{name}" in SCHEMAS:
                return 200, {"latest_version": {"openapi_schema": SCHEMAS[f"{owner}/{name}"]}}
            case ["models", owner, name, "versions", version] if (
                f"{owner}/{name}:{version}" in SCHEMAS
            ):
                return 200, {"id": version, "openapi_schema": SCHEMAS[f"{owner}/{name}:{version}"]}
        return 404, {"detail": "The requested resource could not be found."}

    def _post(self, path: str, asked: dict[str, Any]) -> tuple[int, Any]:
        if not self._may():
            return 401, {"title": "Unauthenticated"}
        match path.strip("/").split("/"):
            case ["predictions"]:
                known = {one.partition(":")[2]: one for one in SCHEMAS if ":" in one}
                return self.state.order(known.get(str(asked.get("version")), ""), asked)
            case ["models", owner, name, "predictions"]:
                return self.state.order(f"{owner}/{name}", asked)
            case ["predictions", order, "cancel"] if order in self.state.predictions:
                return 200, self.state.cancel(order)
        return 404, {"detail": "The requested resource could not be found."}

    def _may(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _faulty(self, *, before: bool = False) -> bool:
        """Return True if a fault handled this request. A fault after acceptance applies once the
        request was processed."""
        waiting = self.state.faults.get(urlsplit(self.path).path)
        if not waiting or (before and waiting[0].reset_after):
            return False
        fault = waiting.popleft()
        if fault.hang:
            self.state.release.wait(30)
        elif fault.status:
            self._raw(fault.status, fault.body.encode(), "application/json")
        self.close_connection = True
        return True

    def _json(self, status: int, told: Any) -> None:
        self._raw(status, json.dumps(told, default=str).encode(), "application/json")

    def _raw(self, status: int, data: bytes, kind: str) -> None:
        self._begin(status, data, kind)
        self.wfile.write(data)

    def _begin(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()


def _moment(path: str, told: Mapping[str, Any]) -> tuple[str, str]:
    """Return the stage of a request and its prompt."""
    match path.strip("/").split("/"):
        case ["v1", "predictions"]:
            return "listed", ""
        case ["v1", "predictions", _]:
            return "looked", str((told.get("input") or {}).get("prompt", ""))
        case ["v1", "models", owner, name, *_]:
            return "described", f"{owner}/{name}"
    return "", ""


class _Files(_Handler):
    """The other origin, which serves the files."""

    def do_GET(self) -> None:
        self.state.tokens_at_files.append(self.headers.get("Authorization") or "")
        if self._faulty():
            return
        path = urlsplit(self.path).path
        found = self.state.files.get(path)
        if found is None:
            return self._json(404, {})
        half = len(found) // 2
        self._begin(200, found, "image/png")
        self.wfile.write(found[:half])
        if self._met(
            "fetched", str(self.state.predictions[path.split("/")[1]]["input"].get("prompt", ""))
        ):
            self.wfile.write(found[half:])
        return None


@contextmanager
def serving() -> Iterator[FakeReplicate]:
    """Run the fake."""
    state, servers = FakeReplicate(), []
    for kind in (_Handler, _Files):
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (kind,), {"state": state}))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
    state.url, state.files_url = (f"http://127.0.0.1:{one.server_address[1]}" for one in servers)
    try:
        yield state
    finally:
        state.release.set()
        for server in servers:
            server.shutdown()
            server.server_close()
