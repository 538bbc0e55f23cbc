"""Annotations: a short text on the charts of a local day, of one creator or of all creators."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.visible_text import is_one_line
from insights.workspace.models import AnnotationRow
from tenants.agencies import queries

MAX_ANNOTATION_LENGTH = 120
MAX_ANNOTATIONS = 1000
"""Maximum number of annotations of an agency."""
MAX_DAYS_AHEAD = 366


@dataclass(frozen=True)
class Annotation:
    """An annotation; `creator_id` is None if it is on the charts of all creators."""

    id: UUID
    creator_id: UUID | None
    day: date
    text: str


def add_annotation(
    scope: Scope, *, member_id: UUID, creator_id: UUID | None, day: date, text: str, key: UUID
) -> None:
    """Add an annotation as a member, once per `key`.

    Raises BadInput for an invalid text or day, Conflict if the agency has too many, NotFound for a
    creator of other members, and Refused for one of all creators by a member who works for some.
    """
    _require_access(scope, member_id, creator_id)
    said = " ".join(unicodedata.normalize("NFC", text).split())
    if not said or len(said) > MAX_ANNOTATION_LENGTH or not is_one_line(said):
        raise BadInput("annotation.text_wrong", most=MAX_ANNOTATION_LENGTH).about("text")
    if day > scope.now.date() + timedelta(days=MAX_DAYS_AHEAD):
        raise BadInput("annotation.day_wrong").about("day")
    scope.lock(f"{scope.tenant_id}:annotations")
    if scope.session.get(AnnotationRow, (scope.tenant_id, key)) is not None:
        return
    count = select(func.count()).where(AnnotationRow.tenant_id == scope.tenant_id)
    if scope.session.exec(count).one() >= MAX_ANNOTATIONS:
        raise Conflict("annotation.too_many", most=MAX_ANNOTATIONS)
    scope.add(
        AnnotationRow(tenant_id=scope.tenant_id, id=key, creator_id=creator_id, day=day, text=said)
    )


def delete_annotation(scope: Scope, annotation_id: UUID, *, member_id: UUID) -> None:
    """Delete an annotation as a member. Raises NotFound, and Refused as `add_annotation` does."""
    row = scope.session.get(AnnotationRow, (scope.tenant_id, annotation_id))
    if row is None:
        raise NotFound("annotation.unknown")
    _require_access(scope, member_id, row.creator_id)
    scope.session.delete(row)
    scope.session.flush()


def get_annotation(scope: Scope, creators: Collection[UUID], annotation_id: UUID) -> Annotation:
    """Return an annotation of these creators or of all creators. Raises NotFound."""
    row = scope.session.get(AnnotationRow, (scope.tenant_id, annotation_id))
    if row is None or row.creator_id not in (None, *creators):
        raise NotFound("annotation.unknown")
    return Annotation(row.id, row.creator_id, row.day, row.text)


def list_annotations(
    scope: Scope, creators: Collection[UUID], first: date, last: date
) -> list[Annotation]:
    """Return the annotations of these creators and those of all creators, by day."""
    rows = scope.session.exec(
        select(AnnotationRow)
        .where(
            AnnotationRow.tenant_id == scope.tenant_id,
            AnnotationRow.day >= first,
            AnnotationRow.day <= last,
            or_(
                col(AnnotationRow.creator_id).is_(None),
                col(AnnotationRow.creator_id).in_(list(creators)),
            ),
        )
        .order_by(col(AnnotationRow.day), col(AnnotationRow.id))
        .execution_options(populate_existing=True)
    )
    return [Annotation(row.id, row.creator_id, row.day, row.text) for row in rows]


def _require_access(scope: Scope, member_id: UUID, creator_id: UUID | None) -> None:
    member = queries.get_member(scope, member_id)
    if creator_id is None:
        if member.creators:
            raise Refused("annotation.shared_by_all")
        return
    if not member.works_for(queries.get_creator(scope, creator_id).slug):
        raise NotFound("annotation.unknown")
