"""A stateful ElevenLabs over HTTP: a key, voices, a character quota that every generated sound is
billed to, and injected faults.

It reproduces behaviour of the real service that clients often get wrong: it bills generated sounds
even if the response is lost, the same request twice generates and bills two sounds, rejections are
not billed, and a model without language support rejects one. Source:
https://elevenlabs.io/docs/api-reference/text-to-speech/convert and
https://help.elevenlabs.io/hc/en-us/articles/19572237925521
"""

import json
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from imageio_ffmpeg import get_ffmpeg_exe

KEY = "xi-test-key-0123456789"
MODELS = {"eleven_multilingual_v2": (10_000, False), "eleven_flash_v2_5": (40_000, True)}
"""Maximum characters of a request, and True if the model accepts a language."""

VOICES: list[dict[str, Any]] = [
    {"voice_id": "JBFqnCBsd6RMkjVDRZzb", "name": "George", "category": "premade"},
    {"voice_id": "lea0000000000000own1", "name": "Léa", "category": "cloned"},
]


@cache
def sound(tenths: int) -> bytes:
    """Return an MP3 of a length in tenths of a second."""
    tone = f"sine=frequency=330:duration={tenths / 10}"
    asked = [
        get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        tone,
        "-b:a",
        "128k",
        "-f",
        "mp3",
        "pipe:1",
    ]
    return subprocess.run(asked, capture_output=True, timeout=60, check=True).stdout


@dataclass
class FakeElevenLabs:
    """The account. `faults` apply to the next speech requests, one each: an error status, `lose`
    (generated and billed, connection closed), `hang` (the same without closing), `noise` (billed,
    but not a sound), `down` (billed, then 503)."""

    quota: int = 10_000
    voices: list[dict[str, Any]] = field(default_factory=lambda: [dict(voice) for voice in VOICES])
    billed: int = 0
    made: list[dict[str, Any]] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    running: int = 0
    most_running: int = 2
    lock: threading.Lock = field(default_factory=threading.Lock)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeElevenLabs

    def log_message(self, format: str, *args: Any) -> None:
        """Suppress logging; tests inspect the state instead."""

    def do_GET(self) -> None:
        if not self._known():
            return
        if self.path == "/v1/voices":
            self._json(200, {"voices": self.state.voices})
        else:
            self._refuse(404, "not_found")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._known():
            return
        with self.state.lock:
            if self.state.running >= self.state.most_running:
                return self._refuse(429, "too_many_concurrent_requests")
            self.state.running += 1
        try:
            self._speak(body)
        finally:
            with self.state.lock:
                self.state.running -= 1

    def _speak(self, body: bytes) -> None:
        told, place = json.loads(body), urlsplit(self.path)
        fault = self.state.faults.popleft() if self.state.faults else ""
        if refusal := (fault if fault == "system_busy" else "") or self._wrong(told, place.path):
            status = {
                "system_busy": 429,
                "quota_exceeded": 401,
                "voice_not_found": 404,
                "value_error": 422,
            }
            return self._refuse(status.get(refusal, 400), refusal)
        if parse_qs(place.query).get("output_format") != ["mp3_44100_128"]:
            return self._refuse(403, "output_format_not_allowed")
        with self.state.lock:
            self.state.billed += len(told["text"])
            self.state.made.append({**told, "voice_id": place.path.rsplit("/", 1)[1]})
        self._answer(told, fault)

    def _wrong(self, told: dict[str, Any], path: str) -> str:
        most, speaks = MODELS.get(told.get("model_id", ""), (0, False))
        if not most or not 0 <= told.get("seed", 0) < 2**32 or not told.get("text"):
            return "value_error"
        if path.removeprefix("/v1/text-to-speech/") not in {
            voice["voice_id"] for voice in self.state.voices
        }:
            return "voice_not_found"
        if "language_code" in told and not speaks:
            return "unsupported_language"
        if len(told["text"]) > most:
            return "max_character_limit_exceeded"
        return "quota_exceeded" if self.state.billed + len(told["text"]) > self.state.quota else ""

    def _answer(self, told: dict[str, Any], fault: str) -> None:
        if fault == "hang":
            self.state.release.wait(30)
        if fault in ("hang", "lose"):
            self.close_connection = True
            self.connection.close()
            return
        if fault == "down":
            return self._refuse(503, "server_error")
        data = b"<html>" if fault == "noise" else sound(max(5, len(told["text"]) // 2))
        self.send_response(200)
        self.send_header("Content-Type", "audio/mpeg")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("character-cost", str(len(told["text"])))
        self.end_headers()
        self.wfile.write(data)

    def _known(self) -> bool:
        if self.headers.get("xi-api-key") == KEY:
            return True
        self._refuse(401, "invalid_api_key")
        return False

    def _refuse(self, status: int, code: str) -> None:
        self._json(status, {"detail": {"status": code, "message": f"words of theirs about {KEY}"}})

    def _json(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore connections that the fake itself closed."""


@contextmanager
def serving(state: FakeElevenLabs | None = None) -> Iterator[FakeElevenLabs]:
    """Run the fake on a free loopback port until the block ends."""
    state = state or FakeElevenLabs()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
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
