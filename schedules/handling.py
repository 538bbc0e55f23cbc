"""What each event of the room does. No transaction is open during a call to a platform."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from channels import carrying
from channels.carrying import Armed, Settle, Staged
from connectors.contract import Connector
from connectors.outcomes import Outcome, Retry, Sighting
from connectors.transport import EgressForbidden
from foundation import outbox, telemetry
from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.words import Message
from gate.minting import Denied
from gate.releasing import ReleaseRipe
from gate.units import Subject
from schedules import (
    downtimes,
    edits,
    forgotten,
    handed,
    lost,
    pausing,
    preflights,
    publishing,
    queueing,
    reminding,
    removal,
    reviewing,
    unlisted,
    waiting,
    waiting_apart,
    waiting_long,
)
from schedules.claiming import NotClaimable
from schedules.composing import DELIVERY, subject
from schedules.events import (
    AccountBack,
    AddressKnown,
    CopyGone,
    HandedBack,
    LinkKnown,
    PauseOver,
    PreflightDue,
    PublishDue,
    ReconcileDue,
    StageDue,
    SweepDue,
)
from schedules.publishing import AT_ONCE, Recorded

PUBLISHING = "system:publishing"
log = telemetry.log("schedules.handling")

Carry = Callable[[Armed, Settle], object]
"""`channels.carrying.carry` with everything bound; the settle is written with the last answer."""

Claim = Callable[[Scope, UUID], tuple[Armed | Outcome, int] | None]
"""`schedules.rehearsed.take` with its collaborators bound."""

Begin = Callable[[Scope, UUID], Armed | None]
"""`claiming.stage` with its collaborators bound."""

Upload = Callable[[Armed], Outcome | Staged]
Look = Callable[[UUID, Subject, int], Sighting]
"""Finds out what became of a subject's part (`channels.reconciling.look`)."""


def publish(event: PublishDue, *, tenant: OpenScope, claim: Claim, carry: Carry) -> None:
    """Claim, act, settle. Raises `outbox.Later` where the delivery may not leave yet."""
    try:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            taken = claim(scope, event.subject_id)
    except (NotClaimable, Denied) as refusal:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            again = publishing.put_off(scope, event.subject_id, refusal)
        if again is not None:
            raise outbox.Later(again) from refusal
        return
    except Conflict as moved:  # somebody changed the delivery between our read and our lock
        raise outbox.Later(AT_ONCE) from moved
    if taken is None:
        return
    turn, attempt = taken
    if isinstance(turn, Armed):
        _act(event, turn, attempt, tenant=tenant, carry=carry)
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        publishing.settle(scope, event.subject_id, turn, attempt=attempt)


def _act(event: PublishDue, turn: Armed, attempt: int, *, tenant: OpenScope, carry: Carry) -> None:
    """Act; what came of it is settled in the transaction that keeps the last answer."""

    def settle(scope: Scope, armed: Armed, outcome: Outcome) -> None:
        ours = replace(scope, actor=PUBLISHING)
        publishing.settle(ours, event.subject_id, outcome, armed=armed, attempt=attempt)

    try:
        carry(turn, settle)
    except (NotFound, EgressForbidden) as unsent:
        lost = isinstance(unsent, NotFound)
        with tenant(event.tenant_id, PUBLISHING) as scope:
            reason = Message("delivery.media_missing" if lost else "delivery.bug")
            publishing.hold_unsent(scope, event.subject_id, reason)
        raise


def stage(event: StageDue, *, tenant: OpenScope, begin: Begin, upload: Upload) -> None:
    """Upload ahead of time. What stands in the way now is said by the check ahead and by the publication itself.

    Raises `outbox.Later` while the account must wait. A publication that comes meanwhile takes over what was uploaded.
    """
    try:
        with tenant(event.tenant_id, PUBLISHING) as scope:
            armed = begin(scope, event.subject_id)
        end = upload(armed) if armed is not None else None
    except NotClaimable as refusal:
        if refusal.again is not None:
            raise outbox.Later(refusal.again) from refusal
        return
    except (Denied, Conflict):
        return
    if armed is None or not isinstance(end, Outcome):
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        carrying.close(scope, armed, end)
    if isinstance(end, Retry):
        raise outbox.Later(end.after)


def preflight(event: PreflightDue, *, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    """Say early what would stop the delivery; nothing moves before its time.

    Raises `outbox.Later` while something would: it is looked at again, so that a notice ends with its cause.
    """
    with tenant(event.tenant_id, PUBLISHING) as scope:
        again = preflights.look(scope, event.subject_id, connectors=connectors)
    if again is not None:
        raise outbox.Later(again)


def reconcile(event: ReconcileDue, *, tenant: OpenScope, look: Look, recorded: Recorded) -> None:
    """Bring a delivery out of doubt: look, then settle what was seen. Raises `outbox.Later` during the act."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        part = publishing.doubt(scope, event.subject_id, recorded=recorded)
    if part is None:
        return
    sighting = look(event.tenant_id, subject(event.subject_id), part)
    with tenant(event.tenant_id, PUBLISHING) as scope:
        publishing.settle_sighting(scope, event.subject_id, sighting)


def sweep(event: SweepDue, *, tenant: OpenScope) -> None:
    """Repair deliveries that no row would wake any more; there should be none. Tell of queues that run low, of posts
    that want a yes soon, of accounts that keep posts waiting, also for their distance, and no longer of what was missed
    and has left."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        orphans = forgotten.sweep(scope) + edits.sweep(scope)
        queueing.watch(scope)
        reminding.watch(scope)
        downtimes.follow(scope)
        lost.watch(scope)
        waiting.watch(scope)
        waiting_apart.watch(scope)
        waiting_long.watch(scope)
    telemetry.ORPHANS.labels("delivery").inc(orphans)
    if orphans:
        log.error("delivery.orphans", count=orphans)


def publish_gave_up(event: PublishDue, *, tenant: OpenScope) -> None:
    """The publish row failed too often: a fault of ours, so a person is told and the delivery waits for them."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        publishing.hold_broken(scope, event.subject_id)


def copy_gone(event: CopyGone, *, tenant: OpenScope) -> None:
    """A copy is gone: its delivery is removed once none is left."""
    if event.of_kind != DELIVERY:
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        removal.note(scope, event.of_id)


def released(event: ReleaseRipe, *, tenant: OpenScope) -> None:
    """The delay of somebody's own picture is over: what was held for a look goes on the calendar and is judged anew."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        try:
            reviewing.after_review(scope, event.subject_id)
        except NotFound:  # the post went meanwhile
            return


def account_back(event: AccountBack, *, tenant: OpenScope) -> None:
    """An account was connected again, or its place was seen again: what waited for that goes on."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        publishing.account_back(scope, event.subject_id)


def link_known(event: LinkKnown, *, tenant: OpenScope) -> None:
    """An address is on the list: what waited for it is looked at again, at its hour."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        unlisted.resume(scope, event.subject_id, event.url)


def address_known(event: AddressKnown, *, tenant: OpenScope) -> None:
    """A platform told where people find a copy: its delivery says so."""
    if event.of_kind != DELIVERY:
        return
    with tenant(event.tenant_id, PUBLISHING) as scope:
        handed.addressed(scope, event.of_id, before=event.before, native_id=event.native_id, url=event.url)


def handed_back(event: HandedBack, *, tenant: OpenScope) -> None:
    """A person said what became of a post; it is written down under their name."""
    if event.of_kind != DELIVERY:
        return
    with tenant(event.tenant_id, event.by or PUBLISHING) as scope:
        handed.note(scope, event)


def pause_over(event: PauseOver, *, tenant: OpenScope) -> None:
    """A pause ended by its days: nobody need be told of it any more."""
    with tenant(event.tenant_id, PUBLISHING) as scope:
        pausing.over(scope, event.subject_id)
