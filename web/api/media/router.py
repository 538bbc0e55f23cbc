"""Pictures, films and sounds in the API: what a creator's library holds, and files handed in to it.

A file takes the one path of every picture (`studio.ingest.uploads.receive_upload`): the workers
bring it in, people judge it.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating
from studio.ingest import uploads
from studio.ingest.uploads import MAX_FILE_NAME, UploadView
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
Whose = Annotated[UUID, Query(description="The creator whose library receives the file.")]


def router(tenant: OpenScope, store: ObjectStore | None) -> APIRouter:
    """The routes under `/media` and `/uploads`; nothing is handed in where there is no `store`."""
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
        """What a post may carry, the newest first; what was put away or is withheld is left out.
        Needs `posts:read`."""
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
        """One of them, also once it was put away. Needs `posts:read`."""
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
        """Rate a picture or film as the key's member, never lower than it is rated: 403 for less.
        It is written a moment later. A rating is no review: what people have to look at still
        waits for them. Needs `ratings:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = postable_assets.get_postable_asset(scope, sight.creators, body.media_id)
            member_reviews.rate_picture(scope, found.asset_id, Rating(body.rating))
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
        """The bytes of a picture that people have judged. Needs `generate`."""
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
        """Hand in a picture, a film or a sound: it is in the library a moment later, and people
        judge it as any other. `generated` says that a model made it. The same bytes are the same
        upload; one that was refused is tried again. Needs `posts:write`."""

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
        """What became of a file; while it is `waiting`, ask again. Needs `posts:read`."""
        return UploadOut.of(call.read(lambda scope, sight: _get_upload(scope, sight, upload_id)))


def _get_upload(scope: Scope, sight: Caller, upload_id: UUID) -> UploadView:
    """One file. Raises NotFound; another creator's looks like another tenant's."""
    found = uploads.get_upload(scope, upload_id)
    if found.creator_id not in sight.creators:
        raise NotFound("upload.unknown")
    return found
