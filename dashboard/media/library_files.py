"""Library files for signed-in members: `/files/<asset>/<profile>`. Access is checked on every
request and byte range.

For a video, `thumb` and `preview` show the poster, `post` plays it, and `sheet-0`, `sheet-1`, …
show its frames. The member, the creator and the rating are read each time, and invalid,
inaccessible and withheld files get the same 404. Files rated Nudity or Explicit, or not rated, are
blurred until the member reveals them, except files without a rating for the member who made or
uploaded them. `reveal_picture` records that in the audit log and returns an
ID that works for this member for five minutes.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from threading import Lock
from uuid import UUID

import streamlit as st
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.shell import session
from dashboard.shell.page_context import PageContext
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.db.database import Scope
from foundation.errors import NotFound, Unavailable
from foundation.ops import settings
from foundation.storage.object_store import ObjectStore, open_library_store
from gate.assets import asset_records, viewings
from gate.contract.units import Rating
from gate.ratings.ratings import DisplayRating
from generators.media import thumbnails
from generators.media.pictures import POST_PROFILE
from studio.library import member_reviews, playback, queries
from studio.library.playback import Playback
from tenants import audit
from tenants.agencies.queries import Member, get_acting_member, get_creator
from tenants.agencies.rights import Right, has_right

REVEAL_KEY_PREFIX = "clear:"


def reveal_pictures(page: PageContext, assets: tuple[UUID, ...], scope: Scope, _: UUID) -> None:
    """Reveal these pictures to the member for five minutes, and record it in the audit log."""
    for asset_id in assets:
        st.session_state[f"{REVEAL_KEY_PREFIX}{asset_id}"] = str(
            reveal_picture(scope, page.viewer.member, asset_id)
        )


def revealed_picture_url(asset_id: UUID, profile: str = "preview") -> str:
    """Return the URL of a picture, unblurred if the member revealed it."""
    seen = st.session_state.get(f"{REVEAL_KEY_PREFIX}{asset_id}")
    return picture_url(asset_id, profile, clear=UUID(seen) if seen else None)


PROFILE_EDGES = {"thumb": 320, "preview": 960}
"""Longest edge in pixels of small profiles. Stored thumbnails are used if they exist; others are
made on request (blurred pictures, videos, old pictures). `post` is the published file itself."""

CLEAR_LIFE = timedelta(minutes=5)
SEEN_LIFE = timedelta(hours=1)
"""Time for which a revealed picture counts as viewed in a review."""

REVEAL_EVENT = "asset.cleared"
UNBLURRED_RATINGS = frozenset({Rating.G, Rating.S})
"""Ratings that are not blurred."""

PRIVATE = {"cache-control": "private, max-age=120", "vary": "cookie"}
PRIVATE_NO_STORE = {"cache-control": "private, no-store"}
SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
}
_SHEET = re.compile(r"sheet-(\d{1,3})")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@cache
def object_store() -> ObjectStore:
    """Return the object store of the media library."""
    return open_library_store(settings.load_settings())


def picture_url(
    asset_id: UUID, profile: str = "thumb", *, clear: UUID | None = None, unrated: bool = False
) -> str:
    """Return the URL of a picture in the profile thumb, preview or post. `clear` is the ID from
    `reveal_picture`.

    With `unrated`, the URL differs from the normal one, so that browsers load the picture again
    once it is no longer blurred.
    """
    return f"/files/{asset_id}/{profile}" + (
        f"?clear={clear}" if clear is not None else "?unrated" * unrated
    )


def is_blurred(rating: Rating | None) -> bool:
    """Return True if a picture of this rating is blurred until it is revealed."""
    return rating not in UNBLURRED_RATINGS


def list_blurred(scope: Scope, rated: Mapping[UUID, Rating | None]) -> frozenset[UUID]:
    """Return which of these pictures, given with their ratings, are blurred for the acting member.

    Members see the pictures that they made or uploaded, until these are rated for adults.
    """
    unrated = [asset for asset, rating in rated.items() if rating is None]
    makers = member_reviews.makers_of(scope, unrated) if unrated else {}
    own = {asset for asset in unrated if makers.get(asset) == scope.actor}
    return frozenset(one for one, rating in rated.items() if is_blurred(rating) and one not in own)


def reveal_picture(scope: Scope, member: Member, asset_id: UUID) -> UUID:
    """Reveal a picture to a member for five minutes, record it in the audit log, and return the ID
    for `picture_url`.

    Raises NotFound if the member may not reveal it.
    """
    found = queries.get_asset_bytes(scope, asset_id)
    if (
        not (_can_view_creator(scope, member, found.creator_id) and can_reveal(member))
        or found.standing.is_withheld
    ):
        raise NotFound("library.asset_unknown", destination="-")
    return audit.record(scope, REVEAL_EVENT, f"asset:{asset_id}")


def list_revealed(scope: Scope, assets: Collection[UUID]) -> frozenset[UUID]:
    """Return the pictures that the scope's actor revealed in the last hour. A video is included
    only if all of its frames were shown."""
    about = {f"asset:{asset}": asset for asset in assets}
    found = audit.acted_on_by_actor(scope, REVEAL_EVENT, list(about), since=scope.now - SEEN_LIFE)
    pressed = frozenset(about[one] for one in found)
    films = playback.playback_of(scope, pressed)
    if not films:
        return pressed
    principal = get_acting_member(scope, "review.people_only").principal_id
    known = viewings.viewed_digests_of(scope, principal, [film.sha256 for film in films.values()])
    return frozenset(one for one in pressed if one not in films or films[one].sha256 in known)


def _can_view_creator(scope: Scope, member: Member, creator_id: UUID) -> bool:
    """Return True if the member may see this creator's pictures. Members who only review need
    explicit access to creators."""
    works = any(has_right(member.role, right) for right in (Right.RUN, Right.APPROVE, Right.CHAT))
    if not works and not (has_right(member.role, Right.REVIEW) and member.creators):
        return False
    return not member.creators or get_creator(scope, creator_id).slug in member.creators


def can_reveal(member: Member) -> bool:
    """Return True if the member may reveal blurred pictures."""
    return any(has_right(member.role, right) for right in (Right.RUN, Right.APPROVE, Right.REVIEW))


@dataclass(frozen=True)
class _Sight:
    """A file as the member may view it in this request. `sha256` is the digest of the file to send;
    `film` is the video that it belongs to."""

    sha256: str
    blurred: bool
    adult: bool
    pressed: bool
    """True if the member revealed the file within the last five minutes. It then counts as viewed,
    whatever its rating."""
    film: Playback | None = None
    small: str | None = None
    """Digest of the stored thumbnail, if it is not blurred."""

    def plays(self, profile: str) -> str:
        """Return the media type of a playable file, or "" for a picture."""
        return (
            self.film.mime
            if self.film is not None and profile == POST_PROFILE.name and not self.blurred
            else ""
        )


async def serve_file(request: Request) -> Response:
    """Serve a file or one range of it."""
    try:
        return await run_in_threadpool(_serve_library_file, request)
    except OperationalError:
        return Response(status_code=503, headers=PRIVATE_NO_STORE)


def _serve_library_file(request: Request) -> Response:
    who: Viewer | None = request.scope.get(VIEWER_SCOPE_KEY)
    try:
        asset_id = UUID(request.path_params["asset"])
        profile = request.path_params["profile"]
        clear = UUID(request.query_params["clear"]) if "clear" in request.query_params else None
        sheet = _SHEET.fullmatch(profile)
        if who is None or not (sheet or profile in (*PROFILE_EDGES, POST_PROFILE.name)):
            raise NotFound("library.asset_unknown", destination="-")
        sight = _resolve_asset_view(who, asset_id, clear, profile, int(sheet[1]) if sheet else None)
        tag = f'"{sight.sha256[:24]}-{profile}{"-b" if sight.blurred else ""}"'
        kept = PRIVATE_NO_STORE if sight.adult or sight.pressed else PRIVATE
        headers = {**kept, **SAFE_HEADERS, "etag": tag, "accept-ranges": "bytes"}
        if kept is PRIVATE and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        data = _load_profile_bytes(who.tenant_id, sight, profile)
        part = request.headers.get("range")
        kind = sight.plays(profile)
        # A part of a picture does not count as viewed. Players always request ranges.
        if sight.pressed and request.method == "GET" and (kind or part is None):
            _record_clear_viewing(who, sight, profile)
        return range_response(
            data,
            part,
            headers,
            kind or (thumbnails.THUMBNAIL_MIME if sight.small else "image/jpeg"),
        )
    except (NotFound, ValueError):
        return Response(status_code=404, headers=PRIVATE_NO_STORE)
    except Unavailable:
        return Response(status_code=503, headers=PRIVATE_NO_STORE)


def _resolve_asset_view(
    who: Viewer, asset_id: UUID, clear: UUID | None, profile: str, sheet: int | None
) -> _Sight:
    """Return the view of an asset for this member. Raises NotFound."""
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        found = queries.get_asset_bytes(scope, asset_id)
        standing: DisplayRating = found.standing
        if standing.is_withheld or not _can_view_creator(scope, who.member, found.creator_id):
            raise NotFound("library.asset_unknown", destination="-")
        adult = is_blurred(standing.rating)
        since = scope.now - CLEAR_LIFE
        pressed = (
            clear is not None
            and can_reveal(who.member)
            and audit.is_recorded_by_actor(
                scope, clear, REVEAL_EVENT, f"asset:{asset_id}", since=since
            )
        )
        blurred = not pressed and bool(list_blurred(scope, {asset_id: standing.rating}))
        film = playback.playback_of(scope, [asset_id]).get(asset_id)
        if film is None and sheet is None:
            kept = (
                thumbnails.thumbnail_profile(PROFILE_EDGES[profile])
                if profile in PROFILE_EDGES and not blurred
                else ""
            )
            small = asset_records.derived_digest(scope, found.sha256, kept) if kept else None
            return _Sight(found.sha256, blurred, adult, pressed, small=small)
        digest = _resolve_video_digest(scope, asset_id, film, profile, sheet, blurred=blurred)
        return _Sight(digest, blurred, adult, pressed, film)


def _resolve_video_digest(
    scope: Scope,
    asset_id: UUID,
    film: Playback | None,
    profile: str,
    sheet: int | None,
    *,
    blurred: bool,
) -> str:
    """Return the digest of the video, a frame sheet or the poster. Only the poster can be
    blurred."""
    if sheet is None and film is not None and profile == POST_PROFILE.name and not blurred:
        return film.sha256
    found = (
        [playback.poster_digest(scope, asset_id)]
        if sheet is None
        else playback.sheet_digests(scope, asset_id)
    )
    digest = found[sheet or 0] if (sheet or 0) < len(found) else None
    if digest is None:
        raise NotFound("library.asset_unknown", destination="-")
    return digest


def _record_clear_viewing(who: Viewer, sight: _Sight, profile: str) -> None:
    """Record for the review that an unblurred picture that is large enough to judge was sent to the
    member. Videos are viewed by their frame sheets, audio by playing it."""
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        if sight.film is None and profile != "thumb":
            viewings.record_viewing(scope, who.member, sight.sha256)
        elif sight.film is not None and (
            _SHEET.fullmatch(profile) or (sight.film.is_audio and profile == POST_PROFILE.name)
        ):
            playback.record_shown(scope, who.member, sight.film, sight.sha256)


def _load_profile_bytes(tenant_id: UUID, sight: _Sight, profile: str) -> bytes:
    if not sight.blurred and (profile == POST_PROFILE.name or _SHEET.fullmatch(profile)):
        return object_store().get(tenant_id, sight.sha256)
    if sight.small is not None:
        return object_store().get(tenant_id, sight.small)
    key = (
        tenant_id,
        sight.sha256,
        PROFILE_EDGES.get(profile, PROFILE_EDGES["preview"]),
        sight.blurred,
    )
    known = _SMALL.get(key)
    if known is None:
        known = thumbnails.make_thumbnail(
            object_store().get(tenant_id, sight.sha256), edge=key[2], blurred=sight.blurred
        )
        _SMALL.put(key, known)
    return known


class _Small:
    """A cache of recent thumbnails with a size limit in bytes. It is keyed by content, so entries
    are never stale. It may contain unblurred adult pictures, because access is checked before each
    use."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[tuple[UUID, str, int, bool], bytes] = OrderedDict()
        self._most = most
        self._size = 0
        self._lock = Lock()

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


def range_response(data: bytes, asked: str | None, headers: dict[str, str], kind: str) -> Response:
    """Return the whole file or one byte range (RFC 9110, 14.2). The response to a request for
    several ranges is the whole file."""
    found = _RANGE.fullmatch(asked.strip()) if asked else None
    if found is None or found[0] == "bytes=-":
        return Response(data, headers=headers, media_type=kind)
    if found[1]:
        start = int(found[1])
        end = min(int(found[2] or len(data)), len(data) - 1)
    else:
        start = max(0, len(data) - int(found[2]))
        end = len(data) - 1
    if start > end:
        return Response(
            status_code=416, headers={**headers, "content-range": f"bytes */{len(data)}"}
        )
    said = {**headers, "content-range": f"bytes {start}-{end}/{len(data)}"}
    return Response(data[start : end + 1], 206, headers=said, media_type=kind)


ROUTES = [Route("/files/{asset}/{profile}", serve_file, methods=["GET"])]
