"""API routes of picture copies: cropped, corrected, watermarked or enlarged versions of a picture.

Equal requests for a picture create one copy. Workers make it and add it to the library as a
separate picture.
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
    """Create the routes under `/copies`. `generators` names the available models, and `store` is
    checked for free space."""
    routes = APIRouter(prefix="/copies", tags=["media"])
    needs = ApiKeyScope.GENERATE

    @routes.post("", status_code=202, response_model=CopyOut)
    def ask_copy(
        body: CopyIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, needs))]
    ) -> Response:
        """Request a copy of a picture. It shows the same people and is rated separately. A copy
        enlarged by a model has at most 2,048 pixels per side. Requires the `generate` scope."""
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
        """Return a copy. Poll this route while the state is `waiting`. Requires the `posts:read`
        scope."""
        found = get_picture_copy(call, copy_id)
        answer.headers.update(etag_header(state_tag(*_copy_tag_fields(found))))
        return found

    @routes.post("/{copy_id}/stop", response_model=CopyOut)
    def stop_copy(
        copy_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, needs))]
    ) -> Response:
        """Cancel a copy. Enlarging by a model stops after the current step. 409 if the copy is
        ready or was refused. Requires the `generate` scope."""

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
    """Request a copy. Raises NotFound for a withheld picture or one of another creator, BadInput,
    and the errors of `picture_copies.request_copy`."""
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
    """Return a copy. Raises NotFound."""
    return call.read(lambda scope, sight: CopyOut.of(_get_copy(scope, sight, copy_id)))


def stop_picture_copy(scope: Scope, sight: Caller, copy_id: UUID) -> ChangeResult:
    """Cancel a copy. Raises NotFound, and Conflict if it is ready or was refused."""
    if _get_copy(scope, sight, copy_id).state is not UploadState.WAITING:
        raise Conflict("copy.over")
    picture_copies.stop_copy(scope, copy_id)
    scope.session.flush()
    return ChangeResult(
        CopyOut.of(_get_copy(scope, sight, copy_id)), "copy.stop", f"copy:{copy_id}"
    )


def _get_copy(scope: Scope, sight: Caller, copy_id: UUID) -> PictureCopyView:
    """Return a copy. Raises NotFound for an unknown copy and for one of another creator."""
    (found,) = picture_copies.get_copies(scope, [copy_id])
    if found.creator_id not in sight.creators:
        raise NotFound("library.asset_unknown", destination="-")
    return found


def _copy_tag_fields(one: CopyOut) -> tuple[str, bool]:
    """Return the values of the state tag. It changes only when the copy stops waiting, not with its
    progress."""
    return str(one.id), one.state is UploadState.WAITING
