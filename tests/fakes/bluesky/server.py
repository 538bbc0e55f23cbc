"""A stateful personal data server of Bluesky over HTTP, with injected faults.

It reproduces behaviour of the real server that clients often get wrong: an expired token returns
400, a repeat of the same record changes nothing, `swapRecord` null never overwrites, offsets of
facets are bytes at character boundaries, files that no record uses are deleted, a video must be an
MP4 and is not a picture, and a write costs rate limit points. Each request is checked against the
official lexicons if they are available.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.canonical_json import canonical_json
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.bluesky import chats, comments, lexicons
from tests.fakes.bluesky.chats import Chats
from tests.fakes.bluesky.comments import BLOCK, GATE, LIKE, POST
from tests.fakes.bluesky.lexicons import TID, Lexicons, LexiconViolation
from tests.fakes.bluesky.media_types import detect_media_type
from tests.fakes.bluesky.records import blobs, check_facets
from tests.fakes.bluesky.sessions import Sessions, XrpcError

COSTS = {
    "com.atproto.repo.createRecord": 3,
    "com.atproto.repo.putRecord": 2,
    "com.atproto.repo.deleteRecord": 1,
}
BUDGETS = ((5_000, timedelta(hours=1)), (35_000, timedelta(days=1)))
UNUSED_FOR = timedelta(hours=1)
"""Time after which a file that no record uses is deleted."""

MOST: Mapping[str, int] = {"image": 2_000_000, "thumb": 1_000_000, "video": 300_000_000}
"""Maximum sizes of embedded files in bytes: a picture, the thumbnail of a card, a video."""

KINDS = {
    "com.atproto.repo.putRecord": "posts",
    "com.atproto.repo.uploadBlob": "files",
    "com.atproto.repo.deleteRecord": "deletes",
    "com.atproto.repo.getRecord": "lookups",
    "com.atproto.identity.resolveHandle": "names",
    "app.bsky.feed.getPosts": "metrics",
    "app.bsky.actor.getProfile": "metrics",
    "app.bsky.notification.listNotifications": "remarks",
    "com.atproto.moderation.createReport": "moderation",
    "chat.bsky.convo.sendMessage": "messages",
    "chat.bsky.convo.getMessages": "lookups",
    "chat.bsky.convo.getLog": "updates",
    "com.atproto.server.createSession": "signins",
    "com.atproto.server.refreshSession": "refreshes",
    "com.atproto.server.getSession": "checks",
}


def cid(data: bytes, *, raw: bool) -> str:
    """Return the CIDv1 (SHA-256) of raw bytes or of a record."""
    head = bytes((1, 0x55 if raw else 0x71, 0x12, 32))
    return "b" + base64.b32encode(head + hashlib.sha256(data).digest()).decode().lower().rstrip("=")


@dataclass
class Blob:
    """An uploaded file."""

    mime: str
    size: int
    at: datetime
    used: bool = False


@dataclass
class Repo:
    """An account with its credentials and records. `state` is active, takendown or deactivated."""

    did: str
    handle: str
    app_password: str
    main_password: str = "the main password"
    state: str = "active"
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Records that are not posts, by collection and key."""
    indexed: dict[str, datetime] = field(default_factory=dict)
    """Indexing time of each post."""
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """URI and record of every post ever created, including deleted ones."""
    blobs: dict[str, Blob] = field(default_factory=dict)
    spent: list[tuple[datetime, int]] = field(default_factory=list)
    noops: int = 0
    likes: int = 3
    followers: int = 0
    drops_labels: bool = False
    """True to store records without their self-labels."""


@dataclass
class FakeBluesky:
    """The server's state. Tests create accounts, adjust the clock, request faults from `book`, and
    inspect the received posts."""

    clock: AdjustableClock
    book: FaultBook
    lexicons: Lexicons | None = field(default_factory=lexicons.load_lexicons)
    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    sessions: Sessions = field(init=False)
    chats: Chats = field(default_factory=Chats)
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Reporting account and report, in order."""
    most_upload: int = 50 * 2**20
    """Maximum size of an upload in bytes (`PDS_BLOB_UPLOAD_LIMIT`). The default of real servers is
    a tenth of it."""

    _last_tid: int = 0

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.clock)

    def account(self, handle: str, app_password: str = "abcd-efgh-ijkl-mnop") -> Repo:
        """Create an account."""
        label = base64.b32encode(hashlib.sha256(handle.encode()).digest()[:15]).decode().lower()
        made = Repo(f"did:plc:{label}", handle, app_password)
        self.repos[made.did] = made
        return made

    # Request handling

    def answer(
        self, nsid: str, query: dict[str, list[str]], body: bytes, request: Request
    ) -> dict[str, Any]:
        """Return the JSON response of a method. Raise XrpcError."""
        told = self._read(nsid, query, body)
        shown = request.headers.get("authorization")
        match nsid:
            case "com.atproto.server.createSession":
                return self._sign_in(told)
            case "com.atproto.server.refreshSession":
                did, access, refresh = self.sessions.rotate(shown)
                self._check_active(self.repos[did])
                return self._session(self.repos[did], access, refresh)
            case "com.atproto.server.getSession":
                repo = self.repos[self.sessions.whose(shown)]
                return {
                    "did": repo.did,
                    "handle": repo.handle,
                    "active": repo.state == "active",
                } | self._status(repo)
            case "com.atproto.repo.getRecord":
                return self._get_record(query)
            case "com.atproto.identity.resolveHandle":
                return {"did": self._whose(query["handle"][0])}
            case "app.bsky.feed.getPosts":
                mine = self.repos[self.sessions.whose(shown)]
                return {"posts": [view for uri in query["uris"] for view in self._views(uri, mine)]}
            case "app.bsky.notification.listNotifications":
                return comments.listed(self, self.repos[self.sessions.whose(shown)], query)
            case "app.bsky.actor.getProfile":
                self.sessions.whose(shown)
                return self._profile(query["actor"][0])
        repo = self.repos[self.sessions.whose(shown)]
        self._check_active(repo)
        if nsid.startswith("chat."):
            proxied = request.headers.get("atproto-proxy") == chats.PROXY
            return chats.answer(self, repo, nsid if proxied else "", query, told)
        return self._written(repo, nsid, told, body, request)

    def _written(
        self, repo: Repo, nsid: str, told: dict[str, Any], body: bytes, request: Request
    ) -> dict[str, Any]:
        match nsid:
            case "com.atproto.repo.uploadBlob":
                return self._upload(repo, body, request.headers.get("content-type", ""))
            case "com.atproto.repo.createRecord":
                self._spend(repo, COSTS[nsid])
                return self._put(repo, {"rkey": self.tid(), **told})
            case "com.atproto.repo.putRecord":
                self._spend(repo, COSTS[nsid])
                return self._put(repo, told)
            case "com.atproto.moderation.createReport":
                return comments.report(self, repo, told)
            case "com.atproto.repo.deleteRecord":
                self._spend(repo, COSTS[nsid])
                return self._delete(repo, told)
        raise XrpcError(501, "MethodNotImplemented")

    def _read(self, nsid: str, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
        if nsid == "com.atproto.repo.uploadBlob":
            return {}
        try:
            told: dict[str, Any] = json.loads(body) if body else {}
            if self.lexicons is not None and self.lexicons.knows(nsid):
                self.lexicons.check_query(nsid, query)
                self.lexicons.check_input(nsid, told)
        except (ValueError, LexiconViolation) as error:
            raise XrpcError(400, "InvalidRequest", str(error)) from error
        return told

    def _sign_in(self, told: dict[str, Any]) -> dict[str, Any]:
        self.sessions.signed_in(told["identifier"])
        repo = next(
            (one for one in self.repos.values() if told["identifier"] in (one.handle, one.did)),
            None,
        )
        if repo is None or told["password"] not in (repo.app_password, repo.main_password):
            raise XrpcError(401, "AuthenticationRequired", "Invalid identifier or password")
        if told["password"] == repo.main_password:
            raise XrpcError(
                401, "AuthFactorTokenRequired", "A sign in code has been sent to your email address"
            )
        if repo.state == "takendown":
            raise XrpcError(401, "AccountTakedown", "Account has been taken down")
        return self._session(repo, *self.sessions.start(repo.did))

    def _session(self, repo: Repo, access: str, refresh: str) -> dict[str, Any]:
        service = {
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": self.url,
        }
        document = {
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": repo.did,
            "service": [service],
        }
        pair = {"accessJwt": access, "refreshJwt": refresh}
        whole = {
            "did": repo.did,
            "handle": repo.handle,
            "didDoc": document,
            "active": repo.state == "active",
        }
        return pair | whole | self._status(repo)

    def _status(self, repo: Repo) -> dict[str, str]:
        return {} if repo.state == "active" else {"status": repo.state}

    def _check_active(self, repo: Repo) -> None:
        if repo.state == "takendown":
            raise XrpcError(401, "AccountTakedown", "Account has been taken down")
        if repo.state == "deactivated":
            raise XrpcError(400, "RepoDeactivated", "Repo is deactivated")

    def _spend(self, repo: Repo, points: int) -> None:
        for most, window in BUDGETS:
            recent = [(at, cost) for at, cost in repo.spent if at > self.clock() - window]
            if sum(cost for _, cost in recent) + points > most:
                left = int((recent[0][0] + window - self.clock()).total_seconds()) + 1
                reset = str(int(self.clock().timestamp()) + left)
                policy = f"{most};w={int(window.total_seconds())}"
                headers = {
                    "ratelimit-limit": str(most),
                    "ratelimit-remaining": "0",
                    "ratelimit-reset": reset,
                }
                raise XrpcError(
                    429, "RateLimitExceeded", headers=headers | {"ratelimit-policy": policy}
                )
        repo.spent.append((self.clock(), points))

    def _upload(self, repo: Repo, body: bytes, mime: str) -> dict[str, Any]:
        if not body:
            raise XrpcError(
                400, "InvalidRequest", "Request encoding (Content-Type) required but not provided"
            )
        if len(body) > self.most_upload:
            raise XrpcError(413, "PayloadTooLarge", "request entity too large")
        name = cid(body, raw=True)
        used = name in repo.blobs and repo.blobs[name].used
        mime = detect_media_type(body) or mime
        repo.blobs[name] = Blob(mime, len(body), self.clock(), used)
        return {
            "blob": {"$type": "blob", "ref": {"$link": name}, "mimeType": mime, "size": len(body)}
        }

    def _put(self, repo: Repo, told: dict[str, Any]) -> dict[str, Any]:
        record, rkey = told["record"], told["rkey"]
        if told["repo"] not in (repo.did, repo.handle):
            raise XrpcError(401, "AuthenticationRequired")
        if told["collection"] in {BLOCK, GATE, LIKE}:
            return comments.put(self, repo, told)
        if told["collection"] != POST or not TID.fullmatch(rkey):
            raise XrpcError(400, "InvalidRequest", "Invalid record key: a TID is wanted")
        self._check_record(repo, record)
        uri, version = f"at://{repo.did}/{POST}/{rkey}", cid(canonical_json(record), raw=False)
        answer = {"uri": uri, "cid": version, "validationStatus": "valid"}
        current = repo.records.get(rkey)
        if current == record:
            repo.noops += 1
            return answer
        if current is not None and "swapRecord" in told and told["swapRecord"] is None:
            raise XrpcError(
                400, "InvalidSwap", f"Record was at {cid(canonical_json(current), raw=False)}"
            )
        self.keep(repo, rkey, record)
        for _, blob in blobs(record):
            repo.blobs[blob["ref"]["$link"]].used = True
        return {**answer, "commit": {"cid": version, "rev": rkey}}

    def keep(self, repo: Repo, rkey: str, record: dict[str, Any]) -> None:
        """Store a post and index it."""
        repo.records[rkey] = {
            name: part
            for name, part in record.items()
            if not (repo.drops_labels and name == "labels")
        }
        repo.indexed[rkey] = self.clock()
        repo.taken.append((f"at://{repo.did}/{POST}/{rkey}", record))

    def tid(self) -> str:
        """Return a record key for the current time, later than all earlier ones:
        https://atproto.com/specs/tid"""
        self._last_tid = max(self._last_tid + 1, int(self.clock().timestamp() * 1_000_000))
        number, letters = self._last_tid << 10, "234567abcdefghijklmnopqrstuvwxyz"
        return "".join(letters[number >> 5 * place & 31] for place in range(12, -1, -1))

    def cid_of(self, record: Mapping[str, Any]) -> str:
        """Return the current CID of a record."""
        return cid(canonical_json(record), raw=False)

    def _check_record(self, repo: Repo, record: dict[str, Any]) -> None:
        try:
            if self.lexicons is not None:
                self.lexicons.check_record(POST, record)
        except LexiconViolation as breach:
            raise XrpcError(400, "InvalidRequest", f"Invalid {POST} record: {breach}") from breach
        check_facets(record)
        for kind, blob in blobs(record):
            self._check_blob(repo, kind, blob)

    def _check_blob(self, repo: Repo, kind: str, blob: dict[str, Any]) -> None:
        known = repo.blobs.get(blob["ref"]["$link"])
        if known is None or (not known.used and known.at < self.clock() - UNUSED_FOR):
            raise XrpcError(400, "BlobNotFound", f"Could not find blob: {blob['ref']['$link']}")
        if known.size > MOST[kind]:
            raise XrpcError(400, "BlobTooLarge", "This file is too large")
        if known.mime != "video/mp4" if kind == "video" else not known.mime.startswith("image/"):
            raise XrpcError(400, "InvalidMimeType", "Wrong type of file")
        if (known.mime, known.size) != (blob["mimeType"], blob["size"]):
            raise XrpcError(
                400, "InvalidMimeType", "Referenced Mimetype does not match stored blob"
            )

    def _delete(self, repo: Repo, told: dict[str, Any]) -> dict[str, Any]:
        if told["collection"] != POST:  # Deleting a missing record succeeds.
            repo.others.pop(f"{told['collection']}/{told['rkey']}", None)
            return {}
        gone = repo.records.pop(told["rkey"], None)
        return (
            {}
            if gone is None
            else {"commit": {"cid": cid(canonical_json(gone), raw=False), "rev": told["rkey"]}}
        )

    def _get_record(self, query: dict[str, list[str]]) -> dict[str, Any]:
        did, rkey, collection = (query[name][0] for name in ("repo", "rkey", "collection"))
        repo = self.repos.get(did)
        kept = (
            (
                repo.records.get(rkey)
                if collection == POST
                else repo.others.get(f"{collection}/{rkey}")
            )
            if repo
            else None
        )
        uri, record = f"at://{did}/{collection}/{rkey}", kept
        if record is None:
            raise XrpcError(400, "RecordNotFound", f"Could not locate record: {uri}")
        return {"uri": uri, "cid": cid(canonical_json(record), raw=False), "value": record}

    def _whose(self, handle: str) -> str:
        found = next((one.did for one in self.repos.values() if one.handle == handle.lower()), None)
        if found is None:
            raise XrpcError(400, "InvalidRequest", "Unable to resolve handle")
        return found

    def _profile(self, actor: str) -> dict[str, Any]:
        repo = next((one for one in self.repos.values() if actor in (one.did, one.handle)), None)
        if repo is None:
            raise XrpcError(400, "InvalidRequest", "Profile not found")
        if repo.state == "takendown":
            raise XrpcError(400, "AccountTakedown", "Account has been suspended")
        counts = {
            "followersCount": repo.followers,
            "followsCount": 0,
            "postsCount": len(repo.records),
        }
        return {"did": repo.did, "handle": repo.handle} | counts

    def _views(self, uri: str, viewer: Repo) -> list[dict[str, Any]]:
        did, rkey = uri.removeprefix("at://").split("/")[0], uri.rpartition("/")[2]
        repo = self.repos.get(did)
        if repo is None or rkey not in repo.records or comments.is_blocked_either_way(viewer, repo):
            return []
        record = repo.records[rkey]
        seen = {
            "viewer": {"replyDisabled": comments.is_reply_closed(self, uri, record, viewer.did)}
        }
        author = {"did": did, "handle": repo.handle}
        counts = {"likeCount": repo.likes, "replyCount": 1, "repostCount": 0, "quoteCount": 0}
        stamp = {"indexedAt": self.clock().isoformat()}
        return [
            {
                "uri": uri,
                "cid": cid(canonical_json(record), raw=False),
                "author": author,
                "record": record,
            }
            | counts
            | stamp
            | seen
        ]


@contextmanager
def bluesky() -> Iterator[FakeBluesky]:
    """Run a server under uvicorn with an adjustable clock."""
    clock = AdjustableClock()
    server = FakeBluesky(clock, FaultBook(clock=clock))
    with serve_app(create_app(server), clock=clock) as server.url:
        yield server


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request for the fault book. Only its token names the account."""
    found = re.fullmatch(r"/xrpc/([\w.]+)", path)
    return PlatformCall(method, path, "", KINDS.get(found[1], "other")) if found else None


def create_app(server: FakeBluesky) -> ASGIApp:
    """Return the app for `server`."""
    app = FastAPI()

    @app.api_route("/xrpc/{nsid}", methods=["GET", "POST"])
    async def xrpc(nsid: str, request: Request) -> JSONResponse:
        body = await request.body()
        try:
            told = server.answer(nsid, parse_qs(request.url.query), body, request)
        except XrpcError as refused:
            words = {"error": refused.name, "message": refused.message}
            return JSONResponse(words, refused.status, refused.headers)
        if server.lexicons is not None and server.lexicons.knows(nsid):
            server.lexicons.check_output(nsid, told)
        return JSONResponse(told)

    return FaultyNetwork(app, book=server.book, call_of=classify_request)
