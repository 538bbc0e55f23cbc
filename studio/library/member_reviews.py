"""Reviews of library images by members: ratings, and the safety review by a member other than the
maker."""

from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.reviews import content_reviews, rating_reductions
from studio.ingest.models import UploadRow
from studio.library import models, playback
from studio.runs.models import JobRow
from studio.video.models import ClipRow
from tenants.agencies import queries
from tenants.auth import device_fingerprints


def rate_picture(
    scope: Scope,
    asset_id: UUID,
    rating: Rating,
    *,
    minor: bool = False,
    shown: DepictionAnswer | None = None,
) -> None:
    """Rate an image as the acting member, and say who is shown. See
    `gate.reviews.content_reviews.submit_rating`.

    Raises NotFound for an image that is in no library of the tenant.
    """
    content_reviews.submit_rating(
        scope,
        asset_id,
        _get_creation_row(scope, asset_id).sha256,
        rating,
        minor=minor,
        shown=shown,
    )


def creator_of_picture(scope: Scope, asset_id: UUID) -> UUID:
    """Return the creator whose library contains an image. Raises NotFound."""
    return _get_creation_row(scope, asset_id).creator_id


def request_lower_rating(scope: Scope, asset_id: UUID, wanted: Rating, *, why: str) -> UUID:
    """Request a lower rating of an image, to be decided by members other than its maker.

    See `gate.reviews.rating_reductions.request_lowering`.
    """
    maker = _find_maker(scope, asset_id)
    return rating_reductions.request_lowering(
        scope, asset_id, _get_creation_row(scope, asset_id).sha256, wanted, why=why, maker=maker
    )


def review_picture(
    scope: Scope,
    asset_id: UUID,
    *,
    approve: bool,
    seen_percent: int = 100,
    reason: Message | None = None,
) -> None:
    """Approve or reject the bytes of an image for every use.

    Any member with the right may reject. Approval requires a member who neither uploaded nor
    requested the image. For a video, the percentage seen is limited to the frames that were
    displayed. Raises Refused for the maker, and the errors of `content_reviews.review_bytes`.
    """
    row = _get_creation_row(scope, asset_id)
    member = queries.get_acting_member(scope, "review.people_only")
    seen_percent = min(seen_percent, playback.percent_seen(scope, member, asset_id))
    maker = _find_maker(scope, asset_id) if approve else None
    if maker is not None and member.principal_id in {
        maker,
        *device_fingerprints.same_humans(scope, maker).get(maker, ()),
    }:
        raise Refused("review.own")
    content_reviews.review_bytes(
        scope,
        row.sha256,
        verdict="approve" if approve else "refuse",
        reason=reason,
        seen_percent=seen_percent,
    )


def record_member_viewing(scope: Scope, asset_id: UUID) -> None:
    """Record, as a safety review, that a member who approves a post has viewed an image of it.

    Nothing is recorded if the member may not review the image or made it.
    """
    try:
        review_picture(scope, asset_id, approve=True)
    except Refused:
        return


def _find_maker(scope: Scope, asset_id: UUID) -> UUID | None:
    """Return the principal who uploaded or requested an image, or None."""
    return queries.principal_of_actor(scope, makers_of(scope, [asset_id]).get(asset_id, ""))


def makers_of(scope: Scope, asset_ids: list[UUID]) -> dict[UUID, str]:
    """Return the actors who uploaded or requested these images, without images of unknown
    origin."""
    handed = scope.session.exec(
        select(UploadRow.asset_id, UploadRow.by).where(
            UploadRow.tenant_id == scope.tenant_id, col(UploadRow.asset_id).in_(asset_ids)
        )
    ).all()
    of_run = (col(JobRow.tenant_id) == col(models.CreationRow.tenant_id)) & (
        col(JobRow.id) == col(models.CreationRow.job_id)
    )
    drawn = scope.session.exec(
        select(models.CreationRow.asset_id, JobRow.by)
        .join(JobRow, of_run)
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.asset_id).in_(asset_ids),
        )
    ).all()
    cut = scope.session.exec(
        select(ClipRow.asset_id, ClipRow.by).where(
            ClipRow.tenant_id == scope.tenant_id, col(ClipRow.asset_id).in_(asset_ids)
        )
    ).all()
    return {asset: by for asset, by in [*drawn, *handed, *cut] if asset is not None and by}


def _get_creation_row(scope: Scope, asset_id: UUID) -> models.CreationRow:
    row = scope.session.exec(
        select(models.CreationRow).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.asset_id == asset_id
        )
    ).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row
