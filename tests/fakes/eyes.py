"""A stateful classifier over HTTP that reads coded marker tiles, and may hang, be busy, talk nonsense or disagree.

A tile is a grid of bright and dark cells: a mark, what it stands for, how many faces, and a text, with a check sum. It
survives JPEG, scaling and either background; anything else reads as a general picture of nobody.
"""

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

COLUMNS, ROWS = 16, 12
MARK = 0b1011001011010001
KINDS = ("G", "S", "N", "E", "MINOR", "X")
LONGEST = (COLUMNS * ROWS - 16 - 4 - 4 - 8 - 8) // 8


def tile(
    kind: str, *, faces: int = 0, text: str = "", edge: int = 384, bright: int = 255, dark: int = 0
) -> Image.Image:
    """TILE-kind with FACE(p) so many times and a text as pixels, four to three."""
    cells = _cells(kind, faces, text) * (bright - dark) + dark
    return Image.fromarray(cells.astype(np.uint8), "L").resize((edge, edge * 3 // 4), Image.Resampling.NEAREST)


def two_faced(on_white: str, on_black: str, *, edge: int = 384) -> Image.Image:
    """A picture that shows one tile on white and another on black."""
    above, below = _cells(on_white, 0, "") * 100 + 155, _cells(on_black, 0, "") * 100
    clear = (above - below).astype(np.uint8)
    shade = np.minimum(255, below * 255 // np.maximum(1, 255 - clear)).astype(np.uint8)
    image = Image.fromarray(np.dstack([shade, shade, shade, 255 - clear]).astype(np.uint8), "RGBA")
    return image.resize((edge, edge * 3 // 4), Image.Resampling.NEAREST)


def _cells(kind: str, faces: int, text: str) -> Any:
    body = text.encode("ascii")
    assert len(body) <= LONGEST, f"a tile holds {LONGEST} letters"
    data = bytes([KINDS.index(kind) << 4 | faces, len(body), *body.ljust(LONGEST, b"\xaa")])
    bits = [*_bits(MARK, 16), *(bit for byte in data for bit in _bits(byte, 8)), *_bits(sum(data) % 256, 8)]
    return np.array([*bits, *([1, 0] * COLUMNS)][: COLUMNS * ROWS]).reshape(ROWS, COLUMNS)


def _bits(number: int, count: int) -> list[int]:
    return [number >> place & 1 for place in reversed(range(count))]


def read(image: Image.Image) -> tuple[str, int, str] | None:
    """What a tile stands for, its faces and its text; None of any other picture."""
    grey = np.asarray(image.convert("L").resize((COLUMNS * 4, ROWS * 4), Image.Resampling.BOX), dtype=float)
    cells = grey.reshape(ROWS, 4, COLUMNS, 4)[:, 1:3, :, 1:3].mean(axis=(1, 3))
    bits = (cells > (cells.min() + cells.max()) / 2).astype(int).ravel()
    number = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits) - 7, 8)]
    data = bytes(number[2 : 4 + LONGEST])
    if number[0] << 8 | number[1] != MARK or number[4 + LONGEST] != sum(data) % 256 or data[1] > LONGEST:
        return None
    return KINDS[data[0] >> 4], data[0] & 15, data[2 : 2 + data[1]].decode("ascii")


@dataclass
class Eyes:
    """The server's state: who it says it is, what it does instead of answering, and how often it was asked."""

    name: str = "tiles"
    version: str = "1"
    status: int = 200
    garbage: bytes | None = None
    hang: bool = False
    instead: str = ""
    """A rating it gives whatever it sees."""
    asked: int = 0
    views: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def who(self) -> str:
        return f"{self.name}@{self.version}"

    def say(self, data: bytes) -> dict[str, Any]:
        """What it says of one view."""
        kind, faces, text = read(Image.open(io.BytesIO(data))) or ("G", 0, "")
        kind = self.instead or kind
        said: dict[str, Any] = {"rating": "X" if kind == "MINOR" else kind, "people": faces}
        if kind == "MINOR":
            said["prohibited"] = "minor"
        return {**said, "words": [text] if text else []}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Eyes

    def log_message(self, format: str, *args: Any) -> None:
        """The tests read `asked` instead."""

    def do_GET(self) -> None:
        self._answer({"name": self.state.name, "version": self.state.version})

    def do_POST(self) -> None:
        views = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["views"]
        self.state.asked += 1
        self.state.views = [view["name"] for view in views]
        said = [self.state.say(base64.b64decode(view["data"])) for view in views]
        self._answer({"name": self.state.name, "version": self.state.version, "views": said})

    def _answer(self, value: Any) -> None:
        if self.state.hang:
            self.state.release.wait(30)
            self.close_connection = True
            return
        data = self.state.garbage if self.state.garbage is not None else json.dumps(value).encode()
        self.send_response(self.state.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(state: Eyes | None = None) -> Iterator[Eyes]:
    """The fake on a free loopback port, until the block ends."""
    state = state or Eyes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
