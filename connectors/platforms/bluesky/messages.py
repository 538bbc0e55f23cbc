"""Messages between an account on Bluesky and one person: heard, answered, looked for. Pure.

The account's server passes each request on to the network's chats, for an app password that was
given access to them. No key travels with a message: one whose answer was lost is known by its
words, its sender and its time. It can be deleted for the account alone, so nothing is taken back
from its reader. Source: lexicons chat.bsky.convo.getLog, getConvoForMembers, getMessages,
sendMessage, deleteMessageForSelf in
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
"""https://docs.bsky.app/docs/api/chat-bsky-convo-send-message"""

MAX_TEXT = 1000
MAX_BYTES = 10_000
POLL_SECONDS = 15.0
"""Between two looks at the log: 20 of the 3000 requests that an address has in five minutes, all
its accounts together. Source: https://docs.bsky.app/docs/advanced-guides/rate-limits"""

CONVO = "convo"
PUBLISH = "publish"
UPDATES = "updates"
LOOK = "look"
LISTED = 100
MAX_PAGES = 5
MAX_PEOPLE = 15
"""People of one poll; who is left over is heard by the next."""

WINDOW = timedelta(seconds=60)
"""A message older than this before the attempt is another one with the same words."""

KEPT = ("convo.id", "convo.kind.$type", "convo.members.did", "convo.members.handle")
"""What is kept of the conversation that an answer goes into: nothing that was said in it."""

BEGINNING = "2" * 13
"""Before everything: the first of all marks (https://atproto.com/specs/tid), for an account that
never had a chat."""

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
"""Refusals that are about the one reader."""


def message_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Why a message cannot go out as it is; nothing is ever cut."""
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
    """Ask which conversation is theirs, then send the message into it."""
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
    """Whether the app password was given no access to messages: servers call that an invalid token,
    which it is not.

    Source: https://github.com/bluesky-social/atproto/blob/main/packages/pds/src/pipethrough.ts
    """
    refused = (
        isinstance(answer, Response)
        and answer.status in (400, 401, 403)
        and platform_error_code(answer) == "invalidtoken"
    )
    return refused and "bad token method" in str(json_body(answer).get("message")).lower()


def _failure_outcome(answer: StepResult, *, creates: bool) -> Outcome:
    """What a refusal meant. One that is about the reader, or about messages alone, says nothing of
    the account."""
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
        )  # the oldest, should there be two
    if any("text" not in one for one in ours):
        return Unknown(
            Message("connectors.lookup_failed")
        )  # deleted meanwhile: nobody knows what it said
    after = told.get("cursor")
    if len(recent) < len(found) or not found or not isinstance(after, str) or not after:
        return Absent()
    return (
        Send(_build_page_step(convo, after))
        if len(answers) <= MAX_PAGES
        else Unknown(Message("connectors.lookup_failed"))
    )


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """The next request, or what people said; as much as was read where the last answer is
    unusable."""
    return polls.resume_poll(_poll_updates(cursor) if cursor else _start_polling(), answers)


def _start_polling() -> PollGenerator:
    """Whose account it is, and where its log ends: what was said before was said to its owner, not
    to us."""
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
    """What the log tells since then, and who said it: one request where nobody spoke, one more for
    each who did."""
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
    """What somebody said to this account alone; why nobody knows who they are, where asking may
    help later."""
    convo, handle = _parse_conversation(who, sender)
    if convo:
        return (
            [_parse_update(entry["message"], sender, handle)]
            if convo == entry.get("convoId")
            else []
        )  # a group's
    refused = _failure_outcome(who, creates=False)
    if not isinstance(refused, Rejected):
        return refused
    gone = (
        refused.reason.code == READER_GONE
    )  # they wrote, and blocked the account: nobody can answer
    return [] if gone else [_parse_update({**entry["message"], "embed": {}}, sender, "")]


def _parse_update(message: Mapping[str, Any], sender: str, handle: str) -> ChatUpdate:
    """What was written; what is more than words is for a person to see."""
    number = str(message.get("id"))
    text = message.get("text")
    words = text if isinstance(text, str) else ""
    plain = bool(words.strip()) and "embed" not in message
    at = parse_timestamp(message.get("sentAt"))
    kind: Literal["message", "unsupported"] = "message" if plain else "unsupported"
    return ChatUpdate(number, kind, sender, handle, native_id=number, at=at, text=words)


def _parse_sender(message: object) -> str:
    """Who wrote a message; "" where nobody is told."""
    match message:
        case {"id": str(), "sender": {"did": str(did)}}:
            return did
        case _:
            return ""


def _parse_conversation(answer: StepResult, other: str) -> tuple[str, str]:
    """The conversation of two that an answer tells, and the name of the other one; "" where it is
    none."""
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
    """Asks, as an account is connected, whether its messages may be read."""
    return WireStep("chats", StepKind.AUTH, "GET", "/xrpc/chat.bsky.convo.getLog", headers=PROXY)


def _build_log_step(rev: str) -> WireStep:
    at = f"?cursor={quote_segment(rev)}" if rev else ""
    path = f"/xrpc/chat.bsky.convo.getLog{at}"
    return WireStep(UPDATES, StepKind.CONTROL, "GET", path, headers=PROXY, action=UPDATES)


def _build_conversation_step(other: str, name: str, action: str) -> WireStep:
    """The request for the conversation with somebody; it marks nothing as read."""
    path = f"/xrpc/chat.bsky.convo.getConvoForMembers?members={quote_segment(other)}"
    return WireStep(name, StepKind.CONTROL, "GET", path, headers=PROXY, action=action)


def _build_page_step(convo: str, after: str) -> WireStep:
    """A page of a conversation, newest first."""
    at = f"&cursor={quote_segment(after)}" if after else ""
    path = f"/xrpc/chat.bsky.convo.getMessages?convoId={quote_segment(convo)}&limit={LISTED}{at}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, headers=PROXY, action=LOOK)
