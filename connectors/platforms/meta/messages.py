"""Direct messages on Meta's networks: polling, sending and look-ups.

The user writes first and can be answered for 24 hours. Conversations are listed by their last
change, newest first. Each returns its last 20 messages; older ones are not available. Messages have
no idempotency key, so a lost one is identified by text, sender and time. Attachments are reported
by kind and never downloaded. Source: `instagram-api-with-instagram-login/conversations-api` and
`…/messaging-api` of https://developers.facebook.com/docs/instagram-platform/,
https://developers.facebook.com/docs/messenger-platform/conversations; limits:
`messenger-platform/overview/rate-limiting` of
https://developers.facebook.com/documentation/business-messaging/
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import AttachmentKind, ChatUpdate, ChatUpdates
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
    Uncertain,
    Unknown,
)
from connectors.platforms.meta import errors
from connectors.platforms.meta.errors import answer_entries, next_cursor
from connectors.shared import polls, unit_checks
from connectors.shared.http_responses import (
    clock_lead,
    from_unix_seconds,
    parse_timestamp,
    quote_segment,
    response_date,
    success_body,
)
from connectors.shared.polls import PollGenerator
from connectors.shared.text_counting import normalize_message_text
from foundation.i18n.translation import Message
from gate.contract.units import Unit

PUBLISH = "publish"
UPDATES = "updates"
LOOK = "look"
MESSAGES_PROBE_STEP = "chats"

POLL_SECONDS = 30.0
"""Seconds between two reads of the list. The reads use 2 of the 60 requests for conversations that
an account has in this time."""

POLL_GAP = 0.5
"""Seconds between an answer and the next request. An account may send two requests for
conversations a second; with this gap the third arrives at least a second after the first, whatever
the latency."""

REPLY_HOURS = 24
"""Hours of Meta's standard messaging window:
https://developers.facebook.com/docs/messenger-platform/policy/policy-overview"""

LISTED = 50
MAX_PAGES = 5
MAX_PEOPLE = 12
TOLD = 20
"""Number of messages that Meta returns of a conversation. `LISTED` is the number of conversations
per page, `MAX_PAGES` the number of pages of the list per poll, and `MAX_PEOPLE` the number of
conversations read per poll."""

LATE = timedelta(seconds=60)
TIES = timedelta(seconds=10)
"""Overlap of reads of a conversation, since times may be equal; `LATE` is that of the list, which
may be delayed. Known messages are ignored."""

SETTLED = timedelta(seconds=2)
"""Age from which a change of a conversation is final. Meta's times are whole seconds, so a later
change in the same second has the same time."""

WINDOW = timedelta(seconds=60)
"""A message older than the attempt by more than this is a different one with the same text."""

_MEDIA: Mapping[str, AttachmentKind] = {"image": "picture", "video": "film", "audio": "sound"}
_LONGEST_ID = 400


@dataclass(frozen=True)
class MessagingNetwork:
    """A network of Meta with direct messages, and its differences."""

    name: str
    """The network's name in requests for conversations."""
    me: str
    """The path that returns the ID and the name of the token's account."""
    who: tuple[str, ...]
    """The fields of that answer with the account's IDs."""
    fields: str
    """The requested fields of a message."""
    most_bytes: int
    """Maximum size of a text in UTF-8, or 0 if only characters count."""
    extra: Mapping[str, str]
    """Further fields of an outgoing message."""


def message_problem(network: MessagingNetwork, unit: Unit, can: Capabilities) -> Message | None:
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
    if wrong := unit_checks.unit_problem(unit, can, length=len(text)):
        return wrong
    if network.most_bytes and len(text.encode()) > network.most_bytes:
        return Message(
            "connectors.text_too_heavy", {"size": len(text.encode()), "most": network.most_bytes}
        )
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def next_step(
    network: MessagingNetwork, unit: Unit, answers: tuple[StepResult, ...], can: Capabilities
) -> Send | Outcome:
    """Send the message in one request and return its outcome."""
    if wrong := message_problem(network, unit, can):
        return Rejected(wrong, permanent=False)
    if not answers:
        body = {
            "recipient": {"id": unit.viewer},
            "message": {"text": unit.text_of("body")},
            **network.extra,
        }
        return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/{account}/messages", body))
    last = answers[-1]
    if number := _parse_id(success_body(last).get("message_id")):
        return Published(number)
    if isinstance(last, Response) and last.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return errors.message_failure_outcome(last)


def look_up(
    network: MessagingNetwork, sought: LookupQuery, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Search the conversation with the recipient back to a minute before the attempt.

    A missing conversation proves nothing, because its owner may have deleted it in the app.
    """
    if not answers:
        fields = f"id,messages.limit({TOLD}){{id,created_time,from,message}}"
        path = (
            f"/{{account}}/conversations?platform={network.name}"
            f"&user_id={quote_segment(sought.chat)}"
        )
        return Send(
            WireStep(
                LOOK, StepKind.CONTROL, "GET", f"{path}&fields={quote_segment(fields)}", action=LOOK
            )
        )
    talks = answer_entries(success_body(answers[-1]))
    listed = _parse_messages(talks[0]) if talks else None
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [one for one in listed if (_parse_time(one.get("created_time")) or start) >= start]
    ours = [
        one
        for one in recent
        if sought.account in _account_names(one.get("from")) and one["id"] not in sought.known
    ]
    wanted = normalize_message_text(sought.text)
    same = [one for one in ours if normalize_message_text(one.get("message")) == wanted]
    if same:
        first = min(same, key=lambda one: _parse_time(one.get("created_time")) or start)
        return Found(str(first["id"]), "", _parse_time(first.get("created_time")))
    # Only the last TOLD messages are available. If all of them are recent, earlier ones are
    # missing.
    whole = len(recent) < len(listed) or len(listed) < TOLD
    return Absent() if whole else Unknown(Message("connectors.lookup_failed"))


def listen(
    network: MessagingNetwork, cursor: str, answers: tuple[StepResult, ...]
) -> Send | ChatUpdates | Outcome:
    """Return the next request, or the new messages. If the last answer is unusable, return the
    messages read before it."""
    return polls.resume_poll(
        _poll_updates(network, _Mark.read(cursor)) if cursor else _start_polling(network), answers
    )


def messages_probe_step(network: MessagingNetwork) -> WireStep:
    """Request a conversation to check access to messages while an account is being connected."""
    return WireStep(
        MESSAGES_PROBE_STEP,
        StepKind.AUTH,
        "GET",
        f"/me/conversations?platform={network.name}&fields=id&limit=1",
    )


@dataclass(frozen=True)
class _Mark:
    """The position of the polls: the account's names, the time of the first poll, the time up to
    which all conversations were read, and the time of each conversation read since. Times are Unix
    seconds."""

    me: frozenset[str]
    began: int
    floor: int
    read_at: Mapping[str, int]

    @classmethod
    def read(cls, cursor: str) -> "_Mark":
        """Parse the output of `written`."""
        names, began, floor, *read = cursor.split(" ")
        pairs = (one.partition(":") for one in read)
        return cls(
            frozenset(names.split(",")),
            int(began),
            int(floor),
            {talk: int(at) for talk, _, at in pairs},
        )

    def written(self) -> str:
        """Return the mark as one line, equal for equal marks."""
        read = (f"{talk}:{at}" for talk, at in sorted(self.read_at.items()))
        return " ".join([",".join(sorted(self.me)), str(self.began), str(self.floor), *read])

    def passed(self, talk: Mapping[str, Any], answer: StepResult) -> "_Mark":
        """Return the mark after a conversation was read.

        If the conversation may still change in the second of its last change, it counts as read up
        to the second before and is read again. If the answer has no plausible date, the change
        counts as final.
        """
        at = _updated_seconds(talk)
        told = response_date(answer)
        ago = timedelta(seconds=told.timestamp() - at) if told is not None else SETTLED
        return replace(
            self, read_at={**self.read_at, _conversation_key(talk): at - (-LATE <= ago < SETTLED)}
        )

    def caught_up(self, talks: list[dict[str, Any]]) -> "_Mark":
        """Return the mark after all listed conversations were read."""
        floor = max([self.floor, *map(_updated_seconds, talks)])
        late = floor - int(LATE.total_seconds())
        return replace(
            self, floor=floor, read_at={talk: at for talk, at in self.read_at.items() if at >= late}
        )

    def is_new(self, talk: Mapping[str, Any]) -> bool:
        """Return True if the conversation has changed since it was read."""
        return self.may_be(talk) and self.read_at.get(_conversation_key(talk)) != _updated_seconds(
            talk
        )

    def may_be(self, talk: Mapping[str, Any]) -> bool:
        """Return True if the conversation changed recently enough that it may be unread."""
        return _updated_seconds(talk) >= self.floor - LATE.total_seconds()

    def since(self, talk: Mapping[str, Any]) -> datetime:
        """Return the time from which its messages may be new. Messages from before the first poll
        are never new."""
        at = self.read_at.get(_conversation_key(talk))
        begin = (
            datetime.fromtimestamp(self.floor, UTC) - LATE
            if at is None
            else datetime.fromtimestamp(at, UTC) - TIES
        )
        return max(begin, datetime.fromtimestamp(self.began, UTC) + timedelta(microseconds=1))


def _start_polling(network: MessagingNetwork) -> PollGenerator:
    """Read the account's names and the end of its list. Earlier messages are ignored, because they
    were sent before the account was connected."""
    whose = yield _build_read_step(network.me)
    told = success_body(whose)
    names = {str(told[name]) for name in network.who if told.get(name)} | _account_names(told)
    if not names:
        return errors.reading_failure_outcome(whose)
    answer = yield _build_page_step(network, "")
    talks = answer_entries(success_body(answer))
    if talks is None:
        return errors.reading_failure_outcome(answer)
    newest = max(map(_updated_seconds, talks), default=0)
    stood = {_conversation_key(talk): _updated_seconds(talk) for talk in talks}
    return ChatUpdates(
        (), _Mark(frozenset(names), newest, newest, stood).caught_up(talks).written()
    )


def _poll_updates(network: MessagingNetwork, mark: _Mark) -> PollGenerator:
    """Read the list of changed conversations, then the messages of each, beginning with the one
    that has waited longest."""
    talks: list[dict[str, Any]] = []
    after = ""
    whole = False
    for _ in range(MAX_PAGES):
        answer = yield _build_page_step(network, after)
        page = answer_entries(success_body(answer))
        if page is None:
            return errors.reading_failure_outcome(answer)
        talks += [one for one in page if _parse_id(one.get("id"))]
        after = next_cursor(success_body(answer))
        whole = not after or any(not mark.may_be(one) for one in page)
        if whole:
            break
    changed = sorted((talk for talk in talks if mark.is_new(talk)), key=_updated_seconds)
    updates: list[ChatUpdate] = []
    for talk in changed[:MAX_PEOPLE]:
        answer = yield _build_read_step(
            f"/{quote_segment(str(talk['id']))}?fields={quote_segment(_messages_field(network))}"
        )
        listed = _parse_messages(success_body(answer))
        if listed is None and not errors.is_conversation_missing(answer):
            return (
                ChatUpdates(tuple(updates), mark.written())
                if updates
                else errors.reading_failure_outcome(answer)
            )
        updates += _parse_updates(mark, talk, listed or [])
        mark = mark.passed(talk, answer)
    if len(changed) <= MAX_PEOPLE and (whole or not changed):
        mark = mark.caught_up(talks)
    return ChatUpdates(tuple(updates), mark.written())


def _parse_updates(
    mark: _Mark, talk: Mapping[str, Any], listed: list[dict[str, Any]]
) -> list[ChatUpdate]:
    """Return the new messages of the other user, oldest first. If there were more than Meta
    returns, a notice precedes them."""
    since = mark.since(talk)
    dated = [
        (at, one)
        for one in reversed(listed)
        if (at := _parse_time(one.get("created_time"))) is not None
    ]
    fresh = sorted(((at, one) for at, one in dated if at >= since), key=lambda pair: pair[0])
    theirs = [_parse_update(one, at) for at, one in fresh if _is_theirs(one, mark.me)]
    # All returned messages are new, so there may be more that Meta does not return.
    if theirs and len(fresh) == len(listed) == TOLD and mark.floor:
        first = theirs[0]
        return [
            replace(
                first,
                key=f"before:{first.key}",
                kind="unsupported",
                native_id="",
                text="",
                shows="more",
            ),
            *theirs,
        ]
    return theirs


def _is_theirs(one: Mapping[str, Any], me: frozenset[str]) -> bool:
    """Return True if another user wrote the message to this account alone."""
    sender = one.get("from")
    to = one.get("to")
    told = answer_entries(to) if isinstance(to, dict) else None
    written_to_me = told is None or (len(told) == 1 and bool(_account_names(told[0]) & me))
    return _parse_user_id(sender) != "" and not _account_names(sender) & me and written_to_me


def _parse_update(one: Mapping[str, Any], at: datetime) -> ChatUpdate:
    """Return the update of a message. A message with more than text is `unsupported`."""
    text = one.get("message")
    shows = _parse_attachment_kind(one)
    words = text if isinstance(text, str) else ""
    number = str(one["id"])
    sender = one["from"]
    name = sender.get("username") or sender.get("name")
    handle = f"@{name}" if sender.get("username") else str(name or "")
    return ChatUpdate(
        number,
        "unsupported" if shows or not words.strip() else "message",
        _parse_user_id(sender),
        handle,
        native_id=number,
        at=at,
        text=words,
        shows=shows
        if shows or words.strip()
        else "hidden",  # content that can be viewed once, or that the API does not return
    )


def _parse_attachment_kind(one: Mapping[str, Any]) -> AttachmentKind:
    """Return the kind of a message's content other than text. Attachments are not downloaded,
    because the sender chose their URLs."""
    story = one.get("story")
    if isinstance(story, dict) and story:
        return "mention" if "mention" in story else "story"
    for name in ("attachments", "shares"):
        listed = answer_entries(one[name]) if isinstance(one.get(name), dict) else None
        if listed and name == "shares":
            return "share"
        if listed:
            kinds = (
                _MEDIA.get(str(listed[0].get("mime_type")).partition("/")[0]),
                _data_kind(listed[0]),
            )
            return next((kind for kind in kinds if kind), "file")
    return "picture" if isinstance(one.get("sticker"), str) else ""


def _data_kind(attachment: Mapping[str, Any]) -> AttachmentKind:
    if "image_data" in attachment:
        return "picture"
    return "film" if "video_data" in attachment else ""


def _parse_messages(talk: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the messages of a conversation, newest first, or None if the answer contains none."""
    told = talk.get("messages")
    listed = answer_entries(told) if isinstance(told, dict) else None
    return [one for one in listed if _parse_id(one.get("id"))] if listed is not None else None


def _account_names(one: object) -> frozenset[str]:
    """Return the names of an account: its ID, and its username with an @."""
    told = one if isinstance(one, dict) else {}
    name = told.get("username")
    named = (
        frozenset({f"@{name}"})
        if isinstance(name, str) and name and " " not in name and "," not in name
        else None
    )
    return frozenset(filter(None, (_parse_user_id(told),))) | (named or frozenset())


def _parse_user_id(one: object) -> str:
    found = one.get("id") if isinstance(one, dict) else None
    return (
        found
        if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 40
        else ""
    )


def _parse_id(found: object) -> str:
    """Return the ID of a message or conversation, or ""."""
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_ID else ""


def _parse_time(told: object) -> datetime | None:
    """Return a time in UTC. Meta's pages document a number but show another format."""
    return (
        from_unix_seconds(str(told))
        if isinstance(told, int | str) and str(told).isdigit()
        else parse_timestamp(told)
    )


def _updated_seconds(talk: Mapping[str, Any]) -> int:
    at = _parse_time(talk.get("updated_time"))
    return int(at.timestamp()) if at is not None else 0


def _conversation_key(talk: Mapping[str, Any]) -> str:
    return hashlib.sha256(str(talk.get("id")).encode()).hexdigest()[:12]


def _messages_field(network: MessagingNetwork) -> str:
    return f"messages.limit({TOLD}){{{network.fields}}}"


def _build_page_step(network: MessagingNetwork, after: str) -> WireStep:
    cursor = f"&after={quote_segment(after)}" if after else ""
    return _build_read_step(
        f"/{{account}}/conversations?platform={network.name}&fields=id,updated_time"
        f"&limit={LISTED}{cursor}"
    )


def _build_read_step(path: str) -> WireStep:
    return WireStep(UPDATES, StepKind.CONTROL, "GET", path, action=UPDATES)
