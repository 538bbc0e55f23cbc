"""Private messages on Reddit, as replies to users who wrote first.

Messages are in the inbox among comments. The inbox cannot be filtered by time, so it is read from
the newest entry. A reply is added to the reader's last message and reaches its author. Since 2025
Reddit stores messages in its chat and states that these requests continue to work, but the separate
lists of messages redirect to a sign-in page and are not used. The list of sent messages proves
absence only if it contains a known message. Sources:
https://www.reddit.com/dev/api#GET_message_inbox, #GET_message_sent, #POST_api_comment;
https://www.reddit.com/r/modnews/comments/1jf1dy5/; https://github.com/praw-dev/praw/issues/2077 and
2081
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import LookupQuery, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Uncertain,
    Unknown,
)
from connectors.platforms.reddit import requests
from connectors.platforms.reddit.account import (
    WHOAMI_STEP,
    outcome_of_failure,
    parse_account,
    user_agent_header,
    whoami_step,
)
from connectors.platforms.reddit.responses import (
    created_at,
    explain_refusal,
    inbox_entries,
    is_unexplained_refusal,
    listing_entries,
    listing_of,
    normalize_markdown,
    reddit_error_code,
    refusal_outcome,
)
from connectors.shared import http_responses, polls, reply_windows, unit_checks
from connectors.shared.polls import PollGenerator
from foundation.i18n.translation import Message
from gate.contract.units import Unit

_NOT_ALONE = ("subreddit", "distinguished")
"""Fields that are set only in messages of a community or of moderators."""

PUBLISH = "publish"
LOOK = "look"
UPDATES = "updates"
POLL_SECONDS = 120.0
"""Seconds between polls. All accounts of an application share a hundred requests per minute,
including those for posts."""

MAX_TEXT = 10_000
MAX_PAGES = 5
KEPT = (
    "reason",
    "data.after",
    *(f"data.children.data.{name}" for name in ("name", "author", "dest", *_NOT_ALONE)),
)
"""The fields of the inbox that are stored for a look-up."""

HELD = timedelta(minutes=10)
"""Time before the last poll that is read again, because lists are merged from parts and may show an
older message late."""

WINDOW = timedelta(seconds=60)
"""A message older than the attempt by more than this is a different one with the same text."""

UNREACHABLE = frozenset(
    {
        "USER_BLOCKED",
        "USER_BLOCKED_MESSAGE",
        "NOT_WHITELISTED_BY_USER_MESSAGE",
        "USER_DOESNT_EXIST",
        "NO_USER",
    }
)
"""Error codes about the reader: they blocked the account, restrict messages, or were deleted."""

_NAME = re.compile(r"t4_[a-z0-9]{1,16}", re.ASCII)
_AUTHOR = re.compile(r"[\w-]{3,20}", re.ASCII)


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """Return the next request, or the new messages.

    The cursor contains the user, the time of the newest entry (Unix seconds), and the IDs of the
    messages of the last minutes before it.
    """
    return polls.resume_poll(_poll_updates(cursor) if cursor else _start_polling(), answers)


def _start_polling() -> PollGenerator:
    """Read the user's name and the newest entry. Earlier messages are not reported, because they
    were sent before the account was connected."""
    whose = yield requests.write_whoami(_read_template(WHOAMI_STEP, ""))
    name = http_responses.success_body(whose).get("name")
    if not isinstance(name, str) or not _AUTHOR.fullmatch(name):
        return outcome_of_failure(whose, creates=False)
    answer = yield _build_page_step(name, "")
    found = inbox_entries(answer)
    return (
        (yield from _explain_polling_failure(answer, name))
        if found is None
        else ChatUpdates((), _format_cursor(name, found, 0))
    )


def _poll_updates(cursor: str) -> PollGenerator:
    """Read the messages since the cursor, oldest first; one request if one page reaches back that
    far."""
    me, seconds, *seen = cursor.split(" ")
    since = int(seconds) - int(HELD.total_seconds())
    read: dict[str, dict[str, Any]] = {}
    after = ""
    for _ in range(MAX_PAGES):
        answer = yield _build_page_step(me, after)
        found = inbox_entries(answer)
        if found is None:
            return (yield from _explain_polling_failure(answer, me))
        read.update((str(entry["name"]), entry) for entry in found)
        more = listing_of(answer).get("after")
        if not isinstance(more, str) or not found or _created_seconds(found[-1]) < since:
            break
        after = more
    fresh = [
        one
        for name, one in reversed(read.items())
        if _created_seconds(one) >= since and name not in seen
    ]
    fresh.sort(key=_created_seconds)
    updates = (update for entry in fresh if (update := _parse_update(entry, me)) is not None)
    return ChatUpdates(tuple(updates), _format_cursor(me, read.values(), int(seconds)))


def _format_cursor(me: str, found: Collection[Mapping[str, Any]], before: int) -> str:
    newest = max([before, *(_created_seconds(entry) for entry in found)])
    recent = (entry for entry in found if _created_seconds(entry) >= newest - HELD.total_seconds())
    names = sorted(str(entry["name"]) for entry in recent if _NAME.fullmatch(str(entry["name"])))
    return " ".join((me, str(newest), *names))


def _explain_polling_failure(answer: StepResult, me: str) -> PollGenerator:
    """Return the next request or the outcome of a failed poll. A 403 without a reason means a
    suspended account or a missing scope; if only the scope is missing, posts still work."""
    if not is_unexplained_refusal(answer):
        return outcome_of_failure(answer, creates=False)
    whose = yield requests.write_whoami(_read_template(WHOAMI_STEP, me))
    return explain_refusal(whose, me, Message(reply_windows.MESSAGES_NOT_ALLOWED))


def _created_seconds(entry: Mapping[str, Any]) -> int:
    at = created_at(entry)
    return int(at.timestamp()) if at is not None else 0


def _parse_update(entry: Mapping[str, Any], me: str) -> ChatUpdate | None:
    """Return a message from one user to this user, or None for those of Reddit, communities and
    moderators."""
    name = str(entry["name"])
    author = entry.get("author")
    dest = str(entry.get("dest"))
    known = (
        isinstance(author, str)
        and _AUTHOR.fullmatch(author) is not None
        and author.lower() != me.lower()
    )
    alone = dest.lower() == me.lower() and not any(map(entry.get, _NOT_ALONE))
    if not known or not alone or _NAME.fullmatch(name) is None or entry.get("was_comment") is True:
        return None
    words = _parse_text(entry)
    at = created_at(entry)
    who = str(author)
    return ChatUpdate(
        name,
        "message" if words else "unsupported",
        who,
        f"u/{who}",
        native_id=name,
        at=at,
        text=words,
    )


def _parse_text(entry: Mapping[str, Any]) -> str:
    """Return subject and text of a first message. Subjects of replies and of chat messages are
    generated by Reddit and omitted."""
    subject, body = (str(entry.get(name) or "").strip() for name in ("subject", "body"))
    theirs = not entry.get("first_message_name") and not re.match(r"re:|\[", subject, re.IGNORECASE)
    said = [subject if theirs and subject != body else "", body]
    return "\n\n".join(word for word in said if word)


def message_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a message cannot be sent, or None. Texts are never truncated."""
    text = unit.text_of("body")
    if (
        unit.invoice is not None
        or unit.buttons
        or unit.media
        or unit.text_of("title")
        or not text.strip()
    ):
        return Message("reddit.words_alone")
    if wrong := unit_checks.unit_problem(unit, can, length=len(text)):
        return wrong
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def next_step(unit: Unit, answers: tuple[StepResult, ...], can: Capabilities) -> Send | Outcome:
    """Find the reader's last message in the inbox, then reply to it."""
    last = answers[-1] if answers else None
    if last is not None and last.step == WHOAMI_STEP:
        said = any(answer.step == PUBLISH for answer in answers)
        return explain_refusal(
            last,
            unit.account,
            Message("reddit.message_closed" if said else reply_windows.MESSAGES_NOT_ALLOWED),
        )
    if last is not None and is_unexplained_refusal(last):
        return Send(whoami_step(unit.account))
    if last is not None and last.step == PUBLISH:
        return _send_outcome(last)
    if wrong := message_problem(unit, can):
        return Rejected(wrong, permanent=False)
    me = parse_account(unit.account).user
    after = ""
    if last is not None:
        found = inbox_entries(last)
        if found is None:
            return outcome_of_failure(last, creates=False)
        if under := next((str(one["name"]) for one in found if _is_from(one, unit.viewer, me)), ""):
            return Send(_build_message_step(unit, under))
        more = listing_of(last).get("after")
        if not isinstance(more, str) or len(answers) >= MAX_PAGES:
            return Rejected(Message("reddit.message_unseen"), permanent=False)
        after = more
    return Send(_build_page_step(me, after, LOOK))


def _is_from(entry: Mapping[str, Any], reader: str, me: str) -> bool:
    update = _parse_update(entry, me)
    return update is not None and update.fan.lower() == reader.lower()


def _build_message_step(unit: Unit, under: str) -> WireStep:
    step = WireStep(PUBLISH, StepKind.PUBLISH, "", "", headers=user_agent_header(unit.account))
    return requests.write_reply(step, under, unit.text_of("body"))


def _send_outcome(answer: StepResult) -> Outcome:
    said = http_responses.success_body(answer).get("json")
    if not isinstance(said, dict):
        return outcome_of_failure(answer, creates=True)
    data = said.get("data")
    things = data.get("things") if isinstance(data, dict) else None
    made = (
        things[0].get("data")
        if isinstance(things, list) and things and isinstance(things[0], dict)
        else None
    )
    if isinstance(made, dict) and _NAME.fullmatch(str(made.get("name"))):
        return Published(str(made["name"]), "", created_at(made))
    errors = said.get("errors")
    if not isinstance(errors, list) or not errors:
        return Uncertain(Message("connectors.unclear_answer", {"status": 200}))
    code = reddit_error_code(errors[0][0] if isinstance(errors[0], list) and errors[0] else "")
    if code in UNREACHABLE:
        return Rejected(Message(http_responses.READER_GONE), permanent=True)
    if code == "RATELIMIT":
        return refusal_outcome(errors[0], said.get("ratelimit"))
    return Rejected(Message("reddit.message_refused", {"code": code}), permanent=False)


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Page through the sent messages, newest first. Return Unknown if the list contains no known
    message, because it may not list ours at all."""
    if not answers:
        return Send(_sent_page(sought.account, ""))
    pages = [listing_entries(answer) for answer in answers]
    last = pages[-1]
    if last is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = (
        sought.armed_at
        - WINDOW
        - http_responses.clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    )
    recent = [one for one in last if (created_at(one) or start) >= start]
    for one in reversed(recent):
        same = str(one.get("dest")).lower() == sought.chat.lower() and normalize_markdown(
            one.get("body")
        ) == normalize_markdown(sought.text)
        if same and _NAME.fullmatch(str(one["name"])) and one["name"] not in sought.known:
            return Found(str(one["name"]), "", created_at(one))
    sees = any(one["name"] in sought.known for page in pages for one in page or ())
    after = listing_of(answers[-1]).get("after")
    ends = not isinstance(after, str) or len(recent) < len(last)
    if ends and sees:
        return Absent()
    if not isinstance(after, str) or len(answers) >= MAX_PAGES:
        return Unknown(Message("connectors.lookup_failed"))
    return Send(_sent_page(sought.account, after))


def _sent_page(account: str, after: str) -> WireStep:
    return requests.write_sent_page(_read_template(LOOK, account, LOOK), after)


def _build_page_step(me: str, after: str, action: str = UPDATES) -> WireStep:
    """Return the request for a page of the inbox. A look-up is stored with the delivery, so it
    retains only IDs and names of other users' messages."""
    step = _read_template(action, me, action)
    return requests.write_inbox_page(replace(step, only=KEPT) if action == LOOK else step, after)


def _read_template(name: str, account: str, action: str = UPDATES) -> WireStep:
    return WireStep(
        name, StepKind.CONTROL, "", "", headers=user_agent_header(account), action=action
    )
