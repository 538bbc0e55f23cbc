"""Comments, likes, thread gates, blocks and reports of the fake Bluesky, as its app view shows
them.

It reproduces behaviour of the real network that clients often get wrong. Notifications are sorted
by the earlier of a post's creation and indexing time, newest first. A page may contain fewer
entries than requested, or none, and still have a cursor. Users who block or are blocked, and hidden
replies to the account's posts, are not reported. A reply that also mentions the account is reported
once, as a mention. An unauthenticated view ignores blocks. Source:
https://github.com/bluesky-social/atproto/tree/main/packages/bsky/src/data-plane/server/indexing/plugins
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from connectors.platforms.bluesky.record import record_key
from tests.fakes.bluesky.lexicons import TID
from tests.fakes.bluesky.sessions import XrpcError

if TYPE_CHECKING:
    from tests.fakes.bluesky.server import FakeBluesky, Repo

POST, BLOCK, GATE = "app.bsky.feed.post", "app.bsky.graph.block", "app.bsky.feed.threadgate"
LIKE = "app.bsky.feed.like"
DEEPEST = 5
"""Number of ancestors in a thread whose authors are notified of a reply."""

MOST_HIDDEN = 300


def say(
    server: "FakeBluesky",
    who: "Repo",
    text: str,
    *,
    under: str = "",
    name: str = "",
    at: datetime | None = None,
) -> str:
    """Create a post of a user, as a reply (`under`) or with a mention (`name`, a DID), and return
    its URI. `at` is the creation time that the post claims."""
    record: dict[str, Any] = {
        "$type": POST,
        "text": text,
        "createdAt": _stamp(at or server.clock()),
    }
    if under:
        above = found(server, under)
        assert above is not None
        parent = {"uri": under, "cid": server.cid_of(above)}
        record["reply"] = {"root": above.get("reply", {}).get("root", parent), "parent": parent}
    if name:
        feature = {"$type": "app.bsky.richtext.facet#mention", "did": name}
        record["facets"] = [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [feature]}]
    rkey = record_key(str(uuid4()), server.clock())
    server.keep(who, rkey, record)
    return f"at://{who.did}/{POST}/{rkey}"


def found(server: "FakeBluesky", uri: str) -> dict[str, Any] | None:
    """Return an existing post, or None."""
    did, _, rkey = uri.removeprefix("at://").split("/")
    return server.repos[did].records.get(rkey) if did in server.repos else None


def blocks(mine: "Repo", other: str) -> str:
    """Return the URI of the record by which the account blocks another one, or ""."""
    kept = ((name, record) for name, record in mine.others.items() if name.startswith(BLOCK))
    return next(
        (f"at://{mine.did}/{name}" for name, record in kept if record["subject"] == other), ""
    )


def likes(mine: "Repo", uri: str) -> bool:
    """Return True if the account likes the post."""
    return any(
        name.startswith(LIKE) and record["subject"]["uri"] == uri
        for name, record in mine.others.items()
    )


def is_blocked_either_way(one: "Repo", other: "Repo") -> bool:
    """Return True if one of the accounts blocks the other."""
    return bool(blocks(one, other.did) or blocks(other, one.did))


def gate_of(server: "FakeBluesky", root: str) -> Mapping[str, Any]:
    """Return the thread gate of a root post, or an empty mapping."""
    did, _, rkey = root.removeprefix("at://").split("/")
    return server.repos[did].others.get(f"{GATE}/{rkey}", {}) if did in server.repos else {}


def root_of(uri: str, record: Mapping[str, Any]) -> str:
    """Return the URI of the root post of a thread."""
    return str(record.get("reply", {}).get("root", {}).get("uri", uri))


def is_reply_closed(server: "FakeBluesky", uri: str, record: Mapping[str, Any], did: str) -> bool:
    """Return True if the account may not reply. Of the rules of gates, the fake supports only the
    one that allows no replies."""
    root = root_of(uri, record)
    return gate_of(server, root).get("allow") == [] and not root.startswith(f"at://{did}/")


def listed(server: "FakeBluesky", mine: "Repo", query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return a page of an account's notifications. Raise XrpcError."""
    limit, cursor = int(query.get("limit", ["50"])[0]), query.get("cursor", [""])[0]
    if cursor and "::" not in cursor:
        raise XrpcError(400, "InvalidRequest", "Malformed cursor")
    told = sorted(_all(server, mine), key=lambda one: (one["indexedAt"], one["cid"]), reverse=True)
    reasons = set(query.get("reasons", ()))
    told = [one for one in told if not reasons or one["reason"] in reasons]
    place = tuple(cursor.split("::"))
    page = [one for one in told if not cursor or (one["indexedAt"], one["cid"]) < place][:limit]
    more = {"cursor": f"{page[-1]['indexedAt']}::{page[-1]['cid']}"} if page else {}
    return {"notifications": [one for one in page if _shown(server, mine, one)]} | more


def _all(server: "FakeBluesky", mine: "Repo") -> Iterator[dict[str, Any]]:
    for other in server.repos.values():
        for rkey, record in other.records.items() if other is not mine else ():
            uri = f"at://{other.did}/{POST}/{rkey}"
            reason, subject = _reason(server, mine, other, uri, record)
            if reason:
                author = {"did": other.did, "handle": other.handle}
                at = min(_stamp(other.indexed[rkey]), record["createdAt"])
                told = {
                    "uri": uri,
                    "cid": server.cid_of(record),
                    "author": author,
                    "reason": reason,
                    "record": record,
                }
                yield (
                    told
                    | {"isRead": False, "indexedAt": at}
                    | ({"reasonSubject": subject} if subject else {})
                )


def _reason(
    server: "FakeBluesky", mine: "Repo", other: "Repo", uri: str, record: Mapping[str, Any]
) -> tuple[str, str]:
    features = [one for facet in record.get("facets", ()) for one in facet["features"]]
    if any(one.get("did") == mine.did for one in features):
        return "mention", ""
    if is_reply_closed(server, uri, record, other.did):
        return "", ""
    above = record.get("reply", {}).get("parent", {}).get("uri", "")
    for _ in range(DEEPEST):
        if above.startswith(f"at://{mine.did}/"):
            return "reply", above
        parent = found(server, above) if above else None
        above = (parent or {}).get("reply", {}).get("parent", {}).get("uri", "")
    return "", ""


def _shown(server: "FakeBluesky", mine: "Repo", told: Mapping[str, Any]) -> bool:
    root = root_of(told["uri"], told["record"])
    own = root.startswith(f"at://{mine.did}/")
    hidden = own and told["uri"] in gate_of(server, root).get("hiddenReplies", ())
    return not hidden and not is_blocked_either_way(mine, server.repos[told["author"]["did"]])


def put(server: "FakeBluesky", repo: "Repo", told: Mapping[str, Any]) -> dict[str, Any]:
    """Store a block, a gate or a like. Storing it again has no effect. Raise XrpcError."""
    collection, rkey, record = told["collection"], told["rkey"], told["record"]
    name = f"{collection}/{rkey}"
    if not TID.fullmatch(rkey):
        raise XrpcError(400, "InvalidRequest", "Invalid record key: a TID is wanted")
    _check(collection, rkey, record, repo.did)
    answer = {
        "uri": f"at://{repo.did}/{name}",
        "cid": server.cid_of(record),
        "validationStatus": "valid",
    }
    current = repo.others.get(name)
    if current == record:
        repo.noops += 1
        return answer
    was = server.cid_of(current) if current is not None else None
    if "swapRecord" in told and told["swapRecord"] != was:
        raise XrpcError(400, "InvalidSwap", f"Record was at {was}")
    repo.others[name] = dict(record)
    return {**answer, "commit": {"cid": answer["cid"], "rev": rkey}}


def _check(collection: str, rkey: str, record: Mapping[str, Any], did: str) -> None:
    """Check these records without their lexicons, which may be missing from the reference data."""
    wanted = {BLOCK: ("subject", "createdAt"), GATE: ("post", "createdAt"), LIKE: ("createdAt",)}[
        collection
    ]
    if record.get("$type") != collection or not all(
        isinstance(record.get(name), str) for name in wanted
    ):
        raise XrpcError(400, "InvalidRequest", f"Invalid {collection} record")
    subject = record.get("subject")
    if collection == LIKE and not (
        isinstance(subject, dict) and subject.keys() - {"$type"} == {"uri", "cid"}
    ):
        raise XrpcError(400, "InvalidRequest", "a like is of a version of a post: uri and cid")
    if collection == GATE and record["post"] != f"at://{did}/{POST}/{rkey}":
        raise XrpcError(400, "InvalidRequest", "a gate stands beside its own post")
    if len(record.get("hiddenReplies", ())) > MOST_HIDDEN:
        raise XrpcError(
            400, "InvalidRequest", f"hiddenReplies must not have more than {MOST_HIDDEN} elements"
        )


def report(server: "FakeBluesky", repo: "Repo", told: Mapping[str, Any]) -> dict[str, Any]:
    """Report a post to the moderators. Every call creates a report. Raise XrpcError."""
    subject = told.get("subject")
    whole = isinstance(subject, Mapping) and subject.get("$type") == "com.atproto.repo.strongRef"
    if not whole or not str(told.get("reasonType")).startswith(
        "com.atproto.moderation.defs#reason"
    ):
        raise XrpcError(400, "InvalidRequest", "Input must have a subject and a reasonType")
    server.reports.append((repo.did, dict(told)))
    made = {"id": len(server.reports), "reportedBy": repo.did, "createdAt": _stamp(server.clock())}
    return {"reasonType": told["reasonType"], "subject": dict(subject or {})} | made


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
