"""Runs of recipes in the API: what one would be, a run and its pictures, and its end.

Who starts one needs a key made for it, since it may cost; hours, quotas and caps hold as on the page.
"""

import secrets
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import derived
from foundation.settings import GeneratorsSettings
from studio import (
    costs,
    estimating,
    jobs,
    materials,
    parameters,
    reads,
    recipe_shelf,
    recipes,
    run_pictures,
    word_lists,
)
from studio.materials import Posture
from studio.reads import Run
from studio.runs import OVER
from studio.states import JobState
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, doing, etag, making, reading, tag
from web.api_inputs import PageIn
from web.api_making_models import (
    MOST_SEED,
    PreviewOut,
    PreviewWanted,
    RunIn,
    RunOut,
    RunPictureOut,
    RunPicturesOut,
    RunsPage,
)


def router(tenant: OpenScope, generators: GeneratorsSettings) -> APIRouter:
    """What a run would be, and the routes under `/runs`; `generators` name prices and caps."""
    routes = APIRouter(tags=["making"])
    _previews(routes, tenant, generators)
    _runs(routes, tenant, generators)
    return routes


def _previews(routes: APIRouter, tenant: OpenScope, generators: GeneratorsSettings) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/recipes/{recipe_id}/preview", response_model=PreviewOut)
    def preview_run(
        recipe_id: UUID, call: Annotated[Call, can_read], which: Annotated[PreviewWanted, Query()]
    ) -> PreviewOut:
        """The prompts of a run, what it costs and how long it takes; nothing is made. Needs `posts:read`."""
        return previewed(call, generators, recipe_id, which)


def _runs(routes: APIRouter, tenant: OpenScope, generators: GeneratorsSettings) -> None:
    can_read, can_make = Depends(reading(tenant, KeyScope.POSTS_READ)), Depends(making(tenant, KeyScope.GENERATE))
    can_stop = Depends(doing(tenant, KeyScope.GENERATE))

    @routes.post("/runs", status_code=202, response_model=RunOut)
    def start_run(body: RunIn, call: Annotated[Call, can_make]) -> Response:
        """Have pictures made. It may wait for hours or a quota, and says so; one that caps or the recipe's budget do
        not hold is refused. Needs `generate`."""
        return started(call, generators, body)

    @routes.get("/runs", response_model=RunsPage)
    def list_runs(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> RunsPage:
        """Runs, the newest first, each with what it cost so far. Needs `posts:read`."""
        return ran(call, which)

    @routes.get("/runs/{run_id}", response_model=RunOut)
    def get_run(run_id: UUID, call: Annotated[Call, can_read], answer: Response) -> RunOut:
        """How far it is; while it is `queued` or `running`, ask again. Needs `posts:read`."""
        found = followed(call, run_id)
        answer.headers.update(etag(tag(*_seen(found.id, found.state))))
        return found

    @routes.post("/runs/{run_id}/stop", response_model=RunOut)
    def stop_run(run_id: UUID, call: Annotated[Call, can_stop]) -> Response:
        """End it within a step of the picture being made; what is there stays. 409 once it is over.
        Needs `generate`."""
        return stopped(call, run_id)

    @routes.get("/runs/{run_id}/pictures", response_model=RunPicturesOut)
    def list_run_pictures(run_id: UUID, call: Annotated[Call, can_read]) -> RunPicturesOut:
        """Its pictures with their state. One is named once people have judged it as far as the rules ask, and never
        while it is withheld. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> RunPicturesOut:
            _run(scope, sight, run_id)
            return RunPicturesOut(items=[RunPictureOut.of(one) for one in run_pictures.of_run(scope, run_id)])

        return call.read(ask)


def ran(call: Call, which: PageIn) -> RunsPage:
    """A page of runs."""
    question = ["runs", which.creator]
    before = api_cursor.read_dated(question, which.cursor)

    def ask(scope: Scope, sight: Sight) -> list[RunOut]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        found = reads.runs_before(scope, seen, before, limit=which.limit)
        ids = [one.id for one in found]
        spent, lists = costs.of_runs(scope, ids), word_lists.of_runs(scope, ids)
        return [RunOut.of(one, costs.bill(spent[one.id]), lists.get(one.id, {})) for one in found]

    items = call.read(ask)
    place = [items[-1].created_at.isoformat(), str(items[-1].id)] if len(items) == which.limit else None
    return RunsPage(items=items, next=api_cursor.write(question, place) if place is not None else None)


def previewed(call: Call, generators: GeneratorsSettings, recipe_id: UUID, which: PreviewWanted) -> PreviewOut:
    """What a run would be. Raises NotFound, BadInput, Refused."""

    def ask(scope: Scope, sight: Sight) -> PreviewOut:
        creator_id, card = recipe_shelf.current(scope, sight.creators, recipe_id)
        spec = recipes.in_force(scope, creator_id, card.spec)
        given = parameters.read(card.spec.parameters, which.answer)
        seed, count = _seed(which.seed), which.count or card.spec.pictures
        found = estimating.estimate(scope, generators, creator_id, spec, seed=seed, count=count, given=given)
        return PreviewOut.of(card.id, found)

    return call.read(ask)


def started(call: Call, generators: GeneratorsSettings, body: RunIn) -> Response:
    """Start a run, once for the name of the request. Raises as `jobs.start`, and CapReached."""

    def act(scope: Scope, sight: Sight) -> Done:
        return start(call, scope, sight, generators, body, key=call.name or "")

    return call.once(act)


def start(call: Call, scope: Scope, sight: Sight, generators: GeneratorsSettings, body: RunIn, *, key: str) -> Done:
    """The run of a key's own name, `key`."""
    creator_id, card = recipe_shelf.current(scope, sight.creators, body.recipe_id)
    begin = body.begin.beginning() if body.begin is not None else None
    pose = Posture(body.posture.media_id, body.posture.weight) if body.posture is not None else None
    count = body.count or card.spec.pictures
    estimating.afford(scope, generators, card.spec, count, materials.asked(begin, pose))
    made = jobs.start(
        scope,
        creator_id=creator_id,
        recipe_id=card.id,
        seed=_seed(body.seed),
        key=f"api:{derived(call.asked.entered.key_id, 'run', key)}",
        count=body.count,
        by=scope.actor,
        given=body.answers,
        begin=begin,
        pose=pose,
    )
    scope.session.flush()
    found = _told(scope, sight, made)
    return Done(found, "run.start", f"job:{made}", 202, {"location": f"/v1/runs/{made}"})


def followed(call: Call, run_id: UUID) -> RunOut:
    """How a run stands. Raises NotFound."""
    return call.read(lambda scope, sight: _told(scope, sight, run_id))


def stopped(call: Call, run_id: UUID) -> Response:
    """End a run. Raises NotFound, and ApiRefused (409) for one that is over."""

    def act(scope: Scope, sight: Sight) -> Done:
        found = _run(scope, sight, run_id)
        call.saw(*_seen(found.id, found.state))
        return stop(scope, sight, run_id)

    def where(scope: Scope, sight: Sight) -> Mapping[str, str]:
        return {str(run_id): str(_run(scope, sight, run_id).state)}

    return call.once(act, where=where)


def stop(scope: Scope, sight: Sight, run_id: UUID) -> Done:
    """The act alone. Raises Conflict for a run that is over."""
    _run(scope, sight, run_id)
    jobs.stop(scope, run_id)
    scope.session.flush()
    return Done(_told(scope, sight, run_id), "run.stop", f"job:{run_id}")


def _run(scope: Scope, sight: Sight, run_id: UUID) -> Run:
    """One run. Raises NotFound; another creator's looks like another tenant's."""
    found = reads.run_of(scope, run_id)
    if found.creator_id not in sight.creators:
        raise NotFound("job.unknown")
    return found


def _told(scope: Scope, sight: Sight, run_id: UUID) -> RunOut:
    """One run, with what it cost so far. Raises as `_run`."""
    lists = word_lists.of_runs(scope, [run_id]).get(run_id, {})
    return RunOut.of(_run(scope, sight, run_id), costs.bill(costs.of_runs(scope, [run_id])[run_id]), lists)


def _seen(run_id: UUID, state: JobState) -> tuple[str, bool]:
    """What somebody may change about a run: that it goes on."""
    return str(run_id), state in OVER


def _seed(said: int | None) -> int:
    return secrets.randbelow(MOST_SEED + 1) if said is None else said
