"""Handlers of age verification: test a provider's key, open a check at the provider, and fetch its
result.

No transaction is open during requests. A run that is repeated after a crash has nothing left to do,
or opens a second session that no viewer is sent to. The result of a session is recorded once, for
the viewer whose check names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from channels.age_verification import age_checks
from channels.age_verification.events import (
    AgeCheckEnded,
    AgeCheckRequested,
    AgeCheckResultDue,
    AgeProviderTestDue,
    AgeRetentionDue,
)
from channels.age_verification.models import AgeCheckRow, AgeProviderRow
from channels.age_verification.states import AgeCheckState, AgeProviderState
from connectors.age_verification.providers import (
    AgeCheckRequest,
    AgeCheckResult,
    AgeCheckSession,
    AgeProvider,
    ProviderCredential,
)
from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry
from connectors.shared.http_responses import SHORT_RETRY
from connectors.transport.transport import AccountTarget, Transport
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from foundation.sealed import Sealed
from gate import epochs
from gate.contract.facts import is_card_check
from gate.contract.permit import ControlOrder
from gate.policy import active_policy
from gate.viewers import age_assurance
from tenants.notices import notices
from tenants.vault.sealed_intake import ReadForm

AGE_CHECKS_ACTOR = "system:ages"
SESSION_LIVES = timedelta(minutes=15)
"""Time that a viewer has to complete a check at the provider."""

PATIENCE = timedelta(seconds=60)
"""Time for which an unreachable provider is tried before the viewer sees a failure."""

GRACE = timedelta(hours=1)
"""Time after its end within which a session may still get a result, because providers also review
documents manually."""

FIRST_LOOK = timedelta(seconds=5)
OFTEN = timedelta(seconds=20)
SELDOM = timedelta(minutes=5)
KEEP_CHECKS = timedelta(days=30)
KEEP_PASSED = timedelta(days=366)
MAX_STEPS = 4

CallAddress = Callable[[UUID, UUID], str]
"""Returns the webhook URL for a check of a tenant, or "" if the installation is not reachable."""


@dataclass(frozen=True)
class _At:
    """A provider of a tenant with its credentials."""

    stepper: AgeProvider
    row_id: UUID
    tenant_id: UUID
    account: str
    base_url: str
    token: Sealed | None

    def send(self, turn: Send, transport: Transport) -> StepResult:
        order = ControlOrder(self.tenant_id, self.row_id, turn.step.action)
        where = AccountTarget(
            self.tenant_id,
            self.row_id,
            self.account,
            self.base_url,
            self.token,
            platform=self.stepper.name,
        )
        return transport.send(turn.step, order, account=where)


def connect_provider_account(
    event: AgeProviderTestDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    providers: Mapping[str, AgeProvider],
    addresses: Mapping[str, str],
    read_form: ReadForm,
) -> None:
    """Test the submitted form, or the stored key. Store it, or the reason of the refusal."""
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        row = age_checks.provider_row(scope, event.subject_id)
        state = AgeProviderState(row.state)
        letter = bytes(row.letter)
        stepper = providers[row.provider]
        signed = ProviderCredential(row.account, Sealed(row.box)) if row.box is not None else None
        base_url = row.base_url or addresses.get(row.provider, "")
        since = row.updated_at
        now = scope.now
    if state is AgeProviderState.OFF:
        return
    if state is AgeProviderState.WAITING and letter:
        secret = frozenset(field.name for field in stepper.form.fields if field.secret)
        signed = stepper.read_form(read_form(event.tenant_id, letter, secret))
        base_url = addresses.get(stepper.name, "")
    at = None
    if signed is not None:
        at = _At(stepper, event.subject_id, event.tenant_id, signed.account, base_url, signed.token)
    end = (
        _verify_credential(at, transport)
        if at is not None
        else Rejected(Message("age.bad_form"), permanent=False)
    )
    if isinstance(end, Retry) and now < (since or now) + PATIENCE:
        raise outbox.RetryLater(max(end.after, SHORT_RETRY))
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        _record_credential_result(scope, event.subject_id, letter, at, end)


def _verify_credential(at: _At, transport: Transport) -> Outcome | None:
    answers: tuple[StepResult, ...] = ()
    for _ in range(MAX_STEPS):
        turn = at.stepper.verify_credential(at.account, answers)
        if not isinstance(turn, Send):
            return turn
        answers = (*answers, at.send(turn, transport))
    return Rejected(Message("enrolment.endless"), permanent=True)


def _record_credential_result(
    scope: Scope, provider_id: UUID, letter: bytes, at: _At | None, end: Outcome | None
) -> None:
    row = age_checks.provider_row(scope, provider_id, held=True)
    if (
        bytes(row.letter) != letter or row.state == AgeProviderState.OFF
    ):  # Another form was submitted since, or the provider was disconnected.
        return
    if (
        not letter and at is not None and not _has_current_credential(row, at)
    ):  # Another form was submitted and tested since.
        return
    tested = row.state != AgeProviderState.WAITING
    if end is None and at is not None and at.token is not None:
        row.account = at.account
        row.box = at.token.box
        row.base_url = at.base_url
        row.state = str(AgeProviderState.CONNECTED)
        row.reason = None
        row.tested_at = scope.now
        notices.close(scope, _provider_notice_cause(row.id))
    elif not (tested and isinstance(end, Retry)):  # An unavailable provider keeps its tested key.
        row.state = str(AgeProviderState.REFUSED)
        row.reason = stored_message(_refusal_reason(end))
    row.letter = b""
    scope.add(row)


def open_provider_session(
    event: AgeCheckRequested,
    *,
    tenant: OpenScope,
    transport: Transport,
    providers: Mapping[str, AgeProvider],
    call_address: CallAddress,
) -> None:
    """Open a session for a check under our ID, and store the URL for the viewer."""
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        row = age_checks.get_check_row(scope, event.subject_id)
        if row.state != AgeCheckState.BEGINNING:
            return
        at = _resolve_check_target(scope, row, providers)
        overdue = scope.now > (row.updated_at or scope.now) + PATIENCE
        try:
            age_assurance.begin_age_check(scope, row.platform, row.user_id)
        except Conflict:  # The viewer is blocked or suspected, which a check cannot change.
            at = None
        if at is None:
            age_checks.move_check(
                scope, event.subject_id, AgeCheckState.BEGINNING, AgeCheckState.AWAY
            )
            return
    asked = AgeCheckRequest(
        str(event.subject_id),
        event.page,
        call_address(event.tenant_id, event.subject_id),
        SESSION_LIVES,
    )
    answers: tuple[StepResult, ...] = ()
    turn: Send | AgeCheckSession | Outcome = at.stepper.open_check(
        asked, at.account, at.base_url, answers
    )
    while isinstance(turn, Send) and len(answers) < MAX_STEPS:
        answers = (*answers, at.send(turn, transport))
        turn = at.stepper.open_check(asked, at.account, at.base_url, answers)
    if isinstance(turn, Retry) and not overdue:
        raise outbox.RetryLater(max(turn.after, SHORT_RETRY))
    try:
        with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
            _record_session_opened(scope, event.subject_id, at, turn)
    except IntegrityError:  # The session already belongs to the check of another viewer.
        fail_check(event, tenant=tenant)


def _record_session_opened(
    scope: Scope, check_id: UUID, at: _At, turn: Send | AgeCheckSession | Outcome
) -> None:
    if isinstance(turn, Reauthorize):
        _record_credential_refused(scope, at, turn)
    if not isinstance(turn, AgeCheckSession):
        age_checks.move_check(scope, check_id, AgeCheckState.BEGINNING, AgeCheckState.AWAY)
        return
    until = scope.now + SESSION_LIVES
    moved = age_checks.move_check(
        scope,
        check_id,
        AgeCheckState.BEGINNING,
        AgeCheckState.OPEN,
        native_id=turn.native_id,
        address=turn.address,
        until=until,
    )
    if moved:
        due = scope.now + FIRST_LOOK
        outbox.put(
            scope,
            AgeCheckResultDue(scope.tenant_id, check_id),
            at=due,
            dedupe=f"age_look:{check_id}",
        )


def fail_check(event: AgeCheckRequested, *, tenant: OpenScope) -> None:
    """Record that a check could not be opened. The viewer may try again."""
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        age_checks.move_check(scope, event.subject_id, AgeCheckState.BEGINNING, AgeCheckState.AWAY)


def schedule_result_read(scope: Scope, check_id: UUID) -> None:
    """Schedule a request for the result after a webhook of the provider. Its content is not used;
    repeated webhooks are merged."""
    outbox.put(
        scope,
        AgeCheckResultDue(scope.tenant_id, check_id, called=True),
        priority=1,
        dedupe=f"age_called:{check_id}",
    )


def read_result(
    event: AgeCheckResultDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    providers: Mapping[str, AgeProvider],
) -> None:
    """Fetch the result of a session and record it.

    Raises `outbox.RetryLater` with growing delays while there is none.
    """
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        try:
            row = age_checks.get_check_row(scope, event.subject_id)
        except NotFound:
            return
        awaited = row.state == AgeCheckState.OPEN or (
            event.called and row.state == AgeCheckState.PASSED
        )
        at = _resolve_check_target(scope, row, providers) if awaited else None
        native_id = row.native_id
        until = row.until
        now = scope.now
    if not awaited or (event.called and at is None):  # There is no provider to request it from.
        return
    over = until is not None and now > until + GRACE
    turn: AgeCheckResult | Outcome = Retry(SELDOM, "account", Message("age.provider_away"))
    if at is not None:
        turn = _read_check_result(at, native_id, str(event.subject_id), transport)
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        if isinstance(turn, Reauthorize) and at is not None:
            _record_credential_refused(scope, at, turn)
        said = _final_result(turn, over=over)
        if said is not None:
            _record_check_result(scope, event.subject_id, native_id, said)
            return
    if not event.called:
        begun = until - SESSION_LIVES if until is not None else now
        unhurried = SELDOM if now - begun > SESSION_LIVES else OFTEN
        raise outbox.RetryLater(
            FIRST_LOOK if now - begun < PATIENCE and isinstance(turn, AgeCheckResult) else unhurried
        )
    if not isinstance(
        turn, AgeCheckResult
    ):  # The requested result may withdraw a proof, so try again.
        raise outbox.RetryLater(SELDOM)


def _read_check_result(
    at: _At, native_id: str, reference: str, transport: Transport
) -> AgeCheckResult | Outcome:
    answers: tuple[StepResult, ...] = ()
    for _ in range(MAX_STEPS):
        turn = at.stepper.read_result(native_id, reference, at.account, answers)
        if not isinstance(turn, Send):
            return turn
        answers = (*answers, at.send(turn, transport))
    return Rejected(Message("enrolment.endless"), permanent=True)


def _final_result(
    turn: AgeCheckResult | Outcome, *, over: bool
) -> AgeCheckResult | Rejected | None:
    """Return the result that ends a check, or None if there is none yet."""
    if isinstance(turn, Rejected) or (isinstance(turn, AgeCheckResult) and turn.state != "pending"):
        return turn
    return AgeCheckResult("expired") if over else None


def _record_check_result(
    scope: Scope, check_id: UUID, native_id: str, said: AgeCheckResult | Rejected
) -> None:
    """Record the end of a check, once: the age assurance with the gate, the state of the check, and
    the event for the chat."""
    row = age_checks.get_check_row(scope, check_id)
    epochs.lock_and_advance(
        scope, epochs.viewer_key(scope, row.platform, row.user_id)
    )  # Other handlers of this viewer wait here.
    row = age_checks.get_check_row(scope, check_id)
    before = AgeCheckState(row.state)
    if row.native_id != native_id or before not in (AgeCheckState.OPEN, AgeCheckState.PASSED):
        return
    after = _resolve_check_state(scope, row, before, said)
    if after is None or not age_checks.move_check(scope, check_id, before, after):
        return
    if row.channel_id is not None:
        outbox.put(
            scope, AgeCheckEnded(scope.tenant_id, check_id, row.channel_id, row.user_id, str(after))
        )


def _resolve_check_state(
    scope: Scope, row: AgeCheckRow, before: AgeCheckState, said: AgeCheckResult | Rejected
) -> AgeCheckState | None:
    if before is AgeCheckState.PASSED:
        return _resolve_withdrawn_proof(scope, row, said)
    if not isinstance(said, AgeCheckResult):
        return AgeCheckState.UNFIT
    match said.state:
        case "passed":
            return _record_proven_age(scope, row, said)
        case "failed" | "recalled":
            age_assurance.block_viewer(scope, row.platform, row.user_id)
            return AgeCheckState.FAILED
        case _:
            return AgeCheckState.ENDED


def _resolve_withdrawn_proof(
    scope: Scope, row: AgeCheckRow, said: AgeCheckResult | Rejected
) -> AgeCheckState | None:
    """Return the new state of a passed check. Only an explicit failure or a recall ends it; an
    unknown session proves nothing."""
    if isinstance(said, AgeCheckResult) and said.state == "failed":
        age_assurance.block_viewer(scope, row.platform, row.user_id)
        return AgeCheckState.FAILED
    # A recall proves nothing about the age, so the viewer is reset and not blocked.
    if isinstance(said, AgeCheckResult) and said.state == "recalled":
        age_assurance.reset_assurance(scope, row.platform, row.user_id)
        return AgeCheckState.RECALLED
    return None


def _record_proven_age(scope: Scope, row: AgeCheckRow, said: AgeCheckResult) -> AgeCheckState:
    """Record a proven age. A proof below the required level is not recorded, and never replaces a
    better one."""
    rules = active_policy.current_bundle(scope)
    if not said.method or not rules.is_assurance_enough(
        DEFAULT_JURISDICTION, said.level, card_check=is_card_check(said.method)
    ):
        return AgeCheckState.UNFIT
    provider = age_checks.provider_row(scope, row.provider_id)
    try:
        age_assurance.record_assurance(
            scope,
            platform=row.platform,
            user_id=row.user_id,
            method=f"{provider.provider}.{said.method}",
            assured_level=said.level,
            over_18=True,
            environment="",
            jurisdiction=DEFAULT_JURISDICTION,
        )
    except Conflict:  # The viewer was blocked or suspected since the check began.
        return AgeCheckState.UNFIT
    return AgeCheckState.PASSED


DEFAULT_JURISDICTION = ""
"""The strictest jurisdiction, which applies because the location of viewers is unknown."""


def delete_expired_checks(event: AgeRetentionDue, *, tenant: OpenScope) -> None:
    """Delete old checks and expired age records."""
    with tenant(event.tenant_id, AGE_CHECKS_ACTOR) as scope:
        age_assurance.purge_expired_assurances(scope)
        scope.run(
            "DELETE FROM age_checks WHERE tenant_id = :tenant AND created_at < CASE WHEN state = "
            "'passed' THEN"
            " CAST(:passed AS timestamptz) ELSE :others END",
            tenant=scope.tenant_id,
            passed=scope.now - KEEP_PASSED,
            others=scope.now - KEEP_CHECKS,
        )


def _resolve_check_target(
    scope: Scope, row: AgeCheckRow, providers: Mapping[str, AgeProvider]
) -> _At | None:
    """Return the provider of a check, or None if it was disconnected or has no key."""
    one: AgeProviderRow = age_checks.provider_row(scope, row.provider_id)
    if one.state not in (AgeProviderState.CONNECTED, AgeProviderState.WAITING) or one.box is None:
        return None
    return _At(
        providers[one.provider], one.id, scope.tenant_id, one.account, one.base_url, Sealed(one.box)
    )


def _record_credential_refused(scope: Scope, at: _At, why: Reauthorize) -> None:
    """Record that the provider refuses the key, with one notice even if several checks meet it."""
    row = age_checks.provider_row(scope, at.row_id, held=True)
    if row.state != AgeProviderState.CONNECTED or not _has_current_credential(
        row, at
    ):  # A refusal of an earlier key proves nothing.
        return
    row.state = str(AgeProviderState.REFUSED)
    row.reason = stored_message(why.reason)
    scope.add(row)
    notices.put(
        scope,
        Message("age.notice_refused", {"provider": row.provider}),
        cause=_provider_notice_cause(row.id),
        urgent=True,
    )


def _has_current_credential(row: AgeProviderRow, at: _At) -> bool:
    """Return True if the used key is still the stored one."""
    return at.token is not None and row.box == at.token.box


def _provider_notice_cause(provider_id: UUID) -> str:
    return f"age_provider:{provider_id}"


def _refusal_reason(outcome: Outcome | None) -> Message:
    reason: Message | None = getattr(outcome, "reason", None)
    return reason or Message("enrolment.unclear")
