"""API routes of imports: upload posts as CSV, read the validation, then write all rows or none, and
undo."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from schedules.imports import import_files
from schedules.imports.import_files import MAX_FILE_NAME_LENGTH, ImportView
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    ConflictStates,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.common.schemas import StorableText
from web.api.planning.request_schemas import ImportApplyIn
from web.api.planning.response_schemas import ImportOut, ImportsPage

EXAMPLE_CSV = (
    "key,creator,channels,date,time,zone,body\r\n1,Mia,Mia on "
    "Bluesky,2031-03-02,10:00,Europe/Paris,Good morning!\r\n"
)

File = Annotated[
    bytes,
    Body(
        media_type="text/csv",
        description=(
            "UTF-8 with the columns of the calendar export; up to 10,000 lines and 8 MiB."
        ),
        json_schema_extra={"examples": [EXAMPLE_CSV]},
    ),
]
Name = Annotated[
    StorableText,
    Query(max_length=MAX_FILE_NAME_LENGTH, description="File name shown to members."),
]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/imports`."""
    routes = APIRouter(prefix="/imports", tags=["imports"])
    _add_import_read_routes(routes, tenant)
    _add_import_action_routes(routes, tenant)
    return routes


def _add_import_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=ImportsPage)
    def list_imports(call: Annotated[ApiCall, can_read]) -> ImportsPage:
        """List recent imports that contain only posts of creators the key may access. Requires the
        `posts:read` scope."""
        found = call.read(
            lambda scope, sight: import_files.list_imports(scope, creators=sight.creators)
        )
        return ImportsPage(items=[ImportOut.of(one) for one in found])

    @routes.get("/{import_id}", response_model=ImportOut)
    def get_import(
        import_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ImportOut:
        """Return an import and its validation. Poll this route while the state is `waiting` or
        `writing`. Requires the `posts:read` scope."""
        found = call.read(
            lambda scope, sight: import_files.get_import(scope, import_id, creators=sight.creators)
        )
        response.headers.update(etag_header(state_tag(*_import_tag_fields(found))))
        return ImportOut.of(found)


def _add_import_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))

    @routes.post("", status_code=202, response_model=ImportOut)
    def bring_file(
        body: File,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
        name: Name = "posts.csv",
    ) -> Response:
        """Upload a CSV file of posts. It is validated shortly after, and no posts are created.
        Files with equal bytes count as the same import. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            made = import_files.create_import(scope, body, name=name, creators=sight.creators)
            return _build_import_result(scope, sight, made, "import.bring", status=202)

        return call.apply_once(act)

    @routes.post("/{import_id}/apply", status_code=202, response_model=ImportOut)
    def apply_import(
        import_id: UUID, body: ImportApplyIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Create all posts of an import that is `ready`, or none of them. This happens shortly
        after the request. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_import_tag(scope, sight, import_id, call)
            import_files.confirm_import(scope, import_id, plan=body.plan, creators=sight.creators)
            return _build_import_result(scope, sight, import_id, "import.apply", status=202)

        return call.apply_once(act, where=_import_conflict_states(import_id))

    @routes.post("/{import_id}/undo", response_model=ImportOut)
    def undo_import(import_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Undo an import: remove its posts that are not published. Requires the `posts:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_import_tag(scope, sight, import_id, call)
            import_files.undo_import(scope, import_id, creators=sight.creators)
            return _build_import_result(scope, sight, import_id, "import.undo")

        return call.apply_once(act, where=_import_conflict_states(import_id))


def _check_import_tag(scope: Scope, sight: Caller, import_id: UUID, call: ApiCall) -> None:
    """Check the state tag. Raises NotFound or StaleVersion. The action itself locks the import and
    checks its state again."""
    call.check_state_tag(
        *_import_tag_fields(import_files.get_import(scope, import_id, creators=sight.creators))
    )


def _import_tag_fields(one: ImportView) -> tuple[object, ...]:
    """Return the values of the state tag. The progress of the validation does not change them."""
    return one.id, one.state, one.plan, one.problems, one.marks, one.posts, one.taken


def _build_import_result(
    scope: Scope, sight: Caller, import_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    scope.session.flush()
    found = import_files.get_import(scope, import_id, creators=sight.creators)
    headers = {
        **etag_header(state_tag(*_import_tag_fields(found))),
        "location": f"/v1/imports/{import_id}",
    }
    return ChangeResult(ImportOut.of(found), did, f"import:{import_id}", status, headers)


def _import_conflict_states(import_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {
            str(import_id): str(
                import_files.get_import(scope, import_id, creators=sight.creators).state
            )
        }

    return ask
