"""Lookups of uncertain deliveries, and proof that they are absent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import attempts, published_units, request_loop, serialization
from channels.attempts.attempts import Attempt
from channels.limits import send_limits
from channels.sending.events import PermitVoidDue
from connectors.contract.capabilities import FOREVER
from connectors.contract.connector import Connector, LookupQuery, Send, StepResult
from connectors.contract.outcomes import (
    Absent,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.transport.transport import Transport
from foundation.db import clock_rollback
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder
from gate.contract.units import REPOST_KIND, Subject
from gate.copies import live_copies

RECONCILIATION_ACTOR = "system:reconciling"
SYSTEM = "system:"
"""Prefix of actors that are not members."""

LOOK = "look"
MIN_LOOK_INTERVAL = timedelta(seconds=60)
"""Minimum time between the first and the last of several lookups that together prove absence,
because a single list may be incomplete."""

LOOK_DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (20, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 24 * 3600)
)
"""Delays before the first lookup, the second, and so on; after the last one, a member decides."""

BLIND_PERIOD = timedelta(minutes=5)
"""Maximum delay after failed lookups, which do not count: the delay starts at 20 s and doubles with
each consecutive failure."""

BRAKED_LOOK_INTERVAL = timedelta(seconds=5)
"""Interval at which the record is checked while a platform is unavailable or rate limited, so that
the first lookup follows as soon as possible."""

KNOWN = 500
"""Number of the latest copies of the account that a lookup knows: more than any listing it reads.
"""

LOOK_DEADLINE = timedelta(hours=24)

_CONCLUSIVE = "conclusive_at"
"""Key of the time from which a negative lookup counts as proof."""

_SURE = "sure"
"""Key of the time until which a negative lookup is proof alone."""

_TRY = "try"
"""Key of the number of the send that was looked up."""

NO_LOOKUP = "attempt.no_lookup"
"""Code of an unknown result because the account offers no lookup: further lookups cannot help, and
a member must decide at once."""


_OUT_OF_TIME = Retry(timedelta(), "account", Message("attempt.out_of_time"))


@dataclass(frozen=True)
class LookRecord:
    """The result of one lookup with its time.

    `sure` means that it proves absence alone, because a repeat is safe or by the response itself;
    `conclusive_at` is the time from which a negative result counts as proof (None: never).
    """

    at: datetime
    sighting: LookupResult
    sure: bool = False
    conclusive_at: datetime | None = None

    @property
    def is_conclusive(self) -> bool:
        """Return True if the lists of the platform were up to date at the time of the lookup."""
        return self.conclusive_at is not None and self.at >= self.conclusive_at


def look_up_attempt(
    tenant_id: UUID,
    subject: Subject,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    part: int = 0,
    attempt: UUID | None = None,
) -> LookupResult:
    """Look up the post or message of the last attempt of a subject, or of `attempt`. The lookup is
    recorded as an attempt too.

    No transaction is open during requests. Returns Unknown if the platform cannot be reached, or
    while the attempt is still in progress.
    """
    with tenant(tenant_id, RECONCILIATION_ACTOR) as scope:
        row = _resolve_attempt(scope, subject, part, attempt)
        if row is None or row.publish_armed_at is None:
            return Absent()
        known = _recorded_result(scope, row, connectors)
        if known is not None:
            return known
        channel = queries.get_channel(scope, row.channel_id)
        look_id = _begin_lookup(scope, channel, row)
        looked_at, first_sent_at = scope.now, _first_sent_at(scope, row)
        sought = _build_lookup_query(scope, row)
    connector = account_connectors.connector_for(connectors, channel)

    def ask(answers: tuple[StepResult, ...]) -> Send | LookupResult:
        if channel.state == ChannelState.DISCONNECTED:  # a member must decide
            return Unknown(Message(NO_LOOKUP))
        return connector.look_up(sought, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(tenant_id, channel.id, action)

    answers = request_loop.run_requests(
        channel, ask, order, tenant=tenant, transport=transport, attempt_id=look_id
    )
    seen = ask(answers)
    sighting: LookupResult
    if isinstance(seen, Send) or (isinstance(seen, Found) and seen.native_id in sought.known):
        sighting = Unknown(Message("attempt.not_proven"))
    elif isinstance(seen, Unknown) and not answers:
        sighting = Unknown(Message(NO_LOOKUP))
    else:
        sighting = seen
    with tenant(tenant_id, RECONCILIATION_ACTOR) as scope:
        _record_lookup(
            scope,
            look_id,
            row,
            sighting,
            sure_until=connector.capabilities.repeat_safe_until(
                first_sent_at, under=sought.reply_to, chat=sought.chat
            ),
            conclusive_at=_conclusive_at(row, connector, looked_at, sighting),
        )
    return sighting


def is_possibly_published(scope: Scope, subject: Subject, part: int = 0) -> bool:
    """Return True if the publishing step of the last attempt may have taken effect, as far as the
    record shows."""
    row = _last_send_attempt(scope, subject, part)
    return row is not None and attempts.is_uncertain(row)


def combine_looks(seen: Sequence[LookRecord]) -> LookupResult:
    """Return the result that several lookups prove together. Pure.

    One positive result or one refusal is enough. Absence needs one lookup that is sure, or two that
    did not fail, at least 60 s apart and the last of them conclusive.
    """
    for told in (Found, Failed):
        proof = next((look.sighting for look in seen if isinstance(look.sighting, told)), None)
        if proof is not None:
            return proof
    absent = [look for look in seen if isinstance(look.sighting, Absent)]
    if any(look.sure for look in absent) or any(
        look.is_conclusive and look.at - absent[0].at >= MIN_LOOK_INTERVAL for look in absent
    ):
        return Absent()
    return Unknown(Message("attempt.not_proven"))


def is_repeat(scope: Scope, subject: Subject, part: int = 0) -> bool:
    """Return True if the next send repeats one that was resolved as absent."""
    row = _last_send_attempt(scope, subject, part)
    return row is not None and (row.resolution or {}).get("outcome") == attempts.ABSENT_RESULT


def is_repeat_expired(scope: Scope, subject: Subject, part: int = 0) -> bool:
    """Return True if the next send repeats one whose absence a lookup proved and no longer proves,
    because the platform may have forgotten the key since."""
    row = _last_send_attempt(scope, subject, part)
    if row is None or (row.resolution or {}).get("outcome") != attempts.ABSENT_RESULT:
        return False
    if not (row.resolved_by or "").startswith(SYSTEM):  # a member stated it
        return False
    return not isinstance(combine_looks(_list_lookups(scope, row)), Absent | Failed)


def has_refused_attempt(scope: Scope, subject: Subject, part: int = 0) -> bool:
    """Return True if an attempt before the last one was found to be refused, by any lookup."""
    row = _last_send_attempt(scope, subject, part)
    seen = attempts.list_attempts(scope, subject, part, ("look",))
    return row is not None and any(
        one.outcome == "failed" and one.armed_at < row.armed_at for one in seen
    )


def is_proven_absent(
    scope: Scope, subject: Subject, part: int = 0, *, attempt: UUID | None = None
) -> bool:
    """Return True if the lookups prove that the last attempt, or `attempt`, published nothing."""
    row = _resolve_attempt(scope, subject, part, attempt)
    return row is not None and isinstance(combine_looks(_list_lookups(scope, row)), Absent)


def look_delay(n: int) -> timedelta | None:
    """Return the delay before the next lookup after `n` lookups that did not fail, or None if a
    member must decide."""
    return LOOK_DELAYS[n] if n < len(LOOK_DELAYS) else None


def next_look_at(
    scope: Scope, subject: Subject, part: int = 0, *, attempt: UUID | None = None
) -> datetime | None:
    """Return the time of the next lookup (UTC-aware), or None if lookups have ended and a member
    must decide."""
    row = _resolve_attempt(scope, subject, part, attempt)
    if row is None or row.publish_armed_at is None:
        return None
    seen = _list_lookups(scope, row)
    if seen and isinstance(last := seen[-1].sighting, Unknown) and last.reason.code == NO_LOOKUP:
        return None
    blind = _count_blind_looks(seen)
    able = sum(not isinstance(one.sighting, Unknown) for one in seen)
    wait = (
        min(LOOK_DELAYS[0] * 2 ** min(blind - 1, 10), BLIND_PERIOD) if blind else look_delay(able)
    )
    if wait is None or scope.now - row.publish_armed_at > LOOK_DEADLINE:
        return None
    held = send_limits.send_block(scope, row.channel_id, brake=blind > 0, writes=False)
    if held is not None:
        return max(held.until, scope.now + BRAKED_LOOK_INTERVAL)
    conclusive_at = seen[-1].conclusive_at if seen else None
    if conclusive_at is not None and scope.now < conclusive_at < scope.now + wait:
        return conclusive_at
    return scope.now + wait


def _count_blind_looks(seen: Sequence[LookRecord]) -> int:
    """Count the failed lookups at the end of the list."""
    blind = 0
    for one in reversed(seen):
        if not isinstance(one.sighting, Unknown):
            break
        blind += 1
    return blind


def mark_absent(scope: Scope, subject: Subject, part: int = 0) -> None:
    """Record that nothing was published, by proof or by a member's statement (the actor of the
    scope). It may then be sent again with the same key.

    An attempt without a publishing step is closed. Does nothing if the outcome is certain. Raises
    Conflict while the attempt is still in progress.
    """
    row = _last_send_attempt(scope, subject, part)
    if row is None or not attempts.is_uncertain(row):
        if row is not None and row.outcome is None:
            _end_unsent(scope, row)
        return
    if _is_in_progress(scope, row):
        raise Conflict("attempt.under_way")
    _resolve_as_absent(
        scope, row, proven=isinstance(combine_looks(_list_lookups(scope, row)), Absent | Failed)
    )


def abandon_subject(scope: Scope, subject: Subject) -> None:
    """Close the open attempts of a subject that will not be continued: those with a prepared
    publishing step as uncertain, the others as unsent."""
    for row in attempts.list_attempts(scope, subject, None):
        if row.outcome is None and attempts.is_uncertain(row):
            attempts.finish_attempt(scope, row.id, "uncertain", {}, Message("attempt.no_answer"))
        elif row.outcome is None:
            _end_unsent(scope, row)


def abandon_subjects(scope: Scope, subjects: Collection[Subject]) -> None:
    """Abandon many subjects, few of which have attempts."""
    for one in attempts.subjects_with_open_attempts(scope, subjects):
        abandon_subject(scope, one)


def void_unsent_permit(scope: Scope, permit: UUID) -> None:
    """Void the permit of an attempt that ended before its request was sent."""
    live_copies.void_permit(scope, permit, serialization.outcome_name(_OUT_OF_TIME))


def _end_unsent(scope: Scope, row: Attempt) -> None:
    """Close an attempt that sent nothing visible, so that no worker continues it.

    A worker voids its permit, since a member's process has no rights of the gate.
    """
    name = serialization.outcome_name(_OUT_OF_TIME)
    result = serialization.outcome_to_json(_OUT_OF_TIME)
    jti = attempts.publish_permit(row)
    if (
        attempts.finish_attempt(scope, row.id, name, result, _OUT_OF_TIME.reason) is not None
        and jti is not None
    ):
        outbox.put(scope, PermitVoidDue(scope.tenant_id, jti))


def outcome_after_looks(scope: Scope, row: Attempt) -> Outcome | None:
    """Return the outcome of an uncertain attempt after its lookups: published, refused, still
    uncertain, or None if nothing was published."""
    doubt = Uncertain(Message.from_json(row.detail) if row.detail else Message("attempt.no_answer"))
    if _is_in_progress(scope, row):
        return doubt
    match combine_looks(_list_lookups(scope, row)):
        case Found(native_id=native_id, url=url, at=at):
            published = Published(native_id, url, at)
            return published  # The caller closes the attempt and informs the gate.
        case Absent():
            _resolve_as_absent(scope, row, proven=True)
            return None
        case Failed(reason=reason):
            _resolve_as_absent(scope, row, proven=True)
            return Rejected(reason, permanent=False)
        case Unknown():
            return doubt


def _resolve_attempt(
    scope: Scope, subject: Subject, part: int, attempt: UUID | None
) -> Attempt | None:
    return (
        _last_send_attempt(scope, subject, part)
        if attempt is None
        else attempts.get_attempt(scope, attempt)
    )


def _last_send_attempt(scope: Scope, subject: Subject, part: int) -> Attempt | None:
    rows = attempts.list_attempts(scope, subject, part, ("send",))
    return rows[-1] if rows else None


def _resolve_as_absent(scope: Scope, row: Attempt, *, proven: bool) -> None:
    """Resolve an attempt as absent, so that it may be sent again. Only proof voids its permit:
    after a member's statement, a copy may still be found."""
    jti = attempts.publish_permit(row)
    if (
        attempts.resolve_attempt(scope, row, {"outcome": attempts.ABSENT_RESULT})
        and proven
        and jti is not None
    ):
        live_copies.void_permit(scope, jti, attempts.ABSENT_RESULT)


def _is_in_progress(scope: Scope, row: Attempt) -> bool:
    unanswered = row.outcome is None and attempts.publish_answer(row) is None
    return unanswered and scope.now < row.deadline_at


def _recorded_result(
    scope: Scope, row: Attempt, connectors: Mapping[str, Connector]
) -> LookupResult | None:
    """Return the result that follows from the record alone: from a response that was not settled,
    an earlier lookup, or a missing lookup capability."""
    stands = attempts.binding_outcome(row)
    if isinstance(stands, Published):
        return Found(stands.native_id, stands.url, stands.at)
    if isinstance(stands, Processing) and stands.by_hand:
        return Unknown(Message(NO_LOOKUP))  # A manual task is open, and only its member can know.
    channel = queries.get_channel(scope, row.channel_id)
    connector = account_connectors.connector_for(connectors, channel)
    if attempts.publish_answer(row) is not None:
        said = connector.next_step(
            serialization.unit_from_json(row.unit), attempts.stored_answers(row)
        )
        if isinstance(said, Published):
            return Found(said.native_id, said.url, said.at)
        if not isinstance(
            said, Send | Uncertain | Processing
        ):  # The response itself is a refusal, which proves absence.
            _record_lookup(
                scope, _begin_lookup(scope, channel, row), row, Absent(), sure_until=FOREVER
            )
            return Absent()
    if _is_in_progress(scope, row):
        return Unknown(Message("attempt.under_way"))
    # The first lookup ignores the brake; after a failure, the probe of the brake comes first.
    failed = _count_blind_looks(_list_lookups(scope, row)) > 0
    blocked = send_limits.send_block(scope, channel.id, brake=failed, writes=False)
    if blocked is not None:
        return Unknown(blocked.reason)
    if connector.capabilities.look == "none":
        never = Unknown(Message(NO_LOOKUP))
        _record_lookup(scope, _begin_lookup(scope, channel, row), row, never)
        return never
    return None


def _list_lookups(scope: Scope, row: Attempt) -> tuple[LookRecord, ...]:
    if row.publish_armed_at is None:
        return ()
    subject = Subject(row.subject_kind, row.subject_id)
    return tuple(
        LookRecord(
            one.armed_at,
            serialization.sighting_from_json(one.outcome, one.result, one.detail),
            _is_sure(one, scope.now),
            _parse_conclusive_at(one),
        )
        for one in attempts.list_attempts(scope, subject, row.part, (LOOK,))
        if one.outcome is not None and _is_about(one, row)
    )


def _first_sent_at(scope: Scope, row: Attempt) -> datetime:
    """Return the time at which the key of an attempt was first sent: a platform remembers a key for
    a time after its first use, not its last."""
    sends = attempts.list_attempts(
        scope, Subject(row.subject_kind, row.subject_id), row.part, ("send",)
    )
    sent = [
        one.publish_armed_at
        for one in sends
        if one.publish_armed_at is not None and one.native_key == row.native_key
    ]
    return min(sent, default=row.armed_at)


def _conclusive_at(
    row: Attempt, connector: Connector, looked_at: datetime, sighting: LookupResult
) -> datetime | None:
    """Return the time from which a negative lookup of an attempt counts as proof, or None if it
    never does."""
    if not isinstance(sighting, Absent):
        return None
    return connector.capabilities.absence_conclusive_at(
        looked_at, ended_at=attempts.publish_ended_at(row), confirmed=sighting.confirmed
    )


def _is_sure(look: Attempt, now: datetime) -> bool:
    """Return True if a negative lookup proves absence alone, now and not only when it was made."""
    stored = look.result.get(_SURE)
    # Lookups of older versions store True.
    return now < datetime.fromisoformat(stored) if isinstance(stored, str) else bool(stored)


def _parse_conclusive_at(look: Attempt) -> datetime | None:
    stored = look.result.get(_CONCLUSIVE)
    return datetime.fromisoformat(stored) if stored is not None else None


def _is_about(seen: Attempt, row: Attempt) -> bool:
    """Return True if a lookup was for this attempt: by its number, which survives a clock rollback,
    or by time in old records."""
    if _TRY in seen.result:
        return bool(seen.result[_TRY] == row.n)
    return row.publish_armed_at is not None and seen.armed_at >= row.publish_armed_at


def _build_lookup_query(scope: Scope, row: Attempt) -> LookupQuery:
    unit = serialization.unit_from_json(row.unit)
    sent = attempts.list_attempts(
        scope, Subject(row.subject_kind, row.subject_id), row.part, ("send",)
    )
    stand = (
        attempts.binding_outcome(one) for one in sent if one.id != row.id
    )  # For example of a later attempt.
    known = published_units.other_native_ids(scope, row, most=KNOWN) | {
        one.native_id for one in stand if isinstance(one, Published)
    }
    same = [
        one.publish_armed_at
        for one in sent
        if one.publish_armed_at and one.unit_digest == row.unit_digest
    ]
    # An earlier attempt may have been published after all.
    armed_at = min(same, default=row.armed_at)
    armed_at -= clock_rollback.rollback_since(
        scope, armed_at
    )  # After a clock rollback, the post is older by the platform's clock than by ours.
    return LookupQuery(
        row.native_key,
        unit.text_of("body"),
        armed_at,
        unit.account,
        unit.viewer,
        known,
        scope.now,
        unit.parent_id,
        unit.text_of("title"),
        unit.flags,
        unit.media,
        _list_upload_answers(scope, row),
        row.publish_armed_at,
        unit.price,
        bool(unit.reply_to),
        unit.options,
        unit.comment == REPOST_KIND,
    )


def _list_upload_answers(scope: Scope, row: Attempt) -> tuple[StepResult, ...]:
    """Return the responses to the uploads of earlier attempts and to all steps of this one."""
    subject = Subject(row.subject_kind, row.subject_id)
    rows = attempts.list_attempts(scope, subject, row.part)
    before = rows[: [one.id for one in rows].index(row.id)]
    return (*attempts.reusable_uploads(before, row.unit_digest), *attempts.stored_answers(row))


def _begin_lookup(scope: Scope, channel: Channel, row: Attempt) -> UUID:
    subject = Subject(row.subject_kind, row.subject_id)
    deadline = scope.now + timedelta(seconds=60)
    return attempts.begin_attempt(
        scope,
        channel_id=channel.id,
        subject=subject,
        kind=LOOK,
        deadline=deadline,
        part=row.part,
        native_key=row.native_key,
    )


def _record_lookup(
    scope: Scope,
    look_id: UUID,
    row: Attempt,
    sighting: LookupResult,
    *,
    sure_until: datetime | None = None,
    conclusive_at: datetime | None = None,
) -> None:
    # The platform had accepted the request; only its response was lost.
    if isinstance(sighting, Found):
        send_limits.release_write_brake(scope, row.channel_id)
    result = {**serialization.sighting_to_json(sighting), _TRY: row.n}
    if conclusive_at is not None and isinstance(sighting, Absent):
        result[_CONCLUSIVE] = conclusive_at.isoformat()
    if sure_until is not None and isinstance(sighting, Absent):
        result[_SURE] = sure_until.isoformat()
    attempts.finish_attempt(
        scope,
        look_id,
        serialization.outcome_name(sighting),
        result,
        serialization.outcome_reason(sighting),
    )
