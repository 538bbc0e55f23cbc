"""Erasure of retired images by a member, or after a retention period set by the agency. Images in
use are not erased.

Bytes, texts and tags are deleted. The fact of generation is retained with its time and cost
(`models.ErasedPictureRow`), as are the records of the gate. A member's request and the retention
period create the same event, and workers check again before erasing.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.storage.object_store import ObjectStore
from gate.assets import erasure
from studio.ingest.models import UploadRow
from studio.ingest.states import UPLOAD_STATES, UploadState
from studio.library import assets as library
from studio.library.events import ErasureDue
from studio.library.states import ShelfState
from studio.packs.states import PackState
from studio.runs.states import JobState
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

ERASURE_ACTOR = "system:retention"
MIN_DAYS = 7
MAX_DAYS = 3650

FindPostedAssets = Callable[[Scope, UUID], Collection[UUID]]
"""Returns the assets used in posts of a creator, in any state; provided by a higher layer."""

ErasureObstacle = Literal["here", "running", "packed", "posted", "same"] | erasure.RetentionReason
"""The reason why an image cannot be erased: it is not retired, its run is active, it is in a pack
or in a post, another image has the same bytes, or the gate must retain it."""

_DAYS = "SELECT days FROM retentions WHERE tenant_id = :tenant"
_SET = """
INSERT INTO retentions (tenant_id, id, days) VALUES (:tenant, :id, :days)
ON CONFLICT (tenant_id) DO UPDATE SET days = excluded.days, updated_at = house_now()
"""


def retention_days(scope: Scope) -> int | None:
    """Return the number of days after which retired images are erased; None means never."""
    found: int | None = scope.run(_DAYS, tenant=scope.tenant_id).scalar()
    return found


def set_retention_days(scope: Scope, wanted: int | None) -> None:
    """Set the number of days after which unchanged retired images are erased; None means never.

    Raises BadInput.
    """
    if wanted is None:
        scope.run("DELETE FROM retentions WHERE tenant_id = :tenant", tenant=scope.tenant_id)
        return
    if not MIN_DAYS <= wanted <= MAX_DAYS:
        raise BadInput("erase.days", least=MIN_DAYS, most=MAX_DAYS).about("days")
    scope.run(_SET, tenant=scope.tenant_id, id=uuid7(), days=wanted)


_AWAY = """
SELECT c.creator_id, c.asset_id FROM creations c
WHERE c.tenant_id = :tenant AND c.shelf = :away AND c.updated_at < house_now() - CAST(:age AS
interval)
ORDER BY c.creator_id, c.asset_id
"""


def due_for_erasure(scope: Scope, posted: FindPostedAssets, *, after: int) -> list[UUID]:
    """Return images retired more than `after` days ago that can be erased."""
    rows = scope.run(
        _AWAY, tenant=scope.tenant_id, away=str(ShelfState.RETIRED), age=timedelta(days=after)
    ).all()
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row.creator_id, []).append(row.asset_id)
    free: list[UUID] = []
    for creator_id, assets in found.items():
        stays = erasure_obstacles(scope, assets, posted(scope, creator_id))
        free += [asset for asset in assets if asset not in stays]
    return free


def schedule_erasures(scope: Scope, posted: FindPostedAssets, *, most: int) -> int:
    """Queue the erasure of at most `most` images that are due; return their number."""
    after = retention_days(scope)
    found = due_for_erasure(scope, posted, after=after)[:most] if after is not None else []
    for asset_id in found:
        _enqueue_erasure(scope, asset_id, ERASURE_ACTOR)
    return len(found)


_HERE = """
SELECT c.asset_id,
  c.shelf <> :away AS here,
  EXISTS (SELECT FROM jobs j
    WHERE j.tenant_id = c.tenant_id AND j.id = c.job_id AND j.state = ANY(:running)) AS running,
  EXISTS (SELECT FROM pack_items i JOIN packs p ON p.tenant_id = i.tenant_id AND p.id = i.pack_id
    WHERE i.tenant_id = c.tenant_id AND i.asset_id = c.asset_id AND (p.frozen OR p.state <>
    :over)) AS packed,
  EXISTS (SELECT FROM creations o WHERE o.tenant_id = c.tenant_id AND o.sha256 = c.sha256 AND
  o.id <> c.id) AS same
FROM creations c WHERE c.tenant_id = :tenant AND c.asset_id = ANY(:assets)
"""


def erasure_obstacles(
    scope: Scope, assets: Collection[UUID], posted: Collection[UUID]
) -> dict[UUID, ErasureObstacle]:
    """Return the images that cannot be erased, with the reason; `posted` are those used in
    posts."""
    rows = scope.run(
        _HERE,
        tenant=scope.tenant_id,
        assets=list(assets),
        away=str(ShelfState.RETIRED),
        running=[str(JobState.QUEUED), str(JobState.RUNNING)],
        over=str(PackState.RETIRED),
    )
    found: dict[UUID, ErasureObstacle] = {}
    for row in rows:
        said: dict[ErasureObstacle, bool] = {
            "here": row.here,
            "running": row.running,
            "packed": row.packed,
            "same": row.same,
        }
        why = next((each for each, holds in said.items() if holds), None)
        if why is not None:
            found[row.asset_id] = why
    shown: dict[UUID, ErasureObstacle] = dict.fromkeys(set(posted) & set(assets), "posted")
    return {**erasure.retained_assets(scope, assets), **shown, **found}


def request_erasure(scope: Scope, asset_id: UUID, posted: Collection[UUID]) -> None:
    """Queue the permanent erasure of an image on behalf of the acting member.

    Raises Refused for members without the right and, with the reason `erase.…`, for images that
    cannot be erased; NotFound.
    """
    _check_can_erase(scope, asset_id, posted)
    _enqueue_erasure(scope, asset_id, scope.actor)


def _check_can_erase(scope: Scope, asset_id: UUID, posted: Collection[UUID]) -> None:
    if scope.actor != ERASURE_ACTOR:
        require_right(queries.get_acting_member(scope, "review.people_only").role, Right.RUN)
    library.get_asset(scope, asset_id)
    why = erasure_obstacles(scope, [asset_id], posted).get(asset_id)
    if why is not None:
        raise Refused(f"erase.{why}")


def _enqueue_erasure(scope: Scope, asset_id: UUID, by: str) -> None:
    outbox.put(scope, ErasureDue(scope.tenant_id, asset_id, by), dedupe=f"erase:{asset_id}")


def erase_picture(
    event: ErasureDue, *, tenant: OpenScope, store: ObjectStore, posted: FindPostedAssets
) -> None:
    """Erase an image: its rows first, then its bytes.

    If the image is in use by then, it is not erased and the requesting member receives a notice.
    After a crash, the next attempt deletes the rest. Raises Unavailable if the store is
    unreachable.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            _erase_rows(scope, event, posted)
    except GreenroomError as refused:
        if event.by == ERASURE_ACTOR:
            return  # it was restored or used; the next scheduled erasure checks again
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")
        return
    _erase_bytes(event, tenant=tenant, store=store)


_STAYS = """
INSERT INTO erased_pictures
  (tenant_id, id, creator_id, asset_id, job_id, engine, model, made_at, seconds, cost, currency, by)
SELECT c.tenant_id, c.id, c.creator_id, c.asset_id, c.job_id, c.engine, c.model, c.created_at,
c.seconds, c.cost,
  c.currency, :by
FROM creations c WHERE c.tenant_id = :tenant AND c.asset_id = :asset
"""
_UNNAMED = "UPDATE collections SET cover_id = NULL WHERE tenant_id = :tenant AND cover_id = :asset"


def _erase_rows(scope: Scope, event: ErasureDue, posted: FindPostedAssets) -> None:
    asset = {"tenant": scope.tenant_id, "asset": event.subject_id}
    done = (
        "SELECT EXISTS (SELECT FROM erased_pictures WHERE tenant_id = :tenant AND asset_id = "
        ":asset)"
    )
    erasure.lock_asset(scope, event.subject_id)
    if scope.run(done, **asset).scalar():
        return  # an earlier attempt erased the rows; its bytes remain
    locked = (
        "SELECT creator_id, sha256 FROM creations WHERE tenant_id = :tenant AND asset_id = :asset "
        "FOR UPDATE"
    )
    row = scope.run(locked, **asset).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    _check_can_erase(scope, event.subject_id, posted(scope, row.creator_id))
    scope.run(_STAYS, by=event.by, **asset)
    scope.run(_UNNAMED, **asset)
    scope.run(
        "DELETE FROM collection_items WHERE tenant_id = :tenant AND asset_id = :asset", **asset
    )
    scope.run("DELETE FROM creations WHERE tenant_id = :tenant AND asset_id = :asset", **asset)
    _detach_uploads(scope, event.subject_id)
    erasure.mark_erased(scope, event.subject_id)
    audit.record(scope, "picture.erased", f"asset:{event.subject_id}", sha256=row.sha256)


def _detach_uploads(scope: Scope, asset_id: UUID) -> None:
    """Detach uploads from an erased asset, so that the file can be uploaded again."""
    of_it = (UploadRow.tenant_id == scope.tenant_id, UploadRow.asset_id == asset_id)
    for row in scope.session.exec(select(UploadRow).where(*of_it)):
        UPLOAD_STATES.check(UploadState(row.state), UploadState.REFUSED)
        row.state = str(UploadState.REFUSED)
        row.reason = stored_message(Message("upload.erased"))
        row.asset_id = None
        scope.add(row)


def erased_asset_id(scope: Scope, creation_id: UUID) -> UUID | None:
    """Return the asset ID of an erased image that is ingested again, and delete its erasure record.

    The image becomes the same asset again, with all records of the gate.
    """
    again = "DELETE FROM erased_pictures WHERE tenant_id = :tenant AND id = :id RETURNING asset_id"
    found: UUID | None = scope.run(again, tenant=scope.tenant_id, id=creation_id).scalar()
    return found


def _erase_bytes(event: ErasureDue, *, tenant: OpenScope, store: ObjectStore) -> None:
    """Delete the objects. A concurrent ingest of the same bytes waits and stores them again."""
    with tenant(event.tenant_id, ERASURE_ACTOR) as scope:
        for sha256 in sorted(erasure.erasable_digests(scope, event.subject_id)):
            library.lock_library(scope, "object", sha256)
            if not library.is_object_in_use(scope, sha256):
                store.delete(event.tenant_id, sha256)
