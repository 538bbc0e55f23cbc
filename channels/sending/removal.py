"""Removal of copies.

A copy is a consumed permit; it counts as removed once the platform confirms it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import attempts, request_loop, retry_delays, serialization
from channels.attempts.attempts import Attempt
from channels.connections import token_renewal
from channels.limits import send_limits
from channels.manual_tasks import task_lifecycle
from channels.sending import post_addresses, reconciliation, replacement, step_runner
from channels.sending.events import CopyRemovalDue, CopyRemoved
from channels.sending.replacement import ReplacementContext
from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from connectors.contract.outcomes import (
    Found,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Unknown,
)
from connectors.contract.paid_media import BOUGHT_STAYS
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import RESTRICT_ACTIONS, Authority, ControlOrder, RemovalOrder
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.permits.issuance import MintPermit
from tenants.notices import notices

REMOVAL_PATIENCE = timedelta(hours=24)
"""Time after which members are notified of a failing removal. For recalled copies,
`task_lifecycle.REMOVAL_DEADLINE` applies."""

REMOVAL_TIMEOUT = 240
"""Maximum duration of one run in seconds: a deletion that times out, then the replacement of every
picture of an album."""

ACT = timedelta(seconds=60)
AGAIN = timedelta(hours=1)
"""Delay between two attempts of a removal that the platform refuses: the account may be connected
again, or a member may remove the copy manually."""


def request_removal(scope: Scope, copy: LiveCopy) -> None:
    """Request the removal of a copy as soon as possible. A second request has no effect."""
    event = CopyRemovalDue(scope.tenant_id, copy.jti, at=scope.now)
    outbox.put(
        scope, event, lane=f"remove:{copy.channel_id}", priority=0, dedupe=f"remove:{copy.jti}"
    )


def remove_copy(
    event: CopyRemovalDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    mint: MintPermit,
) -> None:
    """Remove the copy of a permit and publish the event `CopyRemoved`. Does nothing for a copy that
    is removed already.

    Raises `outbox.RetryLater` until the removal is proven, by the platform or by a member's
    statement. A copy that the platform refuses to delete is replaced if possible. No emergency stop
    and no brake applies.
    """
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        copy = live_copies.find_copy(scope, event.subject_id)
        if copy is None or copy.removed_at is not None:
            return
        if task_lifecycle.removal_signed_by(
            scope, copy.jti
        ):  # A member confirmed the removal, which counts whatever the platform reports.
            record_removal(scope, copy, attempts.ABSENT_RESULT)
            return
        # A removal ignores the brake, but not a delay that the platform requested.
        waits = send_limits.send_block(scope, copy.channel_id, brake=False)
        now = scope.now
        channel = queries.get_channel(scope, copy.channel_id)
        alarm = _escalate_late_removal(scope, event, copy, channel)
    if waits is not None:
        raise outbox.RetryLater(min(waits.until - now, alarm))
    outside = ReplacementContext(event.tenant_id, tenant, transport, connectors, mint)
    native_ids = copy.native_ids or _locate_unconfirmed_copy(copy, channel, outside)
    for native_id in native_ids:
        outcome = _request_removal(copy, channel, native_id, outside)
        if (
            copy.recalled_at is None
            and isinstance(outcome, Rejected)
            and outcome.reason.code == BOUGHT_STAYS
        ):
            return  # A withdrawn message that was bought first: it remains with its buyer.
        if not isinstance(outcome, Published):
            _retry_or_escalate(copy, channel, outcome, native_ids, outside, alarm=alarm)
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        record_removal(
            scope, copy, f"deleted:{','.join(native_ids)}" if native_ids else attempts.ABSENT_RESULT
        )


def _locate_unconfirmed_copy(
    copy: LiveCopy, channel: Channel, outside: ReplacementContext
) -> tuple[str, ...]:
    """Return the native IDs of an unconfirmed copy, or an empty tuple if there is proof that it
    does not exist."""
    with outside.scope() as scope:
        rows = attempts.list_attempts(scope, copy.subject, None)
        row = next((each for each in rows if attempts.publish_permit(each) == copy.jti), None)
        stands = attempts.binding_outcome(row) if row is not None else None
    if isinstance(stands, Published):
        return (stands.native_id,)
    if isinstance(stands, Processing) and stands.by_hand:
        return (f"task:{stands.poll_token}",)
    if row is None or not (
        attempts.is_uncertain(row) or _is_denied_by_member(row)
    ):  # an upload, or certainly not published
        return ()
    sighting = reconciliation.look_up_attempt(
        outside.tenant_id,
        copy.subject,
        tenant=outside.tenant,
        transport=outside.transport,
        connectors=outside.connectors,
        part=row.part,
        attempt=row.id,
    )
    with outside.scope() as scope:
        if isinstance(sighting, Found):
            notices.close(scope, _lookup_notice_cause(copy))
            found = Published(sighting.native_id, sighting.url, sighting.at)
            if _is_denied_by_member(row):
                live_copies.record_copy(scope, copy.jti, found.native_id, found.at or scope.now)
            else:
                step_runner.close_attempt(scope, copy.subject, found, part=row.part)
            return (found.native_id,)
        if reconciliation.is_proven_absent(scope, copy.subject, row.part, attempt=row.id):
            return ()
        if (
            _is_denied_by_member(row)
            and isinstance(sighting, Unknown)
            and sighting.reason.code == reconciliation.NO_LOOKUP
        ):
            return ()  # No lookup can contradict the member's statement.
        again = reconciliation.next_look_at(scope, copy.subject, row.part, attempt=row.id)
        wait = again - scope.now if again is not None else AGAIN
    _notify_members(
        copy,
        Message("copy.maybe_there", {"account": channel.name}),
        outside,
        cause=_lookup_notice_cause(copy),
    )
    raise outbox.RetryLater(wait)


def _is_denied_by_member(row: Attempt) -> bool:
    """Return True if a member stated that nothing was published. With proof, the permit would be
    void and there would be no copy."""
    return bool(row.resolution.get("outcome") == attempts.ABSENT_RESULT)


def _request_removal(
    copy: LiveCopy, channel: Channel, native_id: str, outside: ReplacementContext
) -> Outcome:
    """Send the removal request to the platform. Each try is recorded as an attempt."""
    with outside.scope() as scope:
        attempt_id = attempts.begin_attempt(
            scope,
            channel_id=channel.id,
            subject=copy.subject,
            kind="remove",
            deadline=scope.now + ACT,
        )
    connector = account_connectors.connector_for(outside.connectors, channel)
    place = PlatformCopy(native_id, copy.account, copy.viewer)

    def question(answers: tuple[StepResult, ...]) -> Send | Outcome:
        if (
            channel.state == ChannelState.DISCONNECTED
        ):  # A manual task covers it until the account is connected again.
            return Reauthorize(Message("channel.is_disconnected", {"account": channel.name}))
        return connector.remove(place, answers)

    def order(action: str) -> Authority:
        if action in RESTRICT_ACTIONS:
            return RemovalOrder(outside.tenant_id, channel.id, action, copy.jti)
        return ControlOrder(outside.tenant_id, channel.id, action)  # a lookup of the removed copy

    answers = request_loop.run_requests(
        channel,
        question,
        order,
        tenant=outside.tenant,
        transport=outside.transport,
        attempt_id=attempt_id,
    )
    end = question(answers)
    outcome = Retry(ACT, "account", Message("attempt.not_proven")) if isinstance(end, Send) else end
    with outside.scope() as scope:
        outcome = token_renewal.apply_outcome_to_account(
            scope, channel, outcome, shown=channel.generation, secondary=True
        )
        name = serialization.outcome_name(outcome)
        result = serialization.outcome_to_json(outcome)
        attempts.finish_attempt(
            scope, attempt_id, name, result, serialization.outcome_reason(outcome)
        )
    return outcome


def _escalate_late_removal(
    scope: Scope, event: CopyRemovalDue, copy: LiveCopy, channel: Channel
) -> timedelta:
    """Notify the members once if a copy is still live after its deadline, and create a manual task.
    Without it, a platform that always asks to retry later would never be noticed. Return the time
    left; `AGAIN` after the notice."""
    tried = [row.armed_at for row in attempts.list_attempts(scope, copy.subject, None, ("remove",))]
    since = copy.recalled_at or event.at or min(tried, default=scope.now)
    most = task_lifecycle.REMOVAL_DEADLINE if copy.recalled_at is not None else REMOVAL_PATIENCE
    left = since + most - scope.now
    if left > timedelta():
        return left
    if not notices.has_been_notified(scope, _late_notice_cause(copy)):
        task_lifecycle.create_removal_task(
            scope, channel, copy, post_addresses.copy_address(scope, copy)
        )
        hours = int(most.total_seconds() // 3600)
        told = Message("copy.still_there", {"account": channel.name, "hours": hours})
        notices.put(
            scope, told, cause=_late_notice_cause(copy), urgent=True, creator_id=copy.creator_id
        )
    return AGAIN


def _lookup_notice_cause(copy: LiveCopy) -> str:
    """Return the cause of the notice of a possible copy. For posts it is that of the post, because
    no task is open yet."""
    return (
        f"delivery:{copy.subject.id}:sought"
        if copy.subject.kind == "delivery"
        else f"copy:{copy.jti}"
    )


def _late_notice_cause(copy: LiveCopy) -> str:
    return f"copy:{copy.jti}:late"


def _retry_or_escalate(
    copy: LiveCopy,
    channel: Channel,
    outcome: Outcome,
    native_ids: Sequence[str],
    outside: ReplacementContext,
    *,
    alarm: timedelta,
) -> NoReturn:
    """Schedule another try, no later than the `alarm`. After a refusal, create a manual task and
    try to replace the content."""
    if isinstance(outcome, Retry):
        with outside.scope() as scope:
            tries = (
                retry_delays.count_failed_tries(
                    attempts.list_attempts(scope, copy.subject, None, ("remove",))
                )
                - 1
            )
        raise outbox.RetryLater(
            min(retry_delays.retry_delay(outcome.after, tries, copy.jti), alarm)
        )
    if not isinstance(outcome, Rejected):
        _notify_members(copy, Message("copy.cannot_remove", {"account": channel.name}), outside)
        raise outbox.RetryLater(AGAIN)
    with outside.scope() as scope:  # First, so that the task exists even if a later step fails.
        task_lifecycle.create_removal_task(
            scope, channel, copy, post_addresses.copy_address(scope, copy)
        )
    instead = replacement.replace_copy(copy, channel, native_ids, outside)
    code = _notice_code(copy, instead)
    if isinstance(instead, Published):
        with outside.scope() as scope:
            task_lifecycle.mark_content_replaced(scope, copy.jti)
    _notify_members(copy, Message(code, {"account": channel.name}), outside)
    raise outbox.RetryLater(min(instead.after, AGAIN) if isinstance(instead, Retry) else AGAIN)


def _notice_code(copy: LiveCopy, instead: Outcome | None) -> str:
    """Return the code of the notice of a copy that was not deleted, which depends on whether its
    content was replaced."""
    if not isinstance(instead, Published):
        return "copy.cannot_remove"
    return "copy.replaced_in_chat" if copy.viewer else "copy.replaced"


def _notify_members(
    copy: LiveCopy, message: Message, outside: ReplacementContext, *, cause: str = ""
) -> None:
    with outside.scope() as scope:
        notices.put(
            scope,
            message,
            cause=cause or f"copy:{copy.jti}",
            urgent=True,
            creator_id=copy.creator_id,
        )


def record_removal(scope: Scope, copy: LiveCopy, proof: str) -> None:
    """Record that a copy was removed: close its tasks and notices, and publish the event."""
    live_copies.record_removed(
        scope, copy.jti, task_lifecycle.removal_signed_by(scope, copy.jti) or proof
    )
    task_lifecycle.close_proven_removal(scope, copy.jti)
    notices.close_all(
        scope, [f"copy:{copy.jti}", _lookup_notice_cause(copy), _late_notice_cause(copy)]
    )
    fact = CopyRemoved(
        scope.tenant_id, copy.jti, copy.subject.kind, copy.subject.id, copy.channel_id
    )
    outbox.put(scope, fact, dedupe=f"removed:{copy.jti}")
