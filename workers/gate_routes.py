"""The safety check, wired: who handles which of its events."""

from functools import partial

from channels.reads import places
from connectors import shipping
from gate import (
    admitting,
    ageing,
    anchoring,
    appealing,
    binding,
    bystanders,
    calibrating,
    complaints,
    expiring,
    labels,
    lowering,
    naming,
    offers,
    proposing,
    proving,
    recalibrating,
    releasing,
    restoring,
    sampling,
    sealing,
    signing,
    targets,
)
from gate import events as gate_events
from gate.admitting import RowsWanted
from gate.binding import BindingWanted
from gate.bystanders import BystandersJudged, BystandersSaid
from gate.calibrating import CalibrationDue
from gate.events import (
    AppealDecided,
    AppealDue,
    CheckpointDue,
    ComplaintDecided,
    ComplaintDue,
    IntakeDue,
    LimitWanted,
    RatingWanted,
    ReportDue,
    RevocationWanted,
    RuleRead,
    RulesDue,
    SwitchWanted,
    TargetDue,
)
from gate.expiring import PapersDue
from gate.journal import JournalDue
from gate.labels import LabelSaid
from gate.lowering import LoweringDue
from gate.naming import NamingWanted
from gate.offers import OfferAnswered
from gate.proposing import PeopleProposed
from gate.proving import ProofNoted
from gate.recalibrating import ComparisonsDue
from gate.releasing import ReleaseEnded, ReleaseWanted
from gate.sampling import SampleRead
from gate.seals import SealDue
from gate.signing import AnswerWanted
from gate.targets import AddressEnded, AddressWanted
from workers import reaching, seeking
from workers.dispatch import Route
from workers.wiring import Services, reach_of

ACT_SECONDS = 30
SEEK_SECONDS = 120
"""A look into every agency of the house."""


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of everything that is decided about what may leave."""
    tenant = s.tenant
    sign = partial(anchoring.anchor_logs, tenant=tenant, archive=s.archive, key=s.log_key)
    keep = partial(restoring.keep, tenant=tenant, archive=s.archive, key=s.log_key)
    pages = s.settings.web
    reached = partial(
        reaching.probe, tenant=tenant, address=pages.inside_url or pages.public_url, reach=reach_of(s.settings)
    )
    return (
        Route(ComplaintDue, partial(complaints.answer, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(ComplaintDecided, partial(complaints.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(TargetDue, partial(appealing.late, tenant=tenant)),
        Route(AppealDue, partial(appealing.receive, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(AppealDecided, partial(appealing.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(
            ReportDue,
            partial(seeking.seek, tenant=tenant, base=s.settings.web.public_url),
            deadline_seconds=SEEK_SECONDS,
        ),
        Route(IntakeDue, reached, deadline_seconds=ACT_SECONDS),
        Route(CheckpointDue, sign, deadline_seconds=ACT_SECONDS),
        Route(JournalDue, keep, deadline_seconds=ACT_SECONDS),
        Route(LimitWanted, partial(gate_events.set_limit, tenant=tenant)),
        Route(AddressWanted, partial(targets.settle, tenant=tenant)),
        Route(AddressEnded, partial(targets.settle_end, tenant=tenant)),
        Route(RowsWanted, partial(admitting.settle, tenant=tenant, documents=shipping.documents)),
        Route(RuleRead, partial(gate_events.read_rule, tenant=tenant)),
        Route(RulesDue, partial(ageing.remind, tenant=tenant, places=places), deadline_seconds=ACT_SECONDS),
        Route(ReleaseWanted, partial(releasing.settle, tenant=tenant)),
        Route(ReleaseEnded, partial(releasing.end, tenant=tenant)),
        Route(SwitchWanted, partial(gate_events.set_switch, tenant=tenant)),
        Route(RatingWanted, partial(gate_events.set_rating, tenant=tenant)),
        Route(LoweringDue, partial(lowering.settle, tenant=tenant)),
        Route(SampleRead, partial(sampling.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(SealDue, partial(sealing.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(CalibrationDue, partial(calibrating.settle, tenant=tenant)),
        Route(BystandersSaid, partial(bystanders.said, tenant=tenant)),
        Route(BystandersJudged, partial(bystanders.judged, tenant=tenant)),
        Route(LabelSaid, partial(labels.settle, tenant=tenant)),
        Route(ComparisonsDue, partial(recalibrating.remind, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(BindingWanted, partial(binding.settle, tenant=tenant)),
        Route(NamingWanted, partial(naming.settle, tenant=tenant)),
        Route(OfferAnswered, partial(offers.settle, tenant=tenant)),
        Route(PapersDue, partial(expiring.remind, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(PeopleProposed, partial(proposing.settle, tenant=tenant)),
        Route(ProofNoted, partial(proving.settle, tenant=tenant)),
        Route(AnswerWanted, partial(signing.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(RevocationWanted, partial(gate_events.revoke_consent, tenant=tenant)),
    )
