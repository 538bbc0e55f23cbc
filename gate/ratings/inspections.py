"""What was found in bytes beside their rating: evidence that rooms above hand down. It raises and
holds back, no more.

A classifier's word is kept by its source; our own reading of a file under `HOUSE`; that a
classifier should have looked and did not, under `NOBODY`; that it saw a part of a film, under
`PART`, until one has seen it `WHOLE`.
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
NOBODY = ""
PART = "part"
WHOLE = "whole"
NEWEST = 1000


class Inspection(TenantRow, table=True):
    """What one source found in some bytes."""

    __tablename__ = "inspections"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256", "source"),
        Index("inspections_films", "tenant_id", "sha256", postgresql_where=text("frames <> '[]'")),
        about="creator",
        keep="while published, then 5 years",
    )
    sha256: str
    source: str
    """classifier:name@version, house, part, whole, or nothing: a classifier should have looked, and
    did not."""
    people: int | None = None
    """The most it counted in one view; null where it counts none."""
    words: list[str] = jsonb_column(list)
    """What it read in the picture."""
    hidden: bool = False
    """The file held a preview that shows something else."""
    turned: list[str] = jsonb_column(list)
    """The perceptual hashes of the picture mirrored, turned and as its negative."""
    frames: list[str] = jsonb_column(list)
    """The perceptual hashes of a film's frames."""
    returned: str = ""
    """near or close: turned, mirrored or within a film, it is what was blocked."""


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
    """Write down what a classifier found; said again, it adds what is new and takes nothing back.

    `source` is `classifier:name@version`; `prohibited` (minor or category) says why something is X,
    and such bytes are frozen at once and the members told. Raises BadInput for another source,
    NotFound for bytes nobody recorded.
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


def record_classifier_missing(scope: Scope, sha256: str) -> None:
    """A classifier should have looked and could not: until one has, a person's word is needed.
    Raises NotFound."""
    with scope.acting_as("gate"):
        scope.add(_get_or_build_inspection(scope, sha256, NOBODY))


def record_partial_inspection(scope: Scope, sha256: str) -> None:
    """A classifier said something of a film, and could not say all: until one has, a person's word
    is needed."""
    with scope.acting_as("gate"):
        scope.add(_get_or_build_inspection(scope, sha256, PART))


def record_full_inspection(scope: Scope, sha256: str) -> None:
    """A classifier has looked at all of it by now."""
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
    """Write down what our own reading of the file found, and whether the picture, turned, is one
    that was blocked.

    `words` stand in it (subtitles); `frames` are the perceptual hashes of a film's. Raises NotFound
    for bytes nobody recorded.
    """
    row = _get_or_build_inspection(scope, sha256, HOUSE)
    _one_at_a_time(scope)
    with scope.acting_as("gate"):
        row.hidden = row.hidden or hidden
        row.turned = list(turned) or row.turned
        row.words = list(dict.fromkeys([*row.words, *words]))
        row.frames = list(frames) or row.frames
        scope.add(row)
        scope.session.flush()  # a film is compared where it is recorded
        row.returned = lookalikes.stricter_match(
            row.returned, lookalikes.nearest_blocklist_match(scope, row.turned)
        )
        row.returned = lookalikes.stricter_match(
            row.returned, frame_matches.match_frames(scope, sha256, row.frames)
        )
        scope.add(row)
    incoming_lookalikes.join_open_requests(scope, sha256)


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
    """Bytes were blocked: what shows the same, mirrored or turned, is marked once, so that no
    decision has to look.

    In the transaction that blocks them, which holds the tenant's epoch alone.
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
    """A blocklist entry was lifted: each picture that is marked as one that came back is compared
    once more."""
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
    """What is blocked and what comes in at the same moment see each other. After every epoch in the
    lock order."""
    scope.lock(f"{scope.tenant_id}:turned")


def needs_inspection(scope: Scope, sha256: str) -> bool:
    """Whether a classifier should have looked at all of these bytes and none has; none ever looks
    at what is sealed."""
    if seals.sealed_digests(scope, [sha256]):
        return False
    found = scope.session.exec(
        select(Inspection.source).where(
            Inspection.tenant_id == scope.tenant_id, Inspection.sha256 == sha256
        )
    ).all()
    return has_missing_classifier(found)


def has_missing_classifier(sources: Collection[str]) -> bool:
    """Whether, of those who said something of some bytes, a classifier that should have is missing
    or saw a part."""
    nobody = NOBODY in sources and not any(
        source.startswith(CLASSIFIER_SOURCE) for source in sources
    )
    return nobody or (PART in sources and WHOLE not in sources)


@dataclass(frozen=True)
class ClassifierStatus:
    """Which classifier looked last, by its name and version, and when (UTC); "" and None where none
    did. `missed` are bytes that one should have looked at, and none has."""

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
    """What looked at this agency's pictures beside people, of the thousand findings that were noted
    last."""
    row = scope.run(
        _EYES, tenant=scope.tenant_id, newest=NEWEST, advice=CLASSIFIER_SOURCE, nobody=NOBODY
    ).one()
    return ClassifierStatus((row.source or "").removeprefix(CLASSIFIER_SOURCE), row.at, row.missed)


def _get_or_build_inspection(scope: Scope, sha256: str, source: str) -> Inspection:
    """The row of a source, new where there is none; nobody else writes about these bytes until the
    transaction ends."""
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
