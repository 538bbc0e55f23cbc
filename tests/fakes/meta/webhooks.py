"""How Meta calls an application: who set the address up, which accounts signed up for what, and the
calls themselves.

Documented: the address is asked once, by GET, and must say the challenge back; calls are signed
with the application's secret over their very bytes; several changes, of several accounts, may come
in one call; one that is not answered 200 comes again, less and less often, for 36 hours, so it may
come twice and late; an account is called about only once it was signed up by its own token with the
right for it, and only for fields it was signed up for; the account's own comments are told too, and
of a Page everything in its feed. Unverified: the form of an edit of several at once. Sources:
https://developers.facebook.com/docs/graph-api/webhooks/getting-started,
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
"""The right to be called at all, and the one for messages."""


@dataclass
class WebhookSender:
    """An application, and the address its developer set up. `limit` changes at most are put into
    one call."""

    secret: str = "5" * 32
    address: str = ""
    limit: int = 1000
    patience: float = 5.0
    signed_up: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By object and account."""
    asked: list[str] = field(default_factory=list)
    """How accounts were signed up and off, in order."""
    waiting: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Object and entry of what was not told yet."""
    untaken: list[tuple[datetime, bytes]] = field(default_factory=list)
    """Calls that nobody took, and since when."""
    statuses: list[int] = field(default_factory=list)
    """How calls were answered; 0 where nobody did."""

    def set_up(self, address: str, word: str) -> bool:
        """The developer types address and word; the address counts only if it says the challenge
        back."""
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
        """What `/<account>/subscribed_apps` gives. Raises Refused."""
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
        """Something changed; it is told with the next call, if the account was signed up for it."""
        if self.address and what in self.signed_up.get((kind, account), frozenset()):
            changes = [{"field": what, "value": dict(value)}]
            self.waiting.append(
                (kind, {"id": account, "time": int(at.timestamp()), "changes": changes})
            )

    def message(self, kind: str, account: str, sender: str, text: str, at: datetime) -> None:
        """Somebody wrote; it is told in a form of its own, if the account was signed up for
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
        """Call about all that waits, of each object in one call, each `times` over."""
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
        """Call once more about what nobody took, the newest first."""
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
        """The headers of a call."""
        mark = hmac.new((secret or self.secret).encode(), body, hashlib.sha256).hexdigest()
        return {"x-hub-signature-256": f"sha256={mark}", "content-type": "application/json"}
