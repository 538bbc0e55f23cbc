"""Webhooks of Fanvue: events of a creator, in the current format or in the earlier one without ID
and type.

Source: https://api.fanvue.com/docs/webhooks/webhooks-overview, …/signature-verification,
…/creator/overview
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.contract.app_webhooks import AppWebhookEvent, WebhookSignature, WebhookTopic
from connectors.platforms.fanvue.account import is_uuid

SIGNATURE_HEADER = "x-fanvue-signature"
MAX_SIGNATURES = 4
"""Maximum number of signatures of a call; there are two during a change of the secret."""
MAX_ID_LENGTH = 200

_TIME = re.compile(r"[0-9]{9,11}")
_MARK = re.compile(r"[0-9a-f]{64}")

_ABOUT: tuple[tuple[str, frozenset[WebhookTopic]], ...] = (
    ("message.received", frozenset({"chats"})),
    ("payment.", frozenset({"earnings", "chats"})),
    ("refund.", frozenset({"earnings"})),
    ("dispute.", frozenset({"earnings"})),
    ("subscription.", frozenset({"earnings", "followers"})),
    ("follow.", frozenset({"followers"})),
)
"""Reads by the prefix of the event type after `creator.`. Messages of the creator and read receipts
trigger none. A payment may be for a locked message, whose status is read from the chat."""

_BEFORE: tuple[tuple[str, frozenset[WebhookTopic]], ...] = (
    ("message", frozenset({"chats"})),
    ("follower", frozenset({"followers"})),
    ("subscriber", frozenset({"earnings", "followers"})),
    ("price", frozenset({"earnings", "chats"})),
)
"""Reads by the field that identifies an event without a type. Purchases and tips have a price."""


def read_signature(header: str) -> WebhookSignature | None:
    """Return the time and the signatures in `t=…,v0=…`, in any order. Other versions of a signature
    are ignored."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    marks = tuple(value for name, _, value in parts if name == "v0")
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not 0 < len(marks) <= MAX_SIGNATURES:
        return None
    return (
        WebhookSignature(times[0], marks) if all(_MARK.fullmatch(mark) for mark in marks) else None
    )


def parse_app_webhook(body: bytes) -> AppWebhookEvent | None:
    """Return the reads that an event triggers. The key of an event without an ID is the digest of
    its body."""
    event = _parse_json_object(body)
    kind = event.get("type")
    named = event.get("id")
    if isinstance(kind, str):
        begins = kind.removeprefix("creator.")
        wakes = next((woken for start, woken in _ABOUT if begins.startswith(start)), None)
    else:
        wakes = next((woken for name, woken in _BEFORE if event.get(name) is not None), None)
    if wakes is None:
        return None
    usable = isinstance(named, str) and 0 < len(named) <= MAX_ID_LENGTH and named.isprintable()
    return AppWebhookEvent(
        str(named) if usable else hashlib.sha256(body).hexdigest(), _parse_account_id(event), wakes
    )


def _parse_json_object(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _parse_account_id(event: Mapping[str, Any]) -> str:
    """Return the creator of an event, or ""."""
    data = event.get("data")
    inner: Mapping[str, Any] = data if isinstance(data, dict) else {}
    creator = inner.get("creator")
    told = (
        creator.get("uuid") if isinstance(creator, dict) else None,
        *(
            where.get(name)
            for where in (inner, event)
            for name in ("recipientUuid", "recipient_uuid", "creatorUuid")
        ),
    )
    return next((str(one) for one in told if is_uuid(one)), "")
