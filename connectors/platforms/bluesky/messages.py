"""Direct messages on Bluesky: polling, sending and look-ups.

The account's server forwards these requests to the network's chat service if the app password has
access to it. Messages have no idempotency key, so a lost one is identified by text, sender and
time. A deleted message is deleted for its sender only. Source: lexicons chat.bsky.convo.getLog,
getConvoForMembers, getMessages, sendMessage, deleteMessageForSelf in
https://github.com/bluesky-social/atproto/tree/main/lexicons/chat/bsky/convo
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Unknown,
)
from connectors.platforms.bluesky.account import outcome_of_failure
from connectors.platforms.bluesky.text import build_facets
from connectors.shared import polls, unit_checks
from connectors.shared.http_responses import (
    READER_GONE,
    clock_lead,
    json_body,
    parse_timestamp,
    platform_error_code,
    quote_segment,
    success_body,
)
from connectors.shared.polls import PollGenerator
from connectors.shared.text_counting import normalize_message_text
from foundation.i18n.translation import Message
from gate.contract.units import Unit

PROXY = {"atproto-proxy": "did:web:api.bsky.chat#bsky_chat"}
"""The header that addresses the chat service:
https://docs.bsky.app/docs/api/chat-bsky-convo-send-message"""

MAX_TEXT = 1000
MAX_BYTES = 10_000
POLL_SECONDS = 15.0
"""Seconds between two reads of the log: 20 of the 3000 requests that an IP address has in five
minutes for all accounts together. Source: https://docs.bsky.app/docs/advanced-guides/rate-limits"""

CONVO = "convo"
PUBLISH = "publish"
UPDATES = "updates"
LOOK = "look"
LISTED = 100
MAX_PAGES = 5
MAX_PEOPLE = 15
"""The maximum number of senders per poll; the next poll reads the others."""

WINDOW = timedelta(seconds=60)
"""A message older than the attempt by more than this is a different one with the same text."""

KEPT = ("convo.id", "convo.kind.$type", "convo.members.did", "convo.members.handle")
"""The fields of a conversation that are stored; its messages are not."""

BEGINNING = "2" * 13
"""The first possible cursor (https://atproto.com/specs/tid), for an account without conversations.
"""

_CREATED = "chat.bsky.convo.defs#logCreateMessage"
_READER = frozenset(
    {
        "messagesdisabled",
        "blockedactor",
        "blockedsubject",
        "notfollowedbysender",
        "recipientnotfound",
    }
)
"""Error codes that concern only the recipient."""


def message_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a message cannot be sent, or None. Texts are never truncated."""
    text = unit.text_of("body")
    if unit.invoice is not None or unit.buttons:
        return Message("bluesky.no_sales")
    if wrong := unit_checks.unit_problem(unit, can, length=unit_checks.count_graphemes(text)):
        return wrong
    if not text.strip():
        return Message("bluesky.empty")
    if len(text.encode()) > MAX_BYTES:
        return Message("connectors.text_too_heavy", {"size": len(text.encode()), "most": MAX_BYTES})
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def next_step(unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Request the conversation with the recipient, then send the message to it."""
    if not answers:
        return Send(replace(_build_conversation_step(unit.viewer, CONVO, LOOK), only=KEPT))
    last = answers[-1]
    if last.step == PUBLISH:
        return _send_outcome(last, unit.account)
    convo, _ = _parse_conversation(last, unit.viewer)
    return (
        Send(_build_message_step(unit, convo)) if convo else _failure_outcome(last, creates=False)
    )


def _build_message_step(unit: Unit, convo: str) -> WireStep:
    said: dict[str, Any] = {"text": unit.text_of("body")}
    if found := build_facets(unit.text_of("body")):
        said["facets"] = found
    body = {"convoId": convo, "message": said}
    return WireStep(
        PUBLISH, StepKind.PUBLISH, "POST", "/xrpc/chat.bsky.convo.sendMessage", body, headers=PROXY
    )


def _send_outcome(answer: StepResult, account: str) -> Outcome:
    match success_body(answer):
        case {"id": str(number), "sender": {"did": sender}, "sentAt": at} if (
            number and sender == account
        ):
            return Published(number, "", parse_timestamp(at))
        case _:
            return _failure_outcome(answer, creates=True)


def is_chat_denied(answer: StepResult) -> bool:
    """Return True if the app password has no access to messages. Servers report it as an invalid
    token, although the token is valid.

    Source: https://github.com/bluesky-social/atproto/blob/main/packages/pds/src/pipethrough.ts
    """
    refused = (
        isinstance(answer, Response)
        and answer.status in (400, 401, 403)
        and platform_error_code(answer) == "invalidtoken"
    )
    return refused and "bad token method" in str(json_body(answer).get("message")).lower()


def _failure_outcome(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. An error about the recipient, or about messages only, does
    not affect the account."""
    if is_chat_denied(answer):
        return Rejected(Message("bluesky.no_chats"), permanent=False)
    if isinstance(answer, Response) and 400 <= answer.status < 500:
        word = platform_error_code(answer)
        if word in _READER:
            return Rejected(Message(READER_GONE), permanent=True)
        if word == "accountsuspended":
            return Rejected(Message("bluesky.chat_suspended"), permanent=False)
    return outcome_of_failure(answer, creates=creates)


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Page back through the conversation to a minute before the attempt."""
    if not answers:
        return Send(_build_conversation_step(sought.chat, LOOK, LOOK))
    convo, _ = _parse_conversation(answers[0], sought.chat)
    if convo and len(answers) == 1:
        return Send(_build_page_step(convo, ""))
    told = success_body(answers[-1])
    listed = told.get("messages")
    if not convo or not isinstance(listed, list):
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    found = [one for one in listed if isinstance(one, Mapping)]
    recent = [one for one in found if (parse_timestamp(one.get("sentAt")) or start) >= start]
    ours = [
        one
        for one in recent
        if _parse_sender(one) == sought.account and one.get("id") not in sought.known
    ]
    wanted = normalize_message_text(sought.text)
    same = [one for one in ours if normalize_message_text(one.get("text")) == wanted]
    if same:
        return Found(
            str(same[-1]["id"]), "", parse_timestamp(same[-1].get("sentAt"))
        )  # the oldest, if there are several
    if any("text" not in one for one in ours):
        return Unknown(Message("connectors.lookup_failed"))  # deleted since; its text is unknown
    after = told.get("cursor")
    if len(recent) < len(found) or not found or not isinstance(after, str) or not after:
        return Absent()
    return (
        Send(_build_page_step(convo, after))
        if len(answers) <= MAX_PAGES
        else Unknown(Message("connectors.lookup_failed"))
    )


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """Return the next request, or the new messages. If the last answer is unusable, return the
    messages read before it."""
    return polls.resume_poll(_poll_updates(cursor) if cursor else _start_polling(), answers)


def _start_polling() -> PollGenerator:
    """Read the account's ID and the end of its log. Earlier messages are ignored, because they were
    sent before the account was connected."""
    path = "/xrpc/com.atproto.server.getSession"
    whose = yield WireStep(UPDATES, StepKind.CONTROL, "GET", path, action=UPDATES)
    me = success_body(whose).get("did")
    if not isinstance(me, str) or not me:
        return _failure_outcome(whose, creates=False)
    answer = yield _build_log_step("")
    told = success_body(answer)
    if not isinstance(told.get("logs"), list):
        return _failure_outcome(answer, creates=False)
    end = told.get("cursor")
    return ChatUpdates((), _format_cursor(me, end if isinstance(end, str) and end else BEGINNING))


def _format_cursor(me: str, rev: str) -> str:
    return f"{me} {rev}"


def _poll_updates(cursor: str) -> PollGenerator:
    """Read the log since the cursor, then one conversation per sender; one request if there are no
    new messages."""
    me, _, rev = cursor.partition(" ")
    answer = yield _build_log_step(rev)
    told = success_body(answer)
    if not isinstance(told.get("logs"), list):
        return _failure_outcome(answer, creates=False)
    updates: list[ChatUpdate] = []
    people: dict[str, StepResult] = {}
    dated = (
        one for one in told["logs"] if isinstance(one, Mapping) and isinstance(one.get("rev"), str)
    )
    for entry in sorted(dated, key=lambda one: str(one["rev"])):
        sender = _parse_sender(entry.get("message"))
        if entry.get("$type") == _CREATED and sender and sender != me:
            if sender not in people:
                if len(people) == MAX_PEOPLE:
                    return ChatUpdates(tuple(updates), _format_cursor(me, rev))
                people[sender] = yield _build_conversation_step(sender, UPDATES, UPDATES)
            heard = _parse_updates(entry, sender, people[sender])
            if isinstance(heard, Outcome):
                return ChatUpdates(tuple(updates), _format_cursor(me, rev)) if updates else heard
            updates += heard
        rev = max(rev, str(entry["rev"]))
    end = told.get("cursor")
    return ChatUpdates(
        tuple(updates), _format_cursor(me, max(rev, end) if isinstance(end, str) else rev)
    )


def _parse_updates(
    entry: Mapping[str, Any], sender: str, who: StepResult
) -> list[ChatUpdate] | Outcome:
    """Return a message sent to this account alone, or the outcome if its sender may be readable
    later."""
    convo, handle = _parse_conversation(who, sender)
    if convo:
        return (
            [_parse_update(entry["message"], sender, handle)]
            if convo == entry.get("convoId")
            else []
        )  # a group conversation
    refused = _failure_outcome(who, creates=False)
    if not isinstance(refused, Rejected):
        return refused
    gone = (
        refused.reason.code == READER_GONE
    )  # the sender has blocked the account, so a reply is impossible
    return [] if gone else [_parse_update({**entry["message"], "embed": {}}, sender, "")]


def _parse_update(message: Mapping[str, Any], sender: str, handle: str) -> ChatUpdate:
    """Return the update of a message. A message with more than text is `unsupported`."""
    number = str(message.get("id"))
    text = message.get("text")
    words = text if isinstance(text, str) else ""
    plain = bool(words.strip()) and "embed" not in message
    at = parse_timestamp(message.get("sentAt"))
    kind: Literal["message", "unsupported"] = "message" if plain else "unsupported"
    return ChatUpdate(number, kind, sender, handle, native_id=number, at=at, text=words)


def _parse_sender(message: object) -> str:
    """Return the sender of a message, or ""."""
    match message:
        case {"id": str(), "sender": {"did": str(did)}}:
            return did
        case _:
            return ""


def _parse_conversation(answer: StepResult, other: str) -> tuple[str, str]:
    """Return the ID of a conversation of two and the other member's handle, or ""."""
    convo = success_body(answer).get("convo")
    told: dict[str, Any] = convo if isinstance(convo, dict) else {}
    number = told.get("id")
    members = told.get("members")
    kind = told.get("kind")
    listed = members if isinstance(members, list) else []
    names = {str(one.get("did")): one.get("handle") for one in listed if isinstance(one, dict)}
    group = isinstance(kind, dict) and str(kind.get("$type")).endswith("#groupConvo")
    if group or other not in names or not isinstance(number, str):
        return "", ""
    return number, f"@{names[other]}" if names[other] else ""


def chat_probe_step() -> WireStep:
    """Request the log to check access to messages while an account is being connected."""
    return WireStep("chats", StepKind.AUTH, "GET", "/xrpc/chat.bsky.convo.getLog", headers=PROXY)


def _build_log_step(rev: str) -> WireStep:
    at = f"?cursor={quote_segment(rev)}" if rev else ""
    path = f"/xrpc/chat.bsky.convo.getLog{at}"
    return WireStep(UPDATES, StepKind.CONTROL, "GET", path, headers=PROXY, action=UPDATES)


def _build_conversation_step(other: str, name: str, action: str) -> WireStep:
    """Request the conversation with an account; this marks nothing as read."""
    path = f"/xrpc/chat.bsky.convo.getConvoForMembers?members={quote_segment(other)}"
    return WireStep(name, StepKind.CONTROL, "GET", path, headers=PROXY, action=action)


def _build_page_step(convo: str, after: str) -> WireStep:
    """Request a page of a conversation, newest first."""
    at = f"&cursor={quote_segment(after)}" if after else ""
    path = f"/xrpc/chat.bsky.convo.getMessages?convoId={quote_segment(convo)}&limit={LISTED}{at}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, headers=PROXY, action=LOOK)
