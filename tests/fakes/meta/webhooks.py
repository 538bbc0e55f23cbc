"""Webhooks of Meta: verification of the URL, subscriptions of accounts, and deliveries.

Documented: the URL is verified once by GET and must return the challenge; deliveries are signed
with the app secret over their exact bytes; several changes, of several accounts, can be in one
delivery; a delivery that is not answered with 200 is retried at increasing intervals for 36 hours,
so it can arrive twice and late; an account is covered only after it was subscribed with its token
and the required permission, and only for the subscribed fields; the account's own comments are
delivered too, and everything in the feed of a Page. Unverified: the format of an edit of several at
once. Sources: https://developers.facebook.com/docs/graph-api/webhooks/getting-started,
/docs/graph-api/reference/page/subscribed_apps, /docs/instagram-platform/webhooks,
/docs/threads/webhooks
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.fakes.meta.fetched_media import GraphApiError

TOLD_FOR = timedelta(hours=36)
FIELDS = {
    "instagram": frozenset({"comments", "live_comments", "mentions", "messages", "story_insights"}),
    "page": frozenset({"feed", "mention", "messages"}),
}
NEEDED = {
    "instagram": ("instagram_business_manage_comments", "instagram_business_manage_messages"),
    "page": ("pages_manage_metadata", "pages_messaging"),
}
"""The permission for any subscription, and the one for messages."""


@dataclass
class WebhookSender:
    """An app and its webhook URL. `limit` is the maximum number of changes in a delivery."""

    secret: str = "5" * 32
    address: str = ""
    limit: int = 1000
    patience: float = 5.0
    signed_up: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Subscribed fields by object and account."""
    asked: list[str] = field(default_factory=list)
    """Requests to subscribe and unsubscribe accounts, in order."""
    waiting: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Object and entry of pending changes."""
    untaken: list[tuple[datetime, bytes]] = field(default_factory=list)
    """Failed deliveries with the time of their first attempt."""
    statuses: list[int] = field(default_factory=list)
    """Statuses of the responses, 0 without a response."""

    def set_up(self, address: str, word: str) -> bool:
        """Configure the URL and the verify token, as the developer does. The URL is stored only if
        it returns the challenge."""
        asked = {"hub.mode": "subscribe", "hub.verify_token": word, "hub.challenge": "1158201444"}
        reply = httpx.get(address, params=asked)
        proven = reply.status_code == 200 and reply.text == "1158201444"
        self.address = address if proven else self.address
        return proven

    def subscribe(
        self,
        method: str,
        told: Mapping[str, Any],
        kind: str,
        account: str,
        *,
        rights: frozenset[str],
    ) -> dict[str, Any]:
        """Return the response to `/<account>/subscribed_apps`. Raise GraphApiError."""
        called, messages = NEEDED[kind]
        asked = str(told.get("subscribed_fields", "")).split(",")
        if called not in rights or ("messages" in asked and messages not in rights):
            raise GraphApiError(
                200, status=403, message="(#200) To subscribe to the field, a permission is needed"
            )
        if method == "GET":
            return {
                "data": [
                    {
                        "id": "1",
                        "subscribed_fields": sorted(self.signed_up.get((kind, account), ())),
                    }
                ]
            }
        wanted = frozenset(filter(None, str(told.get("subscribed_fields", "")).split(",")))
        if method == "POST" and (not wanted or not wanted <= FIELDS[kind]):
            raise GraphApiError(
                100, message="(#100) Param subscribed_fields must be one of those of this object"
            )
        self.signed_up.pop((kind, account), None)
        if method == "POST":
            self.signed_up[kind, account] = wanted
        self.asked.append(f"{method} {account}")
        return {"success": True}

    def change(
        self, kind: str, account: str, what: str, value: Mapping[str, Any], at: datetime
    ) -> None:
        """Add a change to the next delivery if the account is subscribed to its field."""
        if self.address and what in self.signed_up.get((kind, account), frozenset()):
            changes = [{"field": what, "value": dict(value)}]
            self.waiting.append(
                (kind, {"id": account, "time": int(at.timestamp()), "changes": changes})
            )

    def message(self, kind: str, account: str, sender: str, text: str, at: datetime) -> None:
        """Add a message to the next delivery, in its format, if the account is subscribed to
        messages."""
        if self.address and "messages" in self.signed_up.get((kind, account), frozenset()):
            moment = int(at.timestamp() * 1000)
            told = {"mid": f"m_{moment}_{len(self.waiting)}", "text": text}
            said = {
                "sender": {"id": sender},
                "recipient": {"id": account},
                "timestamp": moment,
                "message": told,
            }
            self.waiting.append((kind, {"id": account, "time": moment, "messaging": [said]}))

    def tell(self, at: datetime, *, times: int = 1) -> None:
        """Deliver all pending changes, one delivery for each object, each `times` times."""
        waiting, self.waiting = self.waiting, []
        for kind in FIELDS:
            entries = [entry for told, entry in waiting if told == kind]
            for start in range(0, len(entries), self.limit):
                body = json.dumps(
                    {"object": kind, "entry": entries[start : start + self.limit]}
                ).encode()
                for _ in range(times):
                    self._send(at, body)

    def again(self, at: datetime) -> None:
        """Retry failed deliveries, newest first."""
        untaken, self.untaken = self.untaken, []
        for since, body in reversed(untaken):
            if at - since < TOLD_FOR:
                self._send(since, body)

    def _send(self, since: datetime, body: bytes) -> None:
        try:
            reply = httpx.post(
                self.address, content=body, headers=self.signed(body), timeout=self.patience
            )
            self.statuses.append(reply.status_code)
        except httpx.HTTPError:
            self.statuses.append(0)
        if self.statuses[-1] != 200:
            self.untaken.append((since, body))

    def signed(self, body: bytes, secret: str = "") -> dict[str, str]:
        """Return the headers of a delivery."""
        mark = hmac.new((secret or self.secret).encode(), body, hashlib.sha256).hexdigest()
        return {"x-hub-signature-256": f"sha256={mark}", "content-type": "application/json"}
