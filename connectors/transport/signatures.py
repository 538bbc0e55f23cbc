"""How a call to somebody's own system proves whose it is: HMAC-SHA256 over the time and the very
body (RFC 2104)."""

import hashlib
import hmac
from collections.abc import Sequence

EVENT_HEADER = "greenroom-event"
TIMESTAMP_HEADER = "greenroom-timestamp"
SIGNATURE_HEADER = "greenroom-signature"
"""Headers: the event's id, Unix seconds as text, and `v1=<hex>` for each live secret, with commas
between."""


def sign_payload(secret: str, timestamp: str, body: bytes) -> str:
    """In hex, over `timestamp.body`."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def sign_body(secret: str, body: bytes) -> str:
    """In hex, over the body alone, as Meta signs: nothing in it says when.

    Source:
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signature_header(secrets: Sequence[str], timestamp: str, body: bytes) -> str:
    """The header's value; the receiver takes any signature that fits a secret it knows."""
    return ",".join(f"v1={sign_payload(secret, timestamp, body)}" for secret in secrets)
