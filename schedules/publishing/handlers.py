"""What each event of the room does. No transaction is open during a call to a platform."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from channels.sending import step_runner
from channels.sending.step_runner import PreparedStep, SettleAttempt, StagedUploads
from connectors.contract.connector import Connector
from connectors.contract.outcomes import LookupResult, Outcome, Retry
from connectors.transport.transport import EgressForbidden
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.outbox import outbox
from gate.contract.units import Subject
from gate.permits.issuance import PermitDenied
from gate.reviews.own_releases import OwnReleaseMatured
from schedules.approvals import review_queue
from schedules.downtime import missed_posts
from schedules.edits import edits
from schedules.notices import (
    blocked_account,
    interval_waits,
    lost_account,
    missing_approval,
    undecided_posts,
    unregistered_links,
)
from schedules.posts.delivery_units import DELIVERY_SUBJECT, delivery_subject
from schedules.posts.events import PreflightDue, PublishDue, ReconcileDue, StageDue
from schedules.publishing import (
    manual_outcomes,
    post_removal,
    preflight,
    settlement,
    stalled_deliveries,
)
from schedules.publishing.claims import NotClaimable
from schedules.publishing.events import (
    AccountReconnected,
    CopyAddressDue,
    LinkHoldsDue,
    ManualOutcomeDue,
    RemovedCopyDue,
    SweepDue,
)
from schedules.publishing.settlement import IMMEDIATE_RETRY_DELAY, RecordedOutcome
from schedules.rescheduling import pauses, queue
from schedules.rescheduling.events import PauseOver

PUBLISHING = "system:publishing"
log = telemetry.get_logger("schedules.publishing.handlers")


class RunSteps(Protocol):
    """`channels.sending.step_runner.run_steps` with its collaborators bound; `settle` is written
    with the last answer."""

    def __call__(self, step: PreparedStep, settle: SettleAttempt, /) -> object: ...


class ClaimDelivery(Protocol):
    """`schedules.publishing.dry_run_outcomes.claim_or_end_dry_run` with its collaborators bound."""

    def __call__(
        self, scope: Scope, delivery_id: UUID, /
    ) -> tuple[PreparedStep | Outcome, int] | None: ...


class ClaimUpload(Protocol):
    """`schedules.publishing.claims.claim_upload` with its collaborators bound."""

    def __call__(self, scope: Scope, delivery_id: UUID, /) -> PreparedStep | None: ...


class RunUploadSteps(Protocol):
    """`channels.sending.step_runner.run_steps` up to the last upload, with its collaborators
    bound."""

    def __call__(self, step: PreparedStep, /) -> Outcome | StagedUploads: ...


class LookUpAttempt(Protocol):
    """`channels.sending.reconciliation.look_up_attempt` with its collaborators bound."""

    def __call__(self, tenant_id: UUID, subject: Subject, part: int, /) -> LookupResult: ...


def publish_delivery(
    event: PublishDue, *, tenant: OpenScope, claim: ClaimDelivery, carry: RunSteps
) -> None:
    """Claim, act, settle. Raises `outbox.RetryLater` where the delivery may not leave yet."""
    try:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            taken = claim(scope, event.subject_id)
    except (NotClaimable, PermitDenied) as refusal:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            again = settlement.postpone_delivery(scope, event.subject_id, refusal)
        if again is not None:
            raise outbox.RetryLater(again) from refusal
        return
    except Conflict as moved:  # somebody changed the delivery between our read and our lock
        raise outbox.RetryLater(IMMEDIATE_RETRY_DELAY) from moved
    if taken is None:
        return
    turn, attempt = taken
    if isinstance(turn, PreparedStep):
        _run_publish_step(event, turn, attempt, tenant=tenant, carry=carry)
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.settle_delivery(scope, event.subject_id, turn, attempt=attempt)


def _run_publish_step(
    event: PublishDue, turn: PreparedStep, attempt: int, *, tenant: OpenScope, carry: RunSteps
) -> None:
    """Act; what came of it is settled in the transaction that keeps the last answer."""

    def settle(scope: Scope, armed: PreparedStep, outcome: Outcome) -> None:
        ours = replace(scope, actor=PUBLISHING)
        settlement.settle_delivery(ours, event.subject_id, outcome, armed=armed, attempt=attempt)

    try:
        carry(turn, settle)
    except (NotFound, EgressForbidden) as unsent:
        lost = isinstance(unsent, NotFound)
        with tenant(event.tenant_id, PUBLISHING) as scope:
            reason = Message("delivery.media_missing" if lost else "delivery.bug")
            settlement.hold_unsent(scope, event.subject_id, reason)
        raise


def stage_delivery(
    event: StageDue, *, tenant: OpenScope, begin: ClaimUpload, upload: RunUploadSteps
) -> None:
    """Upload ahead of time. What stands in the way now is said by the check ahead and by the
    publication itself.

    Raises `outbox.RetryLater` while the account must wait. A publication that comes meanwhile takes
    over what was uploaded.
    """
    try:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            armed = begin(scope, event.subject_id)
        end = upload(armed) if armed is not None else None
    except NotClaimable as refusal:
        if refusal.again is not None:
            raise outbox.RetryLater(refusal.again) from refusal
        return
    except (PermitDenied, Conflict):
        return
    if armed is None or not isinstance(end, Outcome):
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        step_runner.close_attempt(scope, armed, end)
    if isinstance(end, Retry):
        raise outbox.RetryLater(end.after)


def preflight_delivery(
    event: PreflightDue, *, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    """Say early what would stop the delivery; nothing moves before its time.

    Raises `outbox.RetryLater` while something would: it is looked at again, so that a notice ends
    with its cause.
    """
    with tenant(event.tenant_id, PUBLISHING) as scope:
        again = preflight.run_preflight(scope, event.subject_id, connectors=connectors)
    if again is not None:
        raise outbox.RetryLater(again)


def reconcile_delivery(
    event: ReconcileDue, *, tenant: OpenScope, look: LookUpAttempt, recorded: RecordedOutcome
) -> None:
    """Bring a delivery out of doubt: look, then settle what was seen. Raises `outbox.RetryLater`
    during the act."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        part = settlement.recover_unsettled(scope, event.subject_id, recorded=recorded)
    if part is None:
        return
    sighting = look(event.tenant_id, delivery_subject(event.subject_id), part)
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.settle_lookup(scope, event.subject_id, sighting)


def sweep_deliveries(event: SweepDue, *, tenant: OpenScope) -> None:
    """Repair deliveries that no row would wake any more; there should be none. Tell of queues that
    run low, of posts that want a yes soon, of accounts that keep posts waiting, also for their
    distance, and no longer of what was missed and has left."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        orphans = stalled_deliveries.wake_stalled_deliveries(scope) + edits.wake_stalled_edits(
            scope
        )
        queue.notify_low_queues(scope)
        missing_approval.refresh_missing_approval_notices(scope)
        missed_posts.close_finished_downtimes(scope)
        lost_account.refresh_lost_account_notices(scope)
        blocked_account.refresh_blocked_account_notices(scope)
        interval_waits.refresh_interval_notices(scope)
        undecided_posts.refresh_undecided_notices(scope)
    telemetry.ORPHANED_WORK.labels("delivery").inc(orphans)
    if orphans:
        log.error("delivery.orphans", count=orphans)


def hold_after_failed_publish(event: PublishDue, *, tenant: OpenScope) -> None:
    """The publish row failed too often: a fault of ours, so a person is told and the delivery waits
    for them."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.hold_failed(scope, event.subject_id)


def record_copy_removed(event: RemovedCopyDue, *, tenant: OpenScope) -> None:
    """A copy is gone: its delivery is removed once none is left."""
    if event.of_kind != DELIVERY_SUBJECT:
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        post_removal.record_removed_copy(scope, event.of_id)


def resume_released_delivery(event: OwnReleaseMatured, *, tenant: OpenScope) -> None:
    """The delay of somebody's own picture is over: what was held for a look goes on the calendar
    and is judged anew."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        try:
            review_queue.resume_after_safety_review(scope, event.subject_id)
        except NotFound:  # the post went meanwhile
            return


def resume_reconnected_account(event: AccountReconnected, *, tenant: OpenScope) -> None:
    """An account was connected again, or its place was seen again: what waited for that goes on."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.resume_account_posts(scope, event.subject_id)


def resume_for_registered_link(event: LinkHoldsDue, *, tenant: OpenScope) -> None:
    """An address is on the list: what waited for it is looked at again, at its hour."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        unregistered_links.resume_link_holds(scope, event.subject_id, event.url)


def record_copy_address(event: CopyAddressDue, *, tenant: OpenScope) -> None:
    """A platform told where people find a copy: its delivery says so."""
    if event.of_kind != DELIVERY_SUBJECT:
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        manual_outcomes.record_public_address(
            scope, event.of_id, before=event.before, native_id=event.native_id, url=event.url
        )


def record_manual_task_end(event: ManualOutcomeDue, *, tenant: OpenScope) -> None:
    """A person said what became of a post; it is written down under their name."""
    if event.of_kind != DELIVERY_SUBJECT:
        return
    with tenant(event.tenant_id, event.by or PUBLISHING) as scope:
        manual_outcomes.record_manual_outcome(scope, event)


def finish_posting_pause(event: PauseOver, *, tenant: OpenScope) -> None:
    """A pause ended by its days: nobody need be told of it any more."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        pauses.finish_pause(scope, event.subject_id)
