"""Lineage of one asset: what it was made from and with, what was made from it, where it lies; and
making it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import NotFound
from gate.assets import asset_records
from gate.assets.asset_records import RenditionSummary
from gate.assets.derivations import ancestors_and_descendants, reference_assets
from studio.library import models, queries
from studio.library.assets import FRAMES_PARAMETER, SECONDS_PARAMETER
from studio.library.queries import AssetCard
from studio.packs.states import PackState
from studio.recipes import run_inputs
from studio.runs import runner
from studio.runs.models import JobRow

MAX_RELATIVES = 24
"""So many of its children are named."""

_KEPT_APART = frozenset({FRAMES_PARAMETER, SECONDS_PARAMETER, "score"})
"""Parameters that were not asked for, but measured."""


@dataclass(frozen=True)
class AssetLineage:
    """Where an asset comes from and where it went. `parameters` are what its engine was told beside
    the words and the seed; `versions` the bytes made of it; `packs` the titles of those that hold
    it; `again` how many pictures its run would make once more, 0 where no run made it."""

    parameters: Mapping[str, Any]
    sources: Sequence[AssetCard]
    """What it was made from: of a clip its stills and its sound."""
    after: Sequence[AssetCard]
    """What its engine looked at: of a look to keep, of a posture."""
    children: Sequence[AssetCard]
    versions: Sequence[RenditionSummary]
    packs: Sequence[str]
    again: int


_PACKS = """
SELECT DISTINCT p.title FROM pack_items i JOIN packs p ON p.tenant_id = i.tenant_id AND p.id =
i.pack_id
WHERE i.tenant_id = :tenant AND i.asset_id = :asset AND p.state <> :gone ORDER BY p.title LIMIT 24
"""


def get_lineage(scope: Scope, asset_id: UUID) -> AssetLineage:
    """The lineage of an asset; relatives of another creator, and those that are withheld, are left
    out.

    Raises NotFound; another tenant's looks the same.
    """
    row = _get_creation_row(scope, asset_id)
    sources, children = ancestors_and_descendants(scope, asset_id, most=MAX_RELATIVES)
    after = reference_assets(scope, asset_id)
    related = queries.get_asset_cards(scope, list(dict.fromkeys([*sources, *after, *children])))
    shown = [
        card
        for card in related
        if card.creator_id == row.creator_id and not card.standing.is_withheld
    ]
    packs = scope.run(
        _PACKS, tenant=scope.tenant_id, asset=asset_id, gone=str(PackState.RETIRED)
    ).scalars()
    return AssetLineage(
        parameters={name: said for name, said in row.parameters.items() if name not in _KEPT_APART},
        sources=[card for card in shown if card.asset_id in sources],
        after=[card for card in shown if card.asset_id in after],
        children=[card for card in shown if card.asset_id in children],
        versions=asset_records.list_renditions(scope, asset_id),
        packs=list(packs),
        again=_get_run_of(scope, row).total if row.job_id is not None else 0,
    )


def repeat_generation(scope: Scope, asset_id: UUID, *, key: str, by: str) -> tuple[UUID, int]:
    """Run once more what made an asset: the same version of the recipe, the same words and seed, as
    many pictures; once per `key`.

    Returns the job's id and how many pictures it makes; `by` is the actor who asks. Raises NotFound
    for what no run made, and as `runner.start_run`.
    """
    row = _get_creation_row(scope, asset_id)
    if row.job_id is None:
        raise NotFound("job.unknown")
    before = _get_run_of(scope, row)
    started = runner.start_run(
        scope,
        creator_id=row.creator_id,
        recipe_id=before.recipe_id,
        seed=before.seed,
        key=key,
        count=before.total,
        by=by,
        given=before.given,
        begin=run_inputs.init_picture_of(before),
        pose=run_inputs.pose_reference_of(before),
        look=before.look,
        lists=before.lists,
    )
    return started, before.total


def _get_creation_row(scope: Scope, asset_id: UUID) -> models.CreationRow:
    row = scope.session.exec(
        select(models.CreationRow).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.asset_id == asset_id
        )
    ).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row


def _get_run_of(scope: Scope, row: models.CreationRow) -> JobRow:
    found = scope.session.get(JobRow, (scope.tenant_id, row.job_id))
    if found is None:
        raise NotFound("job.unknown")
    return found
