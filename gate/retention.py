"""Retention rules of the gate's tables.

The decision log and blocked viewers are never deleted, nor is anything that a removal request or a
seal still needs.
"""

from foundation.db.retention import RetentionRule
from gate.copies.models import PermitRow
from gate.evidence.received_comments import ReceivedComment
from gate.faces.known_faces import FaceSubject
from gate.log.models import DecisionInput
from gate.policy.models import (
    OwnTerm,
    PlaceLimit,
    PlatformConfirmationRow,
    RuleVerificationRow,
    StopSwitch,
)
from gate.removal.installation_reports import InstallationReport, ReportContact
from gate.removal.models import RemovalRequest
from gate.removal.receipts import RemovalReceipt
from gate.removal.rulings import Appeal, Ruling
from gate.reviews.calibration import Calibration, CalibrationRating, CalibrationResult
from gate.reviews.spot_checks import Sample

_HELD = """
EXISTS (SELECT FROM permits p WHERE p.tenant_id = o.tenant_id AND {which} AND (
  EXISTS (SELECT FROM seals s WHERE s.tenant_id = p.tenant_id AND p.media ? s.sha256)
  OR EXISTS (SELECT FROM complaints c WHERE c.tenant_id = p.tenant_id AND c.state IN ('received',
  'called', 'appealed')
    AND p.media ?| ARRAY(SELECT jsonb_array_elements_text(c.digests)))))
"""
"""Permits for media with sealed bytes, or with bytes of a removal request without a final ruling.
"""

_LAST_USE = """
SELECT max(later.decided_at) FROM decisions this JOIN decisions later ON later.tenant_id =
this.tenant_id
  AND later.subject_kind = this.subject_kind AND later.subject_id = this.subject_id
WHERE this.tenant_id = o.tenant_id AND this.id = o.id
"""

_OPEN = """
c.state IN ('received', 'called', 'appealed') OR c.category = 'minor'
OR EXISTS (SELECT FROM blocklist b WHERE b.tenant_id = c.tenant_id AND b.complaint_id = c.id)
"""
"""Removal requests that are never deleted: undecided ones, those about a minor, and those behind a
blocklist entry."""

_REQUEST = (
    "SELECT {what} FROM complaints c WHERE c.tenant_id = o.tenant_id AND c.id = o.complaint_id"
)
_DECIDED = _REQUEST.format(what="c.updated_at")
_STAYS = f"({_REQUEST.format(what=f'({_OPEN})')})"
_SPOKEN = """
EXISTS (SELECT FROM {table} r WHERE r.tenant_id = o.tenant_id AND r.complaint_id = o.id)
"""
_NEWEST = """
NOT EXISTS (SELECT FROM calibration_results r WHERE r.tenant_id = o.tenant_id AND r.created_at >
o.created_at)
"""

GATE_RETENTION = (
    RetentionRule(ReceivedComment, "o.created_at", role="gate"),
    RetentionRule(
        DecisionInput, _LAST_USE, _HELD.format(which="p.decision_id = o.id"), role="gate"
    ),
    RetentionRule(
        PermitRow,
        "coalesce(o.gone_at, CASE WHEN o.state = 'void' THEN o.minted_at END)",
        _HELD.format(which="p.id = o.id"),
        role="gate",
    ),
    RetentionRule(StopSwitch, "o.updated_at", "NOT o.open", role="gate"),
    RetentionRule(RuleVerificationRow, "o.updated_at", role="gate"),
    RetentionRule(PlatformConfirmationRow, "o.created_at", role="gate"),
    RetentionRule(PlaceLimit, "o.updated_at", "o.open", role="gate"),
    RetentionRule(OwnTerm, "o.updated_at", "o.open", role="gate"),
    RetentionRule(
        FaceSubject,
        "o.ended_at",
        "EXISTS (SELECT FROM likenesses l WHERE l.tenant_id = o.tenant_id AND l.subject_id = o.id)"
        " OR EXISTS (SELECT FROM face_templates t WHERE t.tenant_id = o.tenant_id AND "
        "t.subject_id = o.id)",
        role="gate",
    ),
    RetentionRule(RemovalReceipt, _DECIDED, _STAYS, role="gate"),
    RetentionRule(Appeal, _DECIDED, _STAYS, role="gate"),
    RetentionRule(Ruling, _DECIDED, _STAYS, role="gate"),
    RetentionRule(
        RemovalRequest,
        "o.updated_at",
        "EXISTS (SELECT FROM complaints c WHERE c.tenant_id = o.tenant_id AND c.id = o.id AND "
        f"({_OPEN}))"
        f" OR {_SPOKEN.format(table='rulings')} OR {_SPOKEN.format(table='appeals')}",
        role="gate",
    ),
    RetentionRule(InstallationReport, "o.created_at", "o.sought_at IS NULL", role="gate"),
    RetentionRule(ReportContact, "o.created_at", role="gate"),
    RetentionRule(Sample, "coalesce(o.read_at, o.created_at)", role="gate"),
    RetentionRule(CalibrationResult, "o.created_at", _NEWEST, role="gate"),
    RetentionRule(CalibrationRating, "o.created_at", role="gate"),
    RetentionRule(
        Calibration,
        "o.created_at",
        "EXISTS (SELECT FROM calibration_words w WHERE w.tenant_id = o.tenant_id AND "
        "w.calibration_id = o.id)",
        role="gate",
    ),
)
"""Rules in the order in which they run: rows that reference other rows are deleted first.
`gate/viewers/age_assurance.py` deletes the age records of viewers."""
