"""The pictures a run works from: the one it begins from, one whose posture it takes, and the look it keeps.

They are checked when somebody asks and again before each picture is made, so that what was taken back since is used no
more. What is made is a child of each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.storage import ObjectStore
from generators import masks
from generators.contract import ImageJob
from generators.masks import Part
from studio import beginnings, library, looks, models, outgoing
from studio.beginnings import Beginning
from studio.looks import Frozen
from studio.recipes import Shot, Spec
from studio.workings import LEAST_WEIGHT, MOST_WEIGHT


@dataclass(frozen=True)
class Posture:
    """A picture whose posture is taken, and how much it counts, in percent."""

    asset_id: UUID
    weight: int = 100


class Gone(Refused):
    """A picture a run works from may not be used any more, or is none."""


def columns(
    scope: Scope,
    creator_id: UUID,
    spec: Spec,
    *,
    begin: Beginning | None = None,
    pose: Posture | None = None,
    look: Frozen | None = None,
) -> dict[str, Any]:
    """What a run writes down of its pictures, checked; those of its recipe where neither is named. `look` is that of a
    run before, None for the creator's of today.

    Raises as `beginnings.check` and `looks.add`; BadInput for a posture beside a beginning, which no engine takes.
    """
    found: dict[str, Any] = {}
    if begin is None and pose is None:
        begin, pose = of_recipe(spec)
    if begin is not None and pose is not None:
        raise BadInput("job.posture_beside")
    if begin is not None:
        beginnings.check(scope, creator_id, begin)
        found |= {"from_asset": begin.asset_id, "anew": begin.anew}
        if begin.region is not None:
            found["region"] = masks.to_json(begin.region)
    if pose is not None:
        _posture(scope, creator_id, pose)
        found |= {"pose_asset": pose.asset_id, "pose_weight": pose.weight}
    if spec.look:
        if look:
            looks.check(scope, creator_id, look)
        found["look"] = look or looks.frozen(scope, creator_id)
    return found


def of_recipe(spec: Spec) -> tuple[Beginning | None, Posture | None]:
    """What the runs of a recipe work from where who starts one names nothing."""
    begin = spec.begin.beginning() if spec.begin is not None else None
    return begin, Posture(UUID(spec.posture.asset), spec.posture.weight) if spec.posture is not None else None


def usable(scope: Scope, creator_id: UUID, spec: Spec) -> list[str]:
    """The digests of the pictures that a recipe names by itself, none of one that names none. Raises as
    `beginnings.check` for one that a run could not work from now."""
    begin, pose = of_recipe(spec)
    first = [beginnings.check(scope, creator_id, begin)] if begin is not None else []
    return first + ([_posture(scope, creator_id, pose)] if pose is not None else [])


def picture(scope: Scope, creator_id: UUID, asset_id: UUID) -> str:
    """The digest of a picture of a creator that a run may work from now. Raises as `beginnings.check`."""
    library.check_owner(scope, creator_id, [asset_id])
    return beginnings.digest(scope, asset_id)


def _posture(scope: Scope, creator_id: UUID, pose: Posture) -> str:
    if not LEAST_WEIGHT <= pose.weight <= MOST_WEIGHT:
        raise BadInput("job.posture_weight", least=LEAST_WEIGHT, most=MOST_WEIGHT)
    return picture(scope, creator_id, pose.asset_id)


def begin_of(job: models.Job) -> Beginning | None:
    """What a run begins from."""
    if job.from_asset is None:
        return None
    return Beginning(job.from_asset, job.anew, masks.from_json(job.region) if job.region else None)


def pose_of(job: models.Job) -> Posture | None:
    """Whose posture a run takes."""
    return Posture(job.pose_asset, job.pose_weight) if job.pose_asset is not None else None


def after(job: models.Job) -> tuple[UUID, ...]:
    """What a model looks at to make the pictures of a run, but shows nowhere as it is."""
    look = tuple(UUID(asset_id) for asset_id, _ in job.look)
    return (*look, job.pose_asset) if job.pose_asset is not None else look


def check(tenant: OpenScope, job: models.Job, *, actor: str) -> tuple[str, str]:
    """The digests of what a run begins from and of whose posture it takes, "" where there is none. Raises Gone for a
    picture of these, or of its look, that may not be used any more."""
    if not needs(job):
        return "", ""
    with tenant(job.tenant_id, actor) as scope:
        return checked(scope, job)


def checked(scope: Scope, job: models.Job) -> tuple[str, str]:
    """The same in a transaction that is open."""
    begin, pose = begin_of(job), pose_of(job)
    try:
        first = beginnings.check(scope, job.creator_id, begin) if begin is not None else ""
        posture = _posture(scope, job.creator_id, pose) if pose is not None else ""
        looks.check(scope, job.creator_id, job.look)
    except (BadInput, NotFound, Refused) as error:
        raise Gone(error.message.code, **error.message.params) from error
    return first, posture


def may_leave(scope: Scope, job: models.Job, engine: str) -> None:
    """Whether the pictures a run works from may be sent to an engine of others, now; nothing of a run by words alone.
    Raises Gone, as `outgoing.check` says."""
    if not needs(job):
        return
    sent = {*checked(scope, job), *digests_of_look(job)} - {""}
    try:
        outgoing.check(scope, job.creator_id, engine, sent)
    except (BadInput, NotFound, Refused) as error:
        raise Gone(error.message.code, **error.message.params) from error


def asked(begin: Beginning | None, pose: Posture | None) -> frozenset[str]:
    """What these ask of an engine, as `ImageJob.asks`."""
    wanted = {"init": begin, "mask": begin.region if begin is not None else None, "pose": pose}
    return frozenset(name for name, one in wanted.items() if one is not None)


def needs(job: models.Job) -> frozenset[str]:
    """What of an engine the pictures of a run ask for, as `ImageJob.asks`."""
    asked = {"init": job.from_asset, "mask": job.region, "pose": job.pose_asset, "references": job.look}
    return frozenset(name for name, wanted in asked.items() if wanted)


def fitted(tenant: OpenScope, store: ObjectStore, job: models.Job, shots: Sequence[Shot], *, actor: str) -> list[Shot]:
    """Shots with the pictures their run works from, asked for anew, and with LoRAs of the agency's own where it has
    these. Raises Gone for a picture that may not be used now."""
    begin, pose = begin_of(job), pose_of(job)
    first, posture = check(tenant, job, actor=actor)
    try:
        pictures = {
            sha256: store.get(job.tenant_id, sha256) for sha256 in {first, posture, *digests_of_look(job)} - {""}
        }
    except NotFound as error:
        raise Gone(error.message.code, **error.message.params) from error
    changes: dict[str, Any] = {"references": tuple(pictures[sha256] for sha256 in digests_of_look(job))}
    if begin is not None:
        changes |= {"init": pictures[first], "strength": begin.anew / 100}
    if pose is not None:
        changes |= {"pose": pictures[posture], "pose_weight": pose.weight / 100}
    region = begin.region if begin is not None else None
    owner = job.tenant_id.hex
    return [replace(shot, job=_job(_owned(shot.job, owner), region, changes)) for shot in shots]


def _owned(job: ImageJob, owner: str) -> ImageJob:
    return replace(job, loras=tuple(replace(one, owner=owner) for one in job.loras))


def digests_of_look(job: models.Job) -> list[str]:
    """The pictures of the look a run keeps, by their SHA-256."""
    return [sha256 for _, sha256 in job.look]


def _job(job: ImageJob, region: Part | None, changes: dict[str, Any]) -> ImageJob:
    drawn: dict[str, Any] = {"mask": masks.over(region, changes["init"])} if region is not None else {}
    return replace(job, **changes, **drawn)
