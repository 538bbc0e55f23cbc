"""The decision: a pure function of the facts, the unit, the policy and the time. The same inputs
give the same bytes."""

from dataclasses import asdict, dataclass
from datetime import datetime

from foundation.canonical_json import canonical_json
from foundation.i18n.translation import Message
from gate.contract.facts import EvidenceSnapshot
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Unit, Verdict
from gate.decision import unit_rules
from gate.decision.case import Case
from gate.policy.bundle import Bundle

TRANSIENT_REASONS = frozenset(
    {
        Reason.KILL_SWITCH,
        Reason.CREATOR_INACTIVE,
        Reason.RESTORE_MISMATCH,
        Reason.CLOCK_SKEW,
        Reason.INTAKE_DOWN,
    }
)
"""Reasons that clear without any action on the held unit. They are shown only if there is no other
reason."""


@dataclass(frozen=True)
class Decision:
    """The result of all rules for a unit: the strictest verdict, and every reason, sorted."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    rating: Rating
    flags: tuple[str, ...]
    """The flags that the request must carry."""
    bundle: str

    @property
    def is_allowed(self) -> bool:
        """Return True if the unit may be published."""
        return self.verdict.rank <= Verdict.F.rank

    @property
    def is_transient(self) -> bool:
        """Return True if only an emergency stop, an inactive creator, a wrong clock or an
        unreachable removal form blocks the unit.

        It is published when that ends, without any action on the unit.
        """
        return bool(self.reasons) and set(self.reasons) <= TRANSIENT_REASONS

    @property
    def is_stale(self) -> bool:
        """Return True if evidence changed while it was read. The caller retries at once."""
        return self.reasons == (Reason.EPOCH_STALE,)

    @property
    def needs_place_check(self) -> bool:
        """Return True if the only thing missing is a destination check within the last minute."""
        return self.reasons == (Reason.DESTINATION_PROBE_STALE,)

    @property
    def main_reason(self) -> Message:
        """Return the sentence of the first reason, with transient reasons last. The log contains
        all of them."""
        first = min(
            self.reasons,
            key=lambda one: (one in TRANSIENT_REASONS, one),
            default=Reason.EVIDENCE_MISSING,
        )
        return Message(f"gate.{first}")

    def to_canonical(self) -> bytes:
        """Return the canonical JSON form."""
        return canonical_json(asdict(self))


def decide_unit(facts: EvidenceSnapshot, unit: Unit, bundle: Bundle, now: datetime) -> Decision:
    """Judge a unit. Pure: reads nothing but its arguments; `now` is UTC-aware."""
    return decide_case(Case(facts, unit, bundle, now))


def decide_case(case: Case) -> Decision:
    """Judge a case that the caller has built, and that it can query afterwards."""
    unit = case.unit
    findings = [finding for rule in unit_rules.rules_for(unit) for finding in rule(case)]
    rating = Rating.G
    lowest = Verdict.A
    flags = unit.flags
    if not unit.service:
        rating = case.rating
        lowest = case.row.verdict(case.rating)
        flags = unit_rules.required_marks(case)
    verdict = max([lowest, *(finding.verdict for finding in findings)], key=lambda each: each.rank)
    reasons = tuple(sorted({finding.reason for finding in findings}))
    return Decision(verdict, reasons, rating, flags, case.bundle.name)
