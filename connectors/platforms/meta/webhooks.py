"""Webhooks of Instagram, Pages (several accounts in one call) and Threads.

All calls arrive at one URL of the installation. A call is signed over the body alone with the
secret of its application, and repeated for 36 hours until it is accepted. Only the affected
accounts and the kinds of reads are taken from it. Actions of the account itself are ignored.

Mentions on Threads are not included, because they name no account; they are polled. Unverified
assumption: `owner_id` on Threads is the ID that the account's token returns. Source:
https://developers.facebook.com/docs/graph-api/webhooks/getting-started,
https://developers.facebook.com/docs/graph-api/webhooks/reference/page/#feed,
https://developers.facebook.com/docs/instagram-platform/webhooks,
https://developers.facebook.com/docs/threads/webhooks
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import app_webhooks
from connectors.contract.app_webhooks import AppWebhookEvent, WebhookTopic
from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected, Uncertain
from connectors.platforms.meta.errors import PERMISSION_CODES, error_codes, outcome_of_failure
from connectors.shared.http_responses import json_body
from foundation.i18n.translation import Message

SIGNATURE_HEADER = "x-hub-signature-256"
MAX_CALL_AGE = timedelta(hours=37)
"""Maximum age of a call. Meta repeats calls for 36 hours, so an older one is not genuine."""

MAX_ACCOUNTS = 1000
"""Maximum number of accounts in a call; Meta sends at most this many changes in one."""

_MARK = re.compile(r"sha256=([0-9a-f]{64})")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_NUMBER = re.compile(r"[0-9]{1,30}")

_PLATFORMS = {"instagram": "instagram", "page": "facebook"}
_ABOUT: Mapping[tuple[str, str], WebhookTopic] = {
    ("instagram", "comments"): "remarks",
    ("instagram", "messages"): "chats",
    ("facebook", "feed"): "remarks",
    ("facebook", "messages"): "chats",
    ("threads", "replies"): "remarks",
}
"""The reads that a change triggers, by platform and field; comments come first for each platform.
"""

_NOTHING_NEW = frozenset({"remove", "hide", "edited"})
"""Changes of a Page's comments that need no read."""


def read_signature(header: str) -> str:
    """Return the signature in `sha256=…` as hex, or ""."""
    found = _MARK.fullmatch(header)
    return found[1] if found else ""


def verification_challenge(query: Mapping[str, str]) -> tuple[str, str]:
    """Return the verify token and the challenge of a subscription request, or two empty strings.

    Only challenges of letters, digits, - and _ are accepted, so that the response cannot contain
    HTML.
    """
    said = query.get("hub.challenge", "")
    asked = query.get("hub.mode") == "subscribe" and _CHALLENGE.fullmatch(said)
    return (query.get("hub.verify_token", ""), said) if asked else ("", "")


@dataclass
class _AccountChanges:
    """The changes of one account in a call."""

    wakes: set[WebhookTopic] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    at: datetime | None = None


def parse_app_webhooks(body: bytes) -> tuple[AppWebhookEvent, ...]:
    """Return one event for each account in a call; empty if the call is invalid.

    The same changes have the same key, whatever the call and the order.
    """
    found: dict[tuple[str, str], _AccountChanges] = {}
    try:
        for platform, account, what, value, at in _iter_changes(json.loads(body)):
            if len(found) == MAX_ACCOUNTS and (platform, account) not in found:
                break
            said = json.dumps([platform, account, what, value], sort_keys=True)
            changes = found.setdefault((platform, account), _AccountChanges())
            changes.wakes.add(_ABOUT[platform, what])
            changes.digests.add(hashlib.sha256(said.encode()).hexdigest())
            changes.at = max(filter(None, (changes.at, at)), default=None)
    except (ValueError, RecursionError):
        return ()
    return tuple(
        AppWebhookEvent(
            _event_key(changes), account, frozenset(changes.wakes), platform, changes.at
        )
        for (platform, account), changes in found.items()
    )


def _event_key(changes: _AccountChanges) -> str:
    return hashlib.sha256("".join(sorted(changes.digests)).encode()).hexdigest()


_Change = tuple[str, str, str, Any, datetime | None]
"""Platform, account, field, value and time of a change."""


def _iter_changes(call: object) -> Iterator[_Change]:
    """Yield the changes that trigger reads, from a call in either format."""
    told: Mapping[str, Any] = call if isinstance(call, dict) else {}
    if "topic" in told:
        yield from _iter_threads_changes(told)
        return
    platform = _PLATFORMS.get(str(told.get("object")), "")
    entries = told.get("entry")
    for entry in entries if platform and isinstance(entries, list) else ():
        account = _parse_account_id(entry.get("id")) if isinstance(entry, dict) else ""
        if not account:
            continue
        at = _parse_time(entry.get("time"))
        for change in _parse_entries(entry, "changes"):
            what = str(change.get("field"))
            value = change.get("value")
            if (
                (platform, what) in _ABOUT
                and isinstance(value, dict)
                and _is_news(platform, account, value)
            ):
                yield platform, account, what, value, at
        for message in _parse_entries(entry, "messaging"):
            if _parse_author_id(message, "sender") != account:
                yield platform, account, "messages", message, at


def _iter_threads_changes(told: Mapping[str, Any]) -> Iterator[_Change]:
    """Yield a reply. Its account is the owner of the post that started the conversation."""
    values = told.get("values")
    change: Mapping[str, Any] = values if isinstance(values, dict) else {}
    value = change.get("value")
    what = str(change.get("field"))
    root = value.get("root_post") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(root, dict) or ("threads", what) not in _ABOUT:
        return
    account = _parse_account_id(root.get("owner_id"))
    name = value.get("username")
    if account and not (isinstance(name, str) and name and name == root.get("username")):
        yield "threads", account, what, value, _parse_time(told.get("time"))


def _is_news(platform: str, account: str, value: Mapping[str, Any]) -> bool:
    """Return True if another user wrote a comment or message. A Page's feed also reports likes and
    the Page's own posts."""
    if _parse_author_id(value, "from") == account:
        return False
    return platform != "facebook" or (
        value.get("item") == "comment" and value.get("verb") not in _NOTHING_NEW
    )


def _parse_author_id(value: Mapping[str, Any], name: str) -> str:
    who = value.get(name)
    return _parse_account_id(who.get("id")) if isinstance(who, dict) else ""


def _parse_entries(entry: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = entry.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _parse_account_id(told: object) -> str:
    """Return the ID of an account, or ""."""
    return told if isinstance(told, str) and _NUMBER.fullmatch(told) else ""


def _parse_time(told: object) -> datetime | None:
    """Convert a time in Unix seconds (milliseconds for messages) to UTC, or return None."""
    if not isinstance(told, int) or isinstance(told, bool) or not 0 < told < 10**13:
        return None
    return datetime.fromtimestamp(told / 1000 if told > 10**11 else told, UTC)


def subscribe_account(
    platform: str, account: str, about: frozenset[WebhookTopic], answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Subscribe an account to calls for these topics, or unsubscribe it if there are none. Repeats
    are harmless.

    Messages need another permission. Without it, the account is subscribed to comments only.
    Source: https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps,
    https://developers.facebook.com/docs/instagram-platform/webhooks#enable-subscriptions,
    https://developers.facebook.com/docs/messenger-platform/webhooks
    """
    path = "/{account}/subscribed_apps"
    fields = [
        what for (where, what), wakes in _ABOUT.items() if where == platform and wakes in about
    ]
    if not answers and not fields:
        return app_webhooks.subscription_request("DELETE", path)
    if not answers:
        return app_webhooks.subscription_request(
            "POST", f"{path}?subscribed_fields={','.join(fields)}"
        )
    last = answers[-1]
    if isinstance(last, Response) and last.is_success and json_body(last).get("success") is True:
        return Published(account)
    # Without the permission for messages, subscribe to comments only.
    if error_codes(last)[0] in PERMISSION_CODES and len(answers) < len(fields):
        return app_webhooks.subscription_request("POST", f"{path}?subscribed_fields={fields[0]}")
    if error_codes(last)[0] in PERMISSION_CODES:
        return Rejected(Message("calls.right_missing"), permanent=False)
    outcome = outcome_of_failure(last, creates=False)
    return Rejected(outcome.reason, permanent=False) if isinstance(outcome, Uncertain) else outcome
