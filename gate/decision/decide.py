"""The decision: a pure function of the facts, the unit, the rules and the time. The same inputs
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
    {Reason.KILL_SWITCH, Reason.RESTORE_MISMATCH, Reason.CLOCK_SKEW, Reason.INTAKE_DOWN}
)
"""What ends without anybody acting on the very thing kept back: said of it alone, not beside a
reason to act."""


@dataclass(frozen=True)
class Decision:
    """What the rules say of a unit: the highest verdict of all of them, and every reason,
    sorted."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    rating: Rating
    flags: tuple[str, ...]
    """The marks the platform must be told."""
    bundle: str

    @property
    def is_allowed(self) -> bool:
        """Whether it may leave."""
        return self.verdict.rank <= Verdict.F.rank

    @property
    def is_transient(self) -> bool:
        """Whether a stop of everything, a wrong clock, or a form nobody reaches is all that keeps
        it back: it goes when that ends, and nobody has to act on this very thing."""
        return bool(self.reasons) and set(self.reasons) <= TRANSIENT_REASONS

    @property
    def is_stale(self) -> bool:
        """Whether evidence changed while it was read: asking again at once is all that is
        needed."""
        return self.reasons == (Reason.EPOCH_STALE,)

    @property
    def needs_place_check(self) -> bool:
        """Whether nothing is wrong but that nobody looked at the place in the last minute."""
        return self.reasons == (Reason.DESTINATION_PROBE_STALE,)

    @property
    def main_reason(self) -> Message:
        """The first of its reasons that stays once a stop ends, as a sentence; the others stand in
        the log."""
        first = min(
            self.reasons,
            key=lambda one: (one in TRANSIENT_REASONS, one),
            default=Reason.EVIDENCE_MISSING,
        )
        return Message(f"gate.{first}")

    def to_canonical(self) -> bytes:
        """The canonical form."""
        return canonical_json(asdict(self))


def decide_unit(facts: EvidenceSnapshot, unit: Unit, bundle: Bundle, now: datetime) -> Decision:
    """Judge a unit. Pure: reads nothing but its arguments; `now` is UTC-aware."""
    return decide_case(Case(facts, unit, bundle, now))


def decide_case(case: Case) -> Decision:
    """The same, for who asks the case for more."""
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
