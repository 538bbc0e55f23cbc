"""Lineage of an asset: its sources, references and derived assets, its renditions and packs; and
the repetition of its run."""

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
"""Maximum number of derived assets listed."""

_KEPT_APART = frozenset({FRAMES_PARAMETER, SECONDS_PARAMETER, "score"})
"""Parameters that are measured from the image, not requested."""


@dataclass(frozen=True)
class AssetLineage:
    """The origin and the uses of an asset.

    `parameters` are the engine's parameters besides prompt and seed; `versions` its renditions;
    `packs` the titles of packs that contain it; `again` the number of images its run would generate
    again, 0 if no run made it.
    """

    parameters: Mapping[str, Any]
    sources: Sequence[AssetCard]
    """The assets it was made from; for a clip its stills and sound."""
    after: Sequence[AssetCard]
    """The reference assets that its engine used, for style or pose."""
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
    """Return the lineage of an asset, without withheld relatives and those of other creators.

    Raises NotFound, also for another tenant's asset.
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
    """Repeat the run that made an asset, with the same recipe version, wildcards, seed and number
    of images; once per `key`.

    Returns the job ID and the number of images; `by` is the actor. Raises NotFound for an asset
    that no run made, and the errors of `runner.start_run`.
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
