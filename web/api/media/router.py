"""API routes of pictures, videos and audio: the creators' libraries, uploads and ratings.

Uploads use the same path as all other files (`studio.ingest.uploads.receive_upload`): workers
ingest them and members review them.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.storage.object_store import ObjectStore
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from studio.ingest import uploads
from studio.ingest.file_names import MAX_FILE_NAME
from studio.ingest.uploads import UploadView
from studio.library import member_reviews, postable_assets
from studio.library.postable_assets import PostableAsset
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import ApiCall, Caller, ChangeResult, create_dependency, read_dependency
from web.api.common.schemas import CreatorPageQuery, StorableText
from web.api.media.schemas import MediaOut, MediaPage, RatingIn, UploadOut

File = Annotated[
    bytes,
    Body(
        media_type="application/octet-stream",
        description=(
            "A JPEG, PNG or WebP image, a video or an audio file of up to 64 MiB. The "
            "file's own media type (`image/jpeg`, `video/mp4` …) is accepted too."
        ),
    ),
]
Name = Annotated[
    StorableText,
    Query(max_length=MAX_FILE_NAME, description="File name shown to members, without folders."),
]
Uncovered = Annotated[
    bool,
    Query(
        description=(
            "Return Nudity and Explicit images too. Each such request is recorded for "
            "the API key's member."
        )
    ),
]
SANDBOX_HEADERS = {"content-security-policy": "default-src 'none'; sandbox"}
"""Headers that prevent browsers from running scripts in a served file."""
Whose = Annotated[UUID, Query(description="The creator whose library receives the file.")]


def router(tenant: OpenScope, store: ObjectStore | None) -> APIRouter:
    """Create the routes under `/media`, `/ratings` and `/uploads`. Without a `store`, files can be
    neither uploaded nor downloaded."""
    routes = APIRouter(tags=["media"])
    _add_library_routes(routes, tenant)
    _add_rating_route(routes, tenant)
    if store is not None:
        _add_media_file_route(routes, tenant, store)
        _add_upload_create_route(routes, tenant, store)
    _add_upload_read_route(routes, tenant)
    return routes


def _add_library_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/media", response_model=MediaPage)
    def list_media(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> MediaPage:
        """List the media that posts may use, newest first, without archived and withheld ones.
        Requires the `posts:read` scope."""
        question = ["media", which.creator]
        before = pagination.decode_dated_cursor(question, which.cursor)

        def ask(scope: Scope, sight: Caller) -> list[PostableAsset]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return postable_assets.list_postable_assets(
                scope, seen, before=before, limit=which.limit
            )

        found = call.read(ask)
        place = (
            [found[-1].at.isoformat(), str(found[-1].asset_id)]
            if len(found) == which.limit
            else None
        )
        following = pagination.encode_cursor(question, place) if place is not None else None
        return MediaPage(items=[MediaOut.of(one) for one in found], next=following)

    @routes.get("/media/{media_id}", response_model=MediaOut)
    def get_media(media_id: UUID, call: Annotated[ApiCall, can_read]) -> MediaOut:
        """Return one medium, even if it is archived. Requires the `posts:read` scope."""
        return MediaOut.of(
            call.read(
                lambda scope, sight: postable_assets.get_postable_asset(
                    scope, sight.creators, media_id
                )
            )
        )


def _add_rating_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/ratings", status_code=202, response_model=MediaOut)
    def rate_media(
        body: RatingIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.RATINGS_WRITE))],
    ) -> Response:
        """Rate a picture or video as the key's member, and answer who is shown. 403 for a rating
        below the current one; 422 without `shown` for media without an answer. The
        rating is applied shortly after. It is not a review: pending reviews remain open. Requires
        the `ratings:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = postable_assets.get_postable_asset(scope, sight.creators, body.media_id)
            shown = DepictionAnswer(body.shown) if body.shown is not None else None
            member_reviews.rate_picture(scope, found.asset_id, Rating(body.rating), shown=shown)
            return ChangeResult(MediaOut.of(found), "media.rate", f"asset:{found.asset_id}", 202)

        return call.apply_once(act)


def _add_media_file_route(routes: APIRouter, tenant: OpenScope, store: ObjectStore) -> None:
    @routes.get(
        "/media/{media_id}/file",
        response_class=Response,
        responses={
            200: {
                "content": {"image/jpeg": {}},
                "description": ("The image, as it is published in posts."),
            }
        },
    )
    def get_media_file(
        media_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.GENERATE))],
        uncovered: Uncovered = False,
    ) -> Response:
        """Download a reviewed picture as JPEG. Requires the `generate` scope."""
        entered = call.asked.entered

        def ask(scope: Scope, sight: Caller) -> str:
            return postable_assets.get_picture_digest(
                scope, sight.creators, media_id, uncovered=uncovered, key=entered.name
            )

        return Response(
            store.get(entered.tenant_id, call.read(ask)),
            headers=SANDBOX_HEADERS,
            media_type="image/jpeg",
        )


def _add_upload_create_route(routes: APIRouter, tenant: OpenScope, store: ObjectStore) -> None:
    @routes.post("/uploads", status_code=202, response_model=UploadOut)
    def hand_in(
        body: File,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
        creator: Whose,
        name: Name = "photo",
        generated: bool = False,
    ) -> Response:
        """Upload a picture, video or audio file. It is in the library shortly after, and is
        reviewed like any other file. Set `generated` if a model made it. Files with equal bytes
        count as one upload, and uploading a refused file again retries it. Requires the
        `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            whose = sight.get_creator(creator).id
            made = uploads.receive_upload(
                scope,
                creator_id=whose,
                name=name,
                data=body,
                by=scope.actor,
                store=store,
                generated=generated,
            )
            scope.session.flush()
            found = UploadOut.of(_get_upload(scope, sight, made))
            return ChangeResult(
                found, "upload.bring", f"upload:{made}", 202, {"location": f"/v1/uploads/{made}"}
            )

        return call.apply_once(act)


def _add_upload_read_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/uploads/{upload_id}", response_model=UploadOut)
    def get_upload(
        upload_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
    ) -> UploadOut:
        """Return the status of an upload. Poll this route while the state is `waiting`. Requires
        the `posts:read` scope."""
        return UploadOut.of(call.read(lambda scope, sight: _get_upload(scope, sight, upload_id)))


def _get_upload(scope: Scope, sight: Caller, upload_id: UUID) -> UploadView:
    """Return an upload. Raises NotFound for an unknown upload and for one of another creator."""
    found = uploads.get_upload(scope, upload_id)
    if found.creator_id not in sight.creators:
        raise NotFound("upload.unknown")
    return found
