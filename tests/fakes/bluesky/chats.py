"""Chats of the fake Bluesky: conversations, requests, privacy settings and the event log of each
account.

The methods follow the lexicons chat.bsky.convo.*. Assumptions that the lexicons do not settle: a
log request without a cursor returns no events and the current cursor; for an account that never had
a chat it returns no cursor; a page of the log has fifty events; sending a message to a request
accepts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from tests.fakes.bluesky.sessions import XrpcError

if TYPE_CHECKING:
    from tests.fakes.bluesky.server import FakeBluesky, Repo

PROXY = "did:web:api.bsky.chat#bsky_chat"
LOGGED = 50
_DEFS = "chat.bsky.convo.defs"
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"

Json = dict[str, Any]


@dataclass
class ChatMessage:
    """A message. `gone` contains the members who deleted it for themselves."""

    id: str
    rev: str
    by: str
    at: datetime
    text: str
    embed: Json | None = None
    gone: set[str] = field(default_factory=set)


@dataclass
class Conversation:
    """A conversation of two members or a group. `request` contains the members who have not
    accepted it yet."""

    id: str
    members: tuple[str, ...]
    group: bool = False
    said: list[ChatMessage] = field(default_factory=list)
    request: set[str] = field(default_factory=set)


@dataclass
class Chats:
    """All conversations of the network and the privacy settings of accounts."""

    convos: dict[str, Conversation] = field(default_factory=dict)
    log: list[tuple[str, str, ChatMessage]] = field(default_factory=list)
    """Cursor, conversation and message of each event."""
    takes: dict[str, Literal["all", "following", "none"]] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of blocking and blocked account."""
    shut: set[str] = field(default_factory=set)
    """Accounts with an app password that has no access to messages."""
    suspended: set[str] = field(default_factory=set)
    marks: "count[int]" = field(default_factory=lambda: count(1))

    def mark(self) -> str:
        """Return the next cursor of the log, which is greater than all earlier ones."""
        number, digits = next(self.marks), ""
        for _ in range(13):
            number, left = divmod(number, 32)
            digits = _DIGITS[left] + digits
        return digits

    def between(self, one: str, other: str) -> Conversation:
        """Return the conversation of two accounts, creating it if necessary."""
        pair = tuple(sorted((one, other)))
        found = next(
            (each for each in self.convos.values() if not each.group and each.members == pair), None
        )
        return found or self.open(pair)

    def open(self, members: tuple[str, ...], *, group: bool = False) -> Conversation:
        """Create a conversation."""
        made = Conversation(f"convo{len(self.convos) + 1}", members, group)
        self.convos[made.id] = made
        return made

    def put(
        self, convo: Conversation, by: str, text: str, at: datetime, embed: Json | None = None
    ) -> ChatMessage:
        """Add a message to a conversation and log it for its members."""
        made = ChatMessage(f"m{self.mark()}", self.mark(), by, at, text, embed)
        convo.said.append(made)
        self.log.append((made.rev, convo.id, made))
        return made


def send_message(
    server: "FakeBluesky", person: "Repo", to: "Repo", text: str, embed: Json | None = None
) -> str:
    """Send a message from `person` to an account and return its ID. A message from a stranger
    creates a request."""
    convo = server.chats.between(person.did, to.did)
    if not convo.said:
        convo.request.add(to.did)
    return server.chats.put(convo, person.did, text, server.clock(), embed).id


def answer(
    server: "FakeBluesky", mine: "Repo", nsid: str, query: Mapping[str, list[str]], told: Json
) -> Json:
    """Answer a chat method that an account's server forwards. Raise XrpcError."""
    if mine.did in server.chats.shut:
        raise XrpcError(400, "InvalidToken", "Bad token method")
    match nsid.rpartition(".")[2]:
        case "getLog":
            return _log(server, mine, query.get("cursor", [""])[0])
        case "getConvoForMembers":
            return {"convo": _view(server, mine, _reached(server, mine, query["members"]))}
        case "getMessages":
            return _page(server, mine, query)
        case "sendMessage":
            return _send(server, mine, told)
    raise XrpcError(501, "MethodNotImplemented", "No such method, or no service named for it")


def _log(server: "FakeBluesky", mine: "Repo", cursor: str) -> Json:
    seen = [each for each in server.chats.log if mine.did in server.chats.convos[each[1]].members]
    if not cursor:
        return {"logs": [], **({"cursor": seen[-1][0]} if seen else {})}
    later = [each for each in seen if each[0] > cursor][:LOGGED]
    logs = [
        {
            "$type": f"{_DEFS}#logCreateMessage",
            "rev": rev,
            "convoId": convo,
            "message": _told(one, mine.did),
        }
        for rev, convo, one in later
    ]
    return {"logs": logs, "cursor": later[-1][0] if later else cursor}


def _reached(server: "FakeBluesky", mine: "Repo", members: list[str]) -> Conversation:
    chats, others = server.chats, [did for did in members if did != mine.did]
    if mine.did in chats.suspended:
        raise XrpcError(400, "AccountSuspended")
    if len(others) != 1 or others[0] not in server.repos:
        raise XrpcError(400, "RecipientNotFound")
    other = others[0]
    if (other, mine.did) in chats.blocked:
        raise XrpcError(400, "BlockedActor")
    if (mine.did, other) in chats.blocked:
        raise XrpcError(400, "BlockedSubject")
    takes = chats.takes.get(other, "all")
    if takes != "all":
        raise XrpcError(400, "MessagesDisabled" if takes == "none" else "NotFollowedBySender")
    return chats.between(mine.did, other)


def _mine(server: "FakeBluesky", mine: "Repo", convo: str) -> Conversation:
    found = server.chats.convos.get(convo)
    if found is None or mine.did not in found.members:
        raise XrpcError(400, "InvalidConvo")
    return found


def _page(server: "FakeBluesky", mine: "Repo", query: Mapping[str, list[str]]) -> Json:
    convo = _mine(server, mine, query["convoId"][0])
    before, limit = query.get("cursor", [""])[0], int(query.get("limit", ["50"])[0])
    shown = [one for one in reversed(convo.said) if not before or one.rev < before]
    page = [_told(one, mine.did) for one in shown[:limit]]
    return {"messages": page, **({"cursor": page[-1]["rev"]} if len(shown) > limit else {})}


def _send(server: "FakeBluesky", mine: "Repo", told: Json) -> Json:
    convo, said = _mine(server, mine, told["convoId"]), told["message"]
    if not said["text"].strip():
        raise XrpcError(400, "InvalidRequest", "Message must have text")
    _reached(server, mine, list(convo.members))
    convo.request.discard(mine.did)
    made = server.chats.put(convo, mine.did, said["text"], server.clock())
    return {name: part for name, part in _told(made, mine.did).items() if name != "$type"}


def _view(server: "FakeBluesky", mine: "Repo", convo: Conversation) -> Json:
    members = [{"did": did, "handle": server.repos[did].handle} for did in convo.members]
    status = "request" if mine.did in convo.request else "accepted"
    told = {
        "id": convo.id,
        "rev": convo.said[-1].rev if convo.said else "2" * 13,
        "members": members,
    }
    return {
        **told,
        "muted": False,
        "unreadCount": 0,
        "status": status,
        "kind": {"$type": f"{_DEFS}#directConvo"},
    }


def _told(one: ChatMessage, reader: str) -> Json:
    told: Json = {
        "id": one.id,
        "rev": one.rev,
        "sender": {"did": one.by},
        "sentAt": one.at.isoformat(),
    }
    if reader in one.gone:
        return {"$type": f"{_DEFS}#deletedMessageView", **told}
    return {
        "$type": f"{_DEFS}#messageView",
        **told,
        "text": one.text,
        **({"embed": one.embed} if one.embed else {}),
    }
