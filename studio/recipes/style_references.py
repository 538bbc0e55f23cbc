"""Style references of a creator: an ordered list of library images whose style is followed in
generated images.

For each use, the gate decides whether an image may be a reference
(`gate/permits/reference_images.py`).
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
"""Maximum number of references. Each is encoded for every generated image, and with more of them
the styles blur together."""

FrozenStyle = list[list[str]]
"""The style references stored with a run: the asset ID and digest of each."""


@dataclass(frozen=True)
class StyleReference:
    """A style reference. `refused` is the reason why it is no longer usable, or None if it is
    usable."""

    asset_id: UUID
    refused: Message | None


def add_style_reference(scope: Scope, creator_id: UUID, asset_id: UUID) -> None:
    """Append an image to the style references of a creator. Idempotent.

    Raises NotFound for an image that is not in the creator's library, BadInput for media other than
    images and for too many images, and Refused like
    `gate.permits.reference_images.check_reference_pictures`.
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
    """Remove an image from the style references, if it is one. Existing runs retain it."""
    for row in _list_reference_rows(scope, creator_id):
        if row.asset_id == asset_id:
            scope.session.delete(row)
            audit.record(scope, "look.dropped", f"asset:{asset_id}")


def move_to_front(scope: Scope, creator_id: UUID, asset_id: UUID) -> None:
    """Move a style reference to the first position. Raises NotFound."""
    assets.lock_library(scope, "look", creator_id)
    known = _list_reference_rows(scope, creator_id)
    wanted = next((row for row in known if row.asset_id == asset_id), None)
    if wanted is None:
        raise NotFound("library.asset_unknown", destination="-")
    wanted.position = known[0].position - 1
    scope.add(wanted)


def list_style_references(scope: Scope, creator_id: UUID) -> list[StyleReference]:
    """Return a creator's style references in order, with their current usability."""
    return [
        StyleReference(row.asset_id, _refusal_reason(scope, creator_id, row.asset_id))
        for row in _list_reference_rows(scope, creator_id)
    ]


def style_reference_ids(scope: Scope, creator_id: UUID) -> frozenset[UUID]:
    """Return the asset IDs of a creator's style references, usable or not."""
    return frozenset(row.asset_id for row in _list_reference_rows(scope, creator_id))


def freeze_style(scope: Scope, creator_id: UUID) -> FrozenStyle:
    """Return the style references to store with a run.

    Raises Refused if there are none, or if one may not be used.
    """
    known = [
        [str(row.asset_id), style_picture_digest(scope, creator_id, row.asset_id)]
        for row in _list_reference_rows(scope, creator_id)
    ]
    if not known:
        raise Refused("look.none")
    return known


def check_style(scope: Scope, creator_id: UUID, kept: FrozenStyle) -> None:
    """Check that the style references of a run may still be used and have the same bytes.

    Raises the errors of `add_style_reference`, and Refused for changed bytes.
    """
    for asset_id, sha256 in kept:
        if style_picture_digest(scope, creator_id, UUID(asset_id)) != sha256:
            raise Refused("look.changed")


def style_picture_digest(scope: Scope, creator_id: UUID, asset_id: UUID) -> str:
    """Return the digest of an image usable as a style reference. Raises the errors of
    `add_style_reference`."""
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
