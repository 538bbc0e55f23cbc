"""The sandbox's HTTP API for connectors, with the rules that a platform would enforce.

Lists are newest first with `limit`, `before=ID` and `since=ISO`. Every successful answer contains
the sandbox's time in `X-Sandbox-Now`, so that a client with a shifted clock can see the difference.
"""

import asyncio
import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.http.request_bodies import read_body
from foundation.ops.clock import monotonic
from foundation.ops.fault_injection import FaultBook, PlatformCall
from sandbox import payments
from sandbox import store as kept
from sandbox.post_limits import SURFACES
from sandbox.store import SandboxAccount, SandboxRefusal, SandboxStore

MIMES = frozenset(
    (
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/mp4",
        "audio/ogg",
        "audio/mp4",
        "application/zip",
        "text/plain",
    )
)
MAX_FILE = 32 * 1024 * 1024
MAX_JSON_BYTES = 1024 * 1024
MAX_POLL_SECONDS = 25.0
GROWTH_SECONDS = 12 * 3600
"""Age at which a post has two thirds of its views."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class UpdateBell:
    """An event that wakes requests waiting for updates."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.over = False

    def close(self) -> None:
        """End all waiting requests at shutdown."""
        self.over = True
        self.ring()

    def ring(self) -> None:
        """Wake all waiting requests."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait until the bell rings or the time is over."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MediaItem(_Strict):
    """An uploaded file by its digest. URLs are not accepted."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    mime: str
    alt: str = Field(default="", max_length=1000)
    ai: str = "none"
    name: str = Field(default="", max_length=200)


class PostContent(_Strict):
    """The common fields of posts and messages."""

    key: str = Field(default="", max_length=128)
    text: str = ""
    media: list[MediaItem] = []
    adult: bool = False
    ai: bool = False
    flags: list[str] = []


class NewPost(PostContent):
    """A post on the timeline."""

    surface: str = "post"
    title: str = Field(default="", max_length=300)
    quote: str = Field(default="", max_length=32)
    """ID of an existing post of any account."""
    reply_to: str = Field(default="", max_length=64)


class Button(_Strict):
    """A button below a message."""

    label: str = Field(min_length=1, max_length=64)
    action: str = Field(pattern=r"^[a-z_]{1,32}$")
    ref: str = Field(default="", max_length=128)


class Invoice(_Strict):
    """An invoice in the test currency."""

    title: str = Field(min_length=1, max_length=64)
    description: str = Field(default="", max_length=255)
    amount: int = Field(gt=0, le=1_000_000)
    currency: str = Field(pattern=f"^{payments.TEST_CURRENCY}$")
    payload: str = Field(min_length=1, max_length=128)


class NewMessage(PostContent):
    """A message to one fan."""

    buttons: list[Button] = Field(default=[], max_length=8)
    invoice: Invoice | None = None
    service: str = ""


router = APIRouter()


def request_kind(method: str, path: str) -> PlatformCall | None:
    """Return the kind of an API request, or None for pages and the control API."""
    parts = path.split("/")
    if len(parts) < 4 or parts[1] != "api":
        return None
    what = parts[5] if parts[3] == "chats" and len(parts) > 5 else parts[3]
    if parts[-1] == "metrics" or parts[3:] == ["followers"]:
        what = "metrics"
    elif what == "remarks":
        what = "moderation" if method == "POST" else "remarks"
    elif method == "DELETE" or (what == "posts" and method == "PUT"):
        what = "deletes" if method == "DELETE" else "edits"
    elif what in {"posts", "messages", "transactions"} and method == "GET":
        what = "lookups"
    return PlatformCall(method, path, parts[2], what)


def get_store(request: Request) -> SandboxStore:
    """Return the store of the network."""
    store: SandboxStore = request.app.state.store
    return store


def get_fault_book(request: Request) -> FaultBook:
    """Return the faults and the record of requests."""
    book: FaultBook = request.app.state.book
    return book


def authenticate(request: Request, account: str) -> SandboxAccount:
    """Return the account of the request's token. Raises SandboxRefusal."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return kept.authenticate_account(
        get_store(request), account, token if scheme.lower() == "bearer" else ""
    )


def get_bell(request: Request) -> UpdateBell:
    """Return the bell that wakes requests waiting for updates."""
    bell: UpdateBell = request.app.state.bell
    return bell


async def _read_limited_body(request: Request, most: int) -> bytes:
    """Read a body. Raises SandboxRefusal if it has more than `most` bytes."""
    body = await read_body(request.stream(), max_bytes=most)
    if body is None:
        raise SandboxRefusal(413, "too_large")
    return body


async def read_json_object(request: Request) -> dict[str, Any]:
    """Return the body, a JSON object. Its content type must be JSON, which a form on another site
    cannot send. Raises SandboxRefusal."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise SandboxRefusal(415, "json_only")
    try:
        body = json.loads(await _read_limited_body(request, MAX_JSON_BYTES))
    except ValueError as error:
        raise SandboxRefusal(400, "bad_json") from error
    if not isinstance(body, dict):
        raise SandboxRefusal(400, "bad_json")
    return body


def parse_body(kind: type[BaseModel], body: Mapping[str, Any]) -> dict[str, Any]:
    """Validate a body. Raises SandboxRefusal."""
    try:
        return kind.model_validate(body).model_dump()
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise SandboxRefusal(422, "bad_request", where=where) from error


def parse_number(text: str | None) -> int:
    """Return a number in a query, or 0 if it is invalid."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else 0


def check_surface_rules(
    store: SandboxStore, account: SandboxAccount, content: Mapping[str, Any], surface: str
) -> None:
    """Check the rules of the surface. Raises SandboxRefusal."""
    look = SURFACES.get(surface)
    if look is None:
        raise SandboxRefusal(422, "unknown_surface")
    if len(content["text"]) > look.max_text:
        raise SandboxRefusal(422, "text_too_long", most=look.max_text)
    least = 0 if str(content.get("reply_to", "")).startswith("r") else look.least_media
    if not least <= len(content["media"]) <= look.max_media:
        raise SandboxRefusal(422, "wrong_number_of_media", least=least, most=look.max_media)
    if not (
        content["text"].strip()
        or content["media"]
        or content.get("invoice")
        or content.get("quote")
    ):
        raise SandboxRefusal(422, "empty")
    if content["adult"] and not look.allows_adult:
        raise SandboxRefusal(403, "content_refused")
    if content.get("quote") and kept.post_account(store, content["quote"]) is None:
        raise SandboxRefusal(422, "unknown_post")
    for medium in content["media"]:
        if kept.get_file(store, account.name, medium["sha256"]) is None:
            raise SandboxRefusal(422, "unknown_media", sha256=medium["sha256"])


@router.put("/api/{account}/files/{sha256}")
async def put_file(request: Request, account: str, sha256: str) -> dict[str, Any]:
    """Store a file under its digest."""
    owner = authenticate(request, account)
    body = await _read_limited_body(request, MAX_FILE)
    mime = request.headers.get("content-type", "")
    if mime not in MIMES:
        raise SandboxRefusal(422, "bad_file")
    if not _DIGEST.fullmatch(sha256) or hashlib.sha256(body).hexdigest() != sha256:
        raise SandboxRefusal(422, "wrong_hash")
    kept.store_file(get_store(request), owner, sha256, mime, body)
    return {"sha256": sha256, "size": len(body)}


@router.post("/api/{account}/posts")
async def add_post(request: Request, account: str) -> JSONResponse:
    """Publish a post."""
    owner = authenticate(request, account)
    store = get_store(request)
    content = parse_body(NewPost, await read_json_object(request))
    check_surface_rules(store, owner, content, content["surface"])
    if content["reply_to"]:
        _check_reply_target(store, owner, content["reply_to"])
    # `…-nomarks` accounts drop labels, to test that missing labels are noticed
    if not owner.keeps_first_labels:
        content |= {"adult": False, "ai": False}
    post, new = kept.add_post(store, owner, content)
    told = {"id": post["id"], "url": post_url(request, post), "created_at": post["created_at"]}
    return JSONResponse(told, 201 if new else 200)


def _check_reply_target(store: SandboxStore, owner: SandboxAccount, native_id: str) -> None:
    """Check that the parent of a reply exists: a post of the account or a comment on it. Raises
    SandboxRefusal."""
    where = (
        "remarks WHERE state <> 'deleted'"
        if native_id.startswith("r")
        else "posts WHERE deleted_at IS NULL"
    )
    number = kept.parse_native_id(native_id, native_id[:1])
    statement = f"SELECT 1 FROM {where} AND account = ? AND id = ?"  # noqa: S608  two constants
    found = store.fetch_one(statement, owner.name, number)
    if found is None or native_id[:1] not in ("p", "r"):
        raise SandboxRefusal(422, "unknown_parent")


def post_url(request: Request, post: Mapping[str, Any]) -> str:
    """Return the URL of a post."""
    return str(request.url_for("post_page", account=post["account"], post_id=post["id"]))


@router.get("/api/{account}/posts")
async def list_posts(request: Request, account: str) -> dict[str, Any]:
    """Return the account's posts, newest first. If the account supports keys, `key` selects those
    with that key."""
    owner = authenticate(request, account)
    store = get_store(request)
    asked = request.query_params
    key = asked.get("key")
    if key is not None and not owner.native_key:
        raise SandboxRefusal(400, "no_keys_here")
    before = kept.parse_native_id(asked["before"], "p") if asked.get("before") else None
    limit = min(parse_number(asked.get("limit")) or 50, 200)
    posts = kept.list_posts(
        store, owner.name, key=key, before=before, since=asked.get("since", ""), limit=limit
    )
    seen = _filter_visible_entries(request, owner.name, posts)
    return {"posts": [_listing_entry(request, post, owner) for post in seen]}


def _filter_visible_entries(
    request: Request, account: str, entries: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Remove entries that a delayed look-up does not show yet."""
    lag = get_fault_book(request).lag_seconds(account)
    now = get_store(request).clock()
    if not lag:
        return entries
    return [
        entry
        for entry in entries
        if (now - datetime.fromisoformat(entry["created_at"])).total_seconds() >= lag
    ]


def _listing_entry(
    request: Request, post: Mapping[str, Any], owner: SandboxAccount
) -> dict[str, Any]:
    told = {
        name: post[name]
        for name in ("id", "text", "created_at", "adult", "ai", "surface", "reply_to")
    }
    files = [medium["sha256"] for medium in post["media"]]
    return {
        **told,
        "files": files,
        "key": post["key"] if owner.native_key else "",
        "url": post_url(request, post),
    }


@router.get("/api/{account}/posts/{post_id}")
async def read_post(request: Request, account: str, post_id: str) -> dict[str, Any]:
    """Return a post of the account."""
    owner = authenticate(request, account)
    store = get_store(request)
    return _listing_entry(request, kept.get_post(store, owner.name, post_id), owner)


@router.delete("/api/{account}/posts/{post_id}")
async def delete_post(request: Request, account: str, post_id: str) -> dict[str, Any]:
    """Delete a post."""
    owner = authenticate(request, account)
    kept.delete_item(get_store(request), owner.name, post_id, table="posts", prefix="p")
    return {"deleted": post_id}


@router.get("/api/{account}/posts/{post_id}/metrics")
async def metrics(request: Request, account: str, post_id: str) -> dict[str, int]:
    """Return simulated metrics that grow for two days, plus the real views of the page. The
    simulated ones depend only on the post and its age."""
    owner = authenticate(request, account)
    store = get_store(request)
    post = kept.get_post(store, owner.name, post_id)
    age = (store.clock() - datetime.fromisoformat(post["created_at"])).total_seconds()
    seed = int(hashlib.sha256(f"{account}/{post_id}".encode()).hexdigest()[:8], 16)
    grown = 1 - math.exp(-max(0.0, age) / GROWTH_SECONDS)
    views = int((80 + seed % 900) * (0.1 + 0.9 * grown)) + int(post["views"])
    return {
        "views": views,
        "reach": views * 3 // 4,
        "likes": views // 9,
        "comments": views // 70,
        "shares": views // 110,
        "clicks": views // 25,
    }


@router.get("/api/{account}/followers")
async def followers(request: Request, account: str) -> dict[str, int]:
    """Return the number of followers."""
    owner = authenticate(request, account)
    return {"followers": kept.count_followers(get_store(request), owner.name)}


@router.post("/api/{account}/chats/{fan}/messages")
async def add_message(request: Request, account: str, fan: str) -> JSONResponse:
    """Send a message to a fan who wrote first."""
    owner = authenticate(request, account)
    store = get_store(request)
    content = parse_body(NewMessage, await read_json_object(request))
    check_surface_rules(store, owner, content, "chat")
    if store.fetch_one("SELECT 1 FROM fans WHERE account = ? AND name = ?", account, fan) is None:
        raise SandboxRefusal(403, "chat_not_started")
    key = content.pop("key")
    first = kept.list_messages(store, account, fan, key=key) if owner.native_key and key else []
    message = (
        first[-1] if first else kept.add_message(store, account, fan, "creator", content, key=key)
    )
    get_bell(request).ring()
    return JSONResponse(
        {"id": message["id"], "created_at": message["created_at"]}, 200 if first else 201
    )


@router.get("/api/{account}/chats/{fan}/messages")
async def list_messages(request: Request, account: str, fan: str) -> dict[str, Any]:
    """Return messages to a fan by key, newest first, unless the account cannot look up messages."""
    owner = authenticate(request, account)
    key = request.query_params.get("key")
    if not owner.chat_lookup:
        raise SandboxRefusal(404, "no_lookup")
    found = kept.list_messages(get_store(request), account, fan, key=key, author="creator")
    told = ("id", "key", "text", "created_at")
    return {
        "posts": [
            {name: entry[name] for name in told}
            for entry in _filter_visible_entries(request, account, found)
        ]
    }


@router.delete("/api/{account}/chats/{fan}/messages/{message_id}")
async def delete_message(
    request: Request, account: str, fan: str, message_id: str
) -> dict[str, Any]:
    """Delete a message."""
    owner = authenticate(request, account)
    kept.delete_item(get_store(request), owner.name, message_id, table="messages", prefix="m")
    return {"deleted": message_id, "fan": fan}


@router.get("/api/{account}/updates")
async def list_updates(request: Request, account: str) -> dict[str, Any]:
    """Return the actions of fans after the cursor. Updates are delivered at least once; the client
    stores the cursor."""
    owner = authenticate(request, account)
    store = get_store(request)
    after = parse_number(request.query_params.get("after"))
    wait = min(float(parse_number(request.query_params.get("wait"))), MAX_POLL_SECONDS)
    until = monotonic() + wait
    bell = get_bell(request)
    # Long polling: the bell ends the wait when there is an update.
    while (
        not (found := kept.list_updates(store, owner.name, after))
        and (left := until - monotonic()) > 0
        and not bell.over
    ):
        await bell.wait(left)
    return {"updates": found, "cursor": found[-1]["id"] if found else str(after)}


@router.post("/api/{account}/checkouts/{query_id}")
async def answer_checkout(request: Request, account: str, query_id: str) -> dict[str, Any]:
    """Accept or refuse a payment within 10 seconds."""
    owner = authenticate(request, account)
    body = await read_json_object(request)
    ok = body.get("ok")
    text = str(body.get("text") or "")
    if not isinstance(ok, bool) or len(text) > 200:
        raise SandboxRefusal(422, "bad_request", where="ok")
    answered = payments.answer_checkout(get_store(request), owner.name, query_id, ok=ok, text=text)
    get_bell(request).ring()
    return answered


@router.post("/api/{account}/refunds")
async def refund(request: Request, account: str) -> dict[str, Any]:
    """Refund a charge."""
    owner = authenticate(request, account)
    body = await read_json_object(request)
    charge_id = body.get("charge_id")
    amount = body.get("amount")
    currency = body.get("currency")
    if (
        not isinstance(charge_id, str)
        or not isinstance(amount, int)
        or not isinstance(currency, str)
    ):
        raise SandboxRefusal(422, "bad_request", where="charge_id")
    answered = payments.refund_charge(get_store(request), owner.name, charge_id, amount, currency)
    get_bell(request).ring()
    return answered


@router.get("/api/{account}/transactions")
async def transactions(request: Request, account: str) -> dict[str, Any]:
    """Return charges and refunds, oldest first."""
    owner = authenticate(request, account)
    return payments.list_transactions(
        get_store(request), owner.name, parse_number(request.query_params.get("after"))
    )
