"""What members say of pictures of the library: how they are rated, and that somebody other than their maker looked."""

from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate import desk, lowering
from gate.units import Rating
from studio import models, playing
from tenants import reads as tenant_reads
from tenants import sightings


def rate(scope: Scope, asset_id: UUID, rating: Rating, *, minor: bool = False) -> None:
    """Rate a picture, as `gate.desk.rate`. Raises NotFound for one that is in nobody's library here."""
    desk.rate(scope, asset_id, _creation(scope, asset_id).sha256, rating, minor=minor)


def lower(scope: Scope, asset_id: UUID, wanted: Rating, *, why: str) -> UUID:
    """Ask others to lower the rating of a picture, as `gate.lowering.ask`; who brought it in is none of them."""
    maker = human(scope, makers(scope, [asset_id]).get(asset_id, ""))
    return lowering.ask(scope, asset_id, _creation(scope, asset_id).sha256, wanted, why=why, maker=maker)


def review(
    scope: Scope, asset_id: UUID, *, approve: bool, seen_percent: int = 100, reason: Message | None = None
) -> None:
    """Say yes or no to the bytes of a picture, for every use of them. Raises Refused for who made it, and as the desk.

    A no may be anybody's who may review; a yes needs somebody who neither handed the picture in nor asked for it. Of a
    film, so much was seen as was shown of its frames.
    """
    row = _creation(scope, asset_id)
    member = tenant_reads.acting(scope, "review.people_only")
    seen_percent = min(seen_percent, playing.seen_percent(scope, member, asset_id))
    if approve and (maker := human(scope, makers(scope, [asset_id]).get(asset_id, ""))) is not None:
        reviewer = tenant_reads.member(scope, UUID(scope.actor.partition(":")[2])).principal_id
        if reviewer == maker or reviewer in sightings.same(scope, maker).get(maker, ()):
            raise Refused("review.own")
    desk.review_bytes(
        scope, row.sha256, verdict="approve" if approve else "refuse", reason=reason, seen_percent=seen_percent
    )


def look(scope: Scope, asset_id: UUID) -> None:
    """Somebody who approves a post looked at this picture: that counts for the safety check too, where they may review
    it and did not make it; else nothing is written."""
    try:
        review(scope, asset_id, approve=True)
    except Refused:
        return


def makers(scope: Scope, asset_ids: list[UUID]) -> dict[UUID, str]:
    """Who handed each of these pictures in, or asked for it, as an actor; those nobody here did are absent."""
    handed = scope.session.exec(
        select(models.Upload.asset_id, models.Upload.by).where(
            models.Upload.tenant_id == scope.tenant_id, col(models.Upload.asset_id).in_(asset_ids)
        )
    ).all()
    of_run = (col(models.Job.tenant_id) == col(models.Creation.tenant_id)) & (
        col(models.Job.id) == col(models.Creation.job_id)
    )
    drawn = scope.session.exec(
        select(models.Creation.asset_id, models.Job.by)
        .join(models.Job, of_run)
        .where(models.Creation.tenant_id == scope.tenant_id, col(models.Creation.asset_id).in_(asset_ids))
    ).all()
    cut = scope.session.exec(
        select(models.Clip.asset_id, models.Clip.by).where(
            models.Clip.tenant_id == scope.tenant_id, col(models.Clip.asset_id).in_(asset_ids)
        )
    ).all()
    return {asset: by for asset, by in [*drawn, *handed, *cut] if asset is not None and by}


def human(scope: Scope, actor: str) -> UUID | None:
    """The human behind an actor; nobody where it is the house, or nobody's member here."""
    kind, _, key = actor.partition(":")
    if kind != "member":
        return None
    try:
        return tenant_reads.member(scope, UUID(key)).principal_id
    except (NotFound, ValueError):
        return None


def _creation(scope: Scope, asset_id: UUID) -> models.Creation:
    row = scope.session.exec(
        select(models.Creation).where(
            models.Creation.tenant_id == scope.tenant_id, models.Creation.asset_id == asset_id
        )
    ).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row
