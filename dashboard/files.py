"""Pictures of the library for signed-in members: `/files/<asset>/<profile>`, asked anew at every request and range.

Nothing is presigned and nothing is shared: who looks, whose picture it is and how it is rated are read each time, and
what is wrong, foreign or withheld is not found alike. What is Nudity, Explicit or not rated yet comes blurred, but for
one who pressed to see it: the press is written down (`reveal`), and its address works for them alone, five minutes.
"""

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from threading import Lock
from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import entry, session
from dashboard.session import Viewer
from foundation import settings
from foundation.database import Scope
from foundation.errors import NotFound, Unavailable
from foundation.storage import ObjectStore, library
from gate import showing
from gate.ratings import Standing
from gate.units import Rating
from generators.media import POST
from generators.thumbs import thumb
from studio import reads as studio_reads
from tenants import audit
from tenants import reads as tenant_reads
from tenants.reads import Member
from tenants.roles import Right, may

EDGES = {"thumb": 320, "preview": 960}
"""Longest edge in pixels of the profiles made here; `post` is the very bytes that are sent."""

CLEAR_LIFE = timedelta(minutes=5)
SEEN_LIFE = timedelta(hours=1)
"""So long somebody who looked counts as having seen it when they judge it."""

CLEARED = "asset.cleared"
OPENLY = frozenset({Rating.G, Rating.S})
"""Ratings shown without a press."""

PRIVATE = {"cache-control": "private, max-age=120", "vary": "cookie"}
NO_STORE = {"cache-control": "private, no-store"}
SAFE = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@cache
def store() -> ObjectStore:
    """Where the creators' files lie."""
    return library(settings.load())


def src(asset_id: UUID, profile: str = "thumb", *, clear: UUID | None = None, unrated: bool = False) -> str:
    """The address of a picture in a page: thumb, preview or post; `clear` is what `reveal` gave.

    One that is `unrated` has an address of its own, so that a page asks anew for what is blurred no longer.
    """
    return f"/files/{asset_id}/{profile}" + (f"?clear={clear}" if clear is not None else "?unrated" * unrated)


def covered(rating: Rating | None) -> bool:
    """Whether a picture of this rating comes blurred until somebody presses."""
    return rating not in OPENLY


def reveal(scope: Scope, member: Member, asset_id: UUID) -> UUID:
    """Let a member see one picture clearly for five minutes, and write down that they did; hand the id to `src`.

    Raises NotFound for a picture that is not theirs to see so.
    """
    found = studio_reads.shown(scope, asset_id)
    if not (_theirs(scope, member, found.creator_id) and uncovers(member)) or found.standing.withheld:
        raise NotFound("library.asset_unknown", destination="-")
    return audit.note(scope, CLEARED, f"asset:{asset_id}")


def seen(scope: Scope, assets: Collection[UUID]) -> frozenset[UUID]:
    """Those of these pictures that the scope's actor pressed to see clearly in the last hour."""
    about = {f"asset:{asset}": asset for asset in assets}
    found = audit.done(scope, CLEARED, list(about), since=scope.now - SEEN_LIFE)
    return frozenset(about[one] for one in found)


def _theirs(scope: Scope, member: Member, creator_id: UUID) -> bool:
    """Whether the member works with this creator's pictures. Who only reviews sees just what was given to them."""
    works = any(may(member.role, right) for right in (Right.RUN, Right.APPROVE, Right.CHAT))
    if not works and not (may(member.role, Right.REVIEW) and member.creators):
        return False
    return not member.creators or tenant_reads.creator(scope, creator_id).slug in member.creators


def uncovers(member: Member) -> bool:
    """Whether a member may see clearly, by pressing, what comes blurred."""
    return any(may(member.role, right) for right in (Right.RUN, Right.APPROVE, Right.REVIEW))


@dataclass(frozen=True)
class _Sight:
    """What this request may see."""

    sha256: str
    blurred: bool
    adult: bool


async def serve(request: Request) -> Response:
    """One picture, or one range of it."""
    try:
        return await run_in_threadpool(_serve, request)
    except OperationalError:
        return Response(status_code=503, headers=NO_STORE)


def _serve(request: Request) -> Response:
    who: Viewer | None = request.scope.get(entry.VIEWER)
    try:
        asset_id, profile = UUID(request.path_params["asset"]), request.path_params["profile"]
        clear = UUID(request.query_params["clear"]) if "clear" in request.query_params else None
        if who is None or profile not in (*EDGES, POST.name):
            raise NotFound("library.asset_unknown", destination="-")
        sight = _look(who, asset_id, clear)
        tag = f'"{sight.sha256[:24]}-{profile}{"-b" if sight.blurred else ""}"'
        kept = NO_STORE if sight.adult or sight.blurred else PRIVATE
        headers = {**kept, **SAFE, "etag": tag, "accept-ranges": "bytes"}
        if not sight.adult and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        data, part = _bytes(who.tenant_id, sight, profile), request.headers.get("range")
        if sight.adult and not sight.blurred and request.method == "GET" and part is None and profile != "thumb":
            _shown(who, sight)
        return _part(data, part, headers)
    except (NotFound, ValueError):
        return Response(status_code=404, headers=NO_STORE)
    except Unavailable:
        return Response(status_code=503, headers=NO_STORE)


def _look(who: Viewer, asset_id: UUID, clear: UUID | None) -> _Sight:
    """What this member may see of an asset now. Raises NotFound."""
    with session.tenant()(who.tenant_id, who.actor) as scope:
        found = studio_reads.shown(scope, asset_id)
        standing: Standing = found.standing
        if standing.withheld or not _theirs(scope, who.member, found.creator_id):
            raise NotFound("library.asset_unknown", destination="-")
        adult = covered(standing.rating)
        since = scope.now - CLEAR_LIFE
        pressed = (
            adult
            and clear is not None
            and uncovers(who.member)
            and audit.noted(scope, clear, CLEARED, f"asset:{asset_id}", since=since)
        )
    return _Sight(found.sha256, blurred=adult and not pressed, adult=adult)


def _shown(who: Viewer, sight: _Sight) -> None:
    """The picture goes out clear, whole and large enough to be judged: the safety check is told to whom."""
    with session.tenant()(who.tenant_id, who.actor) as scope:
        showing.note(scope, who.member, sight.sha256)


def _bytes(tenant_id: UUID, sight: _Sight, profile: str) -> bytes:
    if profile == POST.name and not sight.blurred:
        return store().get(tenant_id, sight.sha256)
    key = (tenant_id, sight.sha256, EDGES.get(profile, EDGES["preview"]), sight.blurred)
    known = _SMALL.get(key)
    if known is None:
        known = thumb(store().get(tenant_id, sight.sha256), edge=key[2], blurred=sight.blurred)
        _SMALL.put(key, known)
    return known


class _Small:
    """The thumbnails made last, up to some bytes; content-addressed, so none can be stale. Clear adult ones as well:
    whoever asks was checked before."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[tuple[UUID, str, int, bool], bytes] = OrderedDict()
        self._most, self._size, self._lock = most, 0, Lock()

    def get(self, key: tuple[UUID, str, int, bool]) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[UUID, str, int, bool], data: bytes) -> None:
        with self._lock:
            self._size += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])


_SMALL = _Small(24 * 2**20)


def _part(data: bytes, asked: str | None, headers: dict[str, str]) -> Response:
    """All of it, or the one range that was asked for (RFC 9110, 14.2); several ranges get all of it."""
    found = _RANGE.fullmatch(asked.strip()) if asked else None
    if found is None or found[0] == "bytes=-":
        return Response(data, headers=headers, media_type="image/jpeg")
    if found[1]:
        start, end = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
    else:
        start, end = max(0, len(data) - int(found[2])), len(data) - 1
    if start > end:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{len(data)}"})
    said = {**headers, "content-range": f"bytes {start}-{end}/{len(data)}"}
    return Response(data[start : end + 1], 206, headers=said, media_type="image/jpeg")


ROUTES = [Route("/files/{asset}/{profile}", serve, methods=["GET"])]
