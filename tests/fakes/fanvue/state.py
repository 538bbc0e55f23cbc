"""State of the fake Fanvue: accounts, fans, posts and messages, and the rules for changing them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from tests.fakes.fanvue.media import Medium, Vault
from tests.fakes.fanvue.spec import Json, forbidden, invalid, not_found, refused

SCOPES = (
    *(
        "read:self",
        "read:creator",
        "write:creator",
        "read:fan",
        "read:chat",
        "write:chat",
        "read:post",
        "write:post",
    ),
    *("read:media", "write:media", "read:insights", "read:tracking_links", "write:tracking_links"),
    *("read:agency", "write:agency"),
)
AUDIENCES = ("subscribers", "followers-and-subscribers")
LONGEST, LEAST_PRICE, MOST_ROWS = 5000, 300, 50
NOT_HERE = frozenset({"publishAt", "expiresAt", "collectionUuids", "templateUuid"})
MADE = (
    "uuid",
    "createdAt",
    "text",
    "price",
    "mediaPreviewUuid",
    "audience",
    "publishAt",
    "publishedAt",
    "expiresAt",
)
"""Fields of the response to a new post."""

Row = TypeVar("Row")


@dataclass
class Fan:
    """A fan. `contactable` is true if creators may message them."""

    id: str
    handle: str
    contactable: bool = True


@dataclass
class Post:
    """A post. `text` is as sent; tests set its metrics; tips are gross and net in cents."""

    id: str
    member: str
    text: str | None
    media: list[Medium]
    preview: Medium | None
    price: int | None
    audience: str
    at: datetime
    pinned: bool = False
    likes: int = 3
    comments: int = 1
    tips: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Message:
    """A message between a creator and a fan. `kind` is its type in lists, `bought` the time of its
    purchase."""

    id: str
    fan: Fan
    text: str | None
    at: datetime
    media: list[Medium] = field(default_factory=list)
    price: int | None = None
    by_fan: bool = False
    read: bool = False
    kind: str = "SINGLE_RECIPIENT"
    bought: datetime | None = None


@dataclass
class Member:
    """An account. `state` is active, suspended or fan (not a creator); `scopes` belong to `token`,
    which does not expire."""

    id: str
    username: str
    token: str
    scopes: tuple[str, ...]
    at: datetime
    state: str = "active"
    followers: int = 0
    posts: dict[str, Post] = field(default_factory=dict)
    """Existing posts."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """ID and text of every post ever created, including deleted ones."""
    chats: dict[str, list[Message]] = field(default_factory=dict)
    """Existing messages by fan ID, oldest first."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """ID and text of every message ever sent to a fan, including deleted ones."""


@dataclass
class FanvueState(Vault):
    """The complete state under one clock. Tests set its limits and faults as attributes."""

    members: dict[str, Member] = field(default_factory=dict)
    fans: dict[str, Fan] = field(default_factory=dict)
    days_only: bool = False
    """True if times of messages and media are dates: the description says so, newer examples do
    not."""

    def account(
        self, username: str, *, scopes: tuple[str, ...] = SCOPES, state: str = "active"
    ) -> Member:
        """Create an account with a token of these scopes."""
        made = Member(
            str(uuid4()), username, f"token-{secrets.token_hex(12)}", scopes, self.clock(), state
        )
        self.members[made.id] = made
        return made

    def who(self, username: str) -> Member | None:
        """Return the account with this username, or None."""
        return next((one for one in self.members.values() if one.username == username), None)

    def fan(self, handle: str, *creators: Member, contactable: bool = True) -> Fan:
        """Create a fan with an empty chat with each of these creators."""
        made = Fan(str(uuid4()), handle, contactable)
        self.fans[made.id] = made
        for creator in creators:
            creator.chats[made.id] = []
        return made

    def says(self, fan: Fan, creator: Member, text: str, kind: str = "SINGLE_RECIPIENT") -> Message:
        """Send a message from a fan. This creates the chat if necessary."""
        made = Message(str(uuid4()), fan, text, self.clock(), by_fan=True, kind=kind)
        creator.chats.setdefault(fan.id, []).append(made)
        return made

    def types(
        self, creator: Member, fan: Fan, text: str, kind: str = "SINGLE_RECIPIENT"
    ) -> Message:
        """Send a message as the creator in Fanvue's app. Opening the chat marks its messages as
        read."""
        for one in creator.chats[fan.id]:
            one.read = True
        made = Message(str(uuid4()), fan, text, self.clock(), kind=kind)
        creator.chats[fan.id].append(made)
        return made

    # Posts

    def publish(self, mine: Member, said: Mapping[str, Any]) -> Post:
        """Create a post. Raise Refusal."""
        self._offered(mine, said)
        if said.get("audience") not in AUDIENCES:
            raise invalid(f"audience: Expected one of {', '.join(AUDIENCES)}")
        text = _text(said.get("text", ""), "text")
        media = self.ready(mine.id, "mediaUuids", said.get("mediaUuids", []))
        preview = (
            self.ready(mine.id, "mediaPreviewUuid", [said["mediaPreviewUuid"]])
            if _has_preview(said)
            else []
        )
        price = _price(said["price"], media) if "price" in said else None
        if not text and not media:
            raise invalid("text: A post has text or media")
        kept = text if "text" in said else None
        first = preview[0] if preview else None
        made = Post(
            str(uuid4()), mine.id, kept, media, first, price, said["audience"], self.clock()
        )
        mine.posts[made.id] = made
        mine.taken.append((made.id, text))
        return made

    def post(self, mine: Member, post_id: str) -> Post:
        """Return an existing post of the account. Raise Refusal."""
        if post_id not in mine.posts:
            raise not_found("Post not found")
        return mine.posts[post_id]

    def posted(self, mine: Member, query: Mapping[str, str], until: datetime) -> Json:
        """Return a page of the account's posts as of `until`: pinned ones first, then newest first.
        Raise Refusal."""
        newest = [one for one in reversed(mine.posts.values()) if one.at <= until]
        page, pagination = paged(sorted(newest, key=lambda one: not one.pinned), query)
        return {"data": [shown(one) for one in page], "pagination": pagination}

    def _offered(self, mine: Member, said: Mapping[str, Any]) -> None:
        wanted = sorted(set(said) & NOT_HERE)
        if wanted:
            self.forbidden.append(f"{mine.username}: {', '.join(wanted)}")
            raise invalid(f"Not offered here: {', '.join(wanted)}")

    # Messages

    def send(self, mine: Member, fan_id: str, said: Mapping[str, Any]) -> Message:
        """Send a message to a fan. Raise Refusal."""
        self._offered(mine, said)
        fan = self.fans.get(fan_id)
        if fan is None or fan_id not in mine.chats or not fan.contactable:
            raise refused("User is not contactable")
        text = _text(said["text"], "text") if said.get("text") is not None else None
        media = self.ready(mine.id, "mediaUuids", said.get("mediaUuids", []))
        price = _price(said["price"], media) if said.get("price") is not None else None
        if text == "" or (text is None and not media):
            raise invalid("text: A message has text or media")
        made = Message(str(uuid4()), fan, text, self.clock(), media, price)
        mine.chats[fan_id].append(made)
        mine.sent.append((made.id, text or ""))
        return made

    def unsend(self, mine: Member, fan_id: str, message_id: str) -> None:
        """Delete a message of the account unless it was purchased. Raise Refusal."""
        found = next((one for one in mine.chats.get(fan_id, ()) if one.id == message_id), None)
        if found is None:
            raise not_found("Message not found")
        if found.by_fan:
            raise forbidden("Only the sender can delete a message")
        if found.bought:
            raise refused("Purchased messages cannot be deleted")
        mine.chats[fan_id].remove(found)

    def chat(
        self, mine: Member, fan_id: str, query: Mapping[str, str], until: datetime, *, reads: bool
    ) -> Json:
        """Return a page of a chat as of `until`, newest first. With `reads`, the chat is marked as
        read unless the query declines.

        Raise Refusal.
        """
        if fan_id not in mine.chats:
            raise not_found("No conversation found with the given user")
        page, pagination = paged(
            [one for one in reversed(mine.chats[fan_id]) if one.at <= until], query
        )
        if query.get("markAsRead", str(reads).lower()) == "true":
            for message in mine.chats[fan_id]:
                message.read |= message.by_fan
        return {"data": [self._written(mine, one) for one in page], "pagination": pagination}

    def _written(self, mine: Member, one: Message) -> Json:
        me, they = (
            {"uuid": who.id, "handle": name}
            for who, name in ((mine, mine.username), (one.fan, one.fan.handle))
        )
        sender, recipient = (they, me) if one.by_fan else (me, they)
        told: Json = {
            "uuid": one.id,
            "text": one.text,
            "sentAt": self.told(one.at),
            "type": one.kind,
        }
        told |= {"sender": sender, "recipient": recipient, "hasMedia": bool(one.media)}
        told |= {
            "mediaType": one.media[0].kind if one.media else None,
            "mediaUuids": [each.id for each in one.media],
        }
        told |= {"pricing": {"USD": {"price": one.price}} if one.price is not None else None}
        told |= {"purchasedAt": self.told(one.bought) if one.bought else None}
        return told | {"sentByUserId": None if one.by_fan else mine.id}

    def told(self, at: datetime) -> str:
        """Format a time that the description declares as a date."""
        return stamp(at)[:10] if self.days_only else stamp(at)


def shown(post: Post) -> Json:
    """Return a post as in lists."""
    at, tips = stamp(post.at), post.tips
    told: Json = {
        "uuid": post.id,
        "createdAt": at,
        "text": post.text,
        "price": post.price,
        "audience": post.audience,
    }
    told |= {"publishAt": None, "publishedAt": at, "expiresAt": None, "isPinned": post.pinned}
    told |= {
        "mediaUuids": [one.id for one in post.media],
        "likesCount": post.likes,
        "commentsCount": post.comments,
    }
    told |= {"mediaPreviewUuid": post.preview.id if post.preview else None}
    gross, net = (sum(each) for each in zip((0, 0), *tips, strict=True))
    return told | {"tips": {"count": len(tips), "totalGross": gross, "totalNet": net}}


def paged(rows: Sequence[Row], query: Mapping[str, str]) -> tuple[Sequence[Row], Json]:
    """Return one page and its metadata. `size` is the number of rows in it. Raise Refusal."""
    page, size = number(query, "page", 1, 10**9), number(query, "size", 15, MOST_ROWS)
    found = rows[(page - 1) * size : page * size]
    return found, {"page": page, "size": len(found), "hasMore": len(rows) > page * size}


def _has_preview(said: Mapping[str, Any]) -> bool:
    if "mediaPreviewUuid" in said and "price" not in said:
        raise invalid("mediaPreviewUuid: A preview is of a post with a price")
    return "mediaPreviewUuid" in said


def _text(told: object, name: str) -> str:
    if not isinstance(told, str) or len(told) > LONGEST:
        raise invalid(f"{name}: Expected at most {LONGEST} characters")
    if any("\ud800" <= each <= "\udfff" for each in told):
        raise invalid(f"{name}: Half a character")
    return told


def _price(told: object, media: Sequence[Medium]) -> int:
    if type(told) is not int or told < LEAST_PRICE:
        raise invalid(f"price: Expected {LEAST_PRICE} cents or more")
    if not media:
        raise invalid("price: A price needs media")
    return told


def number(query: Mapping[str, str], name: str, usual: int, most: int) -> int:
    """Return a number of a query, from 1 (a cursor: from 0) to `most`. Raise Refusal."""
    told = query.get(name, str(usual))
    if not (
        told.isascii()
        and told.isdecimal()
        and len(told) < LONGEST
        and min(1, usual) <= int(told) <= most
    ):
        raise invalid(f"{name}: Expected a number from 1 to {most}")
    return int(told)


def instant(query: Mapping[str, str], name: str) -> datetime | None:
    """Return an instant of a query. Without an offset it is UTC. Raise Refusal."""
    if name not in query:
        return None
    try:
        told = datetime.fromisoformat(query[name])
    except ValueError as error:
        raise invalid(f"{name}: Expected an ISO 8601 datetime") from error
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """Format an instant as the API does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
