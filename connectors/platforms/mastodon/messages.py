"""Direct messages on Mastodon: posts that only the mentioned accounts can read.

A post that mentions only this account is a message to it. Every mentioned account receives a post,
so a message begins with its recipient's handle and mentions no other account. It replies to the
last message between the two; otherwise it would start another conversation. Servers filter
notifications of messages from strangers unless `include_filtered` is set. Sources:
https://docs.joinmastodon.org/user/posting/#privacy,
https://docs.joinmastodon.org/methods/conversations/#get,
https://docs.joinmastodon.org/methods/notifications/#get (`include_filtered`),
https://docs.joinmastodon.org/entities/NotificationPolicy/
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import AttachmentKind, ChatUpdate, ChatUpdates
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry, Uncertain
from connectors.platforms.mastodon import limits
from connectors.platforms.mastodon.account import (
    ID_PATTERN,
    RECORD_NOT_FOUND,
    id_of,
    is_missing,
    outcome_of_failure,
    refusal_text,
)
from connectors.platforms.mastodon.text import text_length
from connectors.shared import polls, reply_windows, unit_checks
from connectors.shared.http_responses import (
    READER_GONE,
    SHORT_RETRY,
    parse_timestamp,
    quote_segment,
    success_body,
)
from connectors.shared.polls import PollGenerator
from foundation.i18n.html_text import convert_html_to_text
from foundation.i18n.translation import Message
from gate.contract.units import Unit

DIRECT_VISIBILITY = "direct"
PUBLISH = "publish"
UPDATES = "updates"
READER = "reader"
CONVERSATIONS_STEP = "talks"

POLL_SECONDS = 30.0
"""Seconds between two polls. This uses 10 of the 300 requests in five minutes that an account has,
and that an IP address has for all its accounts. Source:
https://docs.joinmastodon.org/api/rate-limits/"""

RESERVED_CHARACTERS = 32
"""Characters of a message reserved for its recipient's handle: the @, thirty letters and a space.
The server does not count the handle's domain. Source:
https://docs.joinmastodon.org/user/posting/#text"""

LISTED = 80
MAX_PAGES = 5
MAX_CONVERSATIONS = 40
"""Maximum number of conversations per list. `LISTED` is the maximum number of notifications per
page, `MAX_PAGES` the maximum number of pages per poll."""

KEPT = ("accounts.id", "last_status.id", "last_status.visibility")
"""The fields of conversations that are stored, since the list includes conversations with others.
Their messages are not stored."""

BEGINNING = "0"
"""A cursor before the first notification."""

_MEDIA: Mapping[str, AttachmentKind] = {
    "image": "picture",
    "video": "film",
    "gifv": "film",
    "audio": "sound",
}
_NAMES = re.compile(r"(?<![=/\w])@\w")
"""A mention as servers recognize it:
https://github.com/mastodon/mastodon/blob/main/app/models/account.rb"""

_ACCT = re.compile(r"\w+([.-]+\w+)*(@\w+([.-]+\w+)*(:\d{1,5})?)?")


def message_problem(unit: Unit, can: Capabilities, per_address: int) -> Message | None:
    """Return the reason why a message cannot be sent, or None. Texts are never truncated."""
    text = unit.text_of("body")
    if (
        unit.invoice is not None
        or unit.buttons
        or unit.media
        or unit.text_of("title")
        or not text.strip()
    ):
        return Message("meta.words_alone")
    if wrong := unit_checks.unit_problem(unit, can, length=text_length(text, per_address)):
        return wrong
    if _NAMES.search(text):
        return Message("mastodon.names_another")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def next_step(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities, per_address: int
) -> Send | Outcome:
    """Request the recipient's handle, then the last message between the two, then send the reply to
    it."""
    if answers and answers[-1].step == PUBLISH:
        return _send_outcome(answers[-1], unit)
    if wrong := message_problem(unit, can, per_address):
        return Rejected(wrong, permanent=False)
    if not answers:
        return Send(
            _build_read_step(READER, f"/api/v1/accounts/{quote_segment(unit.viewer)}", "look")
        )
    last = answers[-1]
    if last.step == READER:
        refused = _unreachable_outcome(last, unit, can, per_address)
        talks = _build_read_step(
            CONVERSATIONS_STEP, f"/api/v1/conversations?limit={MAX_CONVERSATIONS}", "look"
        )
        return refused or Send(replace(talks, only=KEPT))
    if _parse_entries(last) is None:
        return outcome_of_failure(last, creates=False)
    return Send(
        _build_message_step(
            unit, _parse_handle(answers[0]), _find_last_message_id(last, unit.viewer)
        )
    )


def _unreachable_outcome(
    answer: StepResult, unit: Unit, can: Capabilities, per_address: int
) -> Outcome | None:
    """Return the reason why the recipient cannot be reached, or None."""
    told = success_body(answer)
    if is_missing(answer) or (id_of(answer) == unit.viewer and told.get("suspended") is True):
        return Rejected(Message(READER_GONE), permanent=True)
    if id_of(answer) != unit.viewer or not _parse_handle(answer):
        return outcome_of_failure(answer, creates=False)
    whole = text_length(f"@{_parse_handle(answer)} {unit.text_of('body')}", per_address)
    most = can.size_limits(unit.surface)[0] + RESERVED_CHARACTERS
    if whole > most:  # the handle is longer than Mastodon's limit
        return Rejected(
            Message("connectors.text_too_long", {"length": whole, "most": most}), permanent=False
        )
    return None


def _parse_handle(answer: StepResult) -> str:
    """Return the handle of an account on this server, or "" if a message cannot begin with it."""
    told = success_body(answer).get("acct")
    return told if isinstance(told, str) and _ACCT.fullmatch(told) else ""


def _find_last_message_id(answer: StepResult, other: str) -> str:
    """Return the last message of the newest conversation with this account alone, or ""."""
    for one in _parse_entries(answer) or []:
        match one:
            case {
                "accounts": [{"id": str(found)}],
                "last_status": {"id": str(number), "visibility": "direct"},
            }:
                if found == other and ID_PATTERN.fullmatch(number):
                    return number
            case _:
                continue
    return ""


def _build_message_step(unit: Unit, acct: str, under: str) -> WireStep:
    said: dict[str, Any] = {
        "status": f"@{acct} {unit.text_of('body')}",
        "visibility": DIRECT_VISIBILITY,
    }
    if under:
        said["in_reply_to_id"] = under
    if language := unit.language.partition("-")[0]:
        said["language"] = language
    headers = {"idempotency-key": unit.native_key}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/api/v1/statuses", said, headers=headers)


def _send_outcome(answer: StepResult, unit: Unit) -> Outcome:
    """Return the outcome of a message. If the created post mentions no account, the recipient
    blocks messages or no longer exists."""
    told = success_body(answer)
    if number := id_of(answer):
        reached = unit.viewer in mentioned_accounts(told)
        at = parse_timestamp(told.get("created_at"))
        return (
            Published(number, "", at) if reached else Rejected(Message(READER_GONE), permanent=True)
        )
    if not isinstance(answer, Response):
        return outcome_of_failure(answer, creates=True)
    if answer.is_success or (
        answer.status == 404 and refusal_text(answer) == RECORD_NOT_FOUND
    ):  # sent and deleted since, or never sent
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if answer.status == 404:  # the message above was deleted since; the next attempt reads it again
        return Retry(SHORT_RETRY, "account", Message("connectors.above_gone"))
    return limits.limit_refusal(answer) or outcome_of_failure(answer, creates=True)


def mentioned_accounts(status: Mapping[str, Any]) -> set[str]:
    """Return the IDs of the accounts mentioned in a post."""
    told = status.get("mentions")
    return (
        {str(one.get("id")) for one in told if isinstance(one, Mapping)}
        if isinstance(told, list)
        else set()
    )


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """Return the next request, or the new messages. If the last answer is unusable, return the
    messages read before it."""
    return polls.resume_poll(_poll_updates(cursor) if cursor else _start_polling(), answers)


def _start_polling() -> PollGenerator:
    """Read the account's ID and the newest notification. Earlier messages are ignored, because they
    were sent before the account was connected."""
    whose = yield _build_read_step(UPDATES, "/api/v1/accounts/verify_credentials", UPDATES)
    me = id_of(whose)
    if not me:
        return _polling_failure_outcome(whose)
    answer = yield _build_page_step("")
    listed = _parse_notifications(answer)
    if listed is None:
        return _polling_failure_outcome(answer)
    return ChatUpdates(
        (), f"{me} {max((one['id'] for one in listed), key=_id_sort_key, default=BEGINNING)}"
    )


def _poll_updates(cursor: str) -> PollGenerator:
    """Read the messages since the cursor, oldest first; one request if they fit on one page."""
    me, _, after = cursor.partition(" ")
    updates: list[ChatUpdate] = []
    for page in range(MAX_PAGES):
        answer = yield _build_page_step(after)
        listed = _parse_notifications(answer)
        if listed is None and not page:
            return _polling_failure_outcome(answer)
        fresh = sorted(
            (one for one in listed or [] if _id_sort_key(one["id"]) > _id_sort_key(after)),
            key=lambda one: _id_sort_key(one["id"]),
        )
        updates += [update for one in fresh if (update := _parse_update(one, me)) is not None]
        if fresh:
            after = str(fresh[-1]["id"])
        # An incomplete page is the last one.
        if not fresh or len(listed or []) < LISTED:
            break
    return ChatUpdates(tuple(updates), f"{me} {after}")


def _polling_failure_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a failed poll. A missing scope stops the polls only; the account can
    still publish."""
    if (
        isinstance(answer, Response)
        and answer.status == 403
        and "scope" in refusal_text(answer).lower()
    ):
        return Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)
    return outcome_of_failure(answer, creates=False)


def _parse_update(entry: Mapping[str, Any], me: str) -> ChatUpdate | None:
    """Return a message to this account alone, or None. A message with more than text is
    `unsupported`."""
    match entry:
        case {
            "account": {"id": str(author), "acct": str(name)},
            "status": {"id": str(number), "visibility": "direct"} as status,
        } if (
            author != me
            and ID_PATTERN.fullmatch(author)
            and ID_PATTERN.fullmatch(number)
            and mentioned_accounts(status) - {author} == {me}
        ):
            words = _parse_text(status, me)
            shows = _parse_attachment_kind(status)
            return ChatUpdate(
                number,
                "message" if words and not shows else "unsupported",
                author,
                f"@{name}" if name else "",
                native_id=number,
                at=parse_timestamp(status.get("created_at")),
                text=words,
                shows=shows,
            )
        case _:
            return None


def _parse_text(status: Mapping[str, Any], me: str) -> str:
    """Return the content warning and the text without the account's handle before it."""
    warning = status.get("spoiler_text")
    content = status.get("content")
    words = convert_html_to_text(content) if isinstance(content, str) else ""
    mine = next(
        (str(one.get("username")) for one in status["mentions"] if str(one.get("id")) == me), ""
    )
    if mine:
        words = re.sub(
            rf"\A(?:@{re.escape(mine)}(?:@[\w.:-]*\w)?(?![\w@-])[\s,:]*)+",
            "",
            words,
            flags=re.IGNORECASE,
        )
    said = [warning.strip() if isinstance(warning, str) else "", words.strip()]
    return "\n\n".join(word for word in said if word)


def _parse_attachment_kind(status: Mapping[str, Any]) -> AttachmentKind:
    """Return the kind of the first attachment. Attachments are not downloaded, because the sender
    chose their URLs."""
    media = status.get("media_attachments")
    first = media[0] if isinstance(media, list) and media else None
    if first is None:
        return ""
    return _MEDIA.get(str(first.get("type")), "file") if isinstance(first, Mapping) else "file"


def _parse_notifications(answer: StepResult) -> list[Mapping[str, Any]] | None:
    """Return the notifications of an answer that have an ID, or None if it is not a list."""
    listed = _parse_entries(answer)
    return (
        None
        if listed is None
        else [one for one in listed if ID_PATTERN.fullmatch(str(one.get("id")))]
    )


def _parse_entries(answer: StepResult) -> list[Mapping[str, Any]] | None:
    listed = answer.body if isinstance(answer, Response) and answer.is_success else None
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else None


def _id_sort_key(number: str) -> tuple[int, str]:
    """Return the sort key of an ID: numbers without leading zeros, or letters of one length."""
    return len(number), number


def _build_page_step(after: str) -> WireStep:
    since = f"&min_id={quote_segment(after)}" if after else ""
    path = f"/api/v1/notifications?types%5B%5D=mention&include_filtered=true&limit={LISTED}{since}"
    return _build_read_step(UPDATES, path, UPDATES)


def _build_read_step(name: str, path: str, action: str) -> WireStep:
    return WireStep(name, StepKind.CONTROL, "GET", path, action=action)
