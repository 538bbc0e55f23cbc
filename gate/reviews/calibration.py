"""Calibration: two members independently rate the same pictures from the agency's own history.

Neither sees the other's ratings or the current ones. If they agree too little, nothing above
General passes by rules alone until two members agree again. An agency without a calibration is not
restricted, because an agency that publishes only General content cannot calibrate.

The measure is Cohen's kappa (Educational and Psychological Measurement 20, 1960) over the five
ratings, unweighted. Agencies are reminded once a month.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets import viewings
from gate.contract.facts import MIN_AGREEMENT_PERMILLE
from gate.contract.units import Rating
from gate.ratings import ratings
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import device_fingerprints
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tenants.scope import list_tenant_ids

ACTOR = "system:calibrating"
MAX_CALIBRATION_PICTURES = 100
MIN_CALIBRATION_PICTURES = 20
"""Minimum number of pictures: with fewer, agreement is not significant."""

MIN_AGREEMENT = Fraction(MIN_AGREEMENT_PERMILLE, 1000)
"""Minimum agreement; below it, Suggestive and higher ratings do not pass by rules alone."""

EVERY = timedelta(days=31)
LOW_AGREEMENT_CAUSE = "calibration:low"


class Calibration(TenantRow, table=True):
    """Pictures for two members to rate; `tiles` are their digests in display order. The app may
    insert."""

    __tablename__ = "calibrations"
    __table_args__ = table_arguments(about="member", keep="5 years")
    tiles: list[str] = jsonb_column(list)


class CalibrationRating(TenantRow, table=True):
    """A member's blind rating of one picture. The app may insert one per member and picture."""

    __tablename__ = "calibration_words"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "calibration_id", "principal_id", "sha256", name="calibration_words_once"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "calibration_id"], ["calibrations.tenant_id", "calibrations.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principals.tenant_id", "principals.id"]
        ),
        about="member",
        keep="5 years",
    )
    calibration_id: UUID
    principal_id: UUID
    sha256: str
    rating: str


class CalibrationResult(TenantRow, table=True):
    """The agreement of two members, in thousandths (-1000 to 1000).

    The gate writes it; the newest one is in effect.
    """

    __tablename__ = "calibration_results"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "calibration_id", name="calibration_results_once"),
        Index("calibration_results_newest", "tenant_id", "created_at"),
        about="member",
        keep="5 years",
    )
    calibration_id: UUID
    kappa: int


@dataclass(frozen=True)
class CalibrationRated:
    """A member rated the last picture of a calibration, the subject; it may be complete."""

    kind: ClassVar[str] = "calibration.done"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OpenCalibration:
    """A calibration in progress for one member: the pictures that are not rated yet, in order, and
    the total number of pictures."""

    id: UUID
    left: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class CalibrationSummary:
    """The latest agreement of two members, in thousandths, and its time."""

    kappa: int
    at: datetime

    @property
    def is_sufficient(self) -> bool:
        """Return True if the agreement permits content to pass by rules alone."""
        return self.kappa >= MIN_AGREEMENT * 1000


def cohen_kappa(one: Mapping[str, Rating], other: Mapping[str, Rating]) -> Fraction:
    """Return the agreement of two members beyond chance, from -1 to 1, on the pictures that both
    rated.

    Return 1 if both gave every picture the same single rating. Raises BadInput if they have no
    picture in common. The function is pure.
    """
    both = sorted(one.keys() & other.keys())
    if not both:
        raise BadInput("calibration.too_few", least=MIN_CALIBRATION_PICTURES)
    total = len(both)
    seen = Fraction(sum(one[each] is other[each] for each in both), total)
    mine = Counter(one[each] for each in both)
    theirs = Counter(other[each] for each in both)
    chance = sum(
        (Fraction(mine[each] * theirs[each], total * total) for each in Rating), Fraction()
    )
    return Fraction(1) if chance == 1 else (seen - chance) / (1 - chance)


def final_rating(picked: Sequence[Rating]) -> Rating:
    """Return the rating that a member means by a series of choices.

    It is the last one, or the highest of all if they changed their mind more than once. Raises
    BadInput for an empty series. The function is pure.
    """
    if not picked:
        raise BadInput("review.set_unclear")
    turns = sum(a is not b for a, b in pairwise(picked))
    return picked[-1] if turns <= 1 else max(picked, key=lambda rating: rating.rank)


# The ID is new for each calibration and part of the sort key, so no member can choose the sample.
_HISTORY = """
SELECT r.sha256 FROM renditions r JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
WHERE r.tenant_id = :tenant AND a.creator_id = ANY(:creators) AND a.parent_id IS NULL
  AND r.state = 'made' AND r.erased_at IS NULL
  AND EXISTS (SELECT FROM content_ratings c WHERE c.tenant_id = r.tenant_id AND c.sha256 = r.sha256)
ORDER BY md5(r.sha256 || CAST(:id AS text)) LIMIT :most
"""

_ENOUGH = """
SELECT count(DISTINCT r.sha256) >= :fewest AND bool_or(c.rating <> 'G') FROM renditions r
JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id AND a.parent_id IS NULL
JOIN content_ratings c ON c.tenant_id = r.tenant_id AND c.sha256 = r.sha256
WHERE r.tenant_id = :tenant AND r.state = 'made' AND r.erased_at IS NULL
"""


def has_enough_pictures(scope: Scope) -> bool:
    """Return True if enough pictures are rated for a calibration and at least one is above General.

    General content alone needs no calibration.
    """
    return bool(
        scope.run(_ENOUGH, tenant=scope.tenant_id, fewest=MIN_CALIBRATION_PICTURES).scalar()
    )


def begin_calibration(scope: Scope, creators: Collection[UUID]) -> UUID:
    """Start a calibration with a random sample of rated pictures and return its ID.

    Raises Refused for a member who may not review, Conflict while a calibration is open, and
    BadInput if there are too few pictures.
    """
    _get_reviewer(scope)
    scope.lock(f"{scope.tenant_id}:calibrating")
    if _find_open_calibration(scope) is not None:
        raise Conflict("calibration.open")
    row_id = uuid7()
    asked = {"creators": list(creators), "id": row_id, "most": MAX_CALIBRATION_PICTURES}
    tiles = list(scope.run(_HISTORY, tenant=scope.tenant_id, **asked).scalars())
    standing = ratings.display_ratings(scope, tiles)
    tiles = [
        sha256
        for sha256 in tiles
        if standing[sha256].rating is not None and not standing[sha256].is_withheld
    ]
    if len(tiles) < MIN_CALIBRATION_PICTURES:
        raise BadInput("calibration.too_few", least=MIN_CALIBRATION_PICTURES)
    scope.add(Calibration(tenant_id=scope.tenant_id, id=row_id, tiles=tiles))
    audit.record(scope, "calibration.begun", f"calibration:{row_id}", count=len(tiles))
    return row_id


def open_calibration_of_actor(scope: Scope) -> OpenCalibration | None:
    """Return the open calibration for the acting member, or None if they have nothing left to rate.

    It contains no ratings of others.
    """
    member = _get_reviewer(scope)
    row = _find_open_calibration(scope)
    if row is None:
        return None
    standing = ratings.display_ratings(scope, row.tiles)
    said = _ratings_by_principal(scope, row.id).get(member.principal_id, {})
    left = tuple(
        one
        for one in row.tiles
        if one not in said and one in standing and not standing[one].is_withheld
    )
    return OpenCalibration(row.id, left, len(row.tiles)) if left else None


def is_calibration_open(scope: Scope) -> bool:
    """Return True if a calibration is in progress."""
    return _find_open_calibration(scope) is not None


def rate_blind(scope: Scope, calibration_id: UUID, sha256: str, picked: Sequence[Rating]) -> None:
    """Rate one picture of a calibration, without seeing other ratings.

    `picked` are the ratings that the member chose, in order. Raises Refused for a member who may
    not review and for a picture that was not shown, Conflict for a picture that they already rated
    or a calibration that is over, and NotFound for a picture that is not part of it.
    """
    member = _get_reviewer(scope)
    row = _find_open_calibration(scope)
    if row is None or row.id != calibration_id:
        raise Conflict("calibration.over")
    if sha256 not in row.tiles:
        raise NotFound("review.unknown")
    said = _ratings_by_principal(scope, row.id).get(member.principal_id, {})
    if sha256 in said:
        raise Conflict("calibration.said")
    if not viewings.viewed_digests_of(scope, member.principal_id, [sha256]):
        raise Refused("review.set_unseen", count=1)
    word = CalibrationRating(
        tenant_id=scope.tenant_id,
        calibration_id=row.id,
        principal_id=member.principal_id,
        sha256=sha256,
        rating=str(final_rating(picked)),
    )
    scope.add(word)
    if len(said) + 1 >= min(len(row.tiles), MIN_CALIBRATION_PICTURES):
        due = CalibrationRated(scope.tenant_id, row.id)
        outbox.put(scope, due, dedupe=f"calibration:{row.id}:{member.principal_id}:{len(said)}")


def handle_calibration_rated(event: CalibrationRated, *, tenant: OpenScope) -> None:
    """Record the agreement once two different people have rated every picture that can still be
    shown."""
    with tenant(event.tenant_id, ACTOR) as scope:
        row = _find_open_calibration(scope)
        if row is None or row.id != event.subject_id:
            return
        standing = ratings.display_ratings(scope, row.tiles)
        wanted = {one for one in row.tiles if one in standing and not standing[one].is_withheld}
        done = {
            who: said
            for who, said in _ratings_by_principal(scope, row.id).items()
            if wanted <= said.keys()
        }
        pair = _find_rater_pair(done, device_fingerprints.same_humans(scope))
        if pair is not None:
            _record_result(scope, row.id, cohen_kappa(done[pair[0]], done[pair[1]]))


def _find_rater_pair(
    done: Mapping[UUID, Mapping[str, Rating]], same: Mapping[UUID, frozenset[UUID]]
) -> tuple[UUID, UUID] | None:
    people = sorted(done)
    pairs = ((a, b) for at, a in enumerate(people) for b in people[at + 1 :])
    return next(
        ((a, b) for a, b in pairs if b not in same.get(a, ()) and a not in same.get(b, ())), None
    )


def _record_result(scope: Scope, calibration_id: UUID, found: Fraction) -> None:
    thousandths = round(found * 1000)
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO calibration_results (tenant_id, id, calibration_id, kappa)"
            " VALUES (:tenant, :id, :calibration, :kappa) ON CONFLICT DO NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            calibration=calibration_id,
            kappa=thousandths,
        )
    audit.record(scope, "calibration.done", f"calibration:{calibration_id}", kappa=thousandths)
    if found < MIN_AGREEMENT:
        notices.put(scope, Message("calibration.low"), cause=LOW_AGREEMENT_CAUSE, urgent=True)
    else:
        notices.close(scope, LOW_AGREEMENT_CAUSE)


def last_calibration(scope: Scope) -> CalibrationSummary | None:
    """Return the latest agreement, or None if there is none."""
    row = scope.session.exec(
        select(CalibrationResult)
        .where(CalibrationResult.tenant_id == scope.tenant_id)
        .order_by(col(CalibrationResult.created_at).desc(), col(CalibrationResult.id).desc())
        .limit(1)
    ).first()
    return CalibrationSummary(row.kappa, row.created_at or scope.now) if row is not None else None


def _find_open_calibration(scope: Scope) -> Calibration | None:
    """Return the calibration in progress: without a result and at most 31 days old."""
    return scope.session.exec(
        select(Calibration)
        .where(
            Calibration.tenant_id == scope.tenant_id,
            col(Calibration.created_at) > scope.now - EVERY,
            ~select(CalibrationResult.id)
            .where(
                CalibrationResult.tenant_id == scope.tenant_id,
                CalibrationResult.calibration_id == Calibration.id,
            )
            .exists(),
        )
        .order_by(col(Calibration.id).desc())
        .limit(1)
    ).first()


def _ratings_by_principal(scope: Scope, calibration_id: UUID) -> dict[UUID, dict[str, Rating]]:
    rows = scope.session.exec(
        select(
            CalibrationRating.principal_id, CalibrationRating.sha256, CalibrationRating.rating
        ).where(
            CalibrationRating.tenant_id == scope.tenant_id,
            CalibrationRating.calibration_id == calibration_id,
        )
    )
    found: dict[UUID, dict[str, Rating]] = {}
    for principal, sha256, rating in rows:
        found.setdefault(principal, {})[sha256] = Rating(rating)
    return found


def _get_reviewer(scope: Scope) -> queries.Member:
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.REVIEW)
    return member


CAUSE = "calibration.month"


@dataclass(frozen=True)
class CalibrationReminderDue:
    """Find the agencies without a calibration this month.

    `tenant_id` and `subject_id` are those of the installation.
    """

    kind: ClassVar[str] = "calibration.remind"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


def send_calibration_reminders(event: CalibrationReminderDue, *, tenant: OpenScope) -> None:
    """Notify each agency that could calibrate its reviewers and has not done so this month."""
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            if not queries.get_agency(scope).demo:  # The demo agency has a scripted day.
                put_calibration_notice(scope)


def put_calibration_notice(scope: Scope) -> None:
    """Create the notice of this month if a calibration is due, and close outdated ones."""
    month = calibration_month_start(scope)
    cause = f"{CAUSE}:{month:%Y-%m}"
    wanted = is_calibration_due(scope, month)
    for notice in list_open_notices(scope, limit=1000):
        if notice.cause.startswith(f"{CAUSE}:") and not (wanted and notice.cause == cause):
            notices.close(scope, notice.cause)
    # A notice that a member dismissed does not return before the next month.
    if wanted and not notices.has_been_notified(scope, cause):
        notices.put(scope, Message("calibration.month"), cause=cause)


def calibration_month_start(scope: Scope) -> datetime:
    """Return the start of the current month in the agency's time zone."""
    here = scope.now.astimezone(ZoneInfo(queries.get_agency(scope).zone))
    return here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def is_calibration_due(scope: Scope, since: datetime) -> bool:
    """Return True if two reviewers could calibrate, content above General exists, and none was done
    since."""
    last = last_calibration(scope)
    return (
        (last is None or last.at < since)
        and _has_two_reviewers(scope)
        and has_enough_pictures(scope)
    )


def _has_two_reviewers(scope: Scope) -> bool:
    """Return True if two different people may review."""
    humans = {
        one.principal_id for one in queries.list_members(scope) if has_right(one.role, Right.REVIEW)
    }
    same = device_fingerprints.same_humans(scope)
    return any(b not in same.get(a, ()) for a in humans for b in humans if a < b)
