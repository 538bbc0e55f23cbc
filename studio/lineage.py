"""Lineage of one asset: what it was made from and with, what was made from it, where it lies; and making it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.database import Scope
from foundation.errors import NotFound
from gate import recording
from gate.recording import Version
from studio import jobs, materials, models, reads
from studio.library import FRAMES, SECONDS
from studio.reads import Card
from studio.states import PackState

RELATIVES = 24
"""So many of its children are named."""

_KEPT_APART = frozenset({FRAMES, SECONDS, "score"})
"""Parameters that were not asked for, but measured."""


@dataclass(frozen=True)
class Story:
    """Where an asset comes from and where it went. `parameters` are what its engine was told beside the words and the
    seed; `versions` the bytes made of it; `packs` the titles of those that hold it; `again` how many pictures its run
    would make once more, 0 where no run made it."""

    parameters: Mapping[str, Any]
    sources: Sequence[Card]
    """What it was made from: of a clip its stills and its sound."""
    after: Sequence[Card]
    """What its engine looked at: of a look to keep, of a posture."""
    children: Sequence[Card]
    versions: Sequence[Version]
    packs: Sequence[str]
    again: int


_PACKS = """
SELECT DISTINCT p.title FROM pack_items i JOIN packs p ON p.tenant_id = i.tenant_id AND p.id = i.pack_id
WHERE i.tenant_id = :tenant AND i.asset_id = :asset AND p.state <> :gone ORDER BY p.title LIMIT 24
"""


def story(scope: Scope, asset_id: UUID) -> Story:
    """The lineage of an asset; relatives of another creator, and those that are withheld, are left out.

    Raises NotFound; another tenant's looks the same.
    """
    row = _creation(scope, asset_id)
    sources, children = recording.kin(scope, asset_id, most=RELATIVES)
    after = recording.made_after(scope, asset_id)
    related = reads.cards_of(scope, list(dict.fromkeys([*sources, *after, *children])))
    shown = [card for card in related if card.creator_id == row.creator_id and not card.standing.withheld]
    packs = scope.run(_PACKS, tenant=scope.tenant_id, asset=asset_id, gone=str(PackState.RETIRED)).scalars()
    return Story(
        parameters={name: said for name, said in row.parameters.items() if name not in _KEPT_APART},
        sources=[card for card in shown if card.asset_id in sources],
        after=[card for card in shown if card.asset_id in after],
        children=[card for card in shown if card.asset_id in children],
        versions=recording.versions(scope, asset_id),
        packs=list(packs),
        again=_job(scope, row).total if row.job_id is not None else 0,
    )


def make_again(scope: Scope, asset_id: UUID, *, key: str, by: str) -> tuple[UUID, int]:
    """Run once more what made an asset: the same version of the recipe, the same words and seed, as many pictures; once
    per `key`.

    Returns the job's id and how many pictures it makes; `by` is the actor who asks. Raises NotFound for what no run
    made, and as `jobs.start`.
    """
    row = _creation(scope, asset_id)
    if row.job_id is None:
        raise NotFound("job.unknown")
    before = _job(scope, row)
    started = jobs.start(
        scope,
        creator_id=row.creator_id,
        recipe_id=before.recipe_id,
        seed=before.seed,
        key=key,
        count=before.total,
        by=by,
        given=before.given,
        begin=materials.begin_of(before),
        pose=materials.pose_of(before),
        look=before.look,
        lists=before.lists,
    )
    return started, before.total


def _creation(scope: Scope, asset_id: UUID) -> models.Creation:
    row = scope.session.exec(
        select(models.Creation).where(
            models.Creation.tenant_id == scope.tenant_id, models.Creation.asset_id == asset_id
        )
    ).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row


def _job(scope: Scope, row: models.Creation) -> models.Job:
    found = scope.session.get(models.Job, (scope.tenant_id, row.job_id))
    if found is None:
        raise NotFound("job.unknown")
    return found
