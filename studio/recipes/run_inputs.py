"""The pictures a run works from: the one it begins from, one whose posture it takes, and the look
it keeps.

They are checked when somebody asks and again before each picture is made, so that what was taken
back since is used no more. What is made is a child of each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.storage.object_store import ObjectStore
from generators.contract.engines import ImageJob
from generators.retouch import masks
from generators.retouch.masks import MaskPart
from studio.library import assets
from studio.recipes import export_grants, input_pictures, style_references
from studio.recipes.input_pictures import MAX_WEIGHT, MIN_WEIGHT, InitPicture
from studio.recipes.specs import PlannedPicture, RecipeSpec
from studio.recipes.style_references import FrozenStyle
from studio.runs.models import JobRow


@dataclass(frozen=True)
class PoseReference:
    """A picture whose posture is taken, and how much it counts, in percent."""

    asset_id: UUID
    weight: int = 100


class SourcePictureUnavailable(Refused):
    """A picture a run works from may not be used any more, or is none."""


def run_input_columns(
    scope: Scope,
    creator_id: UUID,
    spec: RecipeSpec,
    *,
    begin: InitPicture | None = None,
    pose: PoseReference | None = None,
    look: FrozenStyle | None = None,
) -> dict[str, Any]:
    """What a run writes down of its pictures, checked; those of its recipe where neither is named.
    `look` is that of a run before, None for the creator's of today.

    Raises as `input_pictures.check_init_picture` and `style_references.add_style_reference`;
    BadInput for a posture beside a beginning, which no engine takes.
    """
    found: dict[str, Any] = {}
    if begin is None and pose is None:
        begin, pose = inputs_of_recipe(spec)
    if begin is not None and pose is not None:
        raise BadInput("job.posture_beside")
    if begin is not None:
        input_pictures.check_init_picture(scope, creator_id, begin)
        found |= {"from_asset": begin.asset_id, "anew": begin.anew}
        if begin.region is not None:
            found["region"] = masks.part_to_json(begin.region)
    if pose is not None:
        _resolve_pose_picture(scope, creator_id, pose)
        found |= {"pose_asset": pose.asset_id, "pose_weight": pose.weight}
    if spec.look:
        if look:
            style_references.check_style(scope, creator_id, look)
        found["look"] = look or style_references.freeze_style(scope, creator_id)
    return found


def inputs_of_recipe(spec: RecipeSpec) -> tuple[InitPicture | None, PoseReference | None]:
    """What the runs of a recipe work from where who starts one names nothing."""
    begin = spec.begin.to_init_picture() if spec.begin is not None else None
    return begin, PoseReference(
        UUID(spec.posture.asset), spec.posture.weight
    ) if spec.posture is not None else None


def recipe_picture_digests(scope: Scope, creator_id: UUID, spec: RecipeSpec) -> list[str]:
    """The digests of the pictures that a recipe names by itself, none of one that names none.
    Raises as `input_pictures.check_init_picture` for one that a run could not work from now."""
    begin, pose = inputs_of_recipe(spec)
    first = (
        [input_pictures.check_init_picture(scope, creator_id, begin)] if begin is not None else []
    )
    return first + ([_resolve_pose_picture(scope, creator_id, pose)] if pose is not None else [])


def source_picture_of_creator(scope: Scope, creator_id: UUID, asset_id: UUID) -> str:
    """The digest of a picture of a creator that a run may work from now. Raises as
    `input_pictures.check_init_picture`."""
    assets.check_assets_owned(scope, creator_id, [asset_id])
    return input_pictures.source_picture_digest(scope, asset_id)


def _resolve_pose_picture(scope: Scope, creator_id: UUID, pose: PoseReference) -> str:
    if not MIN_WEIGHT <= pose.weight <= MAX_WEIGHT:
        raise BadInput("job.posture_weight", least=MIN_WEIGHT, most=MAX_WEIGHT)
    return source_picture_of_creator(scope, creator_id, pose.asset_id)


def init_picture_of(job: JobRow) -> InitPicture | None:
    """What a run begins from."""
    if job.from_asset is None:
        return None
    return InitPicture(
        job.from_asset, job.anew, masks.part_from_json(job.region) if job.region else None
    )


def pose_reference_of(job: JobRow) -> PoseReference | None:
    """Whose posture a run takes."""
    return PoseReference(job.pose_asset, job.pose_weight) if job.pose_asset is not None else None


def referenced_assets(job: JobRow) -> tuple[UUID, ...]:
    """What a model looks at to make the pictures of a run, but shows nowhere as it is."""
    look = tuple(UUID(asset_id) for asset_id, _ in job.look)
    return (*look, job.pose_asset) if job.pose_asset is not None else look


def check_run_inputs(tenant: OpenScope, job: JobRow, *, actor: str) -> tuple[str, str]:
    """The digests of what a run begins from and of whose posture it takes, "" where there is none.
    Raises Gone for a picture of these, or of its look, that may not be used any more."""
    if not inputs_needed_by(job):
        return "", ""
    with tenant(job.tenant_id, actor) as scope:
        return check_run_inputs_in(scope, job)


def check_run_inputs_in(scope: Scope, job: JobRow) -> tuple[str, str]:
    """The same in a transaction that is open."""
    begin = init_picture_of(job)
    pose = pose_reference_of(job)
    try:
        first = (
            input_pictures.check_init_picture(scope, job.creator_id, begin)
            if begin is not None
            else ""
        )
        posture = _resolve_pose_picture(scope, job.creator_id, pose) if pose is not None else ""
        style_references.check_style(scope, job.creator_id, job.look)
    except (BadInput, NotFound, Refused) as error:
        raise SourcePictureUnavailable(error.message.code, **error.message.params) from error
    return first, posture


def check_inputs_may_leave(scope: Scope, job: JobRow, engine: str) -> None:
    """Whether the pictures a run works from may be sent to an engine of others, now; nothing of a
    run by words alone. Raises Gone, as `export_grants.check_export` says."""
    if not inputs_needed_by(job):
        return
    sent = {*check_run_inputs_in(scope, job), *style_digests(job)} - {""}
    try:
        export_grants.check_export(scope, job.creator_id, engine, sent)
    except (BadInput, NotFound, Refused) as error:
        raise SourcePictureUnavailable(error.message.code, **error.message.params) from error


def needed_inputs(begin: InitPicture | None, pose: PoseReference | None) -> frozenset[str]:
    """What these ask of an engine, as `ImageJob.asks`."""
    wanted = {"init": begin, "mask": begin.region if begin is not None else None, "pose": pose}
    return frozenset(name for name, one in wanted.items() if one is not None)


def inputs_needed_by(job: JobRow) -> frozenset[str]:
    """What of an engine the pictures of a run ask for, as `ImageJob.asks`."""
    asked = {
        "init": job.from_asset,
        "mask": job.region,
        "pose": job.pose_asset,
        "references": job.look,
    }
    return frozenset(name for name, wanted in asked.items() if wanted)


def attach_inputs(
    tenant: OpenScope,
    store: ObjectStore,
    job: JobRow,
    shots: Sequence[PlannedPicture],
    *,
    actor: str,
) -> list[PlannedPicture]:
    """Shots with the pictures their run works from, asked for anew, and with LoRAs of the agency's
    own where it has these. Raises Gone for a picture that may not be used now."""
    begin = init_picture_of(job)
    pose = pose_reference_of(job)
    first, posture = check_run_inputs(tenant, job, actor=actor)
    try:
        pictures = {
            sha256: store.get(job.tenant_id, sha256)
            for sha256 in {first, posture, *style_digests(job)} - {""}
        }
    except NotFound as error:
        raise SourcePictureUnavailable(error.message.code, **error.message.params) from error
    changes: dict[str, Any] = {
        "references": tuple(pictures[sha256] for sha256 in style_digests(job))
    }
    if begin is not None:
        changes |= {"init": pictures[first], "strength": begin.anew / 100}
    if pose is not None:
        changes |= {"pose": pictures[posture], "pose_weight": pose.weight / 100}
    region = begin.region if begin is not None else None
    owner = job.tenant_id.hex
    return [
        replace(shot, job=_with_input_changes(_with_lora_owner(shot.job, owner), region, changes))
        for shot in shots
    ]


def _with_lora_owner(job: ImageJob, owner: str) -> ImageJob:
    return replace(job, loras=tuple(replace(one, owner=owner) for one in job.loras))


def style_digests(job: JobRow) -> list[str]:
    """The pictures of the look a run keeps, by their SHA-256."""
    return [sha256 for _, sha256 in job.look]


def _with_input_changes(
    job: ImageJob, region: MaskPart | None, changes: dict[str, Any]
) -> ImageJob:
    drawn: dict[str, Any] = (
        {"mask": masks.mask_for_picture(region, changes["init"])} if region is not None else {}
    )
    return replace(job, **changes, **drawn)
