"""The pictures of a run as programs read them: which are there, and which of these people have
judged."""

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
    """Where a picture of a run stands. Only a ready one is told by its id."""

    MISSING = "missing"  # nobody made it yet, or nobody will: the state of the run says which
    WAITING = "waiting"  # it is there, and people still have to rate it or to look at it
    READY = "ready"
    WITHHELD = "withheld"
    REFUSED = "refused"  # its seller did not make it, and nobody asks again


@dataclass(frozen=True)
class RunPicture:
    """One picture of a run by its number, from 0. `seconds` is how long the engine drew, `cost`
    what it asked."""

    number: int
    state: PictureState
    asset_id: UUID | None = None
    rating: Rating | None = None
    alt: str = ""
    seconds: float | None = None
    cost: Price | None = None
    reason: Message | None = None


def labelled_runs(scope: Scope, runs_of: Collection[UUID]) -> frozenset[UUID]:
    """Those of these runs whose pictures bear a label; the pictures of a run are all of one
    kind."""
    rows = scope.run(
        "SELECT DISTINCT job_id FROM creations WHERE tenant_id = :tenant AND job_id = ANY(:jobs) "
        "AND label <> ''",
        tenant=scope.tenant_id,
        jobs=list(runs_of),
    )
    return frozenset(rows.scalars())


def list_run_pictures(scope: Scope, job_id: UUID) -> list[RunPicture]:
    """Every picture of a run, by number. Raises NotFound."""
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
