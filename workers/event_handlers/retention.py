"""Retention: deletion of expired rows package by package and table by table, in batches of one
transaction each with an audit entry, and erasure of archived pictures if the agency wants it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial

from channels.retention import CHANNELS_RETENTION
from foundation.db import retention
from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from gate.retention import GATE_RETENTION
from insights.alerts.retention import ALERTS_RETENTION
from insights.metrics.retention import INSIGHTS_RETENTION
from schedules.imports.retention import SCHEDULES_RETENTION
from schedules.posts.asset_usage import assets_used_in_posts
from studio.library import erasure
from studio.library.events import ErasureDue
from studio.voice.retention import STUDIO_RETENTION
from subscribers.retention import SUBSCRIBERS_RETENTION, erase_inactive_fans, inactive_fans_query
from tenants import audit
from tenants.retention import TENANTS_RETENTION, RetentionDue
from web.retention import WEB_RETENTION
from workers.relay.dispatch import EventRoute
from workers.wiring import Services

RETENTION_ACTOR = "system:keeping"
BATCHES_PER_RUN = 20
"""Maximum number of batches per table and run. Remaining rows are deleted a little later, after the
other tables."""

FANS = 50
CONTINUE_AFTER = timedelta(minutes=1)
KEEP_SECONDS = 120

ALL_RETENTION_RULES = (
    *WEB_RETENTION,
    *ALERTS_RETENTION,
    *INSIGHTS_RETENTION,
    *SCHEDULES_RETENTION,
    *SUBSCRIBERS_RETENTION,
    *CHANNELS_RETENTION,
    *STUDIO_RETENTION,
    *GATE_RETENTION,
    *TENANTS_RETENTION,
)
"""All tables with a retention period, from the highest package down. Financial records and the log
have none."""

FANS_TABLE = "fans"
PICTURES = 500
"""Maximum number of pictures erased per run; the next run continues."""


def retention_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of retention."""
    erase = partial(
        erasure.erase_picture, tenant=s.tenant, store=s.store, posted=assets_used_in_posts
    )
    return (
        EventRoute(
            RetentionDue,
            partial(delete_expired_rows, tenant=s.tenant),
            deadline_seconds=KEEP_SECONDS,
        ),
        EventRoute(ErasureDue, erase, deadline_seconds=KEEP_SECONDS),
    )


def delete_expired_rows(
    event: RetentionDue,
    *,
    tenant: OpenScope,
    batch: int = retention.PURGE_BATCH,
    batches: int = BATCHES_PER_RUN,
) -> None:
    """Delete expired rows of a tenant, up to `batches` of `batch` rows per table. Raises RetryLater
    if more remain."""
    acts = [
        (rule.table, batch, partial(retention.purge_expired, rule=rule, batch=batch))
        for rule in ALL_RETENTION_RULES
    ]
    acts.append((FANS_TABLE, FANS, partial(erase_inactive_fans, most=FANS)))
    left = [
        _purge_table(partial(tenant, event.tenant_id, RETENTION_ACTOR), table, full, act, batches)
        for table, full, act in acts
    ]
    with tenant(event.tenant_id, RETENTION_ACTOR) as scope:
        erasure.schedule_erasures(scope, assets_used_in_posts, most=PICTURES)
    if any(left):
        raise outbox.RetryLater(CONTINUE_AFTER)


def _purge_table(
    opened: Callable[[], AbstractContextManager[Scope]],
    table: str,
    full: int,
    act: Callable[[Scope], int],
    batches: int,
) -> bool:
    """Purge one table and return True if more rows remain."""
    for _ in range(batches):
        with opened() as scope:
            gone = act(scope)
            if gone:
                audit.record(scope, "rows.purged", f"table:{table}", count=gone)
        if gone < full:
            return False
    return True


def count_expired_rows(scope: Scope) -> dict[str, int]:
    """Return the number of rows that a run would delete now, by table, without deleting them."""
    found = retention.count_expired_by_table(scope, ALL_RETENTION_RULES)
    away = len(inactive_fans_query(scope, most=10_000))
    return {**found, **({FANS_TABLE: away} if away else {})}
