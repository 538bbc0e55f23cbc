"""What is over goes: room by room, table by table, in batches that each stand by themselves, with a line of proof; and
pictures that were put away, where the agency wants it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial

from channels import keeping as channel_keeping
from foundation import keeping, outbox
from foundation.database import OpenScope, Scope
from gate import keeping as gate_keeping
from insights import keeping as insight_keeping
from schedules import keeping as schedule_keeping
from schedules import reviewing
from studio import erasing
from studio import keeping as studio_keeping
from studio.events import EraseDue
from subscribers import keeping as chat_keeping
from tenants import audit
from tenants import keeping as tenant_keeping
from tenants.keeping import KeepingDue
from web import keeping as web_keeping
from workers.dispatch import Route
from workers.wiring import Services

ACTOR = "system:keeping"
BATCHES = 20
"""Batches of one table in one turn; then the others, and what is left a little later."""

FANS = 50
SOON = timedelta(minutes=1)
KEEP_SECONDS = 120

RULES = (
    *web_keeping.RULES,
    *insight_keeping.RULES,
    *schedule_keeping.RULES,
    *chat_keeping.RULES,
    *channel_keeping.RULES,
    *studio_keeping.RULES,
    *gate_keeping.RULES,
    *tenant_keeping.RULES,
)
"""Every table with a period, the rooms from the top down. Money and the log are not among them."""

FANS_TABLE = "fans"
PICTURES = 500
"""Pictures that one turn has erased, at most: the next turn looks for the others."""


def routes(s: Services) -> tuple[Route, ...]:
    """Who deletes what is over."""
    erase = partial(erasing.run, tenant=s.tenant, store=s.store, posted=reviewing.shown_in_posts)
    return (
        Route(KeepingDue, partial(run, tenant=s.tenant), deadline_seconds=KEEP_SECONDS),
        Route(EraseDue, erase, deadline_seconds=KEEP_SECONDS),
    )


def run(event: KeepingDue, *, tenant: OpenScope, batch: int = keeping.BATCH, batches: int = BATCHES) -> None:
    """Delete what is over of a tenant, up to `batches` of `batch` rows of a table. Raises Later while more is left."""
    acts = [(rule.table, batch, partial(keeping.purge, rule=rule, batch=batch)) for rule in RULES]
    acts.append((FANS_TABLE, FANS, partial(chat_keeping.forget, most=FANS)))
    left = [_through(partial(tenant, event.tenant_id, ACTOR), table, full, act, batches) for table, full, act in acts]
    with tenant(event.tenant_id, ACTOR) as scope:
        erasing.sweep(scope, reviewing.shown_in_posts, most=PICTURES)
    if any(left):
        raise outbox.Later(SOON)


def _through(
    opened: Callable[[], AbstractContextManager[Scope]],
    table: str,
    full: int,
    act: Callable[[Scope], int],
    batches: int,
) -> bool:
    """Go through one table; whether there is more."""
    for _ in range(batches):
        with opened() as scope:
            gone = act(scope)
            if gone:
                audit.note(scope, "rows.purged", f"table:{table}", count=gone)
        if gone < full:
            return False
    return True


def overdue(scope: Scope) -> dict[str, int]:
    """What one turn would delete now, by table; nothing is changed."""
    found = keeping.overdue(scope, RULES)
    away = len(chat_keeping.away(scope, most=10_000))
    return {**found, **({FANS_TABLE: away} if away else {})}
