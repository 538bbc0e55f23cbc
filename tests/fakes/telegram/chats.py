"""Where people and bots write: channels, groups, and what one person and one bot write to each
other."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes.telegram.people import Person

Told = dict[str, Any]


class Refusal(Exception):
    """An error as the Bot API tells it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        self.code, self.description, self.parameters = code, description, parameters
        super().__init__(description)


@dataclass
class Chat:
    """A channel, or what one person and one bot write to each other."""

    id: int
    kind: str
    title: str = ""
    username: str = ""
    rights: dict[int, str] = field(default_factory=dict)
    """Of each bot: `post` may post, `silent` is an administrator who may not, `kicked` was thrown
    out."""
    person: Person | None = None
    members: set[int] = field(default_factory=set)
    """People who are in a channel, beside those who administer it."""
    requests: dict[int, datetime] = field(default_factory=dict)
    """Who asks to be let in, and since when."""
    banned: set[int] = field(default_factory=set)
    doors: set[int] = field(default_factory=set)
    """Bots that may let people in and put them out."""
    moves: list[tuple[str, int]] = field(default_factory=list)
    """Who was let in (+), declined (-), banned (x) and unbanned (o) by bots, in order."""
    knocked: dict[int, datetime] = field(default_factory=dict)
    """Of a chat nobody wrote in yet: by which request of which place a bot may write there, and
    since when."""
    linked: int = 0
    """Its discussion group."""
    sells: bool = True
    """Whether what stands in a channel may be locked until Stars are paid for it."""
    links: dict[str, bool] = field(default_factory=dict)
    """Invitations of its owner, and whether whoever uses one must be let in: no bot is told of
    either."""
    blocked: bool = False
    messages: dict[int, Told] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    sent_at: list[datetime] = field(default_factory=list)
    above: list[int | None] = field(default_factory=list)
    """What each message a bot asked for was to be put under."""
    ids: Any = field(default_factory=lambda: count(1))

    def fill(self, many: int) -> None:
        """So many are in it, its owner among them."""
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
