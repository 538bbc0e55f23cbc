"""A stateful Ollama server over HTTP: models, a request log, scripted responses and injected
faults.

It reproduces behaviour of the real server that clients often get wrong: 404 for a missing model,
streamed NDJSON with a final `done` object, JSON only if `format` requests it, and the oldest
messages silently dropped beyond `num_ctx`. `/api/show` lists the capabilities of a model. Images
are rejected if the model does not support them or if they are not Base64 of a picture.
"""

import base64
import binascii
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS_PER_TOKEN = 0.75


@dataclass(frozen=True)
class ScriptedAnswer:
    """A scripted response. `cut` ends it with "length"; `breaks_off` closes the connection within
    an object."""

    text: str
    cut: bool = False
    breaks_off: bool = False


@dataclass(frozen=True)
class Fault:
    """A scripted fault: a status instead of a response, or no response until the test ends."""

    status: int = 0
    hang: bool = False


@dataclass
class FakeOllama:
    """The server's state. Tests set `script` and `faults`, and inspect `asked`."""

    models: list[str] = field(default_factory=lambda: ["llama3.2:latest"])
    script: deque[ScriptedAnswer] = field(default_factory=deque)
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    seen: list[list[dict[str, str]]] = field(default_factory=list)
    sees: set[str] = field(default_factory=set)
    """Models that accept images."""
    remote: dict[str, str] = field(default_factory=dict)
    """Models of the vendor's cloud, with their hosts."""
    pictures: list[bytes] = field(default_factory=list)
    """Images that a model received."""
    loaded: dict[str, int] = field(default_factory=dict)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def fail(self, path: str, *faults: Fault) -> None:
        """Queue faults for the next requests to `path`, one each."""
        self.faults.setdefault(path, deque()).extend(faults)

    def fault(self, path: str) -> Fault | None:
        waiting = self.faults.get(path)
        return waiting.popleft() if waiting else None

    def answer(self, request: dict[str, Any]) -> ScriptedAnswer:
        if self.script:
            return self.script.popleft()
        return ScriptedAnswer('{"text": "Bonjour"}' if request.get("format") else "Bonjour à vous")

    def has(self, name: str) -> bool:
        return name in self.models or f"{name}:latest" in self.models

    def can_see(self, name: str) -> bool:
        return bool({name, f"{name}:latest", name.removesuffix(":latest")} & self.sees)

    def show(self, name: str) -> dict[str, Any]:
        """Handle `/api/show`: https://docs.ollama.com/api#show-model-information"""
        vision = ["vision"] if self.can_see(name) else []
        about = {"capabilities": ["completion", *vision], "details": {"family": "llama"}}
        return (
            {**about, "remote_host": self.remote[name], "remote_model": name}
            if name in self.remote
            else about
        )

    def refusal(self, request: dict[str, Any]) -> str:
        """Return the reason why the images of a chat are rejected, or "". Accepted ones are added
        to `pictures`."""
        shown = [
            one for message in request.get("messages", ()) for one in message.get("images") or ()
        ]
        if shown and not self.can_see(request["model"]):
            return f'"{request["model"]}" does not support images'
        found = []
        for number, one in enumerate(shown):
            try:
                found.append(base64.b64decode(one, validate=True))
            except (binascii.Error, ValueError, TypeError):
                return f"illegal base64 data at input byte {number}"
            if not found[-1].startswith((b"\xff\xd8\xff", b"\x89PNG\r\n")):
                return "image: unknown format"
        self.pictures += found
        return ""

    def visible(self, request: dict[str, Any]) -> list[dict[str, str]]:
        """Return the messages within the context window. Older ones are dropped silently."""
        room = int(request.get("options", {}).get("num_ctx", 2048) * WORDS_PER_TOKEN)
        kept: list[dict[str, str]] = []
        for message in reversed(request["messages"]):
            room -= len(message["content"].split())
            if room < 0:
                break
            kept.insert(0, message)
        return kept


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeOllama

    def log_message(self, format: str, *args: Any) -> None:
        """Suppress logging; tests inspect `asked` instead."""

    def do_GET(self) -> None:
        routes: dict[str, Callable[[], Any]] = {
            "/api/tags": lambda: {
                "models": [{"name": name, "model": name} for name in self.state.models]
            },
            "/api/ps": lambda: {"models": [{"name": name} for name in self.state.loaded]},
            "/api/version": lambda: {"version": "0.12.0"},
        }
        if self._faulty():
            return
        route = routes.get(self.path)
        self._json(200, route()) if route else self._json(404, {"error": "not found"})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.state.asked.append(request)
        if self._faulty():
            return
        name = request.get("model", "")
        if not self.state.has(name):
            self._json(404, {"error": f"model '{name}' not found"})
            return
        if self.path == "/api/show":
            self._json(200, self.state.show(name))
            return
        if refusal := self.state.refusal(request):
            self._json(400, {"error": refusal})
            return
        if (
            request.get("keep_alive") == 0
            and not request.get("prompt")
            and not request.get("messages")
        ):
            self.state.loaded.pop(name, None)
            self._json(200, {"model": name, "response": "", "done": True, "done_reason": "unload"})
            return
        self.state.loaded[name] = len(self.state.asked)
        self.state.seen.append(self.state.visible(request))
        self._stream(name, request, self.state.answer(request))

    def _faulty(self) -> bool:
        fault = self.state.fault(self.path)
        if fault is None:
            return False
        if fault.hang:
            self.state.release.wait(30)
            self.close_connection = True
        else:
            self._json(fault.status, {"error": "busy"})
        return True

    def _json(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, name: str, request: dict[str, Any], says: ScriptedAnswer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pieces = [says.text[i : i + 7] for i in range(0, len(says.text), 7)]
        for piece in pieces:
            self._line(
                {"model": name, "message": {"role": "assistant", "content": piece}, "done": False}
            )
        if says.breaks_off:
            self._chunk(b'{"model": "' + name.encode())
            self.close_connection = True
            return
        self._line(
            {
                "model": name,
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "length" if says.cut else "stop",
                "prompt_eval_count": sum(len(m["content"].split()) for m in request["messages"]),
                "eval_count": len(pieces),
            }
        )
        self._chunk(b"")

    def _line(self, value: Any) -> None:
        self._chunk(json.dumps(value).encode() + b"\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


@contextmanager
def serving(state: FakeOllama | None = None) -> Iterator[FakeOllama]:
    """Run the fake on a free loopback port until the block ends."""
    state = state or FakeOllama()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
