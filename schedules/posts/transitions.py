"""Transitions of deliveries. Each is checked against the state graph, applied with compare-and-set
and recorded."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, func, select

from channels.accounts import lifecycle
from channels.sending import reconciliation
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops import telemetry
from schedules.posts import webhook_events
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.models import Delivery
from schedules.posts.states import (
    ACCOUNT_LOST,
    CREATOR_INACTIVE,
    DELIVERY_STATES,
    NEEDS_DECISION,
    DeliveryState,
)
from tenants.notices import notices


def update_lost_account_notice(scope: Scope, channel_id: UUID) -> None:
    """Update the number of waiting posts in the notice of a disconnected account. Raises
    NotFound."""
    waiting = select(func.count()).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == channel_id,
        col(Delivery.state).in_([str(DeliveryState.HELD), str(DeliveryState.BROKEN_OFF)]),
        col(Delivery.reason)["code"].astext == ACCOUNT_LOST,
    )
    lifecycle.report_waiting_posts(scope, channel_id, scope.session.exec(waiting).one())


TOLD_TOGETHER = frozenset({"downtime.too_late", "downtime.no_turn", "downtime.held"})
"""Reasons of a hold for which one notice covers all posts of a downtime
(`schedules/downtime/missed_posts.py`)."""

TOLD_ELSEWHERE = TOLD_TOGETHER | {ACCOUNT_LOST, CREATOR_INACTIVE}
"""The reasons in `TOLD_TOGETHER`, the reason that the notice of a disconnected account covers, and
the deactivation of a creator, which members request themselves."""

EARLY_WARNING_SUFFIX = ":preflight"
"""Suffix of the cause of an early warning."""

FIRST_PREFLIGHT_LEAD = timedelta(days=1)
"""Time between the first preflight check and the due time, so that members have a working day for
corrections."""

PREFLIGHT_QUEUE_PRIORITY = 9
"""Outbox priority of preflight checks, so that the checks of a large import wait behind deliveries
that are due."""

GIVEN_UP = frozenset({DeliveryState.CANCELLED, DeliveryState.REMOVING})
"""States in which the open attempts of a delivery are abandoned."""

_ONE = (
    select(Delivery)
    .where(Delivery.tenant_id == bindparam("tenant"), Delivery.id == bindparam("id"))
    .execution_options(populate_existing=True)
)


def get_delivery(scope: Scope, delivery_id: UUID) -> Delivery:
    """Return the delivery as it is in the database now.

    Raises NotFound, also for a delivery of another tenant.
    """
    row = scope.session.scalars(_ONE, {"tenant": scope.tenant_id, "id": delivery_id}).first()
    if row is None:
        raise NotFound("delivery.unknown")
    return row


def transition_delivery(
    scope: Scope,
    row: Delivery,
    after: DeliveryState,
    *,
    reason: Message | None = None,
    **changes: Any,
) -> None:
    """Move `row` to state `after` with further column changes, record the move and notify members.

    The open attempts of a cancelled or removed delivery are abandoned, so that no worker continues
    them. Raises Conflict if the graph has no such edge or the row changed since it was read.
    """
    before = DeliveryState(row.state)
    DELIVERY_STATES.check(before, after)
    wanted = {"state": str(after), "reason": stored_message(reason), **changes}
    told = {"move": uuid7(), "creator": row.creator_id, "before": str(before), "by": scope.actor}
    # One statement updates the row and records the move (ADR 0010).
    _execute_versioned_update(
        scope,
        row,
        f"WITH moved AS ({_build_update_statement(wanted)} RETURNING tenant_id, id, state, "
        f"reason) {_TOLD}",
        wanted,
        told,
    )
    if after in GIVEN_UP:
        reconciliation.abandon_subject(scope, delivery_subject(row.id))
    _refresh_delivery_notice(scope, row, before, reason)
    webhook_events.announce_transition(scope, row, before)
    _record_state_metrics(scope, after, scope.now - row.due_at)


def _record_state_metrics(scope: Scope, after: DeliveryState, late: timedelta) -> None:
    # Counted after the commit: a transition that is rolled back must not count.
    scope.after_commit(telemetry.DELIVERIES_BY_STATE.labels(str(after)).inc)
    if after == DeliveryState.PUBLISHED:
        scope.after_commit(
            partial(telemetry.DELIVERY_LATENESS.observe, max(late.total_seconds(), 0.0))
        )


def update_delivery(scope: Scope, row: Delivery, **changes: Any) -> None:
    """Change columns of a delivery without a transition.

    Raises Conflict if the row changed since it was read.
    """
    _execute_versioned_update(scope, row, _build_update_statement(changes), changes, {})


_JSON = frozenset({"reason", "part_ids"})

_TOLD = """
INSERT INTO delivery_moves (tenant_id, id, creator_id, delivery_id, before, after, by, reason)
SELECT tenant_id, :move, :creator, id, :before, state, :by, reason FROM moved
"""


def _build_update_statement(changes: Mapping[str, Any]) -> str:
    said = {name: f"CAST(:{name} AS jsonb)" if name in _JSON else f":{name}" for name in changes}
    columns = ", ".join(f"{name} = {value}" for name, value in said.items())
    return (
        "UPDATE deliveries SET version = version + 1,"  # noqa: S608  our own names
        f" updated_at = house_now(), {columns}"
        " WHERE tenant_id = :_tenant AND id = :_id AND state = :_state AND version = :_version"
    )


def _execute_versioned_update(
    scope: Scope, row: Delivery, statement: str, changes: Mapping[str, Any], more: Mapping[str, Any]
) -> None:
    """Update with compare-and-set; the row then has the written values without another read."""
    values = dict(changes)
    for name in _JSON & values.keys():
        values[name] = canonical_json(values[name]).decode() if values[name] is not None else None
    seen = {"_tenant": scope.tenant_id, "_id": row.id, "_state": row.state, "_version": row.version}
    if scope.run(statement, **values, **more, **seen).rowcount != 1:
        raise Conflict("delivery.moved_meanwhile")
    for name, value in {**changes, "version": row.version + 1}.items():
        set_committed_value(row, name, value)


def early_warning_cause(row: Delivery) -> str:
    """Return the notice cause of an early warning about a delivery."""
    return delivery_notice_causes(row.id)[1]


def missing_files_cause(row: Delivery) -> str:
    """Return the notice cause of a delivery that was published without some of its files."""
    return f"delivery:{row.id}:files"


def delivery_notice_causes(delivery_id: UUID) -> tuple[str, str]:
    """Return the two notice causes of a delivery: decision needed, and early warning."""
    return f"delivery:{delivery_id}", f"delivery:{delivery_id}{EARLY_WARNING_SUFFIX}"


def _refresh_delivery_notice(
    scope: Scope, row: Delivery, before: DeliveryState, reason: Message | None
) -> None:
    """Keep one open notice for each delivery that needs a decision, and none for the others.

    Reasons in `TOLD_ELSEWHERE` have a shared notice.
    """
    after = DeliveryState(row.state)
    cause = f"delivery:{row.id}"
    if after in NEEDS_DECISION and reason is not None and reason.code in TOLD_ELSEWHERE:
        notices.close(scope, cause)
        if reason.code == ACCOUNT_LOST:
            update_lost_account_notice(scope, row.channel_id)
    elif after in NEEDS_DECISION:
        message = reason or Message(f"state.delivery.{after}")
        notices.put(scope, message, cause=cause, urgent=True, creator_id=row.creator_id)
    elif before in NEEDS_DECISION:
        notices.close(scope, cause)
    if before is not DeliveryState.PUBLISHING:
        notices.close(scope, early_warning_cause(row))
    if before is DeliveryState.PUBLISHED:
        notices.close(scope, missing_files_cause(row))
