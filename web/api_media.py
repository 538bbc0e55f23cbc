"""Pictures, films and sounds in the API: what a creator's library holds, and files handed in to it.

A file takes the one path of every picture (`studio.uploads.receive`): the workers bring it in, people judge it.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.storage import ObjectStore
from studio import listing, uploads
from studio.listing import Listed
from studio.uploads import LONGEST_NAME, Upload
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, making, reading
from web.api_inputs import PageIn, Text
from web.api_media_models import MediaOut, MediaPage, UploadOut

File = Annotated[
    bytes,
    Body(
        media_type="application/octet-stream",
        description="A JPEG, PNG or WebP, a film or a sound, byte for byte, 64 MiB at most. Its own media type"
        " (`image/jpeg`, `video/mp4` …) is taken too.",
    ),
]
Name = Annotated[Text, Query(max_length=LONGEST_NAME, description="What people see it as; folders are left out.")]
Uncovered = Annotated[
    bool, Query(description="Also of nudity and more; each such request is written down under the key's member.")
]
ALONE = {"content-security-policy": "default-src 'none'; sandbox"}
Whose = Annotated[UUID, Query(description="The creator whose library it comes into.")]


def router(tenant: OpenScope, store: ObjectStore | None) -> APIRouter:
    """The routes under `/media` and `/uploads`; nothing is handed in where there is no `store`."""
    routes = APIRouter(tags=["media"])
    _library(routes, tenant)
    if store is not None:
        _bytes(routes, tenant, store)
        _hands_in(routes, tenant, store)
    _uploads(routes, tenant)
    return routes


def _library(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/media", response_model=MediaPage)
    def list_media(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> MediaPage:
        """What a post may carry, the newest first; what was put away or is withheld is left out.
        Needs `posts:read`."""
        question = ["media", which.creator]
        before = api_cursor.read_dated(question, which.cursor)

        def ask(scope: Scope, sight: Sight) -> list[Listed]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return listing.media(scope, seen, before=before, limit=which.limit)

        found = call.read(ask)
        place = [found[-1].at.isoformat(), str(found[-1].asset_id)] if len(found) == which.limit else None
        following = api_cursor.write(question, place) if place is not None else None
        return MediaPage(items=[MediaOut.of(one) for one in found], next=following)

    @routes.get("/media/{media_id}", response_model=MediaOut)
    def get_media(media_id: UUID, call: Annotated[Call, can_read]) -> MediaOut:
        """One of them, also once it was put away. Needs `posts:read`."""
        return MediaOut.of(call.read(lambda scope, sight: listing.one(scope, sight.creators, media_id)))


def _bytes(routes: APIRouter, tenant: OpenScope, store: ObjectStore) -> None:
    @routes.get(
        "/media/{media_id}/file",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}, "description": "The picture, as posts carry it."}},
    )
    def get_media_file(
        media_id: UUID,
        call: Annotated[Call, Depends(reading(tenant, KeyScope.GENERATE))],
        uncovered: Uncovered = False,
    ) -> Response:
        """The bytes of a picture that people have judged. Needs `generate`."""
        entered = call.asked.entered

        def ask(scope: Scope, sight: Sight) -> str:
            return listing.picture(scope, sight.creators, media_id, uncovered=uncovered, key=entered.name)

        return Response(store.get(entered.tenant_id, call.read(ask)), headers=ALONE, media_type="image/jpeg")


def _hands_in(routes: APIRouter, tenant: OpenScope, store: ObjectStore) -> None:
    @routes.post("/uploads", status_code=202, response_model=UploadOut)
    def hand_in(
        body: File,
        call: Annotated[Call, Depends(making(tenant, KeyScope.POSTS_WRITE))],
        creator: Whose,
        name: Name = "photo",
        generated: bool = False,
    ) -> Response:
        """Hand in a picture, a film or a sound: it is in the library a moment later, and people judge it as any other.
        `generated` says that a model made it. The same bytes are the same upload; one that was refused is tried again.
        Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            whose = sight.creator(creator).id
            made = uploads.receive(
                scope, creator_id=whose, name=name, data=body, by=scope.actor, store=store, generated=generated
            )
            scope.session.flush()
            found = UploadOut.of(_upload(scope, sight, made))
            return Done(found, "upload.bring", f"upload:{made}", 202, {"location": f"/v1/uploads/{made}"})

        return call.once(act)


def _uploads(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/uploads/{upload_id}", response_model=UploadOut)
    def get_upload(upload_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))]) -> UploadOut:
        """What became of a file; while it is `waiting`, ask again. Needs `posts:read`."""
        return UploadOut.of(call.read(lambda scope, sight: _upload(scope, sight, upload_id)))


def _upload(scope: Scope, sight: Sight, upload_id: UUID) -> Upload:
    """One file. Raises NotFound; another creator's looks like another tenant's."""
    found = uploads.upload(scope, upload_id)
    if found.creator_id not in sight.creators:
        raise NotFound("upload.unknown")
    return found
