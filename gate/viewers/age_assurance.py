"""Age assurance of viewers: the state of their age check, and viewers who must not be messaged."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from foundation.outbox import outbox
from gate import epochs, journal
from gate.contract.age_receipts import receipt_digest
from gate.contract.facts import TEST_ASSURANCE_METHOD, is_card_check
from gate.contract.states import ASSURANCE_STATES, AssuranceState
from gate.policy import active_policy
from gate.policy.bundle import Bundle
from gate.viewers.events import ViewerChanged
from gate.viewers.models import AgeAssurance
from tenants import audit
from tenants.auth import custodians

LEVELS = ("L0", "L1", "L2", "L3", "L4")
ASSURANCE_LIFETIME = timedelta(days=365)
KEEP_PENDING = timedelta(days=30)
KEEP_EXPIRED = timedelta(days=90)
CUSTODIAN_METHOD = "custodian"
"""First part of the method of assurances by a custodian."""

TEST_ENVIRONMENTS = ("demo", "test")


@dataclass(frozen=True)
class AgeAssuranceSummary:
    """The age assurance of a viewer on one platform; `over_18` is True only while it is assured and
    unexpired."""

    state: AssuranceState
    over_18: bool
    level: str
    method: str
    expires_at: datetime | None
    epoch: int

    @property
    def can_be_messaged(self) -> bool:
        """Return True if more than service texts may be sent to the viewer."""
        return self.state not in (AssuranceState.BLOCKED, AssuranceState.SUSPECTED)


@dataclass(frozen=True)
class AgeWitness:
    """The custodian who confirmed the age of a viewer, their actor, and the digest of their
    receipt."""

    custodian: str
    member: str
    why: str


RESTRICTED_STATES = frozenset(
    {AssuranceState.BLOCKED, AssuranceState.SUSPECTED, AssuranceState.RESET}
)
"""States that restrict a viewer. They are recorded in the journal, so that the restoration of a
backup does not undo them."""

NO_WITNESS = AgeWitness("", "", "")
UNKNOWN_VIEWER = AgeAssuranceSummary(AssuranceState.UNKNOWN, False, "L0", "", None, 0)


def get_assurance(scope: Scope, platform: str, user_id: str) -> AgeAssuranceSummary:
    """Return the current age assurance of a viewer."""
    row = _find_assurance(scope, platform, user_id)
    if row is None:
        return UNKNOWN_VIEWER
    state = AssuranceState(row.state)
    # No task writes EXPIRED: an assurance expires by its date when it is read.
    if state is AssuranceState.ASSURED and (row.expires_at is None or scope.now >= row.expires_at):
        state = AssuranceState.EXPIRED
    valid = state is AssuranceState.ASSURED and row.over_18
    return AgeAssuranceSummary(
        state, valid, row.level if valid else "L0", row.method, row.expires_at, row.epoch
    )


def list_verified_adults(
    scope: Scope, platform: str, *, only: str = "", bundle: Bundle | None = None
) -> list[str]:
    """Return the viewers on a platform whose age is proven at the level their jurisdiction
    requires. `only` limits the query to one viewer; "" means all."""
    rules = bundle or active_policy.current_bundle(scope)
    rows = scope.session.exec(
        select(AgeAssurance)
        .where(
            AgeAssurance.tenant_id == scope.tenant_id,
            AgeAssurance.platform == platform,
            AgeAssurance.state == str(AssuranceState.ASSURED),
            col(AgeAssurance.over_18),
            col(AgeAssurance.expires_at) > scope.now,
            *((AgeAssurance.user_id == only,) if only else ()),
        )
        .order_by(AgeAssurance.user_id)
    )
    real = [
        row
        for row in rows
        if row.method != TEST_ASSURANCE_METHOD or rules.is_test_network(platform)
    ]
    return [
        row.user_id
        for row in real
        if rules.is_assurance_enough(
            row.jurisdiction, row.level, card_check=is_card_check(row.method)
        )
    ]


def list_suspected_minors(scope: Scope, platform: str) -> frozenset[str]:
    """Return the viewers on a platform who are blocked or suspected as minors. They get no access
    to adult content."""
    rows = scope.session.exec(
        select(AgeAssurance.user_id).where(
            AgeAssurance.tenant_id == scope.tenant_id,
            AgeAssurance.platform == platform,
            col(AgeAssurance.state).in_(
                (str(AssuranceState.BLOCKED), str(AssuranceState.SUSPECTED))
            ),
        )
    )
    return frozenset(rows)


def _find_assurance(scope: Scope, platform: str, user_id: str) -> AgeAssurance | None:
    return scope.session.exec(
        select(AgeAssurance)
        .where(
            AgeAssurance.tenant_id == scope.tenant_id,
            AgeAssurance.platform == platform,
            AgeAssurance.user_id == user_id,
        )
        .execution_options(populate_existing=True)
    ).first()


def record_assurance(
    scope: Scope,
    *,
    platform: str,
    user_id: str,
    method: str,
    assured_level: str,
    over_18: bool,
    environment: str,
    jurisdiction: str = "",
    lives: timedelta = ASSURANCE_LIFETIME,
    bundle: Bundle | None = None,
) -> AgeAssuranceSummary:
    """Record the result of an age check by a provider. A negative result blocks the viewer.

    `assured_level` is L1 to L4 as proven by the provider. Method `test` is accepted on test
    networks only, and only if `environment` (of the settings) is demo or test; otherwise Refused is
    raised. Raises BadInput for an unknown level, Conflict for a viewer who is blocked or suspected.
    """
    if assured_level not in LEVELS or not user_id or not timedelta() < lives <= ASSURANCE_LIFETIME:
        raise BadInput("viewer.bad_level", level=assured_level)
    here = environment in TEST_ENVIRONMENTS and (
        bundle or active_policy.current_bundle(scope)
    ).is_test_network(platform)
    if method == TEST_ASSURANCE_METHOD and not here:
        raise Refused("viewer.test_only")
    if not over_18:
        return block_viewer(scope, platform, user_id)
    return _record_state(
        scope,
        platform,
        user_id,
        AssuranceState.ASSURED,
        method=method,
        level=assured_level,
        over_18=True,
        jurisdiction=jurisdiction,
        assured_at=scope.now,
        expires_at=scope.now + lives,
    )


def confirm_age(
    scope: Scope,
    platform: str,
    user_id: str,
    *,
    method: str,
    receipt: str,
    lives: timedelta = ASSURANCE_LIFETIME,
) -> AgeAssuranceSummary:
    """Record, as the acting custodian, that they confirmed the age of this viewer (level L4).

    Raises Refused for anyone but a custodian outside the agency, BadInput for an unknown method or
    an invalid receipt, Conflict for a viewer who is blocked or suspected.
    """
    member = custodians.get_acting_custodian(scope)
    witness = AgeWitness(member.name, scope.actor, receipt_digest(method, receipt))
    if not user_id or not timedelta() < lives <= ASSURANCE_LIFETIME:
        raise BadInput("viewer.bad_level", level=LEVELS[-1])
    done = _record_state(
        scope,
        platform,
        user_id,
        AssuranceState.ASSURED,
        method=f"{CUSTODIAN_METHOD}.{method}",
        level=LEVELS[-1],
        over_18=True,
        assured_at=scope.now,
        expires_at=scope.now + lives,
        seen_by=witness,
    )
    row = _find_assurance(scope, platform, user_id)
    audit.record(
        scope, "viewer.confirmed", f"viewer:{row.id if row else ''}", custodian=member.name
    )
    return done


def purge_expired_assurances(scope: Scope) -> int:
    """Delete the records of viewers who never finished a check, or whose assurance expired long
    ago. Return their number.

    Records of blocked and suspected viewers are never deleted.
    """
    with scope.acting_as("gate"):
        gone = scope.run(
            "DELETE FROM age_assurances WHERE tenant_id = :tenant AND (state = 'pending' AND "
            "updated_at < :unfinished"
            " OR state IN ('assured', 'expired') AND expires_at < :expired)",
            tenant=scope.tenant_id,
            unfinished=scope.now - KEEP_PENDING,
            expired=scope.now - KEEP_EXPIRED,
        )
    return int(gone.rowcount)


def begin_age_check(scope: Scope, platform: str, user_id: str) -> AgeAssuranceSummary:
    """Record that a viewer began an age check. Raises Conflict for a viewer who is blocked or
    suspected."""
    known = get_assurance(scope, platform, user_id)
    if known.state is AssuranceState.ASSURED:
        return known
    return _record_state(scope, platform, user_id, AssuranceState.PENDING)


def mark_suspected_minor(scope: Scope, platform: str, user_id: str) -> AgeAssuranceSummary:
    """Mark a viewer as a suspected minor. They get service texts only, until a member decides."""
    if not get_assurance(scope, platform, user_id).can_be_messaged:
        return get_assurance(scope, platform, user_id)
    return _record_state(scope, platform, user_id, AssuranceState.SUSPECTED)


def block_viewer(scope: Scope, platform: str, user_id: str) -> AgeAssuranceSummary:
    """Block a viewer who is a minor, by their own statement or that of a provider. They get service
    texts only, permanently."""
    known = get_assurance(scope, platform, user_id)
    return (
        known
        if known.state is AssuranceState.BLOCKED
        else _record_state(scope, platform, user_id, AssuranceState.BLOCKED)
    )


def reset_assurance(scope: Scope, platform: str, user_id: str) -> AgeAssuranceSummary:
    """Reset an assurance (a transferred account, a provider's recall), or, as a member, clear a
    suspicion.

    Raises Refused if an actor other than a member would clear a suspicion, Conflict for a blocked
    viewer.
    """
    known = get_assurance(scope, platform, user_id)
    if known.state in (AssuranceState.UNKNOWN, AssuranceState.RESET):
        return known
    if known.state is AssuranceState.SUSPECTED and not scope.actor.startswith("member:"):
        raise Refused("viewer.person_decides")
    return _record_state(scope, platform, user_id, AssuranceState.RESET)


def repeat_restriction(scope: Scope, platform: str, user_id: str, state: AssuranceState) -> None:
    """Restrict a viewer again after a restore, because the journal contains the restriction."""
    row = _find_assurance(scope, platform, user_id)
    before = AssuranceState(row.state) if row is not None else AssuranceState.UNKNOWN
    if before is not state and ASSURANCE_STATES.allows(before, state):
        _record_state(scope, platform, user_id, state)


def _record_state(
    scope: Scope,
    platform: str,
    user_id: str,
    state: AssuranceState,
    *,
    method: str = "",
    level: str = "L0",
    over_18: bool = False,
    jurisdiction: str = "",
    assured_at: datetime | None = None,
    expires_at: datetime | None = None,
    seen_by: AgeWitness = NO_WITNESS,
) -> AgeAssuranceSummary:
    epochs.lock_and_advance(scope, epochs.viewer_key(scope, platform, user_id))
    row = _find_assurance(scope, platform, user_id)
    before = AssuranceState(row.state) if row is not None else AssuranceState.UNKNOWN
    ASSURANCE_STATES.check(before, state)
    with scope.acting_as("gate"):
        if row is None:
            row = AgeAssurance(
                tenant_id=scope.tenant_id, platform=platform, user_id=user_id, state=str(state)
            )
        row.state = str(state)
        row.method = method
        row.level = level
        row.over_18 = over_18
        row.jurisdiction = jurisdiction
        row.assured_at = assured_at
        row.expires_at = expires_at
        row.custodian = seen_by.custodian
        row.confirmed_by = seen_by.member
        row.why = seen_by.why
        row.epoch += 1
        scope.add(row)
    outbox.put(scope, ViewerChanged(scope.tenant_id, row.id, platform, user_id, str(state)))
    if state in RESTRICTED_STATES:
        journal.record_restriction(scope, journal.VIEWER, f"{platform}:{user_id}", more=str(state))
    return AgeAssuranceSummary(state, over_18, level, method, expires_at, row.epoch)
