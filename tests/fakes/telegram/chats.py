"""Chats of the fake Telegram: channels, groups and private chats."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes.telegram.people import Person

Told = dict[str, Any]


class Refusal(Exception):
    """An error of the Bot API."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        self.code, self.description, self.parameters = code, description, parameters
        super().__init__(description)


@dataclass
class Chat:
    """A channel, a group, or the private chat of a user and a bot."""

    id: int
    kind: str
    title: str = ""
    username: str = ""
    rights: dict[int, str] = field(default_factory=dict)
    """Status of each bot: `post` may post, `silent` is an administrator without that right,
    `kicked` was removed."""
    person: Person | None = None
    members: set[int] = field(default_factory=set)
    """Members of a channel besides its administrators."""
    requests: dict[int, datetime] = field(default_factory=dict)
    """Pending join requests by user, with their times."""
    banned: set[int] = field(default_factory=set)
    doors: set[int] = field(default_factory=set)
    """Bots that may approve join requests and ban members."""
    moves: list[tuple[str, int]] = field(default_factory=list)
    """Actions of bots in order: approved (+), declined (-), banned (x) and unbanned (o) users."""
    knocked: dict[int, datetime] = field(default_factory=dict)
    """In a chat without messages: the channel whose join request lets a bot write there, and the
    time of the request."""
    linked: int = 0
    """ID of the discussion group."""
    sells: bool = True
    """True if the channel allows paid media."""
    links: dict[str, bool] = field(default_factory=dict)
    """Invite links of the owner, with True if they create a join request. Bots are not notified of
    either."""
    blocked: bool = False
    messages: dict[int, Told] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    sent_at: list[datetime] = field(default_factory=list)
    above: list[int | None] = field(default_factory=list)
    """Replied-to message of each message that a bot sent."""
    ids: Any = field(default_factory=lambda: count(1))

    def fill(self, many: int) -> None:
        """Set the number of members, including the owner."""
        self.members = set(range(1, many))

    def told(self) -> Told:
        if self.person is not None:
            return {
                "id": self.id,
                "type": "private",
                "first_name": self.person.name,
                "username": self.username,
            }
        named = {"username": self.username} if self.username else {}
        return {"id": self.id, "type": self.kind, "title": self.title, **named}
