"""Messages of the fake Instagram and of a fake Page: conversations, permissions to reply, and
representation.

Documented: conversations by `platform`, and one by `user_id`; details of the twenty newest messages
only; a limit of 1000 bytes of UTF-8, or 2000 characters on Messenger; replies within 24 hours after
the user's message, on Messenger with the type RESPONSE; the message permissions for every request;
errors for a user who blocked the account or no longer exists.
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/conversations-api,
/messaging-api, https://developers.facebook.com/docs/messenger-platform/reference/send-api,
/error-codes and
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversations.
Unverified: conversations are sorted by their latest change, messages newest first; times have
seconds; unsent messages are omitted; content that only the app displays has no text; the error
subcodes of Instagram, which others reported; that Messenger counts code points, and returns error
10 for a missing permission. The same text twice creates two messages: there is no idempotency key.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.instagram.comments import Fields, fields_of
from tests.fakes.meta.fetched_media import GraphApiError

RIGHT = "instagram_business_manage_messages"
WINDOW = timedelta(hours=24)
TOLD = 20
FIELDS = frozenset(
    {"id", "created_time", "from", "to", "message", "attachments", "shares", "reactions"}
)
Json = dict[str, Any]


@dataclass(frozen=True)
class ChatRules:
    """Differences between the two platforms. Errors are code, subcode and status."""

    platform: str
    host: str
    rights: frozenset[str]
    fields: frozenset[str]
    prefixes: tuple[str, str]
    """Prefixes of the IDs of conversations and messages."""
    said_as: Json
    """Fields of a sent message besides its recipient and text."""
    over: tuple[int, int, int]
    gone: tuple[int, int, int]
    most_bytes: int = 0
    most_text: int = 0
    archives: bool = True
    """True if an archived conversation accepts no messages."""


INSTAGRAM = ChatRules(
    platform="instagram",
    host="graph.instagram.com",
    rights=frozenset({RIGHT}),
    fields=FIELDS | {"story"},
    prefixes=("aWdfZAG06", "aWdfbWlkX"),
    said_as={},
    over=(10, 2534022, 403),
    gone=(100, 2534014, 400),
    most_bytes=1000,
)
MESSENGER = ChatRules(
    platform="messenger",
    host="graph.facebook.com",
    rights=frozenset({"pages_messaging", "pages_manage_metadata", "pages_read_engagement"}),
    fields=FIELDS | {"sticker", "tags"},
    prefixes=("t_", "m_SLIp8u5-"),
    said_as={"messaging_type": "RESPONSE"},
    over=(10, 2018278, 400),
    gone=(100, 2018001, 400),
    most_text=2000,
    archives=False,
)
_numbers = itertools.count(1_780_000_000_001)


@dataclass
class ChatMessage:
    """A message. `more` contains its fields besides the text."""

    id: str
    by: str
    at: datetime
    text: str
    more: Json = field(default_factory=dict)


@dataclass
class Conversation:
    """The conversation with one user. `shut` is set if they blocked the account, are `gone`, or if
    it is `archived`."""

    id: str
    person: str
    username: str
    said: list[ChatMessage] = field(default_factory=list)
    shut: str = ""


class Chats:
    """All conversations of an account. `username` is the name of a Page."""

    def __init__(self, owner: str, username: str, rules: ChatRules = INSTAGRAM) -> None:
        self.rules, self._me = rules, _shown_as(rules, owner, username)
        self.talks: dict[str, Conversation] = {}
        self.taken: list[tuple[str, str]] = []
        """Messages sent by the account, oldest first."""
        self.limited = 0
        """Number of next messages that are rate limited."""
        self.a_second = 0
        """Maximum requests for conversations per second, or 0 for no limit. The documented limit is
        2; the error 613 beyond it, and that a rejected request does not count, are assumed."""
        self._asked_at: list[datetime] = []

    def person(self, username: str) -> Conversation:
        """Return the conversation with a user, creating it if necessary."""
        found = next((talk for talk in self.talks.values() if talk.username == username), None)
        number = next(_numbers)
        made = found or Conversation(f"{self.rules.prefixes[0]}{number}", str(number), username)
        return self.talks.setdefault(made.id, made)

    def say(self, username: str, text: str, at: datetime, **more: Any) -> ChatMessage:
        """Add a message from a user to the account."""
        talk = self.person(username)
        talk.said.append(made := ChatMessage(self._number(), talk.person, at, text, more))
        return made

    def _number(self) -> str:
        return f"{self.rules.prefixes[1]}{next(_numbers)}"

    def typed(self, username: str, text: str, at: datetime) -> ChatMessage:
        """Add a message that the account's owner sent in the app."""
        talk = self.person(username)
        talk.said.append(made := ChatMessage(self._number(), self._me["id"], at, text))
        return made

    def unsend(self, username: str, message: str) -> None:
        """Remove a message, as its sender does."""
        talk = self.person(username)
        talk.said = [one for one in talk.said if one.id != message]

    def answer(
        self,
        method: str,
        parts: list[str],
        told: Mapping[str, Any],
        rights: frozenset[str],
        now: datetime,
    ) -> Json | None:
        """Return the response to a request about messages, or None for any other request. Raise
        GraphApiError."""
        mine, asked = parts[0] in ("me", self._me["id"]), (method, *parts[1:])
        known = mine and asked in (("GET", "conversations"), ("POST", "messages"))
        if not known and not (asked == ("GET",) and parts[0] in self.talks):
            return None
        if not self.rules.rights <= rights:
            raise GraphApiError(
                10, message="(#10) Application does not have permission for this action"
            )
        if method == "GET":
            self._count(now)
        if not known:
            return self._shown(self.talks[parts[0]], fields_of(str(told.get("fields", "id"))))
        return self._listed(told) if method == "GET" else self._send(told, now)

    def _count(self, now: datetime) -> None:
        self._asked_at = [at for at in self._asked_at if now - at < timedelta(seconds=1)]
        if self.a_second and len(self._asked_at) >= self.a_second:
            raise GraphApiError(
                613, message="(#613) Calls to this api have exceeded the rate limit."
            )
        self._asked_at.append(now)

    def _listed(self, told: Mapping[str, Any]) -> Json:
        if told.get("platform") != self.rules.platform:
            raise GraphApiError(
                100, message="(#100) Param platform must be one of {INSTAGRAM, MESSENGER}"
            )
        fields = fields_of(str(told.get("fields", "id,updated_time")))
        wanted = told.get("user_id")
        found = [talk for talk in self.talks.values() if talk.said and talk.shut != "archived"]
        rows = [talk for talk in found if wanted in (None, talk.person)]
        rows.sort(key=lambda talk: (talk.said[-1].at, talk.id), reverse=True)
        most, after = int(str(told.get("limit", 25))), str(told.get("after", "0"))
        page = rows[int(after) : int(after) + most]
        end = int(after) + len(page)
        more = (
            {"next": f"https://{self.rules.host}/?access_token=secret"} if end < len(rows) else {}
        )
        return {
            "data": [self._shown(one, fields) for one in page],
            "paging": {"cursors": {"after": str(end)}, **more},
        }

    def _shown(self, talk: Conversation, fields: Fields) -> Json:
        if talk.shut == "archived":
            raise GraphApiError(
                100,
                33,
                message=f"Unsupported get request. Object with ID '{talk.id}' does not exist",
            )
        if unknown := fields.keys() - {"id", "updated_time", "messages", "participants"}:
            raise GraphApiError(
                100, message=f"(#100) Tried accessing nonexisting field ({min(unknown)})"
            )
        shown: Json = {"id": talk.id}
        if "updated_time" in fields:
            shown["updated_time"] = _time(talk.said[-1].at)
        if "messages" in fields:
            most, inner = fields["messages"]
            if unknown := inner.keys() - self.rules.fields:
                raise GraphApiError(
                    100, message=f"(#100) Tried accessing nonexisting field ({min(unknown)})"
                )
            newest = talk.said[::-1][: min(most, TOLD)]
            shown["messages"] = {"data": [self._told(talk, one, inner) for one in newest]}
        return shown

    def _told(self, talk: Conversation, one: ChatMessage, fields: Fields) -> Json:
        them = _shown_as(self.rules, talk.person, talk.username)
        sender, reader = (them, self._me) if one.by == talk.person else (self._me, them)
        every = {
            "id": one.id,
            "created_time": _time(one.at),
            "from": sender,
            "to": {"data": [reader]},
            "message": one.text,
            **one.more,
        }
        return {name: every[name] for name in ("id", *fields) if name in every}

    def _send(self, told: Mapping[str, Any], now: datetime) -> Json:
        told = {name: value for name, value in told.items() if name != "access_token"}
        match told:
            case {"recipient": {"id": str(person)}, "message": {"text": str(text)}, **more} if (
                text.strip()
            ):
                pass
            case _:
                raise GraphApiError(
                    100, message="(#100) Param recipient and message[text] are required"
                )
        if more != self.rules.said_as:
            raise GraphApiError(
                100, message="(#100) Param messaging_type is not what this message may be"
            )
        if len(text.encode()) > (self.rules.most_bytes or 10**9) or len(text) > (
            self.rules.most_text or 10**9
        ):
            raise GraphApiError(
                100, 2534026, message="(#100) Length of param message[text] is over the limit"
            )
        if self.limited:
            self.limited -= 1
            raise GraphApiError(
                613, message="(#613) Calls to this api have exceeded the rate limit."
            )
        talk = next((one for one in self.talks.values() if one.person == person), None)
        if talk is None or talk.shut == "gone":
            raise _refused(self.rules.gone, "No matching user found")
        if talk.shut == "blocked":
            raise GraphApiError(
                551, 1545041, message="(#551) This person isn't available right now."
            )
        if talk.shut == "archived" and self.rules.archives:
            raise GraphApiError(
                100, 2534001, message="This thread was deleted or archived by its owner"
            )
        last = max((one.at for one in talk.said if one.by == person), default=now - WINDOW)
        if now - last >= WINDOW:
            raise _refused(self.rules.over, "This message is sent outside of allowed window.")
        made = self.typed(talk.username, text, now)
        self.taken.append((made.id, text))
        return {"recipient_id": person, "message_id": made.id}


def _shown_as(rules: ChatRules, number: str, name: str) -> Json:
    """Return a user as the API does: with a username, or with a name and an email address that was
    not requested."""
    named = (
        {"username": name}
        if rules is INSTAGRAM
        else {"name": name, "email": f"{number}@facebook.com"}
    )
    return {"id": number, **named}


def _refused(told: tuple[int, int, int], message: str) -> GraphApiError:
    code, sub, status = told
    return GraphApiError(code, sub, status=status, message=message)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")
