"""Copies: what consumed permits left outside. The gate's own record, for recall and for references
to our own."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, literal, or_
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select, type_coerce

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from gate.contract import replacement_picture
from gate.contract.units import SUBJECT_SOLD, Subject
from gate.copies.models import PermitRow

_GONE_WITH = """
UPDATE permits SET gone_at = house_now(), gone_proof = :proof, updated_at = house_now()
WHERE tenant_id = :tenant AND (subject_kind = :kind AND subject_id = :jti OR edits = :jti) AND
state = 'consumed'
  AND gone_at IS NULL
"""


@dataclass(frozen=True)
class LiveCopy:
    """One consumed permit. Without `gone_at` it may be visible: from `visible_at` where that is
    known."""

    jti: UUID
    creator_id: UUID
    subject: Subject
    channel_id: UUID
    account: str
    platform: str
    surface: str
    viewer: str
    step: str
    unit_digest: str
    flags: tuple[str, ...]
    media: tuple[str, ...]
    native_ids: tuple[str, ...]
    minted_at: datetime
    visible_at: datetime | None
    removed_at: datetime | None
    recalled_at: datetime | None
    is_read_back: bool
    sold: bool = False
    edits: UUID | None = None
    """The copy whose words it changed, or may have: that one is what lies outside, and what is
    taken away."""
    url: str = ""
    """Where people find it, where that was told after it went out."""


def copy_from_row(row: PermitRow) -> LiveCopy:
    """The copy of a row."""
    return LiveCopy(
        jti=row.id,
        creator_id=row.creator_id,
        subject=Subject(row.subject_kind, row.subject_id),
        channel_id=row.channel_id,
        account=row.account,
        platform=row.platform,
        surface=row.surface,
        viewer=row.viewer,
        step=row.step,
        unit_digest=row.unit_digest,
        flags=tuple(row.flags),
        media=tuple(row.media),
        native_ids=tuple(row.native_ids),
        minted_at=row.minted_at,
        visible_at=row.visible_at,
        removed_at=row.gone_at,
        recalled_at=row.recalled_at,
        is_read_back=row.readback is not None,
        sold=row.sold or row.subject_kind == SUBJECT_SOLD,
        edits=row.edits,
        url=row.url,
    )


def _list_matching_copies(scope: Scope, *conditions: ColumnElement[bool]) -> list[LiveCopy]:
    rows = scope.session.exec(
        select(PermitRow)
        .where(PermitRow.tenant_id == scope.tenant_id, PermitRow.state == "consumed", *conditions)
        .order_by(col(PermitRow.minted_at), col(PermitRow.id))
        .execution_options(populate_existing=True)
    )
    return [copy_from_row(row) for row in rows]


_PLACED = col(PermitRow.edits).is_(None)
"""Not a change of words: what that shows is its copy's, and goes with it."""


def _contains_value(column: object, value: object) -> ColumnElement[bool]:
    return type_coerce(column, JSONB).contains([value])


def find_copy(scope: Scope, jti: UUID) -> LiveCopy | None:
    """The copy under a permit; None when there is none, or when nothing left."""
    return next(iter(_list_matching_copies(scope, col(PermitRow.id) == jti)), None)


def list_copies(scope: Scope, subject: Subject) -> list[LiveCopy]:
    """Every copy of a subject that has a place of its own outside, oldest first; uploads without
    one are left out."""
    found = _list_matching_copies(
        scope, col(PermitRow.subject_kind) == subject.kind, col(PermitRow.subject_id) == subject.id
    )
    return [each for each in found if each.native_ids]


def list_consumed_permits(scope: Scope, subject: Subject) -> list[LiveCopy]:
    """Every consumed permit of a subject, oldest first: also of uploads, and of sends nobody could
    confirm."""
    here = (col(PermitRow.subject_kind) == subject.kind, col(PermitRow.subject_id) == subject.id)
    return _list_matching_copies(scope, *here, _PLACED)


def find_copy_by_native_id(scope: Scope, channel_id: UUID, native_id: str) -> LiveCopy | None:
    """Our copy behind a platform's id on an account; None for something that is not ours."""
    found = _list_matching_copies(
        scope,
        col(PermitRow.channel_id) == channel_id,
        _contains_value(PermitRow.native_ids, native_id),
    )
    return found[-1] if found else None


_NAMED = """
WITH RECURSIVE line AS (
  SELECT d.asset_id AS id, 0 AS depth FROM depictions d
  WHERE d.tenant_id = :tenant AND d.person_id = :person AND d.state <> 'proposed'
  UNION SELECT p.asset_id, l.depth + 1 FROM line l
  JOIN asset_parents p ON p.tenant_id = :tenant AND p.parent_id = l.id WHERE l.depth < 20)
SELECT DISTINCT r.sha256 FROM line l JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id =
l.id
"""
"""The bytes that show somebody, as it is known by now, and what was made of them."""


def live_copies_of_person(scope: Scope, person_id: UUID) -> list[LiveCopy]:
    """Every copy that shows a person and is not proven gone."""
    return _of_person(scope, person_id, col(PermitRow.gone_at).is_(None))


def all_copies_of_person(scope: Scope, person_id: UUID) -> list[LiveCopy]:
    """Every copy that shows a person and is not proven gone, and those that were called back and
    are."""
    return _of_person(
        scope,
        person_id,
        or_(col(PermitRow.gone_at).is_(None), col(PermitRow.recalled_at).is_not(None)),
    )


def _of_person(scope: Scope, person_id: UUID, condition: ColumnElement[bool]) -> list[LiveCopy]:
    """Copies whose permit names a person, and those of bytes in which they were named after it was
    given."""
    named = list(scope.run(_NAMED, tenant=scope.tenant_id, person=person_id).scalars())
    shows = or_(_contains_value(PermitRow.persons, str(person_id)), _shows_any(named))
    return _list_matching_copies(scope, shows, _PLACED, condition)


def live_copies_of_bytes(scope: Scope, *digests: str) -> list[LiveCopy]:
    """Every copy with some of these bytes that is not proven gone, oldest first."""
    return _of_bytes(scope, digests, col(PermitRow.gone_at).is_(None))


def all_copies_of_bytes(scope: Scope, *digests: str) -> list[LiveCopy]:
    """Every copy with some of these bytes there ever was, oldest first."""
    return _of_bytes(scope, digests)


def _of_bytes(
    scope: Scope, digests: Sequence[str], *conditions: ColumnElement[bool]
) -> list[LiveCopy]:
    if not digests:
        return []
    return _list_matching_copies(scope, _shows_any(digests), _PLACED, *conditions)


def _shows_any(digests: Sequence[str]) -> ColumnElement[bool]:
    """One value, however many digests: a statement takes no more than so many."""
    shows: ColumnElement[bool] = type_coerce(PermitRow.media, JSONB).has_any(
        literal(list(digests), ARRAY(Text))
    )
    return shows


def record_copy(scope: Scope, jti: UUID, native_id: str, visible_at: datetime) -> None:
    """Write down where the copy under a permit lies and since when it can be seen. Raises
    NotFound."""
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE permits SET visible_at = coalesce(visible_at, :at), updated_at = house_now(),"
            " native_ids = CASE WHEN native_ids @> to_jsonb(CAST(:native AS text)) THEN native_ids"
            " ELSE native_ids || to_jsonb(CAST(:native AS text)) END"
            " WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed'",
            tenant=scope.tenant_id,
            jti=jti,
            native=native_id,
            at=visible_at,
        )
    if done.rowcount != 1:
        raise NotFound("copy.unknown")


def record_url(scope: Scope, jti: UUID, url: str) -> None:
    """Write down where people find the copy under a permit; what was known before stays."""
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET url = :url, updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed' AND url = ''",
            tenant=scope.tenant_id,
            jti=jti,
            url=url,
        )


def record_file_ids(scope: Scope, jti: UUID, file_ids: Sequence[str]) -> None:
    """Write down what the platform calls the files of the copy under a permit, so that they can be
    pointed at."""
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET file_ids = CAST(:files AS jsonb), updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed'",
            tenant=scope.tenant_id,
            jti=jti,
            files=canonical_json(sorted(set(file_ids))).decode(),
        )


def record_read_back(scope: Scope, jti: UUID, *, missing: Collection[str], there: bool) -> None:
    """Write down what was read back of a copy: whether it was there, and the marks it should bear
    and does not."""
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET readback = CAST(:said AS jsonb), updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :jti",
            tenant=scope.tenant_id,
            jti=jti,
            said=canonical_json(
                {"at": scope.now.isoformat(), "there": there, "missing": sorted(missing)}
            ).decode(),
        )


def record_removed(scope: Scope, jti: UUID, proof: str) -> None:
    """Write down that a copy is gone; `proof` is what shows it (`404`, `deleted:<id>`,
    `member:<id>`), never empty.

    What was put in its place goes with it. The first proof stands. Raises BadInput without a proof,
    NotFound for an unknown permit.
    """
    if not proof:
        raise BadInput("copy.no_proof")
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE permits SET gone_at = coalesce(gone_at, house_now()), updated_at = house_now(),"
            " gone_proof = CASE WHEN gone_proof = '' THEN :proof ELSE gone_proof END"
            " WHERE tenant_id = :tenant AND id = :jti",
            tenant=scope.tenant_id,
            jti=jti,
            proof=proof,
        )
        scope.run(
            _GONE_WITH,
            tenant=scope.tenant_id,
            jti=jti,
            kind=replacement_picture.REPLACEMENT_STEP,
            proof=proof,
        )
    if done.rowcount != 1:
        raise NotFound("copy.unknown")


def record_replaced(scope: Scope, jti: UUID) -> None:
    """Write down that the copy under a permit shows the house's own picture, or sentence, from now
    on.

    It counts as there all the same, and by its own media: only a proof takes it away. What was put
    there is a mark on the permits of that, which have no place of their own.
    """
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET visible_at = coalesce(visible_at, house_now()), updated_at = "
            "house_now()"
            " WHERE tenant_id = :tenant AND subject_kind = :kind AND subject_id = :jti AND state "
            "= 'consumed'",
            tenant=scope.tenant_id,
            kind=replacement_picture.REPLACEMENT_STEP,
            jti=jti,
        )


_REPLACED = """
SELECT DISTINCT subject_id FROM permits WHERE tenant_id = :tenant AND subject_kind = :kind
  AND subject_id = ANY(CAST(:jtis AS uuid[])) AND state = 'consumed' AND visible_at IS NOT NULL
  AND gone_at IS NULL
"""


def replaced_permits(scope: Scope, found: Iterable[LiveCopy]) -> frozenset[UUID]:
    """The permits of those copies in whose place something of the house stands."""
    asked = {"kind": replacement_picture.REPLACEMENT_STEP, "jtis": [each.jti for each in found]}
    return frozenset(scope.run(_REPLACED, tenant=scope.tenant_id, **asked).scalars())


def void_permit(scope: Scope, jti: UUID, proof: str) -> None:
    """Close a permit of which it is proven that nothing left the house (`not_sent`) or that nothing
    arrived."""
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET state = 'void', gone_at = house_now(), gone_proof = :proof, "
            "updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed' AND native_ids = '[]'",
            tenant=scope.tenant_id,
            jti=jti,
            proof=proof,
        )


def mark_for_recall(scope: Scope, jti: UUID, reason: Message) -> bool:
    """Mark a copy as one that must go; whether it was not marked before."""
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE permits SET recalled_at = house_now(), recall_reason = CAST(:reason AS jsonb),"
            " updated_at = house_now() WHERE tenant_id = :tenant AND id = :jti AND recalled_at IS "
            "NULL",
            tenant=scope.tenant_id,
            jti=jti,
            reason=canonical_json(reason.to_json()).decode(),
        )
    return bool(done.rowcount)
