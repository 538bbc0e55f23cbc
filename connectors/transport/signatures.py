"""Signatures of webhook calls: HMAC-SHA256 of timestamp and body (RFC 2104)."""

import hashlib
import hmac
from collections.abc import Sequence

EVENT_HEADER = "greenroom-event"
TIMESTAMP_HEADER = "greenroom-timestamp"
SIGNATURE_HEADER = "greenroom-signature"
"""Headers: the event's ID, the Unix time in seconds, and a comma-separated list with `v1=<hex>` for
each valid secret."""


def sign_payload(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of `timestamp.body` in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def sign_body(secret: str, body: bytes) -> str:
    """Return the signature of the body alone in hexadecimal, as Meta signs. It covers no timestamp.

    Source:
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signature_header(secrets: Sequence[str], timestamp: str, body: bytes) -> str:
    """Return the value of the signature header. A receiver accepts it if any signature matches."""
    return ",".join(f"v1={sign_payload(secret, timestamp, body)}" for secret in secrets)
