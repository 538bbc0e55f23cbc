"""How long the room's rows are kept. Never the log, nor a blocked reader; nor what a request or a seal still holds."""

from foundation.keeping import Rule
from gate.calibrating import Calibration, CalibrationResult, CalibrationWord
from gate.faces import FaceSubject
from gate.models import Complaint, DecisionInput, PermitRow, Switch
from gate.receipts import ComplaintReceipt
from gate.remarks import HeardRemark
from gate.reports import HouseReport, ReportContact
from gate.rulebook import AttestationRow, PlaceLimit
from gate.rulings import Appeal, Ruling
from gate.sampling import Sample

_HELD = """
EXISTS (SELECT FROM permits p WHERE p.tenant_id = o.tenant_id AND {which} AND (
  EXISTS (SELECT FROM seals s WHERE s.tenant_id = p.tenant_id AND p.media ? s.sha256)
  OR EXISTS (SELECT FROM complaints c WHERE c.tenant_id = p.tenant_id AND c.state IN ('received', 'called', 'appealed')
    AND p.media ?| ARRAY(SELECT jsonb_array_elements_text(c.digests)))))
"""
"""What shows bytes that are sealed, or that somebody asks to be gone and nobody has decided for good."""

_LAST_USE = """
SELECT max(later.decided_at) FROM decisions this JOIN decisions later ON later.tenant_id = this.tenant_id
  AND later.subject_kind = this.subject_kind AND later.subject_id = this.subject_id
WHERE this.tenant_id = o.tenant_id AND this.id = o.id
"""

_OPEN = """
c.state IN ('received', 'called', 'appealed') OR c.category = 'minor'
OR EXISTS (SELECT FROM blocklist b WHERE b.tenant_id = c.tenant_id AND b.complaint_id = c.id)
"""
"""A request that may still be decided, about a minor, or that keeps something blocked: that is never forgotten."""

_REQUEST = "SELECT {what} FROM complaints c WHERE c.tenant_id = o.tenant_id AND c.id = o.complaint_id"
_DECIDED, _STAYS = _REQUEST.format(what="c.updated_at"), f"({_REQUEST.format(what=f'({_OPEN})')})"
_SPOKEN = """
EXISTS (SELECT FROM {table} r WHERE r.tenant_id = o.tenant_id AND r.complaint_id = o.id)
"""
_NEWEST = """
NOT EXISTS (SELECT FROM calibration_results r WHERE r.tenant_id = o.tenant_id AND r.created_at > o.created_at)
"""

RULES = (
    Rule(HeardRemark, "o.created_at", role="gate"),
    Rule(DecisionInput, _LAST_USE, _HELD.format(which="p.decision_id = o.id"), role="gate"),
    Rule(
        PermitRow,
        "coalesce(o.gone_at, CASE WHEN o.state = 'void' THEN o.minted_at END)",
        _HELD.format(which="p.id = o.id"),
        role="gate",
    ),
    Rule(Switch, "o.updated_at", "NOT o.open", role="gate"),
    Rule(AttestationRow, "o.updated_at", role="gate"),
    Rule(PlaceLimit, "o.updated_at", "o.open", role="gate"),
    Rule(
        FaceSubject,
        "o.ended_at",
        "EXISTS (SELECT FROM likenesses l WHERE l.tenant_id = o.tenant_id AND l.subject_id = o.id)"
        " OR EXISTS (SELECT FROM face_templates t WHERE t.tenant_id = o.tenant_id AND t.subject_id = o.id)",
        role="gate",
    ),
    Rule(ComplaintReceipt, _DECIDED, _STAYS, role="gate"),
    Rule(Appeal, _DECIDED, _STAYS, role="gate"),
    Rule(Ruling, _DECIDED, _STAYS, role="gate"),
    Rule(
        Complaint,
        "o.updated_at",
        f"EXISTS (SELECT FROM complaints c WHERE c.tenant_id = o.tenant_id AND c.id = o.id AND ({_OPEN}))"
        f" OR {_SPOKEN.format(table='rulings')} OR {_SPOKEN.format(table='appeals')}",
        role="gate",
    ),
    Rule(HouseReport, "o.created_at", "o.sought_at IS NULL", role="gate"),
    Rule(ReportContact, "o.created_at", role="gate"),
    Rule(Sample, "coalesce(o.read_at, o.created_at)", role="gate"),
    Rule(CalibrationResult, "o.created_at", _NEWEST, role="gate"),
    Rule(CalibrationWord, "o.created_at", role="gate"),
    Rule(
        Calibration,
        "o.created_at",
        "EXISTS (SELECT FROM calibration_words w WHERE w.tenant_id = o.tenant_id AND w.calibration_id = o.id)",
        role="gate",
    ),
)
"""In this order: what points at a row goes before it. Ages of readers end by `gate/viewers.py`."""
