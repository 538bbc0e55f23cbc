"""Findings about bytes other than their rating, recorded by higher layers. They only restrict.

The source of a finding is the classifier that made it, or `HOUSE` for the system's own inspection
of files. An empty source means that a classifier should have inspected the bytes and did not.
`PART` means that it inspected only part of a video, until it is `WHOLE`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import select

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate import epochs
from gate.assets import asset_records, frame_matches, lookalikes
from gate.contract.units import Rating
from gate.ratings import incoming_lookalikes, ratings, seals
from gate.ratings.aggregation import CLASSIFIER_SOURCE
from tenants.notices import notices

HOUSE = "house"
MODEL_SOURCE = "model:"
"""Prefix of the bundled models, followed by name@version. They never rate: their findings only
require a second member (`gate/decision/answer_rules.py`)."""

NOBODY = ""
PART = "part"
WHOLE = "whole"
NEWEST = 1000


class Inspection(TenantRow, table=True):
    """The findings of one source about a file."""

    __tablename__ = "inspections"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256", "source"),
        Index("inspections_films", "tenant_id", "sha256", postgresql_where=text("frames <> '[]'")),
        about="creator",
        keep="while published, then 5 years",
    )
    sha256: str
    source: str
    """"classifier:name@version", "model:name@version", "house", "part", "whole" or "" (a classifier
    did not inspect it)."""
    people: int | None = None
    """The highest number of people in one view; null if the source does not count people."""
    words: list[str] = jsonb_column(list)
    """The text recognized in the picture."""
    hidden: bool = False
    """True if the file contained a preview of other content."""
    turned: list[str] = jsonb_column(list)
    """The perceptual hashes of the mirrored, rotated and negative picture."""
    frames: list[str] = jsonb_column(list)
    """The perceptual hashes of a video's frames."""
    returned: str = ""
    """"near" or "close" if a transformed version or a video frame matches blocked content."""
    explicit: int | None = None
    """Highest likelihood of explicit content in percent, of a bundled model that rates it."""
    face: int | None = None
    """Highest likelihood of a face in percent, of a bundled model that detects faces."""


def record_classifier_finding(
    scope: Scope,
    sha256: str,
    *,
    source: str,
    rating: Rating,
    prohibited: str = "",
    people: int | None = None,
    words: Sequence[str] = (),
) -> None:
    """Record the findings of a classifier; repeated calls add findings and remove none.

    `source` is `classifier:name@version`. `prohibited` ("minor" or "category") is the reason for an
    X rating; such bytes are frozen immediately and the members notified. Raises BadInput for
    another source, and NotFound for unknown bytes.
    """
    if not source.startswith(CLASSIFIER_SOURCE):
        raise BadInput("asset.bad_source", source=source)
    row = _get_or_build_inspection(scope, sha256, source)
    with scope.acting_as("gate"):
        row.people = max(row.people or 0, people) if people is not None else row.people
        row.words = list(dict.fromkeys([*row.words, *words]))
        scope.add(row)
    if rating.rank > ratings.highest_rank_by_source(scope, sha256, source):
        why = Message(f"prohibited.{prohibited or 'category'}") if rating is Rating.X else None
        ratings.record_rating(scope, sha256, rating, source=source, reason=why)
    if rating is Rating.X:
        ratings.freeze_bytes(scope, sha256)
        if prohibited == "minor":
            seals.seal_bytes(scope, sha256, by=source)
        asset = asset_records.find_rendition_by_digest(scope, sha256).asset_id
        notices.put(scope, Message("asset.suspected"), cause=f"picture:{asset}", urgent=True)


def record_model_finding(
    scope: Scope, sha256: str, *, model: str, explicit: int | None = None, face: int | None = None
) -> None:
    """Record what a bundled model, as name@version, found; repeated calls keep the highest values.

    Without values, the model could not finish, and a second member must confirm the file. Raises
    NotFound for unknown bytes.
    """
    row = _get_or_build_inspection(scope, sha256, f"{MODEL_SOURCE}{model}")
    with scope.acting_as("gate"):
        row.explicit = _highest(row.explicit, explicit)
        row.face = _highest(row.face, face)
        scope.add(row)


def _highest(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def record_classifier_missing(scope: Scope, sha256: str) -> None:
    """Record that a required classifier could not run. Until one has run, a member must review the
    bytes.

    Raises NotFound.
    """
    with scope.acting_as("gate"):
        scope.add(_get_or_build_inspection(scope, sha256, NOBODY))


def record_partial_inspection(scope: Scope, sha256: str) -> None:
    """Record that a classifier inspected only part of a video. Until it has inspected all of it, a
    member must review the video."""
    with scope.acting_as("gate"):
        scope.add(_get_or_build_inspection(scope, sha256, PART))


def record_full_inspection(scope: Scope, sha256: str) -> None:
    """Record that a classifier has inspected the whole video."""
    with scope.acting_as("gate"):
        scope.add(_get_or_build_inspection(scope, sha256, WHOLE))


def record_file_inspection(
    scope: Scope,
    sha256: str,
    *,
    hidden: bool,
    turned: Sequence[str] = (),
    words: Sequence[str] = (),
    frames: Sequence[str] = (),
) -> None:
    """Record the system's own inspection of a file, and match its transformed versions to the
    blocklist.

    `words` are texts in the file (subtitles); `frames` are the perceptual hashes of a video's
    frames. Raises NotFound for unknown bytes.
    """
    row = _get_or_build_inspection(scope, sha256, HOUSE)
    _one_at_a_time(scope)
    with scope.acting_as("gate"):
        row.hidden = row.hidden or hidden
        row.turned = list(turned) or row.turned
        row.words = list(dict.fromkeys([*row.words, *words]))
        row.frames = list(frames) or row.frames
        scope.add(row)
        scope.session.flush()  # The frame comparison reads the stored row.
        row.returned = lookalikes.stricter_match(
            row.returned, lookalikes.nearest_blocklist_match(scope, row.turned)
        )
        row.returned = lookalikes.stricter_match(
            row.returned, frame_matches.match_frames(scope, sha256, row.frames)
        )
        scope.add(row)
    incoming_lookalikes.join_open_requests(scope, sha256)


# Comparing all transformed hashes at each decision would take sixteen times as long as one hash.
_CAME_BACK = """
INSERT INTO inspections (tenant_id, id, sha256, source, words, hidden, turned, returned)
SELECT r.tenant_id, gen_random_uuid(), r.sha256, i.source, '[]', false, '[]',
  CASE WHEN min(bit_count(CAST(r.look # w.look AS bit(64)))) <= :near THEN 'near' ELSE 'close' END
FROM inspections i, LATERAL jsonb_array_elements_text(i.turned) t(hex),
  LATERAL (SELECT CAST(CAST('x' || t.hex AS bit(64)) AS bigint) AS look) w, renditions r
WHERE i.tenant_id = :tenant AND i.sha256 = :sha256 AND i.source = :house AND r.tenant_id = :tenant
  AND bit_count(CAST(r.look # w.look AS bit(64))) <= :close
GROUP BY r.tenant_id, r.sha256, i.source
ON CONFLICT (tenant_id, sha256, source) DO UPDATE SET updated_at = house_now(),
  returned = CASE WHEN inspections.returned = 'near' THEN 'near' ELSE excluded.returned END
"""


_MARK = """
INSERT INTO inspections (tenant_id, id, sha256, source, words, hidden, turned, returned)
VALUES (:tenant, :id, :sha256, :house, '[]', false, '[]', :returned)
ON CONFLICT (tenant_id, sha256, source) DO UPDATE SET updated_at = house_now(),
  returned = CASE WHEN inspections.returned = 'near' THEN 'near' ELSE excluded.returned END
"""


def mark_lookalikes_of_blocked(scope: Scope, sha256: str) -> None:
    """Mark the mirrored and rotated look-alikes of newly blocked bytes.

    Decisions then read the mark instead of comparing pictures. Call it in the transaction that
    blocks the bytes, which holds the exclusive lock on the tenant's epoch.
    """
    _one_at_a_time(scope)
    with scope.acting_as("gate"):
        scope.run(
            _CAME_BACK,
            tenant=scope.tenant_id,
            sha256=sha256,
            house=HOUSE,
            near=lookalikes.NEAR_BITS,
            close=lookalikes.CLOSE_BITS,
        )
        for other, answer in frame_matches.find_frame_lookalikes(scope, sha256).items():
            scope.run(
                _MARK,
                tenant=scope.tenant_id,
                id=uuid7(),
                sha256=other,
                house=HOUSE,
                returned=answer,
            )


_TURNED_BACK = """
SELECT min(bit_count(CAST(r.look # w.look AS bit(64)))) FROM renditions r, blocklist b
JOIN inspections i ON i.tenant_id = b.tenant_id AND i.sha256 = b.sha256 AND i.source = :house,
  LATERAL jsonb_array_elements_text(i.turned) t(hex),
  LATERAL (SELECT CAST(CAST('x' || t.hex AS bit(64)) AS bigint) AS look) w
WHERE r.tenant_id = :tenant AND r.sha256 = :sha256 AND b.tenant_id = :tenant
"""


def recheck_marked_pictures(scope: Scope) -> None:
    """Compare each marked picture with the blocklist again, after an entry was removed."""
    _one_at_a_time(scope)
    marked = scope.session.exec(
        select(Inspection)
        .where(
            Inspection.tenant_id == scope.tenant_id,
            Inspection.source == HOUSE,
            Inspection.returned != "",
        )
        .execution_options(populate_existing=True)
    ).all()
    with scope.acting_as("gate"):
        for row in marked:
            bits = scope.run(
                _TURNED_BACK, tenant=scope.tenant_id, sha256=row.sha256, house=HOUSE
            ).scalar_one()
            row.returned = lookalikes.stricter_match(
                lookalikes.nearest_blocklist_match(scope, row.turned),
                lookalikes.match_of_distance(bits),
            )
            row.returned = lookalikes.stricter_match(
                row.returned, frame_matches.match_frames(scope, row.sha256, row.frames)
            )
            scope.add(row)


def _one_at_a_time(scope: Scope) -> None:
    """Serialize new blocklist entries and new pictures. In lock order, this lock follows every
    epoch."""
    scope.lock(f"{scope.tenant_id}:turned")


def needs_inspection(scope: Scope, sha256: str) -> bool:
    """Return True if these bytes lack a full inspection by a classifier. Sealed bytes never get
    one."""
    if seals.sealed_digests(scope, [sha256]):
        return False
    found = scope.session.exec(
        select(Inspection.source).where(
            Inspection.tenant_id == scope.tenant_id, Inspection.sha256 == sha256
        )
    ).all()
    return has_missing_classifier(found)


def has_missing_classifier(sources: Collection[str]) -> bool:
    """Return True if these sources lack a required classifier, or one inspected only a part."""
    nobody = NOBODY in sources and not any(
        source.startswith(CLASSIFIER_SOURCE) for source in sources
    )
    return nobody or (PART in sources and WHOLE not in sources)


@dataclass(frozen=True)
class ClassifierStatus:
    """The classifier that ran last, as name and version, and its time (UTC); "" and None without
    one.

    `missed` is the number of bytes that a required classifier did not inspect.
    """

    version: str
    at: datetime | None
    missed: int


_EYES = """
WITH newest AS (SELECT id, sha256, source, created_at FROM inspections WHERE tenant_id = :tenant
  ORDER BY id DESC LIMIT :newest),
looked AS (SELECT source, created_at FROM newest WHERE starts_with(source, :advice) ORDER BY id
DESC LIMIT 1)
SELECT (SELECT source FROM looked) AS source, (SELECT created_at FROM looked) AS at,
  (SELECT count(*) FROM newest n WHERE n.source = :nobody AND NOT EXISTS (SELECT FROM inspections i
    WHERE i.tenant_id = :tenant AND i.sha256 = n.sha256 AND starts_with(i.source, :advice))) AS
    missed
"""


def classifier_status(scope: Scope) -> ClassifierStatus:
    """Return the status of the classifier, from the latest thousand inspections of the agency."""
    row = scope.run(
        _EYES, tenant=scope.tenant_id, newest=NEWEST, advice=CLASSIFIER_SOURCE, nobody=NOBODY
    ).one()
    return ClassifierStatus((row.source or "").removeprefix(CLASSIFIER_SOURCE), row.at, row.missed)


def _get_or_build_inspection(scope: Scope, sha256: str, source: str) -> Inspection:
    """Return the inspection row of a source, or a new one.

    The lock excludes other writers about these bytes until the end of the transaction.
    """
    epochs.lock_and_advance(
        scope,
        epochs.asset_key(scope, asset_records.find_rendition_by_digest(scope, sha256).asset_id),
    )
    found = scope.session.exec(
        select(Inspection)
        .where(
            Inspection.tenant_id == scope.tenant_id,
            Inspection.sha256 == sha256,
            Inspection.source == source,
        )
        .execution_options(populate_existing=True)
    ).first()
    return found or Inspection(tenant_id=scope.tenant_id, sha256=sha256, source=source)
