"""The safety check, wired: who handles which of its events."""

from functools import partial

from channels.reads import places
from connectors import shipping
from gate import admitting, ageing, anchoring, appealing, binding, complaints, naming, restoring, signing
from gate import events as gate_events
from gate.admitting import RowsWanted
from gate.binding import BindingWanted
from gate.events import (
    AppealDecided,
    AppealDue,
    CheckpointDue,
    ComplaintDecided,
    ComplaintDue,
    LimitWanted,
    RatingWanted,
    RevocationWanted,
    RuleRead,
    RulesDue,
    SwitchWanted,
    TargetDue,
)
from gate.journal import JournalDue
from gate.naming import NamingWanted
from gate.signing import AnswerWanted
from workers.dispatch import Route
from workers.wiring import Services

ACT_SECONDS = 30


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of everything that is decided about what may leave."""
    tenant = s.tenant
    sign = partial(anchoring.anchor_logs, tenant=tenant, archive=s.archive, key=s.log_key)
    keep = partial(restoring.keep, tenant=tenant, archive=s.archive, key=s.log_key)
    return (
        Route(ComplaintDue, partial(complaints.answer, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(ComplaintDecided, partial(complaints.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(TargetDue, partial(appealing.late, tenant=tenant)),
        Route(AppealDue, partial(appealing.receive, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(AppealDecided, partial(appealing.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(CheckpointDue, sign, deadline_seconds=ACT_SECONDS),
        Route(JournalDue, keep, deadline_seconds=ACT_SECONDS),
        Route(LimitWanted, partial(gate_events.set_limit, tenant=tenant)),
        Route(RowsWanted, partial(admitting.settle, tenant=tenant, documents=shipping.documents)),
        Route(RuleRead, partial(gate_events.read_rule, tenant=tenant)),
        Route(RulesDue, partial(ageing.remind, tenant=tenant, places=places), deadline_seconds=ACT_SECONDS),
        Route(SwitchWanted, partial(gate_events.set_switch, tenant=tenant)),
        Route(RatingWanted, partial(gate_events.set_rating, tenant=tenant)),
        Route(BindingWanted, partial(binding.settle, tenant=tenant)),
        Route(NamingWanted, partial(naming.settle, tenant=tenant)),
        Route(AnswerWanted, partial(signing.settle, tenant=tenant), deadline_seconds=ACT_SECONDS),
        Route(RevocationWanted, partial(gate_events.revoke_consent, tenant=tenant)),
    )
