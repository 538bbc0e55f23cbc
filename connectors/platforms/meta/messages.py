"""Messages between an account on one of Meta's networks and one person: heard, answered, looked
for. Pure.

The person writes first, and may be answered for a day. Conversations are listed, those that
changed last first; each is asked for its last twenty messages, since of older ones nothing is
told. No key travels with a message: one whose answer was lost is known by its words, its sender
and its time. What is more than words is told as what it is and never fetched. Source:
`instagram-api-with-instagram-login/conversations-api` and `…/messaging-api` of
https://developers.facebook.com/docs/instagram-platform/,
https://developers.facebook.com/docs/messenger-platform/conversations and, of limits,
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
"""Between two looks at the list: 2 of the 60 requests an account has in that time for its
conversations."""

POLL_GAP = 0.5
"""Two questions a second for an account's conversations, counted from the answer: however long each
is on its way, the third arrives no sooner than a second after the first."""

REPLY_HOURS = 24
"""Standard messaging:
https://developers.facebook.com/docs/messenger-platform/policy/policy-overview"""

LISTED = 50
MAX_PAGES = 5
MAX_PEOPLE = 12
TOLD = 20
"""Conversations of a page, and pages; conversations one poll asks after; messages of which
something is told."""

LATE = timedelta(seconds=60)
TIES = timedelta(seconds=10)
"""So much is read again: of the list, since it may lag; of a conversation, since times tie. What
was heard is known."""

SETTLED = timedelta(seconds=2)
"""Their times are whole seconds: a conversation that changed so lately may change once more and be
told as before."""

WINDOW = timedelta(seconds=60)
"""A message older than this before the attempt is another one with the same words."""

_MEDIA: Mapping[str, AttachmentKind] = {"image": "picture", "video": "film", "audio": "sound"}
_LONGEST_ID = 400


@dataclass(frozen=True)
class MessagingNetwork:
    """One of them, and what is different there."""

    name: str
    """What it calls itself in a question for conversations."""
    me: str
    """The path under which a token says whose it is, with its number and its name."""
    who: tuple[str, ...]
    """Where that answer tells the account's numbers."""
    fields: str
    """What is asked of a message."""
    most_bytes: int
    """Of the words of a message, in UTF-8; 0 where only characters count."""
    extra: Mapping[str, str]
    """What a message is sent with beside its words."""


def message_problem(network: MessagingNetwork, unit: Unit, can: Capabilities) -> Message | None:
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
    """One request sends the words; tell what its answer meant."""
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
    """Ask for the conversation with that person, back to a minute before the attempt.

    A conversation that is not there proves nothing: its owner may have deleted it in the app.
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
    whole = len(recent) < len(listed) or len(listed) < TOLD
    return Absent() if whole else Unknown(Message("connectors.lookup_failed"))


def listen(
    network: MessagingNetwork, cursor: str, answers: tuple[StepResult, ...]
) -> Send | ChatUpdates | Outcome:
    """The next request, or what people said; as much as was read where the last answer is
    unusable."""
    return polls.resume_poll(
        _poll_updates(network, _Mark.read(cursor)) if cursor else _start_polling(network), answers
    )


def messages_probe_step(network: MessagingNetwork) -> WireStep:
    """Asks, as an account is connected, whether its messages may be read."""
    return WireStep(
        MESSAGES_PROBE_STEP,
        StepKind.AUTH,
        "GET",
        f"/me/conversations?platform={network.name}&fields=id&limit=1",
    )


@dataclass(frozen=True)
class _Mark:
    """How far an account was heard: its names, since when it is listened to, up to when all was
    read, and of each conversation that was read since then, how it stood; in seconds since 1970."""

    me: frozenset[str]
    began: int
    floor: int
    read_at: Mapping[str, int]

    @classmethod
    def read(cls, cursor: str) -> "_Mark":
        """What `written` wrote."""
        names, began, floor, *read = cursor.split(" ")
        pairs = (one.partition(":") for one in read)
        return cls(
            frozenset(names.split(",")),
            int(began),
            int(floor),
            {talk: int(at) for talk, _, at in pairs},
        )

    def written(self) -> str:
        """As one line; the same for the same mark."""
        read = (f"{talk}:{at}" for talk, at in sorted(self.read_at.items()))
        return " ".join([",".join(sorted(self.me)), str(self.began), str(self.floor), *read])

    def passed(self, talk: Mapping[str, Any], answer: StepResult) -> "_Mark":
        """The mark after this answer told a conversation; one that may still change in the second
        it changed in counts as read up to the one before, and is read again. An answer that says no
        sensible time settles it."""
        at = _updated_seconds(talk)
        told = response_date(answer)
        ago = timedelta(seconds=told.timestamp() - at) if told is not None else SETTLED
        return replace(
            self, read_at={**self.read_at, _conversation_key(talk): at - (-LATE <= ago < SETTLED)}
        )

    def caught_up(self, talks: list[dict[str, Any]]) -> "_Mark":
        """The mark after all that is listed was read."""
        floor = max([self.floor, *map(_updated_seconds, talks)])
        late = floor - int(LATE.total_seconds())
        return replace(
            self, floor=floor, read_at={talk: at for talk, at in self.read_at.items() if at >= late}
        )

    def is_new(self, talk: Mapping[str, Any]) -> bool:
        """Whether a conversation changed since it was read."""
        return self.may_be(talk) and self.read_at.get(_conversation_key(talk)) != _updated_seconds(
            talk
        )

    def may_be(self, talk: Mapping[str, Any]) -> bool:
        """Whether it changed so lately that it may not have been read."""
        return _updated_seconds(talk) >= self.floor - LATE.total_seconds()

    def since(self, talk: Mapping[str, Any]) -> datetime:
        """From when on its messages may be new; none that was there before the account was listened
        to."""
        at = self.read_at.get(_conversation_key(talk))
        begin = (
            datetime.fromtimestamp(self.floor, UTC) - LATE
            if at is None
            else datetime.fromtimestamp(at, UTC) - TIES
        )
        return max(begin, datetime.fromtimestamp(self.began, UTC) + timedelta(microseconds=1))


def _start_polling(network: MessagingNetwork) -> PollGenerator:
    """Whose account it is, and where its list ends: what was said before was said to its owner, not
    to us."""
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
    """What changed, then the messages of each conversation that did, the one that waits longest
    first."""
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
    """What the other one wrote since, oldest first; ahead of it, that there was more than is told
    of."""
    since = mark.since(talk)
    dated = [
        (at, one)
        for one in reversed(listed)
        if (at := _parse_time(one.get("created_time"))) is not None
    ]
    fresh = sorted(((at, one) for at, one in dated if at >= since), key=lambda pair: pair[0])
    theirs = [_parse_update(one, at) for at, one in fresh if _is_theirs(one, mark.me)]
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
    """Whether it was written to this account alone, by somebody else."""
    sender = one.get("from")
    to = one.get("to")
    told = answer_entries(to) if isinstance(to, dict) else None
    written_to_me = told is None or (len(told) == 1 and bool(_account_names(told[0]) & me))
    return _parse_user_id(sender) != "" and not _account_names(sender) & me and written_to_me


def _parse_update(one: Mapping[str, Any], at: datetime) -> ChatUpdate:
    """What was written; what is more than words is for a person to see."""
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
        else "hidden",  # what is seen once, and what programs are not shown
    )


def _parse_attachment_kind(one: Mapping[str, Any]) -> AttachmentKind:
    """What a message is beside its words; nothing of it is fetched, since whoever wrote it chose
    what lies there."""
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
    """The messages of a conversation, newest first; None where none are told."""
    told = talk.get("messages")
    listed = answer_entries(told) if isinstance(told, dict) else None
    return [one for one in listed if _parse_id(one.get("id"))] if listed is not None else None


def _account_names(one: object) -> frozenset[str]:
    """By what somebody is known: their number, and their name with an @."""
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
    """An id of theirs, of a message or a conversation; "" for none."""
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_ID else ""


def _parse_time(told: object) -> datetime | None:
    """A time of theirs, in UTC; their pages say that it is a number, and show it otherwise."""
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
