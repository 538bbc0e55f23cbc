"""Messages between a Mastodon account and one person: posts that only whom they name can read.
Pure.

One that names this account alone is a message to it. Whatever a message names hears it too, so ours
names its reader, at its beginning, and nobody else. It goes under the last one that was said
between the two, or it would begin another conversation. Servers keep what is said with strangers
apart from other notifications unless they are asked for it. Sources:
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
from connectors.platforms.mastodon.text import html_to_text, text_length
from connectors.shared import polls, reply_windows, unit_checks
from connectors.shared.http_responses import (
    READER_GONE,
    SHORT_RETRY,
    parse_timestamp,
    quote_segment,
    success_body,
)
from connectors.shared.polls import PollGenerator
from foundation.i18n.translation import Message
from gate.contract.units import Unit

DIRECT_VISIBILITY = "direct"
PUBLISH = "publish"
UPDATES = "updates"
READER = "reader"
CONVERSATIONS_STEP = "talks"

POLL_SECONDS = 30.0
"""Between two looks: 10 of the 300 requests that an account, and an address for all of its
accounts, has in five minutes. Source: https://docs.joinmastodon.org/api/rate-limits/"""

RESERVED_CHARACTERS = 32
"""Characters of every message that are its reader's name: the sign, thirty letters, a blank. The
server does not count where they are from. Source:
https://docs.joinmastodon.org/user/posting/#text"""

LISTED = 80
MAX_PAGES = 5
MAX_CONVERSATIONS = 40
"""Notifications of a page, the most a server gives, and pages of one poll; conversations of one
listing."""

KEPT = ("accounts.id", "last_status.id", "last_status.visibility")
"""What is kept of the conversations, of which all but one are with others: nothing that was said in
them."""

BEGINNING = "0"
"""Before the first notification there will be."""

_MEDIA: Mapping[str, AttachmentKind] = {
    "image": "picture",
    "video": "film",
    "gifv": "film",
    "audio": "sound",
}
_NAMES = re.compile(r"(?<![=/\w])@\w")
"""Where a server would find somebody's name:
https://github.com/mastodon/mastodon/blob/main/app/models/account.rb"""

_ACCT = re.compile(r"\w+([.-]+\w+)*(@\w+([.-]+\w+)*(:\d{1,5})?)?")


def message_problem(unit: Unit, can: Capabilities, per_address: int) -> Message | None:
    """Why a message cannot go out as it is; nothing is ever cut."""
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
    """Ask what its reader is called, then which was the last message between the two, then send it
    under that."""
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
    """Why nothing can be said to somebody; None where it can."""
    told = success_body(answer)
    if is_missing(answer) or (id_of(answer) == unit.viewer and told.get("suspended") is True):
        return Rejected(Message(READER_GONE), permanent=True)
    if id_of(answer) != unit.viewer or not _parse_handle(answer):
        return outcome_of_failure(answer, creates=False)
    whole = text_length(f"@{_parse_handle(answer)} {unit.text_of('body')}", per_address)
    most = can.size_limits(unit.surface)[0] + RESERVED_CHARACTERS
    if whole > most:  # their name is longer than Mastodon's own may be
        return Rejected(
            Message("connectors.text_too_long", {"length": whole, "most": most}), permanent=False
        )
    return None


def _parse_handle(answer: StepResult) -> str:
    """By what an account is named on the server we ask; "" for what no message may begin with."""
    told = success_body(answer).get("acct")
    return told if isinstance(told, str) and _ACCT.fullmatch(told) else ""


def _find_last_message_id(answer: StepResult, other: str) -> str:
    """The last message of the newest conversation with somebody alone; "" where there is none."""
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
    """What came of a message. One that names nobody reaches nobody: its reader takes none of ours,
    or left."""
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
    if answer.status == 404:  # what it was to stand under went meanwhile: the next try asks again
        return Retry(SHORT_RETRY, "account", Message("connectors.above_gone"))
    return limits.limit_refusal(answer) or outcome_of_failure(answer, creates=True)


def mentioned_accounts(status: Mapping[str, Any]) -> set[str]:
    """The accounts that a status names."""
    told = status.get("mentions")
    return (
        {str(one.get("id")) for one in told if isinstance(one, Mapping)}
        if isinstance(told, list)
        else set()
    )


def listen(cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
    """The next request, or what people said; as much as was read where the last answer is
    unusable."""
    return polls.resume_poll(_poll_updates(cursor) if cursor else _start_polling(), answers)


def _start_polling() -> PollGenerator:
    """Whose account it is, and where its list ends: what was said before was said to its owner, not
    to us."""
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
    """What was said since then, oldest first; one request where that fits one page."""
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
        if not fresh or len(listed or []) < LISTED:
            break
    return ChatUpdates(tuple(updates), f"{me} {after}")


def _polling_failure_outcome(answer: StepResult) -> Outcome:
    """Why nothing was heard. A right that is missing ends listening alone: the account goes on
    posting."""
    if (
        isinstance(answer, Response)
        and answer.status == 403
        and "scope" in refusal_text(answer).lower()
    ):
        return Rejected(Message(reply_windows.MESSAGES_NOT_ALLOWED), permanent=False)
    return outcome_of_failure(answer, creates=False)


def _parse_update(entry: Mapping[str, Any], me: str) -> ChatUpdate | None:
    """What somebody said to this account alone; what is more than words is for a person to see."""
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
    """The warning it is folded up behind, and its words without our own name before them."""
    warning = status.get("spoiler_text")
    content = status.get("content")
    words = html_to_text(content) if isinstance(content, str) else ""
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
    """What it is beside its words; nothing of it is fetched, since whoever wrote it chose what lies
    there."""
    media = status.get("media_attachments")
    first = media[0] if isinstance(media, list) and media else None
    if first is None:
        return ""
    return _MEDIA.get(str(first.get("type")), "file") if isinstance(first, Mapping) else "file"


def _parse_notifications(answer: StepResult) -> list[Mapping[str, Any]] | None:
    """The notifications of an answer that have an id; None for what is no listing."""
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
    """Ids in order: numbers without leading zeros, or letters of one length."""
    return len(number), number


def _build_page_step(after: str) -> WireStep:
    since = f"&min_id={quote_segment(after)}" if after else ""
    path = f"/api/v1/notifications?types%5B%5D=mention&include_filtered=true&limit={LISTED}{since}"
    return _build_read_step(UPDATES, path, UPDATES)


def _build_read_step(name: str, path: str, action: str) -> WireStep:
    return WireStep(name, StepKind.CONTROL, "GET", path, action=action)
