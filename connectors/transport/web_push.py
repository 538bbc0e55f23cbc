"""Web Push messages to browsers of members: encrypted (RFC 8291), authenticated (VAPID, RFC 8292)
and sent to the push service of the browser (RFC 8030).

They are sent under a `NoticeOrder` and contain only texts of the catalogues and a path of the
dashboard. The push service sees neither, because the browser's key encrypts them.
"""

import base64
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.transport import notice_content
from connectors.transport.transport import EgressForbidden
from foundation.http.http_client import (
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
)
from foundation.i18n.translation import Message, render_message
from foundation.ops import telemetry
from gate.contract.permit import NoticeOrder

PUSH_STEP = "push"
PUSH_SECONDS = 10.0
TIME_TO_LIVE = timedelta(hours=12)
"""Time for which the push service keeps a message for a browser that is offline."""

VAPID_LIVES = timedelta(hours=12)
"""Validity of the authentication; at most 24 hours are allowed."""

RECORD_SIZE = 4096
MAX_PAYLOAD = 3000
"""Maximum bytes of a payload; push services accept 4096 bytes encrypted."""

_CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

log = telemetry.get_logger("connectors.transport.web_push")


@dataclass(frozen=True)
class OutgoingPush:
    """A message to a browser. `id` is the same for all attempts, so that a browser shows duplicates
    once. `path` is the page that a click opens."""

    id: UUID
    tenant_id: UUID
    member_id: UUID
    language: str
    title: Message
    lines: tuple[Message, ...]
    path: str
    at: datetime
    endpoint: str = field(repr=False)
    key: str = field(repr=False)
    auth: str = field(repr=False)


class PushTransport:
    """Sends Web Push messages and stores nothing. `house` is the URL of the dashboard, which also
    identifies this installation to push services."""

    def __init__(self, http: HttpClient, key: ec.EllipticCurvePrivateKey, *, house: str) -> None:
        self._http = http
        self._key = key
        self._house = house.rstrip("/")

    def send(self, push: OutgoingPush, order: NoticeOrder) -> StepResult:
        """Send one message. Raises EgressForbidden if the order is for another member, or if a
        parameter was not created by this installation."""
        if (order.tenant_id, order.member_id) != (push.tenant_id, push.member_id):
            raise EgressForbidden("egress.other_account", step=PUSH_STEP)
        link = Message("mail.foot", {"link": f"{self._house}{push.path}"})
        notice_content.check_messages((push.title, *push.lines, link), PUSH_STEP, house=self._house)
        request = HttpRequest(
            "POST",
            push.endpoint,
            {
                "content-type": "application/octet-stream",
                "content-encoding": "aes128gcm",
                "ttl": str(int(TIME_TO_LIVE.total_seconds())),
                "urgency": "high",
                "topic": push.id.hex,
                "authorization": self._authorize(push),
                "user-agent": "greenroom",
            },
            encrypt_payload(_build_payload(push), push.key, push.auth),
            PUSH_SECONDS,
            0,
        )
        answer = self._exchange(request)
        status = answer.status if isinstance(answer, Response) else None
        log.info(
            "push.handed_over", push=str(push.id), status=status, outcome=type(answer).__name__
        )
        return answer

    def _exchange(self, request: HttpRequest) -> StepResult:
        answer = self._http.send(request)
        if isinstance(answer, HttpResponse):
            return Response(PUSH_STEP, answer.status, {}, {})
        if isinstance(answer, RequestNotSent):
            return StepNotSent(PUSH_STEP, answer.detail)
        return StepAnswerLost(PUSH_STEP, answer.detail)

    def _authorize(self, push: OutgoingPush) -> str:
        """Return the header that identifies this installation to the push service."""
        parts = urlsplit(push.endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((push.at + VAPID_LIVES).timestamp()),
            "sub": _contact_of(self._house),
        }
        head = _encode(json.dumps({"typ": "JWT", "alg": "ES256"}).encode())
        signed = f"{head}.{_encode(json.dumps(claims).encode())}"
        pair = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = b"".join(number.to_bytes(32, "big") for number in pair)
        return f"vapid t={signed}.{_encode(signature)}, k={public_key_of(self._key)}"


def _contact_of(house: str) -> str:
    """Return the contact for push services, which must be an https or a mailto URL."""
    if house.startswith("https://"):
        return house
    return f"mailto:greenroom@{urlsplit(house).hostname}"


def derive_push_key(door_key: str) -> ec.EllipticCurvePrivateKey:
    """Derive the key that identifies this installation to push services (HKDF, RFC 5869) from the
    dashboard's key. Browsers bind their subscription to it."""
    derived = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"greenroom web push").derive(
        door_key.encode()
    )
    scalar = int.from_bytes(derived, "big") % (_CURVE_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def public_key_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public key in base64url, as browsers expect it."""
    return _encode(_point(key.public_key()))


def encrypt_payload(payload: bytes, key: str, auth: str) -> bytes:
    """Encrypt a payload for a browser with the content coding aes128gcm (RFC 8188, RFC 8291).

    Raises ValueError for an invalid key.
    """
    browser_point = _decode(key)
    browser_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser_point)
    own = ec.generate_private_key(ec.SECP256R1())
    own_point = _point(own.public_key())
    shared = own.exchange(ec.ECDH(), browser_key)
    info = b"WebPush: info\x00" + browser_point + own_point
    secret = _expand(shared, _decode(auth), info, 32)
    salt = secrets.token_bytes(16)
    content_key = _expand(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _expand(secret, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD_SIZE.to_bytes(4, "big") + bytes([len(own_point)]) + own_point
    # The delimiter 2 marks the last record.
    return header + AESGCM(content_key).encrypt(nonce, payload + b"\x02", None)


def _build_payload(push: OutgoingPush) -> bytes:
    lines = [render_message(line, push.language) for line in push.lines]
    payload = {
        "title": render_message(push.title, push.language),
        "body": "\n".join(lines),
        "path": push.path,
        "tag": str(push.id),
    }
    found = json.dumps(payload, ensure_ascii=False).encode()
    if len(found) > MAX_PAYLOAD:
        raise EgressForbidden("egress.malformed", step=PUSH_STEP)
    return found


def _expand(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
