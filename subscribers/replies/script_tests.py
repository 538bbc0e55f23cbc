"""Tests of bot scripts: two to four versions of a persona answer different fans.

A hash assigns a fan at the first answer of the bot and never changes. The versions differ only in
the script: not in the character, its languages and the forbidden topics. All versions have the same
autonomy, the lowest of them; a version that was never active needs approval of its replies.
`insights.analysis.script_test_verdicts` computes the result.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived_uuid, uuid7
from foundation.money import is_currency
from subscribers.ledger.fan_results import typical_spender_cap
from subscribers.replies import autonomy, persona
from subscribers.replies.models import Persona, ScriptTest, ScriptTestFan
from subscribers.replies.persona import PersonaVersion
from tenants import audit

VARIANTS = ("a", "b", "c", "d")
"""Names of the versions, in order. A is the persona that was active at the start."""

METRICS = ("buyers", "net")
"""The share of fans who buy, or their net spending, within the window."""

METHODS = ("fixed", "sequential")
MIN_FANS = 200
MAX_FANS = 20_000
"""Limits of the number of fans of a test."""

WINDOWS = (3, 7, 14, 28)
"""Days after the first answer in which sales count."""

SAME_FIELDS = ("name", "virtual", "languages", "forbidden", "opening_hours")
"""Fields in which the versions of a test must not differ."""

SHOWN = 60

_ENTER = """
INSERT INTO script_test_fans (tenant_id, id, creator_id, test_id, fan_id, variant, exposed_at)
SELECT :tenant, :id, :creator, :test, :fan, :variant, :now
WHERE (SELECT count(*) FROM script_test_fans WHERE tenant_id = :tenant AND test_id = :test) < :most
ON CONFLICT (tenant_id, test_id, fan_id) DO NOTHING
"""


@dataclass(frozen=True)
class ScriptTestRequest:
    """A test to start. `personas` are the versions B to D; A is the active one. `planned` is the
    number of fans in total, `window_days` the days after the first answer in which sales count,
    `currency` that of the metric `net`."""

    personas: tuple[UUID, ...]
    metric: str
    planned: int
    window_days: int
    method: str = "fixed"
    currency: str = ""


@dataclass(frozen=True)
class ScriptTestSummary:
    """A test. Instants are UTC-aware; `kept` is the version that was kept, "" while it runs."""

    id: UUID
    creator_id: UUID
    personas: Mapping[str, UUID]
    metric: str
    method: str
    planned: int
    window_days: int
    currency: str
    cap_minor: int | None
    begun_at: datetime
    ended_at: datetime | None
    kept: str
    names: Mapping[str, int] = field(default_factory=dict)
    """The version number of each persona."""
    verdict: Mapping[str, Any] | None = None
    """The result at the end in JSON form, None while the test runs."""


@dataclass(frozen=True)
class ExposedFan:
    """A fan of a test: the version and the time of the first answer (UTC-aware)."""

    fan_id: UUID
    variant: str
    at: datetime


def draw_script(test_id: UUID, fan_id: UUID, variants: int) -> str:
    """Return the version of a fan: equally likely, always the same; pure."""
    drawn = sha256(f"{test_id}\x1f{fan_id}".encode()).digest()
    return VARIANTS[int.from_bytes(drawn[:8]) % variants]


def start_script_test(
    scope: Scope, creator_id: UUID, wanted: ScriptTestRequest, *, key: UUID, by: str
) -> UUID:
    """Start a test for the fans whom the bot answers from now on; once per `key`. Return its ID.

    Raises BadInput for an invalid request and for versions that differ in more than the script,
    Conflict without an active persona and while another test of the creator runs, NotFound.
    """
    test_id = derived_uuid(scope.tenant_id, key, "script-test")
    if scope.session.get(ScriptTest, (scope.tenant_id, test_id)) is not None:
        return test_id
    scope.lock(f"persona:{creator_id}")
    _check_request(wanted)
    if persona.has_running_script_test(scope, creator_id):
        raise Conflict("scripts.running")
    active = next(
        (
            one
            for one in persona.list_personas(scope, creator_id, limit=1000)
            if one.state == "active"
        ),
        None,
    )
    if active is None:
        raise Conflict("scripts.no_persona")
    others = [persona.get_persona(scope, one) for one in wanted.personas]
    for one in others:
        if persona.creator_of_persona(scope, one.id) != creator_id:
            raise NotFound("persona.unknown")
    _check_versions(active.persona, [one.persona for one in others])
    row = ScriptTest(
        tenant_id=scope.tenant_id,
        id=test_id,
        creator_id=creator_id,
        personas=[str(one.id) for one in (active, *others)],
        metric=wanted.metric,
        method=wanted.method,
        planned=wanted.planned,
        window_days=wanted.window_days,
        currency=wanted.currency,
        cap_minor=typical_spender_cap(scope, creator_id, wanted.currency, days=wanted.window_days)
        if wanted.metric == "net"
        else None,
        by=by,
    )
    scope.add(row)
    audit.record(scope, "persona.test_started", f"creator:{creator_id}", versions=len(row.personas))
    return test_id


def _check_request(wanted: ScriptTestRequest) -> None:
    if (
        wanted.metric not in METRICS
        or wanted.method not in METHODS
        or wanted.window_days not in WINDOWS
        or (wanted.metric == "net" and not is_currency(wanted.currency))
    ):
        raise BadInput("scripts.wrong")
    if not MIN_FANS <= wanted.planned <= MAX_FANS:
        raise BadInput("scripts.size_wrong", least=MIN_FANS, most=MAX_FANS).about("size")
    if not 1 <= len(wanted.personas) < len(VARIANTS):
        raise BadInput("scripts.count_wrong", most=len(VARIANTS))


def _check_versions(active: PersonaVersion, others: Collection[PersonaVersion]) -> None:
    if len({one.digest() for one in (active, *others)}) != 1 + len(others):
        raise BadInput("scripts.equal_versions")
    for one in others:
        if any(getattr(one, name) != getattr(active, name) for name in SAME_FIELDS):
            raise BadInput("scripts.other_character")


def speaker_of_fan(scope: Scope, creator_id: UUID, fan_id: UUID) -> PersonaVersion | None:
    """Return the persona that answers a fan, and enter the fan into a running test.

    Fans who come after the planned number get the active persona, like those without a test.
    """
    row = scope.session.exec(
        select(ScriptTest)
        .where(
            ScriptTest.tenant_id == scope.tenant_id,
            ScriptTest.creator_id == creator_id,
            col(ScriptTest.ended_at).is_(None),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    active = persona.active_persona(scope, creator_id)
    if row is None or active is None or active.level == "off":
        return active
    scope.run(
        _ENTER,
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        test=row.id,
        fan=fan_id,
        variant=draw_script(row.id, fan_id, len(row.personas)),
        now=scope.now,
        most=row.planned,
    )
    variant = scope.run(
        "SELECT variant FROM script_test_fans WHERE tenant_id = :tenant AND test_id = :test"
        " AND fan_id = :fan",
        tenant=scope.tenant_id,
        test=row.id,
        fan=fan_id,
    ).scalar()
    if variant is None:
        return active
    found = persona.get_persona(scope, UUID(row.personas[VARIANTS.index(variant)]))
    return replace(found.persona, level=_shared_level(scope, row, active))


def _shared_level(scope: Scope, row: ScriptTest, active: PersonaVersion) -> autonomy.AutonomyLevel:
    """Return the lowest autonomy of the versions, so that only the script differs."""
    levels = [active.level]
    for one in row.personas:
        version = scope.session.get(Persona, (scope.tenant_id, UUID(one)))
        if version is not None and version.state != "active":
            level = autonomy.parse_level(version.level)
            levels.append("copilot" if version.state == "draft" else level)
    return autonomy.lower_of(*levels)


def end_script_test(scope: Scope, test_id: UUID, *, keep: str, verdict: Mapping[str, Any]) -> None:
    """End a test, store its verdict, and activate the version `keep`. Idempotent.

    Raises BadInput for another version, Conflict if it was ended with another one, NotFound.
    """
    row = _get_row(scope, test_id)
    scope.lock(f"persona:{row.creator_id}")
    row = _get_row(scope, test_id)
    if keep not in VARIANTS[: len(row.personas)]:
        raise BadInput("scripts.no_version")
    if row.ended_at is not None:
        if row.kept != keep:
            raise Conflict("scripts.is_ended", version=row.kept.upper())
        return
    row.ended_at = scope.now
    row.ended_by = scope.actor
    row.kept = keep
    row.verdict = dict(verdict)
    scope.add(row)
    scope.session.flush()
    chosen = persona.get_persona(scope, UUID(row.personas[VARIANTS.index(keep)]))
    audit.record(scope, "persona.test_ended", f"creator:{row.creator_id}", version=chosen.version)
    if chosen.state == "retired":
        made = persona.restore_persona(scope, chosen.id, key=derived_uuid(row.id, "kept"))
        persona.activate_persona(scope, made)
    else:
        persona.activate_persona(scope, chosen.id)


def _get_row(scope: Scope, test_id: UUID) -> ScriptTest:
    query = select(ScriptTest).where(
        ScriptTest.tenant_id == scope.tenant_id, ScriptTest.id == test_id
    )
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("scripts.unknown")
    return row


def get_script_test(scope: Scope, test_id: UUID) -> ScriptTestSummary:
    """Return a test. Raises NotFound, also for a test of another tenant."""
    return _summary_from_row(scope, _get_row(scope, test_id))


def list_script_tests(
    scope: Scope, creators: Collection[UUID], *, limit: int = SHOWN
) -> list[ScriptTestSummary]:
    """Return the tests of these creators: running ones first, then the newest."""
    rows = scope.session.exec(
        select(ScriptTest)
        .where(
            ScriptTest.tenant_id == scope.tenant_id, col(ScriptTest.creator_id).in_(list(creators))
        )
        .order_by(
            col(ScriptTest.ended_at).is_not(None),
            col(ScriptTest.created_at).desc(),
            col(ScriptTest.id).desc(),
        )
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_summary_from_row(scope, row) for row in rows]


def _summary_from_row(scope: Scope, row: ScriptTest) -> ScriptTestSummary:
    personas = dict(zip(VARIANTS, map(UUID, row.personas), strict=False))
    return ScriptTestSummary(
        row.id,
        row.creator_id,
        personas,
        row.metric,
        row.method,
        row.planned,
        row.window_days,
        row.currency,
        row.cap_minor,
        row.created_at or scope.now,
        row.ended_at,
        row.kept,
        {name: persona.get_persona(scope, one).version for name, one in personas.items()},
        row.verdict,
    )


def list_tested_fans(scope: Scope, one: ScriptTestSummary) -> list[ExposedFan]:
    """Return the fans of a test in the order of their first answers."""
    rows = scope.run(
        "SELECT fan_id, variant, exposed_at FROM script_test_fans WHERE tenant_id = :tenant"
        " AND test_id = :test ORDER BY exposed_at, fan_id",
        tenant=scope.tenant_id,
        test=one.id,
    )
    return [ExposedFan(row.fan_id, row.variant, row.exposed_at) for row in rows]


def import_past_fans(scope: Scope, test_id: UUID, fans: Collection[tuple[UUID, datetime]]) -> None:
    """Enter fans with the times of their first answers into a test, for an imported history."""
    row = _get_row(scope, test_id)
    insert_rows(
        scope,
        ScriptTestFan,
        [
            {
                "id": derived_uuid(test_id, fan_id),
                "creator_id": row.creator_id,
                "test_id": test_id,
                "fan_id": fan_id,
                "variant": draw_script(test_id, fan_id, len(row.personas)),
                "exposed_at": at,
            }
            for fan_id, at in fans
        ],
    )


def sales_window(one: ScriptTestSummary) -> timedelta:
    """Return the time after the first answer in which sales count."""
    return timedelta(days=one.window_days)
