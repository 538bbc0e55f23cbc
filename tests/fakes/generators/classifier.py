"""A stateful classifier over HTTP that decodes marker tiles and tones, and can hang, be busy,
ignore sound, return garbage or disagree.

A tile is a grid of bright and dark cells: a marker, a kind, the number of faces, and a text, with a
checksum. It survives JPEG, scaling and both backgrounds. Any other picture is classified as
general, without faces.
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
from PIL import Image, ImageOps

from tests.fakes.generators.audio_tones import decode_tones

COLUMNS, ROWS = 16, 12
MARK = 0b1011001011010001
KINDS = ("G", "S", "N", "E", "MINOR", "X")
LONGEST = (COLUMNS * ROWS - 16 - 4 - 4 - 8 - 8) // 8
FACE = "\x1f"
"""Start of the list of faces in the text of a tile: a letter for each face, then its similarity to
that person, from 0 to 9."""

NUMBERS = 128


def draw_tile(
    kind: str,
    *,
    faces: int = 0,
    text: str = "",
    edge: int = 384,
    bright: int = 255,
    dark: int = 0,
    who: str = "",
) -> Image.Image:
    """Return a tile of a kind with a number of faces and a text, with the aspect ratio 4:3. `who`
    names distinguishable faces: `P9` is the face of P, `P0` is nothing like P."""
    faces, text = max(faces, len(who) // 2), text + (FACE + who if who else "")
    cells = _cells(kind, faces, text) * (bright - dark) + dark
    return Image.fromarray(cells.astype(np.uint8), "L").resize(
        (edge, edge * 3 // 4), Image.Resampling.NEAREST
    )


def face_vector(who: str, *, salt: str = "tiles-faces@1", mirrored: bool = False) -> list[float]:
    """Return the vector of a face for one model. Another model and a mirror image give other
    directions."""
    letter, own = who[0], int(who[1]) / 9
    mine, noise = (
        _direction(f"{salt} {letter} {mirrored}"),
        _direction(f"{salt} {who} {mirrored} noise"),
    )
    noise = noise - noise @ mine * mine
    return [
        round(float(x), 6) for x in own * mine + (1 - own**2) ** 0.5 * noise / np.linalg.norm(noise)
    ]


def _direction(name: str) -> Any:
    found = np.random.default_rng(list(name.encode())).normal(size=NUMBERS)
    return found / np.linalg.norm(found)


def draw_two_faced_tile(on_white: str, on_black: str, *, edge: int = 384) -> Image.Image:
    """Return a picture that shows one tile on white and another on black."""
    above, below = _cells(on_white, 0, "") * 100 + 155, _cells(on_black, 0, "") * 100
    clear = (above - below).astype(np.uint8)
    shade = np.minimum(255, below * 255 // np.maximum(1, 255 - clear)).astype(np.uint8)
    image = Image.fromarray(np.dstack([shade, shade, shade, 255 - clear]).astype(np.uint8), "RGBA")
    return image.resize((edge, edge * 3 // 4), Image.Resampling.NEAREST)


def _cells(kind: str, faces: int, text: str) -> Any:
    body = text.encode("ascii")
    assert len(body) <= LONGEST, f"a tile holds {LONGEST} letters"
    data = bytes([KINDS.index(kind) << 4 | faces, len(body), *body.ljust(LONGEST, b"\xaa")])
    bits = [
        *_bits(MARK, 16),
        *(bit for byte in data for bit in _bits(byte, 8)),
        *_bits(sum(data) % 256, 8),
    ]
    return np.array([*bits, *([1, 0] * COLUMNS)][: COLUMNS * ROWS]).reshape(ROWS, COLUMNS)


def _bits(number: int, count: int) -> list[int]:
    return [number >> place & 1 for place in reversed(range(count))]


def find_tile(image: Image.Image) -> tuple[tuple[str, int, str], bool] | None:
    """Return the content of a tile that fills a picture or its centre, straight or mirrored, and
    True if it is mirrored."""
    middle = image.crop(
        (image.width // 4, image.height // 4, image.width * 3 // 4, image.height * 3 // 4)
    )
    for part in (image, middle):
        for mirrored in (False, True):
            found = read_tile(ImageOps.mirror(part) if mirrored else part)
            if found is not None:
                return found, mirrored
    return None


def read_tile(image: Image.Image) -> tuple[str, int, str] | None:
    """Return the kind, the number of faces and the text of a tile, or None for any other picture."""
    grey = np.asarray(
        image.convert("L").resize((COLUMNS * 4, ROWS * 4), Image.Resampling.BOX), dtype=float
    )
    cells = grey.reshape(ROWS, 4, COLUMNS, 4)[:, 1:3, :, 1:3].mean(axis=(1, 3))
    bits = (cells > (cells.min() + cells.max()) / 2).astype(int).ravel()
    number = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits) - 7, 8)]
    data = bytes(number[2 : 4 + LONGEST])
    if (
        number[0] << 8 | number[1] != MARK
        or number[4 + LONGEST] != sum(data) % 256
        or data[1] > LONGEST
    ):
        return None
    return KINDS[data[0] >> 4], data[0] & 15, data[2 : 2 + data[1]].decode("ascii")


@dataclass
class FakeClassifier:
    """The server's state: its identity, its faults and its requests."""

    name: str = "tiles"
    version: str = "1"
    status: int = 200
    garbage: bytes | None = None
    hang: bool = False
    instead: str = ""
    """Rating for every picture, if set."""
    faces: str = ""
    """name@version of the face model. Empty if there is none."""
    vectors: list[Any] | None = None
    """Face vectors for every picture, if set."""
    asked: int = 0
    views: list[str] = field(default_factory=list)
    """Views of the last request."""
    every: list[str] = field(default_factory=list)
    """Views of all requests."""
    deaf: bool = False
    patience: int = 10**9
    """Number of requests to answer before the server reports that it is busy."""
    heard: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def who(self) -> str:
        return f"{self.name}@{self.version}"

    def say(self, data: bytes) -> dict[str, Any]:
        """Return the classification of one view."""
        (kind, faces, text), mirrored = find_tile(Image.open(io.BytesIO(data))) or (
            ("G", 0, ""),
            False,
        )
        kind = self.instead or kind
        text, _, who = text.partition(FACE)
        said: dict[str, Any] = {"rating": "X" if kind == "MINOR" else kind, "people": faces}
        if kind == "MINOR":
            said["prohibited"] = "minor"
        if self.faces:
            said["faces"] = self._told([who[at : at + 2] for at in range(0, len(who), 2)], mirrored)
        return {**said, "words": [text] if text else []}

    def _told(self, who: list[str], mirrored: bool) -> list[dict[str, Any]]:
        vectors = [face_vector(one, salt=self.faces, mirrored=mirrored) for one in who]
        if self.vectors is not None and who:
            vectors = self.vectors
        return [{"vector": each, "size": 0.5, "sure": 0.98} for each in vectors]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeClassifier

    def log_message(self, format: str, *args: Any) -> None:
        """Suppress logging; tests inspect `asked` instead."""

    def do_GET(self) -> None:
        self._answer({"name": self.state.name, "version": self.state.version})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.state.asked += 1
        if self.state.asked > self.state.patience:
            return self._answer({}, 503)
        if "sounds" in asked:
            return self._hear(asked["sounds"])
        views = asked["views"]
        self.state.every += [view["name"] for view in views]
        self.state.views = [view["name"] for view in views]
        said = [self.state.say(base64.b64decode(view["data"])) for view in views]
        named = {"face_model": self.state.faces} if self.state.faces else {}
        return self._answer(
            {"name": self.state.name, "version": self.state.version, "views": said, **named}
        )

    def _hear(self, sounds: Any) -> None:
        if self.state.deaf:
            return self._answer({"detail": "Not Found"}, 404)
        said = [decode_tones(base64.b64decode(sound["data"])) for sound in sounds]
        self.state.heard += said
        told = [{"rating": self.state.instead or "G", "transcript": words} for words in said]
        return self._answer(
            {"name": self.state.name, "version": self.state.version, "sounds": told}
        )

    def _answer(self, value: Any, status: int = 0) -> None:
        if self.state.hang:
            self.state.release.wait(30)
            self.close_connection = True
            return
        data = self.state.garbage if self.state.garbage is not None else json.dumps(value).encode()
        self.send_response(status or self.state.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(state: FakeClassifier | None = None) -> Iterator[FakeClassifier]:
    """Run the fake on a free loopback port until the block ends."""
    state = state or FakeClassifier()
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
