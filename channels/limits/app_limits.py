"""Limits shared by all accounts of one application, of any agency: the rate limit of its platform,
and the brake while the platform is unavailable.

The rows belong to the installation, because other agencies may have accounts of the same
application. An agency learns only until when it must wait.
"""

from datetime import datetime, timedelta
from uuid import UUID

from connectors.contract.connector import Response
from connectors.shared.requested_waits import requested_wait
from foundation.db.database import Scope
from foundation.ids import INSTALLATION_ID

APP_FAILURE_WINDOW = timedelta(seconds=30)
"""Time within which failures of two accounts count as a failure of their application."""

RECENT_SUCCESS = timedelta(seconds=35)
"""Time by which the brake outlasts the next probe of a failed account, so that its result is known.
"""

MIN_REFUSAL_WAIT = timedelta(seconds=60)
MAX_REFUSAL_WAIT = timedelta(hours=1)
"""Initial and maximum delay after a refusal that states no delay; it doubles with each consecutive
refusal."""

_OURS = "FROM channels c WHERE c.tenant_id = :tenant AND c.id = :channel AND c.app_key IS NOT NULL"

_REFUSED = f"""
INSERT INTO app_limits AS a (tenant_id, id, refusals) SELECT :house, c.app_key, 1 {_OURS}
ON CONFLICT (tenant_id, id) DO UPDATE SET refusals = a.refusals + 1, updated_at = house_now()
RETURNING id, refusals
"""

_BLOCKED = (
    "UPDATE app_limits SET blocked_until = greatest(blocked_until, :until) WHERE tenant_id = "
    ":house AND id = :id"
)

_FAILED = f"""
INSERT INTO app_limits AS a (tenant_id, id, refusals, failed_by, failed_at)
SELECT :house, c.app_key, 0, c.id, :now {_OURS}
ON CONFLICT (tenant_id, id) DO UPDATE SET failed_by = EXCLUDED.failed_by, failed_at =
EXCLUDED.failed_at,
  braked_until = CASE WHEN a.braked_until > :now OR a.failed_by <> EXCLUDED.failed_by AND
  a.failed_at > :since
    THEN greatest(a.braked_until, :until) ELSE a.braked_until END, updated_at = house_now()
"""

_STILL_DOWN = """
UPDATE app_limits a SET braked_until = greatest(a.braked_until, :until), updated_at = house_now()
FROM channels c
WHERE c.tenant_id = :tenant AND c.id = :channel AND a.tenant_id = :house AND a.id = c.app_key AND
a.braked_until > :now
"""

_LET_GO = """
UPDATE app_limits SET refusals = 0, failed_by = NULL, failed_at = NULL, braked_until = NULL,
  blocked_until = CASE WHEN blocked_until > :now THEN blocked_until END, updated_at = house_now()
WHERE tenant_id = :house AND id = :id AND (failed_at IS NULL OR failed_at <= :asked)
"""


def refusal_wait(answer: Response, refusals: int) -> timedelta:
    """Return the delay that the platform requests; without one, a delay that doubles with each
    consecutive refusal."""
    return requested_wait(answer) or min(
        MIN_REFUSAL_WAIT * 2 ** min(refusals - 1, 10), MAX_REFUSAL_WAIT
    )


def record_app_refusal(scope: Scope, channel_id: UUID, answer: Response) -> None:
    """Record that the platform refused the whole application. Does nothing for accounts without
    one."""
    with scope.acting_as("relay"):
        row = scope.run(
            _REFUSED, house=INSTALLATION_ID, tenant=scope.tenant_id, channel=channel_id
        ).one_or_none()
        if row is not None:
            scope.run(
                _BLOCKED,
                house=INSTALLATION_ID,
                id=row.id,
                until=scope.now + refusal_wait(answer, row.refusals),
            )


def record_app_failure(
    scope: Scope, channel_id: UUID, *, creates: bool, probed_at: datetime
) -> None:
    """Record a failed request of an account.

    A second account of the application that fails within `APP_FAILURE_WINDOW` brakes all of them. A
    failed read only extends an active brake. The brake ends with the first response to any of the
    accounts, or if no probe extends it.
    """
    until = {"house": INSTALLATION_ID, "until": probed_at + RECENT_SUCCESS, "now": scope.now}
    ours = {"tenant": scope.tenant_id, "channel": channel_id}
    with scope.acting_as("relay"):
        if creates:
            scope.run(_FAILED, **until, **ours, since=scope.now - APP_FAILURE_WINDOW)
        else:
            scope.run(_STILL_DOWN, **until, **ours)


def release_app_brake(scope: Scope, app_key: UUID, *, asked_at: datetime) -> None:
    """Release the brake of an application after a response to a request sent at `asked_at`
    (UTC-aware), if that is later than the last failure. A delay requested by the platform remains.
    """
    with scope.acting_as("relay"):
        scope.run(_LET_GO, house=INSTALLATION_ID, id=app_key, now=scope.now, asked=asked_at)
