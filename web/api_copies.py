"""Copies of pictures in the API, as the picture's page asks for them: cut, set right, signed, made larger by a model.

The same copy asked for twice is one; the workers make it, and it comes into the library as a picture of its own.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.settings import GeneratorsSettings
from foundation.storage import ObjectStore
from studio import finishing, listing, watermarking
from studio.finishing import Copy
from studio.states import UploadState
from tenants.keys import KeyScope
from web.api_call import Call, Done, Sight, doing, etag, making, reading, tag
from web.api_copy_models import CopyIn, CopyOut


def router(tenant: OpenScope, generators: GeneratorsSettings, store: ObjectStore) -> APIRouter:
    """The routes under `/copies`; `generators` name the models there are, `store` says whether there is room."""
    routes = APIRouter(prefix="/copies", tags=["media"])
    needs = KeyScope.GENERATE

    @routes.post("", status_code=202, response_model=CopyOut)
    def ask_copy(body: CopyIn, call: Annotated[Call, Depends(making(tenant, needs))]) -> Response:
        """Have a copy of a picture made: it shows whom the picture shows, and is rated for itself. Larger by a model,
        it ends at 2,048 pixels, the most that is kept. Needs `generate`."""
        return call.once(lambda scope, sight: ask(scope, sight, body, generators=generators, store=store))

    @routes.get("/{copy_id}", response_model=CopyOut)
    def get_copy(
        copy_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], answer: Response
    ) -> CopyOut:
        """How far it is; while it is `waiting`, ask again. Needs `posts:read`."""
        found = followed(call, copy_id)
        answer.headers.update(etag(tag(*_seen(found))))
        return found

    @routes.post("/{copy_id}/stop", response_model=CopyOut)
    def stop_copy(copy_id: UUID, call: Annotated[Call, Depends(doing(tenant, needs))]) -> Response:
        """Want it no more: one that a model makes larger ends with the part it is at. 409 once it is made or refused.
        Needs `generate`."""

        def act(scope: Scope, sight: Sight) -> Done:
            call.saw(*_seen(CopyOut.of(_one(scope, sight, copy_id))))
            return stop(scope, sight, copy_id)

        def where(scope: Scope, sight: Sight) -> Mapping[str, str]:
            return {str(copy_id): str(_one(scope, sight, copy_id).state)}

        return call.once(act, where=where)

    return routes


def ask(scope: Scope, sight: Sight, body: CopyIn, *, generators: GeneratorsSettings, store: ObjectStore) -> Done:
    """The act alone. Raises NotFound for a picture that is withheld or nobody's here, BadInput, and as
    `finishing.ask`."""
    creator_id = listing.one(scope, sight.creators, body.media_id).creator_id
    mark = watermarking.of(scope, creator_id) if body.signed else None
    if body.signed and mark is None:
        raise BadInput("watermark.none")
    finish = body.finish(mark)
    finishing.check_models(generators, finish)
    made = finishing.ask(scope, body.media_id, finish, by=scope.actor, store=store)
    scope.session.flush()
    found = CopyOut.of(_one(scope, sight, made))
    return Done(found, "copy.ask", f"copy:{made}", 202, {"location": f"/v1/copies/{made}"})


def followed(call: Call, copy_id: UUID) -> CopyOut:
    """How a copy stands. Raises NotFound."""
    return call.read(lambda scope, sight: CopyOut.of(_one(scope, sight, copy_id)))


def stop(scope: Scope, sight: Sight, copy_id: UUID) -> Done:
    """The act alone. Raises NotFound, and Conflict for one that is made or refused."""
    if _one(scope, sight, copy_id).state is not UploadState.WAITING:
        raise Conflict("copy.over")
    finishing.stop(scope, copy_id)
    scope.session.flush()
    return Done(CopyOut.of(_one(scope, sight, copy_id)), "copy.stop", f"copy:{copy_id}")


def _one(scope: Scope, sight: Sight, copy_id: UUID) -> Copy:
    """One copy. Raises NotFound; another creator's looks like another tenant's."""
    (found,) = finishing.copies(scope, [copy_id])
    if found.creator_id not in sight.creators:
        raise NotFound("library.asset_unknown", destination="-")
    return found


def _seen(one: CopyOut) -> tuple[str, bool]:
    """What somebody may change about a copy: that it is waited for."""
    return str(one.id), one.state is UploadState.WAITING
