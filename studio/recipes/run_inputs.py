"""Input images of runs: the init image, the pose reference and the style references.

They are checked when a run is requested and again before each image, so that withdrawn images are
no longer used. Generated images are children of each input.
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
    """A pose reference with its weight in percent."""

    asset_id: UUID
    weight: int = 100


class SourcePictureUnavailable(Refused):
    """An input image of a run may no longer be used, or does not exist."""


def run_input_columns(
    scope: Scope,
    creator_id: UUID,
    spec: RecipeSpec,
    *,
    begin: InitPicture | None = None,
    pose: PoseReference | None = None,
    look: FrozenStyle | None = None,
) -> dict[str, Any]:
    """Validate the input images of a run and return its columns.

    Without `begin` and `pose`, the input images of the recipe are used. `look` is the style of an
    earlier run, or None for the creator's current style. Raises the errors of
    `input_pictures.check_init_picture` and `style_references.add_style_reference`, and BadInput for
    a pose together with an init image, which no engine supports.
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
    """Return the input images that a recipe uses by default."""
    begin = spec.begin.to_init_picture() if spec.begin is not None else None
    return begin, PoseReference(
        UUID(spec.posture.asset), spec.posture.weight
    ) if spec.posture is not None else None


def recipe_picture_digests(scope: Scope, creator_id: UUID, spec: RecipeSpec) -> list[str]:
    """Return the digests of the input images of a recipe.

    Raises the errors of `input_pictures.check_init_picture` if one cannot be used now.
    """
    begin, pose = inputs_of_recipe(spec)
    first = (
        [input_pictures.check_init_picture(scope, creator_id, begin)] if begin is not None else []
    )
    return first + ([_resolve_pose_picture(scope, creator_id, pose)] if pose is not None else [])


def source_picture_of_creator(scope: Scope, creator_id: UUID, asset_id: UUID) -> str:
    """Return the digest of a creator's image that a run may use now.

    Raises the errors of `input_pictures.check_init_picture`.
    """
    assets.check_assets_owned(scope, creator_id, [asset_id])
    return input_pictures.source_picture_digest(scope, asset_id)


def _resolve_pose_picture(scope: Scope, creator_id: UUID, pose: PoseReference) -> str:
    if not MIN_WEIGHT <= pose.weight <= MAX_WEIGHT:
        raise BadInput("job.posture_weight", least=MIN_WEIGHT, most=MAX_WEIGHT)
    return source_picture_of_creator(scope, creator_id, pose.asset_id)


def init_picture_of(job: JobRow) -> InitPicture | None:
    """Return the init image of a run, or None."""
    if job.from_asset is None:
        return None
    return InitPicture(
        job.from_asset, job.anew, masks.part_from_json(job.region) if job.region else None
    )


def pose_reference_of(job: JobRow) -> PoseReference | None:
    """Return the pose reference of a run, or None."""
    return PoseReference(job.pose_asset, job.pose_weight) if job.pose_asset is not None else None


def referenced_assets(job: JobRow) -> tuple[UUID, ...]:
    """Return the reference assets of a run, which influence its images without appearing in
    them."""
    look = tuple(UUID(asset_id) for asset_id, _ in job.look)
    return (*look, job.pose_asset) if job.pose_asset is not None else look


def check_run_inputs(tenant: OpenScope, job: JobRow, *, actor: str) -> tuple[str, str]:
    """Check the inputs of a run; return the digests of its init image and pose reference, "" for an
    unset one.

    Raises SourcePictureUnavailable if an input or style reference may no longer be used.
    """
    if not inputs_needed_by(job):
        return "", ""
    with tenant(job.tenant_id, actor) as scope:
        return check_run_inputs_in(scope, job)


def check_run_inputs_in(scope: Scope, job: JobRow) -> tuple[str, str]:
    """Check the inputs of a run like `check_run_inputs`, in an open transaction."""
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
    """Check that the inputs of a run may be sent to an external engine now.

    Raises SourcePictureUnavailable for the reasons in `export_grants.check_export`.
    """
    if not inputs_needed_by(job):
        return
    sent = {*check_run_inputs_in(scope, job), *style_digests(job)} - {""}
    try:
        export_grants.check_export(scope, job.creator_id, engine, sent)
    except (BadInput, NotFound, Refused) as error:
        raise SourcePictureUnavailable(error.message.code, **error.message.params) from error


def needed_inputs(begin: InitPicture | None, pose: PoseReference | None) -> frozenset[str]:
    """Return the engine features that these inputs require, as in `ImageJob.needed_inputs`."""
    wanted = {"init": begin, "mask": begin.region if begin is not None else None, "pose": pose}
    return frozenset(name for name, one in wanted.items() if one is not None)


def inputs_needed_by(job: JobRow) -> frozenset[str]:
    """Return the engine features that a run's inputs require, as in `ImageJob.needed_inputs`."""
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
    """Return the planned images with their input images, which are checked again, and with the
    tenant as the owner of LoRAs.

    Raises SourcePictureUnavailable if an input may not be used now.
    """
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
    """Return the digests of a run's style references."""
    return [sha256 for _, sha256 in job.look]


def _with_input_changes(
    job: ImageJob, region: MaskPart | None, changes: dict[str, Any]
) -> ImageJob:
    drawn: dict[str, Any] = (
        {"mask": masks.mask_for_picture(region, changes["init"])} if region is not None else {}
    )
    return replace(job, **changes, **drawn)
