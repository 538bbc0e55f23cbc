"""Published copies of consumed permits, recorded for recalls and for references to own posts."""

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
    """A consumed permit and its copy, which may be visible unless `removed_at` is set."""

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
    """The copy that this permit edited or may have edited. That copy is the live post to remove."""
    url: str = ""
    """The public address, if the platform reported it after publication."""


def copy_from_row(row: PermitRow) -> LiveCopy:
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
"""Excludes edits, whose text is visible in their copy and removed with it."""


def _contains_value(column: object, value: object) -> ColumnElement[bool]:
    return type_coerce(column, JSONB).contains([value])


def find_copy(scope: Scope, jti: UUID) -> LiveCopy | None:
    """Return the copy of a permit, or None if there is none or it was not published."""
    return next(iter(_list_matching_copies(scope, col(PermitRow.id) == jti)), None)


def list_copies(scope: Scope, subject: Subject) -> list[LiveCopy]:
    """Return every copy of a subject that has a platform ID, oldest first."""
    found = _list_matching_copies(
        scope, col(PermitRow.subject_kind) == subject.kind, col(PermitRow.subject_id) == subject.id
    )
    return [each for each in found if each.native_ids]


def list_consumed_permits(scope: Scope, subject: Subject) -> list[LiveCopy]:
    """Return every consumed permit of a subject, oldest first.

    Uploads and unconfirmed publications are included.
    """
    here = (col(PermitRow.subject_kind) == subject.kind, col(PermitRow.subject_id) == subject.id)
    return _list_matching_copies(scope, *here, _PLACED)


def find_copy_by_native_id(scope: Scope, channel_id: UUID, native_id: str) -> LiveCopy | None:
    """Return the copy with a platform's ID on a channel, or None for other content."""
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
"""Selects the bytes in which a person is currently named, and their derivatives."""


def live_copies_of_person(scope: Scope, person_id: UUID) -> list[LiveCopy]:
    """Return every copy that shows a person and is not confirmed as removed."""
    return _of_person(scope, person_id, col(PermitRow.gone_at).is_(None))


def all_copies_of_person(scope: Scope, person_id: UUID) -> list[LiveCopy]:
    """Return every copy that shows a person and is live or was recalled."""
    return _of_person(
        scope,
        person_id,
        or_(col(PermitRow.gone_at).is_(None), col(PermitRow.recalled_at).is_not(None)),
    )


def _of_person(scope: Scope, person_id: UUID, condition: ColumnElement[bool]) -> list[LiveCopy]:
    """Return the copies whose permit names a person, and the copies of bytes in which they are
    named now."""
    named = list(scope.run(_NAMED, tenant=scope.tenant_id, person=person_id).scalars())
    shows = or_(_contains_value(PermitRow.persons, str(person_id)), _shows_any(named))
    return _list_matching_copies(scope, shows, _PLACED, condition)


def live_copies_of_bytes(scope: Scope, *digests: str) -> list[LiveCopy]:
    """Return every copy of these bytes that is not confirmed as removed, oldest first."""
    return _of_bytes(scope, digests, col(PermitRow.gone_at).is_(None))


def all_copies_of_bytes(scope: Scope, *digests: str) -> list[LiveCopy]:
    """Return every copy of these bytes, including removed ones, oldest first."""
    return _of_bytes(scope, digests)


def _of_bytes(
    scope: Scope, digests: Sequence[str], *conditions: ColumnElement[bool]
) -> list[LiveCopy]:
    if not digests:
        return []
    return _list_matching_copies(scope, _shows_any(digests), _PLACED, *conditions)


def _shows_any(digests: Sequence[str]) -> ColumnElement[bool]:
    """Match any of the digests with one array parameter, since statements limit the number of
    parameters."""
    shows: ColumnElement[bool] = type_coerce(PermitRow.media, JSONB).has_any(
        literal(list(digests), ARRAY(Text))
    )
    return shows


def record_copy(scope: Scope, jti: UUID, native_id: str, visible_at: datetime) -> None:
    """Record the platform ID of a permit's copy and the time it became visible.

    Raises NotFound.
    """
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
    """Record the public address of a permit's copy, unless one is known."""
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET url = :url, updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed' AND url = ''",
            tenant=scope.tenant_id,
            jti=jti,
            url=url,
        )


def record_file_ids(scope: Scope, jti: UUID, file_ids: Sequence[str]) -> None:
    """Record the platform's IDs of a copy's files, so that later posts can refer to them."""
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET file_ids = CAST(:files AS jsonb), updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed'",
            tenant=scope.tenant_id,
            jti=jti,
            files=canonical_json(sorted(set(file_ids))).decode(),
        )


def record_read_back(scope: Scope, jti: UUID, *, missing: Collection[str], there: bool) -> None:
    """Record a check of a published copy: whether it was visible, and the flags that it lacks."""
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
    """Record that a copy is removed; `proof` is the evidence (`404`, `deleted:<id>`,
    `member:<id>`).

    Replacements of the copy end with it. The first proof is kept. Raises BadInput without a proof,
    and NotFound for an unknown permit.
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
    """Record that a copy now shows the replacement picture or a service text.

    The copy still counts as live, with its own media, until it is confirmed as removed. The
    replacement's own permits have no platform ID.
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
    """Return the permits of the copies that show a replacement."""
    asked = {"kind": replacement_picture.REPLACEMENT_STEP, "jtis": [each.jti for each in found]}
    return frozenset(scope.run(_REPLACED, tenant=scope.tenant_id, **asked).scalars())


def void_permit(scope: Scope, jti: UUID, proof: str) -> None:
    """Void a permit whose request was proven not to be sent (`not_sent`) or not to have arrived."""
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
    """Mark a copy for recall. Return True if it was not marked before."""
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
