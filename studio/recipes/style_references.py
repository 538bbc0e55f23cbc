"""The look of a creator: a few pictures of the library that models keep to, in their order.

Whether a picture may be kept to is the gate's to say (`gate/permits/reference_images.py`), and it
is asked each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from gate.permits import reference_images
from studio.library import assets
from studio.recipes import input_pictures
from studio.recipes.models import StyleReferenceRow
from tenants import audit

MAX_STYLE_REFERENCES = 4
"""Pictures of one look: each is encoded for every picture that is made, and more blur together."""

FrozenStyle = list[list[str]]
"""The pictures of a look as a run keeps them: the asset and the digest of each."""


@dataclass(frozen=True)
class StyleReference:
    """A picture of a look; `refused` says why it may not be kept to any more, None where it may."""

    asset_id: UUID
    refused: Message | None


def add_style_reference(scope: Scope, creator_id: UUID, asset_id: UUID) -> None:
    """Let models keep to a picture from now on, after those chosen before; one that is chosen stays
    where it is.

    Raises NotFound for what is not in this creator's library, BadInput for what is no picture and
    for one too many, and Refused as `gate.permits.reference_images.check_reference_pictures`.
    """
    assets.lock_library(scope, "look", creator_id)
    known = _list_reference_rows(scope, creator_id)
    if any(row.asset_id == asset_id for row in known):
        return
    if len(known) >= MAX_STYLE_REFERENCES:
        raise BadInput("look.full", most=MAX_STYLE_REFERENCES)
    style_picture_digest(scope, creator_id, asset_id)
    place = known[-1].position + 1 if known else 1
    scope.add(
        StyleReferenceRow(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            asset_id=asset_id,
            position=place,
            by=scope.actor,
        )
    )
    audit.record(scope, "look.added", f"asset:{asset_id}")


def remove_style_reference(scope: Scope, creator_id: UUID, asset_id: UUID) -> None:
    """Let models keep to a picture no more; runs that were asked for with it keep it. None of the
    look is no error."""
    for row in _list_reference_rows(scope, creator_id):
        if row.asset_id == asset_id:
            scope.session.delete(row)
            audit.record(scope, "look.dropped", f"asset:{asset_id}")


def move_to_front(scope: Scope, creator_id: UUID, asset_id: UUID) -> None:
    """Put a picture before the others of its look. Raises NotFound for one that is none of it."""
    assets.lock_library(scope, "look", creator_id)
    known = _list_reference_rows(scope, creator_id)
    wanted = next((row for row in known if row.asset_id == asset_id), None)
    if wanted is None:
        raise NotFound("library.asset_unknown", destination="-")
    wanted.position = known[0].position - 1
    scope.add(wanted)


def list_style_references(scope: Scope, creator_id: UUID) -> list[StyleReference]:
    """A creator's look, in its order, as it stands now."""
    return [
        StyleReference(row.asset_id, _refusal_reason(scope, creator_id, row.asset_id))
        for row in _list_reference_rows(scope, creator_id)
    ]


def style_reference_ids(scope: Scope, creator_id: UUID) -> frozenset[UUID]:
    """The pictures of a creator's look, whether they may be kept to now or not."""
    return frozenset(row.asset_id for row in _list_reference_rows(scope, creator_id))


def freeze_style(scope: Scope, creator_id: UUID) -> FrozenStyle:
    """The look as a run keeps it. Raises Refused where there is none, and for one picture that may
    not be kept to."""
    known = [
        [str(row.asset_id), style_picture_digest(scope, creator_id, row.asset_id)]
        for row in _list_reference_rows(scope, creator_id)
    ]
    if not known:
        raise Refused("look.none")
    return known


def check_style(scope: Scope, creator_id: UUID, kept: FrozenStyle) -> None:
    """Whether the look of a run may still be kept to, byte for byte. Raises as `add`, and Refused
    for other bytes."""
    for asset_id, sha256 in kept:
        if style_picture_digest(scope, creator_id, UUID(asset_id)) != sha256:
            raise Refused("look.changed")


def style_picture_digest(scope: Scope, creator_id: UUID, asset_id: UUID) -> str:
    """The bytes of a picture that may be kept to. Raises as `add`."""
    assets.check_assets_owned(scope, creator_id, [asset_id])
    found = input_pictures.source_picture_digest(scope, asset_id)
    reference_images.check_reference_pictures(scope, creator_id, [found])
    return found


def _refusal_reason(scope: Scope, creator_id: UUID, asset_id: UUID) -> Message | None:
    try:
        style_picture_digest(scope, creator_id, asset_id)
    except GreenroomError as refused:
        return refused.message
    return None


def _list_reference_rows(scope: Scope, creator_id: UUID) -> Sequence[StyleReferenceRow]:
    return scope.session.exec(
        select(StyleReferenceRow)
        .where(
            StyleReferenceRow.tenant_id == scope.tenant_id,
            StyleReferenceRow.creator_id == creator_id,
        )
        .order_by(col(StyleReferenceRow.position), col(StyleReferenceRow.id))
    ).all()
