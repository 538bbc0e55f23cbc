"""Copies of pictures in the API, as the picture's page asks for them: cut, set right, signed, made
larger by a model.

The same copy asked for twice is one; the workers make it, and it comes into the library as a
picture of its own.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ops.settings import GeneratorsSettings
from foundation.storage.object_store import ObjectStore
from studio.ingest import picture_copies
from studio.ingest.picture_copies import PictureCopyView
from studio.ingest.states import UploadState
from studio.library import creator_watermarks, postable_assets
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.media.picture_copy_schemas import CopyIn, CopyOut


def router(tenant: OpenScope, generators: GeneratorsSettings, store: ObjectStore) -> APIRouter:
    """The routes under `/copies`; `generators` name the models there are, `store` says whether
    there is room."""
    routes = APIRouter(prefix="/copies", tags=["media"])
    needs = ApiKeyScope.GENERATE

    @routes.post("", status_code=202, response_model=CopyOut)
    def ask_copy(
        body: CopyIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, needs))]
    ) -> Response:
        """Have a copy of a picture made: it shows whom the picture shows, and is rated for itself.
        Larger by a model, it ends at 2,048 pixels, the most that is kept. Needs `generate`."""
        return call.apply_once(
            lambda scope, sight: create_picture_copy(
                scope, sight, body, generators=generators, store=store
            )
        )

    @routes.get("/{copy_id}", response_model=CopyOut)
    def get_copy(
        copy_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        answer: Response,
    ) -> CopyOut:
        """How far it is; while it is `waiting`, ask again. Needs `posts:read`."""
        found = get_picture_copy(call, copy_id)
        answer.headers.update(etag_header(state_tag(*_copy_tag_fields(found))))
        return found

    @routes.post("/{copy_id}/stop", response_model=CopyOut)
    def stop_copy(
        copy_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, needs))]
    ) -> Response:
        """Want it no more: one that a model makes larger ends with the part it is at. 409 once it
        is made or refused. Needs `generate`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            call.check_state_tag(*_copy_tag_fields(CopyOut.of(_get_copy(scope, sight, copy_id))))
            return stop_picture_copy(scope, sight, copy_id)

        def where(scope: Scope, sight: Caller) -> Mapping[str, str]:
            return {str(copy_id): str(_get_copy(scope, sight, copy_id).state)}

        return call.apply_once(act, where=where)

    return routes


def create_picture_copy(
    scope: Scope, sight: Caller, body: CopyIn, *, generators: GeneratorsSettings, store: ObjectStore
) -> ChangeResult:
    """The act alone. Raises NotFound for a picture that is withheld or nobody's here, BadInput, and
    as `picture_copies.request_copy`."""
    creator_id = postable_assets.get_postable_asset(scope, sight.creators, body.media_id).creator_id
    mark = creator_watermarks.get_watermark(scope, creator_id) if body.signed else None
    if body.signed and mark is None:
        raise BadInput("watermark.none")
    finish = body.to_finish(mark)
    picture_copies.check_copy_models(generators, finish)
    made = picture_copies.request_copy(scope, body.media_id, finish, by=scope.actor, store=store)
    scope.session.flush()
    found = CopyOut.of(_get_copy(scope, sight, made))
    return ChangeResult(found, "copy.ask", f"copy:{made}", 202, {"location": f"/v1/copies/{made}"})


def get_picture_copy(call: ApiCall, copy_id: UUID) -> CopyOut:
    """How a copy stands. Raises NotFound."""
    return call.read(lambda scope, sight: CopyOut.of(_get_copy(scope, sight, copy_id)))


def stop_picture_copy(scope: Scope, sight: Caller, copy_id: UUID) -> ChangeResult:
    """The act alone. Raises NotFound, and Conflict for one that is made or refused."""
    if _get_copy(scope, sight, copy_id).state is not UploadState.WAITING:
        raise Conflict("copy.over")
    picture_copies.stop_copy(scope, copy_id)
    scope.session.flush()
    return ChangeResult(
        CopyOut.of(_get_copy(scope, sight, copy_id)), "copy.stop", f"copy:{copy_id}"
    )


def _get_copy(scope: Scope, sight: Caller, copy_id: UUID) -> PictureCopyView:
    """One copy. Raises NotFound; another creator's looks like another tenant's."""
    (found,) = picture_copies.get_copies(scope, [copy_id])
    if found.creator_id not in sight.creators:
        raise NotFound("library.asset_unknown", destination="-")
    return found


def _copy_tag_fields(one: CopyOut) -> tuple[str, bool]:
    """What somebody may change about a copy: that it is waited for."""
    return str(one.id), one.state is UploadState.WAITING
