"""Images of a run for the API, and their state: which ones exist, and which are reviewed."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.money import Price
from gate.contract.units import Rating
from gate.ratings import ratings
from studio.library import models, queries
from studio.runs import records


class PictureState(StrEnum):
    """The state of an image of a run. Only ready images are identified by an asset ID."""

    MISSING = "missing"  # not generated yet, or never: the state of the run distinguishes them
    WAITING = "waiting"  # exists, but must still be rated or reviewed
    READY = "ready"
    WITHHELD = "withheld"
    REFUSED = "refused"  # rejected by the provider and not requested again


@dataclass(frozen=True)
class RunPicture:
    """An image of a run by its index, from 0. `seconds` is engine time, `cost` the price."""

    number: int
    state: PictureState
    asset_id: UUID | None = None
    rating: Rating | None = None
    alt: str = ""
    seconds: float | None = None
    cost: Price | None = None
    reason: Message | None = None


def labelled_runs(scope: Scope, runs_of: Collection[UUID]) -> frozenset[UUID]:
    """Return the runs whose images are labelled. Either all images of a run are labelled or none
    are."""
    rows = scope.run(
        "SELECT DISTINCT job_id FROM creations WHERE tenant_id = :tenant AND job_id = ANY(:jobs) "
        "AND label <> ''",
        tenant=scope.tenant_id,
        jobs=list(runs_of),
    )
    return frozenset(rows.scalars())


def list_run_pictures(scope: Scope, job_id: UUID) -> list[RunPicture]:
    """Return every image of a run by index. Raises NotFound."""
    job = records.get_run_row(scope, job_id)
    rows = scope.session.exec(
        select(models.CreationRow).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.job_id == job_id
        )
    ).all()
    made = {row.source_key: row for row in rows}
    digests = [row.sha256 for row in rows]
    standing = ratings.display_ratings(scope, digests)
    waiting = queries.unreviewed_digests(scope, digests)
    refused = {one["number"]: Message.from_json(one["reason"]) for one in job.skipped}
    found = []
    for number in range(job.total):
        row = made.get(records.picture_source_key(job, number))
        if row is None:
            state = PictureState.REFUSED if number in refused else PictureState.MISSING
            found.append(RunPicture(number, state, reason=refused.get(number)))
            continue
        spent = Price(row.cost, row.currency) if row.cost is not None and row.currency else None
        how = standing.get(row.sha256)
        if how is None or how.is_withheld:
            found.append(RunPicture(number, PictureState.WITHHELD, seconds=row.seconds, cost=spent))
        elif row.sha256 in waiting or how.rating is None:
            found.append(RunPicture(number, PictureState.WAITING, seconds=row.seconds, cost=spent))
        else:
            ready = PictureState.READY
            found.append(
                RunPicture(number, ready, row.asset_id, how.rating, row.alt, row.seconds, spent)
            )
    return found
