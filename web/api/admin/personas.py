"""API routes of a creator's persona and of the autonomy of the creator's bot."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from subscribers.replies import autonomy, content_checks, persona
from subscribers.replies.persona import PersonaSummary
from tenants.api_keys.keys import ApiKeyScope
from web.api.admin.persona_schemas import (
    STORED_LEVELS,
    AutonomyIn,
    AutonomyOut,
    PersonaIn,
    PersonaOut,
    PersonaVersionOut,
)
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/creators/{creator_id}`."""
    routes = APIRouter(prefix="/creators/{creator_id}", tags=["personas"])
    _add_persona_routes(routes, tenant)
    _add_autonomy_routes(routes, tenant)
    return routes


def _add_persona_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/persona", response_model=PersonaOut)
    def get_persona(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> PersonaOut:
        """Return the active persona of a creator and a newer draft. Requires the `posts:read`
        scope."""
        found = call.read(lambda scope, sight: _load(scope, sight, creator_id))
        response.headers.update(etag_header(_tag_of(found)))
        return _build_persona_out(found)

    @routes.put("/persona", response_model=PersonaOut)
    def replace_persona(
        creator_id: UUID,
        body: PersonaIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.PERSONA_WRITE))],
    ) -> Response:
        """Save a new version of the persona, as a draft or active. An active version with another
        content lowers the autonomy to `suggest`. Requires the `persona:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            scope.lock(f"persona:{creator.id}")
            before = _load(scope, sight, creator.id)
            call.check_state_tag(*_state_of(before))
            active = next((one.persona for one in before if one.state == "active"), None)
            wanted = body.build_persona(creator, active)
            content_checks.check_persona(scope, wanted)
            made = persona.create_persona_version(scope, creator.id, wanted)
            if body.activate:
                persona.activate_persona(scope, made)
            found = _load(scope, sight, creator.id)
            return ChangeResult(
                _build_persona_out(found),
                "persona.save",
                f"creator:{creator.id}",
                headers=etag_header(_tag_of(found)),
            )

        return call.apply(act)


def _load(scope: Scope, sight: Caller, creator_id: UUID) -> list[PersonaSummary]:
    """Return the active version and a newer draft, those that exist. Raises NotFound for a creator
    that the key may not access."""
    sight.get_creator(creator_id)
    versions = persona.list_personas(scope, creator_id)
    return [
        one
        for number, one in enumerate(versions)
        if one.state == "active" or (number == 0 and one.state == "draft")
    ]


def _state_of(found: list[PersonaSummary]) -> list[str]:
    return [f"{one.id}:{one.state}" for one in found]


def _tag_of(found: list[PersonaSummary]) -> str:
    return state_tag(*_state_of(found))


def _build_persona_out(found: list[PersonaSummary]) -> PersonaOut:
    by_state = {one.state: PersonaVersionOut.of(one) for one in found}
    return PersonaOut(active=by_state.get("active"), draft=by_state.get("draft"))


def _add_autonomy_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/autonomy", response_model=AutonomyOut)
    def get_autonomy(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> AutonomyOut:
        """Return the autonomy of the creator's bot, its evidence, and what each level requires.
        Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> autonomy.AutonomyView:
            return autonomy.load_autonomy(scope, sight.get_creator(creator_id).id)

        found = call.read(ask)
        response.headers.update(etag_header(state_tag(found.level, found.version)))
        return AutonomyOut.of(found)

    @routes.put("/autonomy", response_model=AutonomyOut)
    def replace_autonomy(
        creator_id: UUID,
        body: AutonomyIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.PERSONA_WRITE))],
    ) -> Response:
        """Set the autonomy of the creator's bot. A lower level is always possible; a higher one
        needs the evidence of reviewed drafts (403 with what is missing). Requires the
        `persona:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            scope.lock(f"persona:{creator.id}")
            before = autonomy.load_autonomy(scope, creator.id)
            call.check_state_tag(before.level, before.version)
            autonomy.change_autonomy(scope, creator.id, STORED_LEVELS[body.level])
            found = autonomy.load_autonomy(scope, creator.id)
            return ChangeResult(
                AutonomyOut.of(found),
                "autonomy.change",
                f"creator:{creator.id}",
                headers=etag_header(state_tag(found.level, found.version)),
            )

        return call.apply(act)
