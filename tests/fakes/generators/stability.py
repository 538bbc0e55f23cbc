"""A Stability AI over HTTP: keys, forms with pictures, and billing. The response is the picture,
and the service stores nothing.

Accepted and rejected inputs of each service: https://platform.stability.ai/docs/api-reference,
v2beta/stable-image.
"""

import io
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from tests.fakes.generators import picture_checks
from tests.fakes.generators.replicate import Fault, Meet, hold_nothing

TOKEN = "sk-secret-of-the-test"
MOST_SEED = 4_294_967_294
MOST_BODY = 10 * 1024 * 1024
SERVICES = {
    "generate/core": (),
    "generate/ultra": (),
    "generate/sd3": (),
    "edit/inpaint": ("image",),
    "control/style": ("image",),
}
"""Required pictures of each service."""

_TAKES = {
    "generate/core": (),
    "generate/ultra": ("image",),
    "generate/sd3": ("image",),
    "edit/inpaint": ("image", "mask"),
    "control/style": ("image",),
}
SHAPES = {"1:1": (96, 96), "16:9": (128, 72), "4:5": (64, 80), "3:2": (96, 64), "5:4": (80, 64)}


@dataclass
class FakeStability:
    """The service's state. Tests set `faults` and `ends`, and inspect `asked` and `billed`."""

    meet: Meet = hold_nothing
    """Called at `arrived`, `taken` and `fetched` (half of the picture sent)."""
    ends: str = "SUCCESS"
    credits: int = 100
    banned: str = "forbidden"
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[dict[str, str]] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    shown: list[dict[str, Image.Image]] = field(default_factory=list)
    """Pictures of each billed request, by part of its form."""
    billed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def make(
        self, service: str, form: dict[str, str], files: dict[str, tuple[str, bytes]]
    ) -> tuple[int, bytes]:
        """Generate and bill one picture for a request."""
        if service not in SERVICES:
            return 404, b"{}"
        seed, shape = form.get("seed", "0"), form.get("aspect_ratio", "1:1")
        if (
            not form.get("prompt")
            or not seed.isdecimal()
            or int(seed) > MOST_SEED
            or shape not in SHAPES
        ):
            return 400, b'{"name": "bad_request"}'
        shown = {
            name: picture_checks.open_picture(data, mime) for name, (mime, data) in files.items()
        }
        if not _fits(service, form, shown):
            return 400, b'{"name": "bad_request"}'
        if self.banned in form["prompt"]:
            return 403, b'{"name": "content_moderation"}'
        if not self.credits:
            return 402, b'{"name": "payment_required"}'
        self.credits, self.billed = self.credits - 1, self.billed + 1
        self.asked.append(form)
        self.services.append(service)
        self.shown.append({name: image for name, image in shown.items() if image is not None})
        out = io.BytesIO()
        digest = sha256(
            repr([service, sorted(form.items()), sorted(files.items())]).encode()
        ).digest()
        size = (
            shown["image"].size
            if shown.get("image") and service != "control/style"
            else SHAPES[shape]
        )
        Image.new("RGB", size, tuple(digest[:3])).save(out, "PNG")
        return 200, out.getvalue()


def _fits(service: str, form: dict[str, str], shown: dict[str, Image.Image | None]) -> bool:
    """Return True if a service accepts the pictures of a form and their parameters."""
    if any(image is None for image in shown.values()) or not set(SERVICES[service]) <= set(shown):
        return False
    if not set(shown) <= set(_TAKES[service]):
        return False
    begins = service in ("generate/ultra", "generate/sd3") and "image" in shown
    if ("strength" in form) != begins or (begins and not 0 <= float(form["strength"]) <= 1):
        return False
    if begins and "aspect_ratio" in form:
        return False
    if (form.get("mode", "text-to-image") == "image-to-image") != (
        begins and service == "generate/sd3"
    ):
        return False
    if not 0 <= float(form.get("fidelity", "0.5")) <= 1:
        return False
    image, mask = shown.get("image"), shown.get("mask")
    if service == "control/style" and image is not None and max(image.size) > 2.5 * min(image.size):
        return False
    if mask is not None and mask.mode not in ("1", "L"):
        return False
    return not any(picture_checks.has_metadata(one) for one in shown.values() if one is not None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeStability

    def log_message(self, format: str, *args: Any) -> None:
        """Suppress logging; tests inspect the state instead."""

    def do_GET(self) -> None:
        if self.path != "/v1/user/balance":
            return self._answer(404, b"{}")
        return self._answer(200 if self._may() else 401, b'{"credits": 1}')

    def do_POST(self) -> None:
        kind, body = (
            self.headers["Content-Type"],
            self.rfile.read(int(self.headers["Content-Length"])),
        )
        fault = self.state.faults.popleft() if self.state.faults else None
        if fault and not fault.reset_after:
            return self._strike(fault)
        if not self._may():
            return self._answer(401, b"{}")
        if not kind.startswith("multipart/form-data") or self.headers["Accept"] not in (
            "image/*",
            "application/json",
        ):
            return self._answer(400, b"{}")
        if len(body) > MOST_BODY:
            return self._answer(413, b"{}")
        form, files = _form(kind, body)
        prompt = form.get("prompt", "")
        if not self._met("arrived", prompt):
            return None
        with self.state.lock:
            status, data = self.state.make(
                self.path.removeprefix("/v2beta/stable-image/"), form, files
            )
        if fault or not self._met("taken", prompt):
            self.close_connection = True
            return None
        return self._answer(status, data, prompt)

    def _met(self, moment: str, prompt: str) -> bool:
        """Return True if the request continues. Otherwise close its connection."""
        going = self.state.meet(moment, prompt)
        self.close_connection = self.close_connection or not going
        return going

    def _may(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _strike(self, fault: Fault) -> None:
        if fault.hang:
            self.state.release.wait(30)
        elif fault.status:
            self._answer(fault.status, fault.body.encode())
        self.close_connection = True

    def _answer(self, status: int, data: bytes, prompt: str = "") -> None:
        self.send_response(status)
        if status == 200:
            self.send_header("finish-reason", self.state.ends)
        self.send_header("Content-Type", "image/png" if status == 200 else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        half = len(data) // 2
        self.wfile.write(data[:half])
        if not prompt or self._met("fetched", prompt):
            self.wfile.write(data[half:])


def _form(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """Return the text fields of a form, and its files with their media types."""
    parts = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
    )
    words: dict[str, str] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for part in parts.iter_parts():
        name, data = (
            str(part.get_param("name", header="content-disposition")),
            bytes(part.get_payload(decode=True)),
        )
        if part.get_filename() is None:
            words[name] = data.decode()
        elif name != "none":
            files[name] = (part.get_content_type(), data)
    return words, files


@contextmanager
def serving() -> Iterator[FakeStability]:
    """Run the fake."""
    state = FakeStability()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
