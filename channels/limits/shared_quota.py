"""Quotas of platforms for posts: a fifth is reserved for replies and removals, and quotas shared by
all accounts of an application are divided fairly among the agencies with due posts.

Units of an application are taken at the claim of a post and returned if it is not sent; other
requests are counted when they are answered. The rows belong to the installation: an agency learns
only until when it must wait.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from channels.accounts.queries import Channel
from connectors.contract.connector import Response, StepNotSent, StepResult
from connectors.shared import rate_limits
from connectors.shared.rate_limits import PUBLISH_STEP, LimitReading, RateLimit
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7

QUOTA_RESERVED = Message("channel.kept")
QUOTA_SHARED_OUT = Message("channel.shared")
"""Reasons why posts wait: only the reserve is left, or the agency has used its share of the
application."""

_TAKE = """
INSERT INTO app_days AS d (tenant_id, id, app_key, name, agency, begins, ends, used, most, kept,
post)
VALUES (:house, :id, :app, :name, :agency, :begins, :ends, greatest(:cost, 0), :most, :kept, :post)
ON CONFLICT (tenant_id, app_key, name, agency, begins) DO UPDATE
SET used = greatest(CASE WHEN d.ends <= :now THEN :cost ELSE d.used + :cost END, 0),
  ends = CASE WHEN d.ends <= :now THEN EXCLUDED.ends ELSE d.ends END, updated_at = house_now()
RETURNING used, most, kept, ends
"""

_TOLD = """
UPDATE app_days SET most = :most, kept = :kept, ends = least(:until, ends), updated_at =
house_now(),
  used = CASE WHEN agency = :house THEN greatest(used, :used) ELSE used END
WHERE tenant_id = :house AND app_key = :app AND name = :name AND begins = :begins
"""
"""The window of the platform may end before ours; units taken after its end are counted from zero.
"""

_OVER = (
    "DELETE FROM app_days WHERE tenant_id = :house AND app_key = :app AND name = :name AND ends < "
    ":long_ago"
)

REMEMBERED = timedelta(days=2)
"""Retention of the units of past windows."""

_STANDING = "SELECT * FROM app_quota_standing(:app, :now)"
"""Sums and counts of an application of the agency, which any role may read."""


def quota_wait(scope: Scope, channel: Channel) -> tuple[datetime, Message] | None:
    """Return the time until which no post of an account may be sent because of its application, and
    the reason, or None if posts may be sent.

    The longest wait counts. Takes no units and no locks.
    """
    if channel.app_key is None or not _of_app(channel.platform):
        return None
    waits = [
        wait
        for row in _list_standings(scope, channel.app_key)
        if (wait := _find_wait(row, used=row.used, ours=row.ours, cost=row.post)) is not None
    ]
    return max(waits, key=lambda wait: wait[0], default=None)


def used_share(scope: Scope, channel: Channel) -> float:
    """Return the used share of the units that an account's application has now, between 0 and 1: of
    the most used limit, or 0 without limits."""
    if channel.app_key is None or not _of_app(channel.platform):
        return 0.0
    rows = _list_standings(scope, channel.app_key)
    return max((min(row.used / row.most, 1.0) for row in rows if row.most), default=0.0)


def take_quota(
    scope: Scope, channel: Channel, steps: Iterable[str]
) -> tuple[datetime, Message] | None:
    """Take the units of the steps of a post.

    If there are too few, return the time until which it must wait, and the reason; the caller must
    then roll back its transaction.

    Call it after the account is locked and before the subject is (lock order of the system). The
    row of the total is locked until the transaction ends, so that no two agencies take the same
    unit.
    """
    asked = tuple(steps)
    if channel.app_key is None:
        return None
    with scope.acting_as("relay"):
        for one in _of_app(channel.platform):
            cost = sum(one.cost_of(step) for step in asked)
            if cost and (refused := _reserve_units(scope, channel.app_key, one, cost)) is not None:
                return refused
    return None


def upload_start_steps(channel: Channel) -> tuple[str, ...]:
    """Return the steps that begin an upload on platforms where it uses units."""
    return tuple({one.begins for one in _of_app(channel.platform) if one.begins})


@dataclass(frozen=True)
class AppAccount:
    """The platform of an account and its application."""

    platform: str
    app_key: UUID | None


def record_quota_use(
    scope: Scope,
    channel_id: UUID,
    answer: StepResult,
    *,
    post: bool,
    place: AppAccount | None = None,
) -> str:
    """Record the remaining units from a response, and the units it used.

    With `post`, they were taken at the claim. `place` is read here if the caller has not. Return
    the platform of the account.
    """
    ours = {"tenant": scope.tenant_id, "id": channel_id}
    asked = "SELECT platform, app_key FROM channels WHERE tenant_id = :tenant AND id = :id"
    row = place or AppAccount(*scope.run(asked, **ours).one())
    known = rate_limits.rate_limits_of(row.platform)
    if row.app_key is not None and _of_app(
        row.platform
    ):  # Lock the account before its shared rows, as a claim does.
        scope.run(
            "SELECT 1 FROM channels WHERE tenant_id = :tenant AND id = :id FOR NO KEY UPDATE",
            **ours,
        )
    if isinstance(answer, Response):
        _record_reserve_hold(
            scope,
            channel_id,
            [rate_limits.read_limit_headers(one, answer) for one in known if one.of == "account"],
            known,
        )
    if row.app_key is not None and (shared := _of_app(row.platform)):
        with scope.acting_as("relay"):
            for one in shared:
                _count_request(scope, row.app_key, one, answer, post=post)
    return str(row.platform)


def _of_app(platform: str) -> tuple[RateLimit, ...]:
    return tuple(one for one in rate_limits.rate_limits_of(platform) if one.of == "app")


def _record_reserve_hold(
    scope: Scope, channel_id: UUID, found: list[LimitReading | None], known: tuple[RateLimit, ...]
) -> None:
    """Block posts while responses report that only the reserve is left; the next response that
    reports more releases them."""
    said = [
        (one, by)
        for one, by in zip(found, (each for each in known if each.of == "account"), strict=True)
        if one
    ]
    if not said:
        return
    until = max(
        (scope.now + one.after for one, by in said if one.left <= by.reserved_units(one.most)),
        default=None,
    )
    statement = (
        "INSERT INTO rate_buckets (tenant_id, id, channel_id, refusals, failures, kept_until)"
        " VALUES (:tenant, :id, :channel, 0, 0, :until) ON CONFLICT (tenant_id, channel_id)"
        " DO UPDATE SET kept_until = EXCLUDED.kept_until, updated_at = house_now()"
        if until is not None
        else "UPDATE rate_buckets SET kept_until = NULL"
        " WHERE tenant_id = :tenant AND channel_id = :channel AND kept_until IS NOT NULL"
    )
    more = {"id": uuid7(), "until": until} if until is not None else {}
    scope.run(statement, tenant=scope.tenant_id, channel=channel_id, **more)


def _count_request(
    scope: Scope, app: UUID, one: RateLimit, answer: StepResult, *, post: bool
) -> None:
    """Add the units to the row of the total, then to that of the agency, always in this order."""
    ahead = post and answer.step in (PUBLISH_STEP, one.begins)
    cost = 0 if ahead else one.cost_of(answer.step)
    # Return the units that the claim had taken.
    if isinstance(answer, StepNotSent):
        cost = -one.cost_of(answer.step) if ahead else 0
    told = rate_limits.read_limit_headers(one, answer) if isinstance(answer, Response) else None
    if told is not None:
        most = told.most
    elif cost:
        most = _window_limit(scope, app, one)
    else:
        most = 0
    if not most:
        return
    _add_usage(scope, app, one, cost, most)
    if told is not None:
        begun, _ = one.window_at(scope.now)
        scope.run(
            _TOLD,
            house=INSTALLATION_ID,
            app=app,
            name=one.name,
            begins=begun,
            most=told.most,
            kept=one.reserved_units(told.most),
            used=told.most - told.left,
            until=scope.now + told.after,
        )


def _window_limit(scope: Scope, app: UUID, one: RateLimit) -> int:
    """Return the units of this window as reported by the platform, else as documented; 0 if
    unknown."""
    begun, _ = one.window_at(scope.now)
    said: int | None = scope.run(
        "SELECT most FROM app_days WHERE tenant_id = :house AND app_key = :app AND name = :name "
        "AND begins = :begins"
        " AND agency = :house",
        house=INSTALLATION_ID,
        app=app,
        name=one.name,
        begins=begun,
    ).scalar_one_or_none()
    return said or one.most


def _add_usage(scope: Scope, app: UUID, one: RateLimit, cost: int, most: int) -> None:
    begun, ends = one.window_at(scope.now)
    said = {
        "house": INSTALLATION_ID,
        "app": app,
        "name": one.name,
        "begins": begun,
        "ends": ends,
        "cost": cost,
        "most": most,
    }
    said |= {
        "now": scope.now,
        "kept": one.reserved_units(most),
        "post": one.cost_of(PUBLISH_STEP) or one.cost_of(one.begins),
    }
    total = scope.run(_TAKE, **said, id=uuid7(), agency=INSTALLATION_ID).one()
    if total.used == max(cost, 0):  # the first use of this window
        scope.run(
            _OVER, house=INSTALLATION_ID, app=app, name=one.name, long_ago=scope.now - REMEMBERED
        )
    scope.run(_TAKE, **said, id=uuid7(), agency=scope.tenant_id)


def _reserve_units(
    scope: Scope, app: UUID, one: RateLimit, cost: int
) -> tuple[datetime, Message] | None:
    begun, _ = one.window_at(scope.now)
    most = _window_limit(scope, app, one)
    if not most:  # The total is known only from responses, and there was none yet.
        return None
    _add_usage(scope, app, one, cost, most)
    row = next(
        row for row in _list_standings(scope, app) if (row.name, row.begins) == (one.name, begun)
    )
    return _find_wait(row, used=row.used - cost, ours=row.ours - cost, cost=cost)


def _list_standings(scope: Scope, app: UUID) -> list[Any]:
    """Return a row for each limit of an application with units in the current window."""
    found: list[Any] = scope.run(_STANDING, app=app, now=scope.now).all()
    return found


def _find_wait(row: Any, *, used: int, ours: int, cost: int) -> tuple[datetime, Message] | None:
    """Return the end of the window and the reason if a post of this cost must wait for it."""
    verdict = rate_limits.post_verdict(
        most=row.most, kept=row.kept, used=used, ours=ours, agencies=row.agencies, cost=cost
    )
    if verdict == "yes":
        return None
    return row.ends, QUOTA_RESERVED if verdict == "kept" else QUOTA_SHARED_OUT
