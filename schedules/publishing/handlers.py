"""Event handlers of posts and publishing. No transaction is open during a request to a platform."""

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
from schedules.approvals import approval_policy, review_queue
from schedules.downtime import missed_posts
from schedules.edits import edits
from schedules.notices import (
    blocked_account,
    interval_waits,
    lost_account,
    missing_approval,
    review_requests,
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
    ApprovalHoldsDue,
    CopyAddressDue,
    CreatorHoldsDue,
    LinkHoldsDue,
    ManualOutcomeDue,
    RemovedCopyDue,
    RuleHoldsDue,
    SweepDue,
)
from schedules.publishing.settlement import IMMEDIATE_RETRY_DELAY, RecordedOutcome
from schedules.rescheduling import pauses, queue
from schedules.rescheduling.events import PauseOver
from tenants.agencies.queries import get_creator

PUBLISHING = "system:publishing"
log = telemetry.get_logger("schedules.publishing.handlers")


class RunSteps(Protocol):
    """`channels.sending.step_runner.run_steps` with bound collaborators.

    `settle` runs in the transaction that stores the last response.
    """

    def __call__(self, step: PreparedStep, settle: SettleAttempt, /) -> object: ...


class ClaimDelivery(Protocol):
    """`schedules.publishing.dry_run_outcomes.claim_or_end_dry_run` with bound collaborators."""

    def __call__(
        self, scope: Scope, delivery_id: UUID, /
    ) -> tuple[PreparedStep | Outcome, int] | None: ...


class ClaimUpload(Protocol):
    """`schedules.publishing.claims.claim_upload` with bound collaborators."""

    def __call__(self, scope: Scope, delivery_id: UUID, /) -> PreparedStep | None: ...


class RunUploadSteps(Protocol):
    """`channels.sending.step_runner.run_steps` up to the last upload, with bound collaborators."""

    def __call__(self, step: PreparedStep, /) -> Outcome | StagedUploads: ...


class LookUpAttempt(Protocol):
    """`channels.sending.reconciliation.look_up_attempt` with bound collaborators."""

    def __call__(self, tenant_id: UUID, subject: Subject, part: int, /) -> LookupResult: ...


def publish_delivery(
    event: PublishDue, *, tenant: OpenScope, claim: ClaimDelivery, carry: RunSteps
) -> None:
    """Claim a due delivery, send it and settle the outcome.

    Raises `outbox.RetryLater` if it cannot be published yet.
    """
    try:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            taken = claim(scope, event.subject_id)
    except (NotClaimable, PermitDenied) as refusal:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            again = settlement.postpone_delivery(scope, event.subject_id, refusal)
        if again is not None:
            raise outbox.RetryLater(again) from refusal
        return
    except Conflict as moved:  # the delivery changed between our read and our lock
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
    """Send the request and settle the outcome in the transaction that stores the last response."""

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
    """Upload the media of a delivery before its time.

    Refusals are reported by the preflight check and the publication. Raises `outbox.RetryLater`
    while the account must wait. A publication that starts earlier reuses the uploads.
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
    """Warn members of anything that would stop a delivery; its state does not change.

    Raises `outbox.RetryLater` until its last check, so that a warning is closed when its cause
    ends.
    """
    with tenant(event.tenant_id, PUBLISHING) as scope:
        again = preflight.run_preflight(scope, event.subject_id, connectors=connectors)
    if again is not None:
        raise outbox.RetryLater(again)


def reconcile_delivery(
    event: ReconcileDue, *, tenant: OpenScope, look: LookUpAttempt, recorded: RecordedOutcome
) -> None:
    """Look up the outcome of an uncertain delivery and settle it.

    Raises `outbox.RetryLater` while the attempt may still be in progress.
    """
    with tenant(event.tenant_id, PUBLISHING) as scope:
        part = settlement.recover_unsettled(scope, event.subject_id, recorded=recorded)
    if part is None:
        return
    sighting = look(event.tenant_id, delivery_subject(event.subject_id), part)
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.settle_lookup(scope, event.subject_id, sighting)


def sweep_deliveries(event: SweepDue, *, tenant: OpenScope) -> None:
    """Wake stalled deliveries and edits, and refresh the notices of the calendar.

    There should be no stalled delivery; each is counted as orphaned work.
    """
    with tenant(event.tenant_id, PUBLISHING) as scope:
        orphans = stalled_deliveries.wake_stalled_deliveries(scope) + edits.wake_stalled_edits(
            scope
        )
        queue.notify_low_queues(scope)
        missing_approval.refresh_missing_approval_notices(scope)
        review_requests.refresh_review_request_notices(scope)
        missed_posts.close_finished_downtimes(scope)
        lost_account.refresh_lost_account_notices(scope)
        blocked_account.refresh_blocked_account_notices(scope)
        interval_waits.refresh_interval_notices(scope)
        undecided_posts.refresh_undecided_notices(scope)
    telemetry.ORPHANED_WORK.labels("delivery").inc(orphans)
    if orphans:
        log.error("delivery.orphans", count=orphans)


def hold_after_failed_publish(event: PublishDue, *, tenant: OpenScope) -> None:
    """Put a delivery on hold if its publish event failed too often, which indicates an internal
    error."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.hold_failed(scope, event.subject_id)


def record_copy_removed(event: RemovedCopyDue, *, tenant: OpenScope) -> None:
    """Record that a copy was removed. The delivery is removed with its last copy."""
    if event.of_kind != DELIVERY_SUBJECT:
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        post_removal.record_removed_copy(scope, event.of_id)


def resume_released_delivery(event: OwnReleaseMatured, *, tenant: OpenScope) -> None:
    """Schedule a delivery when its delay after a safety review is over; the gate checks it
    again."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        try:
            review_queue.resume_after_safety_review(scope, event.subject_id)
        except NotFound:  # the post was deleted in the meantime
            return


def resume_reconnected_account(event: AccountReconnected, *, tenant: OpenScope) -> None:
    """Schedule the deliveries that waited for their account or its destination check."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        settlement.resume_account_posts(scope, event.subject_id)


def resume_reactivated_creator(event: CreatorHoldsDue, *, tenant: OpenScope) -> None:
    """Schedule the deliveries that waited for the reactivation of their creator."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        if get_creator(scope, event.subject_id).is_active:
            settlement.resume_creator_posts(scope, event.subject_id)


def hold_for_raised_approvals(event: ApprovalHoldsDue, *, tenant: OpenScope) -> None:
    """Return the scheduled posts of a creator that now need an approval to the approvers. Until
    then, their claims are refused."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        approval_policy.hold_unapproved_posts(scope, event.subject_id)


def resume_for_registered_link(event: LinkHoldsDue, *, tenant: OpenScope) -> None:
    """Schedule the deliveries that waited for a link to be registered."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        unregistered_links.resume_link_holds(scope, event.subject_id, event.url)


def resume_for_confirmed_rules(event: RuleHoldsDue, *, tenant: OpenScope) -> None:
    """Schedule the deliveries that waited for the rules of their platform to be confirmed."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        review_queue.resume_stale_rules(scope)


def record_copy_address(event: CopyAddressDue, *, tenant: OpenScope) -> None:
    """Record the public address of a copy in its delivery."""
    if event.of_kind != DELIVERY_SUBJECT:
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        manual_outcomes.record_public_address(
            scope, event.of_id, before=event.before, native_id=event.native_id, url=event.url
        )


def record_manual_task_end(event: ManualOutcomeDue, *, tenant: OpenScope) -> None:
    """Record the outcome of a manual task, with the member as the actor."""
    if event.of_kind != DELIVERY_SUBJECT:
        return
    with tenant(event.tenant_id, event.by or PUBLISHING) as scope:
        manual_outcomes.record_manual_outcome(scope, event)


def finish_posting_pause(event: PauseOver, *, tenant: OpenScope) -> None:
    """Close the notice of a pause that ended on its last day."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        pauses.finish_pause(scope, event.subject_id)
