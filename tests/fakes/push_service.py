"""A push service (RFC 8030) with a browser: it verifies the sender's authentication (RFC 8292),
decrypts each message as a browser does (RFC 8291), and fails on request."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.ops.clock import wall_now
from tenants.notices.member_messages import PushSubscription

MAX_BODY = 4096


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class PushBrowser:
    """A subscribed browser: its keys, and the messages that it showed by tag."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = b"0123456789abcdef"
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def point(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def subscription(self) -> PushSubscription:
        return PushSubscription(self.endpoint, encode(self.point), encode(self.auth))

    def decrypt(self, body: bytes) -> bytes:
        """Return the plain text of a message with one record."""
        salt, length = body[:16], body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        info = b"WebPush: info\x00" + self.point + sender
        secret = _hkdf(self.private.exchange(ec.ECDH(), key), self.auth, info, 32)
        content = _hkdf(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _hkdf(secret, salt, b"Content-Encoding: nonce\x00", 12)
        plain = AESGCM(content).decrypt(nonce, record, None).rstrip(b"\x00")
        assert plain[-1:] == b"\x02", "the last record"
        return plain[:-1]


def _hkdf(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)


@dataclass
class PushService:
    """The service and its browsers. `modes` are used one by one: a status, or `lose` to process the
    request without an answer."""

    url: str = ""
    sender_key: str = ""
    """The only key whose messages the subscriptions accept."""
    modes: list[str] = field(default_factory=list)
    browsers: dict[str, PushBrowser] = field(default_factory=dict)
    requests: int = 0
    rejected: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_browser(self) -> PushBrowser:
        path = f"/push/{len(self.browsers) + 1}"
        self.browsers[path] = PushBrowser(f"{self.url}{path}")
        return self.browsers[path]

    def accept(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Return the status of a request, and show its message in the browser."""
        browser = self.browsers.get(path)
        if browser is None:
            return 410
        problem = self._problem(headers, body)
        if problem:
            self.rejected.append(problem)
            return 400
        told = json.loads(browser.decrypt(body))
        browser.shown[told["tag"]] = told
        return 201

    def _problem(self, headers: dict[str, str], body: bytes) -> str:
        if headers.get("content-encoding") != "aes128gcm" or len(body) > MAX_BODY:
            return "body"
        if not headers.get("ttl", "").isdigit() or len(headers.get("topic", "")) > 32:
            return "headers"
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        parts = dict(one.strip().split("=", 1) for one in rest.split(","))
        if scheme != "vapid" or parts.get("k") != self.sender_key:
            return "key"
        signed, _, signature = parts["t"].rpartition(".")
        claims = json.loads(decode(signed.split(".")[1]))
        raw = decode(signature)
        pair = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(self.sender_key))
        try:
            key.verify(encode_dss_signature(*pair), signed.encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            return "signature"
        lives = claims["exp"] - wall_now().timestamp()
        if claims["aud"] != self.url or not 0 < lives <= 24 * 3600:
            return "claims"
        return "" if claims["sub"].startswith(("mailto:", "https:")) else "contact"


def _handler(service: PushService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with service.lock:
                service.requests += 1
                mode = service.modes.pop(0) if service.modes else ""
                status = (
                    service.accept(self.path, headers, body) if mode in ("", "lose") else int(mode)
                )
            if mode == "lose":
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write no log."""

    return Handler


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run a push service on a free port."""
    service = PushService()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
