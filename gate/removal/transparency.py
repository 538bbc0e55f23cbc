"""Counts of the safety check's decisions in a period, for a public monthly report.

The report contains numbers of existing records only, and no names or content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from foundation.db.database import Scope
from gate.contract.reasons import Reason
from gate.removal.removal_requests import REMOVAL_CATEGORIES
from gate.removal.rulings import AGENCY_SIDE, REQUESTER_SIDE

REMOVAL_DEADLINE_HOURS = 48
"""Hours within which content must be removed on request by law.

See `removal_requests.DECISION_DEADLINE`.
"""


@dataclass(frozen=True)
class RequestCounts:
    """Removal requests of one category: `taken` by a member or the deadline, `kept` by a member."""

    category: str
    received: int
    taken: int
    kept: int
    open: int


@dataclass(frozen=True)
class AppealCounts:
    """Appeals of one side (`gate/removal/rulings.py`) and their results so far."""

    side: str
    received: int
    changed: int
    confirmed: int
    open: int


@dataclass(frozen=True)
class TransparencyCounts:
    """The counts for the period [start, end), both UTC-aware. Posts, messages and packs count once
    each."""

    start: datetime
    end: datetime
    sent: int
    """Published copies, each with its own permit; uploads alone do not count."""
    held: int
    """Subjects that were held for review at least once."""
    blocked: int
    """Subjects that were blocked at least once."""
    reasons: tuple[tuple[Reason, int], ...]
    """Number of subjects held or blocked for each reason, most frequent first."""
    requests: tuple[RequestCounts, ...]
    appeals: tuple[AppealCounts, ...]
    settled_hours: tuple[float, float]
    """Hours from a request to its first ruling: median and maximum; zero without rulings."""
    called: int
    """Recalled copies."""
    gone: int
    """Recalled copies whose removal is confirmed by now."""
    gone_hours: tuple[float, float]
    """Hours from recall to confirmation: median and maximum."""
    withdrawn: int
    """Revoked consents."""
    proofs: int
    """Subscribers whose age was verified in the period and still is."""
    closed: int
    """Subscribers blocked as minors, by their own statement or an age check."""


_DECIDED = """
SELECT (SELECT count(*) FROM permits WHERE tenant_id = :tenant AND state = 'consumed' AND
native_ids <> '[]'
    AND minted_at >= :start AND minted_at < :end) AS sent,
  count(DISTINCT subject_id) FILTER (WHERE verdict = 'H') AS held,
  count(DISTINCT subject_id) FILTER (WHERE verdict = 'B') AS blocked
FROM decisions WHERE tenant_id = :tenant AND decided_at >= :start AND decided_at < :end
"""

_REASONS = """
SELECT reason, count(DISTINCT subject_id) AS subjects
FROM decisions, jsonb_array_elements_text(reasons) reason
WHERE tenant_id = :tenant AND decided_at >= :start AND decided_at < :end AND verdict IN ('H', 'B')
GROUP BY reason ORDER BY subjects DESC, reason
"""

_REQUESTS = """
SELECT c.category, count(*) AS received, count(*) FILTER (WHERE last.outcome IN ('called',
'upheld')) AS taken,
  count(*) FILTER (WHERE last.outcome = 'rejected') AS kept, count(*) FILTER (WHERE last.outcome
  IS NULL) AS open
FROM complaints c LEFT JOIN LATERAL (SELECT r.outcome FROM rulings r WHERE r.tenant_id = c.tenant_id
  AND r.complaint_id = c.id ORDER BY r.number DESC LIMIT 1) last ON true
WHERE c.tenant_id = :tenant AND c.created_at >= :start AND c.created_at < :end GROUP BY c.category
"""

_APPEALS = """
SELECT a.side, count(*) AS received, count(*) FILTER (WHERE r.outcome IS NULL) AS open,
  count(*) FILTER (WHERE (r.outcome = 'upheld') = (a.side = 'asked')) AS changed,
  count(*) FILTER (WHERE (r.outcome = 'upheld') <> (a.side = 'asked')) AS confirmed
FROM appeals a LEFT JOIN rulings r ON r.tenant_id = a.tenant_id AND r.complaint_id = a.complaint_id
  AND r.number = a.against + 1
WHERE a.tenant_id = :tenant AND a.created_at >= :start AND a.created_at < :end GROUP BY a.side
"""

_SPANS = """
SELECT coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY hours), 0) AS median,
coalesce(max(hours), 0) AS longest,
  count(*) AS n
FROM (SELECT extract(epoch FROM {until} - {since}) / 3600 AS hours FROM {rows}
  WHERE tenant_id = :tenant AND {since} >= :start AND {since} < :end AND {done}) spans
"""
_SETTLED = _SPANS.format(
    rows="(SELECT c.tenant_id, c.created_at AS asked_at, r.created_at AS said_at FROM complaints "
    "c JOIN rulings r"
    " ON r.tenant_id = c.tenant_id AND r.complaint_id = c.id AND r.number = 1) first",
    since="asked_at",
    until="said_at",
    done="true",
)
_GONE = _SPANS.format(
    rows="permits", since="recalled_at", until="gone_at", done="gone_at IS NOT NULL"
)

_COUNTS = """
SELECT (SELECT count(*) FROM permits WHERE tenant_id = :tenant AND recalled_at >= :start AND
recalled_at < :end)
    AS called,
  (SELECT count(*) FROM consent_grants WHERE tenant_id = :tenant AND revoked_at >= :start AND
  revoked_at < :end)
    AS withdrawn,
  (SELECT count(*) FROM age_assurances WHERE tenant_id = :tenant AND state = 'assured' AND
  assured_at >= :start
    AND assured_at < :end) AS proofs,
  (SELECT count(*) FROM age_assurances WHERE tenant_id = :tenant AND state = 'blocked' AND
  updated_at >= :start
    AND updated_at < :end) AS closed
"""


def monthly_report(scope: Scope, start: datetime, end: datetime) -> TransparencyCounts:
    """Return the counts for the period [start, end).

    Results of requests and recalls are those known at the time of the call.
    """
    span: Mapping[str, object] = {"tenant": scope.tenant_id, "start": start, "end": end}
    decided = scope.run(_DECIDED, **span).one()
    asked = {row.category: row for row in scope.run(_REQUESTS, **span)}
    again = {row.side: row for row in scope.run(_APPEALS, **span)}
    settled = scope.run(_SETTLED, **span).one()
    gone = scope.run(_GONE, **span).one()
    counts = scope.run(_COUNTS, **span).one()
    return TransparencyCounts(
        start=start,
        end=end,
        sent=decided.sent,
        held=decided.held,
        blocked=decided.blocked,
        reasons=tuple((Reason(row.reason), row.subjects) for row in scope.run(_REASONS, **span)),
        requests=tuple(
            RequestCounts(
                each, asked[each].received, asked[each].taken, asked[each].kept, asked[each].open
            )
            for each in REMOVAL_CATEGORIES
            if each in asked
        ),
        appeals=tuple(
            AppealCounts(
                each,
                again[each].received,
                again[each].changed,
                again[each].confirmed,
                again[each].open,
            )
            for each in (REQUESTER_SIDE, AGENCY_SIDE)
            if each in again
        ),
        settled_hours=(float(settled.median), float(settled.longest)),
        called=counts.called,
        gone=gone.n,
        gone_hours=(float(gone.median), float(gone.longest)),
        withdrawn=counts.withdrawn,
        proofs=counts.proofs,
        closed=counts.closed,
    )
