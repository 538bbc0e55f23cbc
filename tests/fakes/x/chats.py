"""Direct messages on the fake X: conversations, privacy settings and events.

It reproduces behaviour of the real platform that clients often get wrong: events of all
conversations, including sent ones, are in one list, newest first and for 30 days, without a way to
start at a known event; the ID of a conversation of two contains both user IDs, that of a group does
not; text is returned escaped and with short links; a deleted message remains for its recipient; the
sender of an event is returned on request; separate scopes are required; a plain "Forbidden" means
that they are missing. Sources: https://docs.x.com/x-api/direct-messages/lookup/integrate,
/manage/integrate, https://github.com/plhery/node-twitter-api-v2/issues/434 (scopes),
https://github.com/d60/twikit/issues/297

Unverified: the texts of errors about a recipient, the maximum length, that the same text twice
creates two messages (`same_message_after`), the type of a video or audio in a message, and whether
message requests are returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.x import text_rules
from tests.fakes.x.comments import Mentions
from tests.fakes.x.spec import ParsedRequest
from tests.fakes.x.state import (
    WHOLE,
    Json,
    Member,
    Refusal,
    forbidden,
    invalid,
    not_found,
    number,
    problem,
    stamp,
)

KEPT = timedelta(days=30)
MOST_TEXT = 10_000
CLOSED = "You do not have permission to DM one or more participants."
DUPLICATE = "You are not allowed to create a Direct Message with duplicate content."


@dataclass(frozen=True)
class DirectMessage:
    """A message. `media` are keys of its attachments."""

    id: str
    conversation: str
    people: frozenset[str]
    sender: str
    text: str
    at: datetime
    media: tuple[str, ...] = ()


@dataclass
class Chats(Mentions):
    """Direct messages of all accounts."""

    events: list[DirectMessage] = field(default_factory=list)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    """User and message of each deletion, which applies to that user only."""
    closed: set[str] = field(default_factory=set)
    """Accounts that accept no messages."""
    unasked: list[str] = field(default_factory=list)
    """Automated messages to users who never wrote:
    https://help.x.com/en/rules-and-policies/x-automation"""
    same_message_after: timedelta = timedelta(0)

    def chatted(self, asked: ParsedRequest, mine: Member, until: datetime) -> tuple[int, Json]:
        """Return the status and JSON of a request about messages, as of `until`. Raise Refusal."""
        match asked.method, asked.parts[1:]:
            case "GET", ["dm_events"]:
                return 200, self.told(mine, asked.query, until)
            case "GET", ["dm_conversations", "with", other, "dm_events"]:
                return 200, self.told(mine, asked.query, until, other)
            case "POST", ["dm_conversations", "with", other, "messages"]:
                return 201, {"data": self.send(mine, other, asked.said)}
            case "DELETE", ["dm_events", event]:
                return 200, self.withdraw(mine, event)
            case _:
                raise Refusal(404, problem(404, "Not Found"))

    def says(self, sender: Member, *to: Member, text: str, media: tuple[str, ...] = ()) -> str:
        """Send a message in the app. Return its ID."""
        people = frozenset({sender.id, *(one.id for one in to)})
        pair = len(people) <= 2
        name = "-".join(sorted(people, key=int)) if pair else f"9{max(map(int, people)):0>18}"
        made = DirectMessage(self.snowflake(), name, people, sender.id, text, self.clock(), media)
        self.events.append(made)
        return made.id

    def send(self, mine: Member, reader: str, said: Mapping[str, object]) -> Json:
        """Send a message through the API. Raise Refusal."""
        to, text = self.members.get(reader), said.get("text")
        if said.get("attachments") or not isinstance(text, str) or not text.strip():
            raise invalid("This fake takes words alone.", text=str(text)[:40])
        if len(text) > MOST_TEXT:
            raise invalid("The text of your direct message is over the max character limit.")
        if to is None or to is mine:
            raise Refusal(404, not_found("user", "participant_id", reader) | {"status": 404})
        if to.id in self.closed or to.state == "suspended":
            raise forbidden(CLOSED)
        before = [
            one for one in self.between(mine, to) if one.sender == mine.id and one.text == text
        ]
        if before and self.clock() - before[-1].at < self.same_message_after:
            raise forbidden(DUPLICATE)
        if all(one.sender != to.id for one in self.between(mine, to)):
            self.unasked.append(text)
        made = self.says(mine, to, text=text)
        return {"dm_conversation_id": self.events[-1].conversation, "dm_event_id": made}

    def between(self, mine: Member, other: Member) -> list[DirectMessage]:
        """Return the messages between two users, in order."""
        return [one for one in self.events if one.people == {mine.id, other.id}]

    def withdraw(self, mine: Member, event: str) -> Json:
        """Delete a message for its sender only. Raise Refusal."""
        found = next(
            (one for one in self.events if one.id == event and mine.id in one.people), None
        )
        if found is None:
            raise Refusal(404, not_found("event", "event_id", event) | {"status": 404})
        self.deleted.add((mine.id, event))
        return {"data": {"deleted": True}}

    def told(
        self, mine: Member, query: Mapping[str, str], until: datetime, other: str = ""
    ) -> Json:
        """Return a page of events of all conversations, or of the one with `other`. Raise Refusal."""
        most, after = number(query, "max_results", 100), query.get("pagination_token", "")
        if after and not WHOLE.fullmatch(after.lstrip("0")):
            raise invalid("The pagination_token is not valid.", pagination_token=after[:40])
        since, before = self.clock() - KEPT, int(after or 2**63)
        people = {mine.id, other} if other else set()
        found = [
            one
            for one in reversed(self.events)
            if mine.id in one.people
            and (not people or one.people == people)
            and (mine.id, one.id) not in self.deleted
            and since <= one.at <= until
            and int(one.id) < before
        ]
        page = found[:most] if "MessageCreate" in query.get("event_types", "MessageCreate") else []
        meta: Json = {"result_count": len(page)}
        if len(found) > len(page) > 0:
            meta["next_token"] = f"{page[-1].id:0>24}"
        return self._listed(page, query) | {"meta": meta}

    def _listed(self, page: list[DirectMessage], query: Mapping[str, str]) -> Json:
        wanted = {
            *query.get("dm_event.fields", "").split(","),
            *query.get("expansions", "").split(","),
        }
        if not page:
            return {}
        told: Json = {"data": [self._event(one, wanted) for one in page]}
        if "sender_id" in query.get("expansions", "").split(","):
            senders = [self.members[each] for each in dict.fromkeys(one.sender for one in page)]
            users = [
                {"id": one.id, "name": one.username, "username": one.username} for one in senders
            ]
            told["includes"] = {"users": users}
        return told

    def _event(self, one: DirectMessage, wanted: set[str]) -> Json:
        kinds = {"3": "photo", "7": "video"}
        home = f"https://x.com/messages/{one.conversation}/{one.id}"
        media = [
            (key, f"{home}/{kinds.get(key.partition('_')[0], 'audio')}/1") for key in one.media
        ]
        text, urls = text_rules.shown(one.text, one.id, media)
        full = {
            "created_at": stamp(one.at),
            "dm_conversation_id": one.conversation,
            "sender_id": one.sender,
            "entities": {
                "urls": [
                    {name: value for name, value in url.items() if name != "media_key"}
                    for url in urls
                ]
            },
            "attachments": {"media_keys": list(one.media)} if one.media else None,
        }
        more = {name: value for name, value in full.items() if name in wanted and value}
        return {"id": one.id, "event_type": "MessageCreate", "text": text} | more


def kind_of(method: str, parts: list[str]) -> str:
    """Return the kind of a request about messages for the fault book, or "other"."""
    match method, parts:
        case "POST", ["2", "dm_conversations", *_]:
            return "messages"
        case "GET", ["2", "dm_events"]:
            return "chats"
        case "GET", ["2", "dm_conversations", *_]:
            return "talks"
        case "DELETE", ["2", "dm_events", _]:
            return "withdrawals"
        case _:
            return "other"
