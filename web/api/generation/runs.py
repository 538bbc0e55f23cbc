"""API routes of runs: preview, start, follow and stop a run.

Starting a run requires the `generate` scope because it may cost money. Permitted hours, quotas and
caps apply as in the dashboard.
"""

import secrets
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import derived_uuid
from foundation.ops.settings import GeneratorsSettings
from studio.costs import cost_report
from studio.recipes import parameters, run_inputs, specs, versions, wildcards
from studio.recipes.run_inputs import PoseReference
from studio.runs import estimates, output_pictures, queries, runner
from studio.runs.queries import RunSummary, list_runs_before
from studio.runs.records import ENDED_RUN_STATES
from studio.runs.states import JobState
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
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
from web.api.common.schemas import CreatorPageQuery
from web.api.generation.run_schemas import (
    MAX_SEED,
    RunIn,
    RunOut,
    RunPictureOut,
    RunPicturesOut,
    RunPreviewOut,
    RunPreviewQuery,
    RunsPage,
)


def router(tenant: OpenScope, generators: GeneratorsSettings) -> APIRouter:
    """Create the routes of runs and their preview. `generators` contains prices and caps."""
    routes = APIRouter(tags=["making"])
    _add_run_preview_route(routes, tenant, generators)
    _add_run_routes(routes, tenant, generators)
    return routes


def _add_run_preview_route(
    routes: APIRouter, tenant: OpenScope, generators: GeneratorsSettings
) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/recipes/{recipe_id}/preview", response_model=RunPreviewOut)
    def preview_run(
        recipe_id: UUID,
        call: Annotated[ApiCall, can_read],
        which: Annotated[RunPreviewQuery, Query()],
    ) -> RunPreviewOut:
        """Return the prompts, cost and estimated duration of a run without starting it. Requires
        the `posts:read` scope."""
        return build_run_preview(call, generators, recipe_id, which)


def _add_run_routes(routes: APIRouter, tenant: OpenScope, generators: GeneratorsSettings) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))
    can_make = Depends(create_dependency(tenant, ApiKeyScope.GENERATE))
    can_stop = Depends(action_dependency(tenant, ApiKeyScope.GENERATE))

    @routes.post("/runs", status_code=202, response_model=RunOut)
    def start_run(body: RunIn, call: Annotated[ApiCall, can_make]) -> Response:
        """Start a run. It may wait for its permitted hours or for a quota. A run that exceeds a cap
        or the recipe's budget is rejected. Requires the `generate` scope."""
        return start_run_once(call, generators, body)

    @routes.get("/runs", response_model=RunsPage)
    def list_runs(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> RunsPage:
        """List runs, newest first, with their cost so far. Requires the `posts:read` scope."""
        return load_runs_page(call, which)

    @routes.get("/runs/{run_id}", response_model=RunOut)
    def get_run(run_id: UUID, call: Annotated[ApiCall, can_read], answer: Response) -> RunOut:
        """Return a run. Poll this route while the state is `queued` or `running`. Requires the
        `posts:read` scope."""
        found = load_run_out(call, run_id)
        answer.headers.update(etag_header(state_tag(*_run_tag_fields(found.id, found.state))))
        return found

    @routes.post("/runs/{run_id}/stop", response_model=RunOut)
    def stop_run(run_id: UUID, call: Annotated[ApiCall, can_stop]) -> Response:
        """Stop a run after the current step. Finished pictures are retained. 409 if the run has
        ended. Requires the `generate` scope."""
        return stop_run_once(call, run_id)

    @routes.get("/runs/{run_id}/pictures", response_model=RunPicturesOut)
    def list_run_pictures(run_id: UUID, call: Annotated[ApiCall, can_read]) -> RunPicturesOut:
        """List the pictures of a run. `media_id` is set once the required reviews are done, and
        never for a withheld picture. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> RunPicturesOut:
            _get_run(scope, sight, run_id)
            return RunPicturesOut(
                items=[
                    RunPictureOut.of(one)
                    for one in output_pictures.list_run_pictures(scope, run_id)
                ]
            )

        return call.read(ask)


def load_runs_page(call: ApiCall, which: CreatorPageQuery) -> RunsPage:
    """Return a page of runs, newest first."""
    question = ["runs", which.creator]
    before = pagination.decode_dated_cursor(question, which.cursor)

    def ask(scope: Scope, sight: Caller) -> list[RunOut]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        found = list_runs_before(scope, seen, before, limit=which.limit)
        ids = [one.id for one in found]
        spent = cost_report.spent_by_run(scope, ids)
        lists = wildcards.wildcard_versions_by_run(scope, ids)
        return [
            RunOut.of(one, cost_report.total_spending(spent[one.id]), lists.get(one.id, {}))
            for one in found
        ]

    items = call.read(ask)
    place = (
        [items[-1].created_at.isoformat(), str(items[-1].id)] if len(items) == which.limit else None
    )
    return RunsPage(
        items=items, next=pagination.encode_cursor(question, place) if place is not None else None
    )


def build_run_preview(
    call: ApiCall, generators: GeneratorsSettings, recipe_id: UUID, which: RunPreviewQuery
) -> RunPreviewOut:
    """Return the preview of a run. Raises NotFound, BadInput or Refused."""

    def ask(scope: Scope, sight: Caller) -> RunPreviewOut:
        creator_id, card = versions.get_current_recipe(scope, sight.creators, recipe_id)
        spec = specs.resolve_wildcards(scope, creator_id, card.spec)
        given = parameters.parse_values(card.spec.parameters, which.answer)
        seed = _resolve_seed(which.seed)
        count = which.count or card.spec.picture_count
        found = estimates.estimate_run(
            scope, generators, creator_id, spec, seed=seed, count=count, given=given
        )
        return RunPreviewOut.of(card.id, found)

    return call.read(ask)


def start_run_once(call: ApiCall, generators: GeneratorsSettings, body: RunIn) -> Response:
    """Start a run, once for each idempotency key. Raises the errors of `runner.start_run` and
    CapReached."""

    def act(scope: Scope, sight: Caller) -> ChangeResult:
        return start_run(call, scope, sight, generators, body, key=call.name or "")

    return call.apply_once(act)


def start_run(
    call: ApiCall,
    scope: Scope,
    sight: Caller,
    generators: GeneratorsSettings,
    body: RunIn,
    *,
    key: str,
) -> ChangeResult:
    """Start a run. `key` makes it idempotent for the API key."""
    creator_id, card = versions.get_current_recipe(scope, sight.creators, body.recipe_id)
    begin = body.begin.to_beginning() if body.begin is not None else None
    pose = (
        PoseReference(body.posture.media_id, body.posture.weight)
        if body.posture is not None
        else None
    )
    count = body.count or card.spec.picture_count
    estimates.check_affordable(
        scope, generators, card.spec, count, run_inputs.needed_inputs(begin, pose)
    )
    made = runner.start_run(
        scope,
        creator_id=creator_id,
        recipe_id=card.id,
        seed=_resolve_seed(body.seed),
        key=f"api:{derived_uuid(call.asked.entered.key_id, 'run', key)}",
        count=body.count,
        by=scope.actor,
        given=body.answers,
        begin=begin,
        pose=pose,
    )
    scope.session.flush()
    found = _build_run_out(scope, sight, made)
    return ChangeResult(found, "run.start", f"job:{made}", 202, {"location": f"/v1/runs/{made}"})


def load_run_out(call: ApiCall, run_id: UUID) -> RunOut:
    """Return a run. Raises NotFound."""
    return call.read(lambda scope, sight: _build_run_out(scope, sight, run_id))


def stop_run_once(call: ApiCall, run_id: UUID) -> Response:
    """Stop a run, once for each idempotency key. Raises NotFound, and ApiError (409) for a run that
    has ended."""

    def act(scope: Scope, sight: Caller) -> ChangeResult:
        found = _get_run(scope, sight, run_id)
        call.check_state_tag(*_run_tag_fields(found.id, found.state))
        return stop_run(scope, sight, run_id)

    def where(scope: Scope, sight: Caller) -> Mapping[str, str]:
        return {str(run_id): str(_get_run(scope, sight, run_id).state)}

    return call.apply_once(act, where=where)


def stop_run(scope: Scope, sight: Caller, run_id: UUID) -> ChangeResult:
    """Stop a run. Raises Conflict for a run that has ended."""
    _get_run(scope, sight, run_id)
    runner.stop_run(scope, run_id)
    scope.session.flush()
    return ChangeResult(_build_run_out(scope, sight, run_id), "run.stop", f"job:{run_id}")


def _get_run(scope: Scope, sight: Caller, run_id: UUID) -> RunSummary:
    """Return a run. Raises NotFound for an unknown run and for one of another creator."""
    found = queries.get_run(scope, run_id)
    if found.creator_id not in sight.creators:
        raise NotFound("job.unknown")
    return found


def _build_run_out(scope: Scope, sight: Caller, run_id: UUID) -> RunOut:
    lists = wildcards.wildcard_versions_by_run(scope, [run_id]).get(run_id, {})
    return RunOut.of(
        _get_run(scope, sight, run_id),
        cost_report.total_spending(cost_report.spent_by_run(scope, [run_id])[run_id]),
        lists,
    )


def _run_tag_fields(run_id: UUID, state: JobState) -> tuple[str, bool]:
    """Return the values of a run's state tag. It changes only when the run ends, not with its
    progress."""
    return str(run_id), state in ENDED_RUN_STATES


def _resolve_seed(said: int | None) -> int:
    return secrets.randbelow(MAX_SEED + 1) if said is None else said
