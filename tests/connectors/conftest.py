"""Fixtures: a server that records requests, a transport to it, and permits for these steps."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.contract.connector import FileRef, Response, StepKind, WireStep
from connectors.transport.permit_record import MemoryPermitRecord
from connectors.transport.transport import AccountTarget, Transport
from foundation.errors import NotFound
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.permit import PERMIT_TTL, ControlOrder, Permit, RemovalOrder, sign_permit
from gate.contract.units import Rating, Subject

KEY = Ed25519PrivateKey.generate()
TENANT, CHANNEL = uuid7(), uuid7()
DATA = b"a picture"
TOKEN = Sealed(b"the-token")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class RecordingServer:
    """A server that records what it receives and returns the configured response."""

    url: str = ""
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answer: tuple[int, dict[str, str], bytes] = (200, {}, b'{"id":"1"}')


@pytest.fixture
def platform() -> Iterator[RecordingServer]:
    state = RecordingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.got.append((self.command, self.path, headers, body))
            status, more, answer = state.answer
            self.send_response(status)
            for name, value in {**more, "content-length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_DELETE = do_POST

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/base"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@dataclass
class TransportSetup:
    """A transport and the parts it was built from."""

    transport: Transport
    account: AccountTarget
    objects: dict[tuple[UUID, str], bytes]
    revealed: list[Sealed]
    outside: list[str]
    """Public base URL of the installation; empty if it has none."""

    def send(self, step: WireStep, authority: Any) -> Any:
        return self.transport.send(step, authority, account=self.account)


@pytest.fixture
def door(platform: RecordingServer) -> TransportSetup:
    objects: dict[tuple[UUID, str], bytes] = {(TENANT, sha(DATA)): DATA}
    revealed: list[Sealed] = []

    def reveal(tenant_id: UUID, sealed: Sealed) -> str:
        revealed.append(sealed)
        return sealed.box.decode()

    def read(tenant_id: UUID, sha256: str) -> bytes:
        if (tenant_id, sha256) not in objects:
            raise NotFound("object.unknown", sha256=sha256[:12])
        return objects[tenant_id, sha256]

    outside: list[str] = []

    def lend(of: Permit, file: FileRef) -> str:
        return f"{outside[0]}/{of.jti}/{file.sha256}" if outside else ""

    transport = Transport(
        http=HttpClient(),
        reveal=reveal,
        seal=lambda tenant_id, secret: Sealed(b"sealed:" + secret.encode()),
        read_object=read,
        verify_key=KEY.public_key(),
        record=MemoryPermitRecord(now=lambda: NOW),
        lend=lend,
    )
    return TransportSetup(
        transport,
        AccountTarget(TENANT, CHANNEL, "nova+key", platform.url, TOKEN),
        objects,
        revealed,
        outside,
    )


def sha(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


PUBLISH = WireStep(
    "publish", StepKind.PUBLISH, "POST", "/api/{account}/posts", {"text": "hé", "a": 1}
)
STAGE = WireStep("stage:1", StepKind.STAGE, "PUT", "/files/1", file=FileRef(sha(DATA), "image/png"))
DELETE = WireStep("delete", StepKind.RESTRICT, "DELETE", "/posts/p1", action="delete")
LOOK = WireStep("look", StepKind.CONTROL, "GET", "/posts?key=k", action="look")
AUTH = WireStep(
    "token",
    StepKind.AUTH,
    "POST",
    "/token",
    {"grant": "x"},
    token="none",
    secret_fields=("access", "more"),
)

REMOVAL = RemovalOrder(TENANT, CHANNEL, "delete", uuid7())
CONTROL = ControlOrder(TENANT, CHANNEL, "look")


def permit(step: WireStep, key: Ed25519PrivateKey = KEY, **changes: Any) -> Permit:
    claims: dict[str, Any] = {
        "jti": uuid7(),
        "tenant_id": TENANT,
        "channel_id": CHANNEL,
        "account": "nova+key",
        "surface": "sandbox.post",
        "subject": Subject("delivery", uuid7()),
        "step": step.name,
        "unit_digest": "0" * 64,
        "wire_digest": step.wire_digest(),
        "viewer": "",
        "flags": (),
        "points_at": (),
        "rating": Rating.G,
        "bundle": "test",
        "minted_at": NOW,
        "expires_at": NOW + PERMIT_TTL,
    }
    return sign_permit(Permit(**{**claims, **changes}), key)


HAND = WireStep(
    "hand_over",
    StepKind.PUBLISH,
    "HAND",
    "/tasks/k",
    {"caption": "hé"},
    files={"file0": FileRef(sha(DATA), "image/png")},
    to="person",
)
ASK = WireStep("take_back", StepKind.RESTRICT, "ASK", "/tasks/t", action="delete", to="person")


@pytest.fixture
def hands(door: TransportSetup, platform: RecordingServer) -> tuple[TransportSetup, list[str]]:
    """Return a transport that accepts manual tasks, and the list of the steps it received."""
    got: list[str] = []

    def take(step: WireStep, authority: Permit | RemovalOrder, account: AccountTarget) -> Response:
        got.append(step.name)
        return Response(step.name, 201, {}, {"task": "t1"})

    def read(tenant_id: UUID, sha256: str) -> bytes:
        return door.objects[tenant_id, sha256]

    transport = Transport(
        http=HttpClient(),
        reveal=lambda tenant_id, sealed: "",
        seal=lambda tenant_id, secret: Sealed(secret.encode()),
        read_object=read,
        verify_key=KEY.public_key(),
        record=MemoryPermitRecord(now=lambda: NOW),
        hand_over=take,
    )
    return replace(door, transport=transport), got
