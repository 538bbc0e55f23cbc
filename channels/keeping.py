"""How long the room's rows are kept; checks of age end by `channels/proving.py`."""

from channels.counted import HeardCountRow
from channels.lending import LentFileRow, LentReadRow
from channels.models import AttemptRow, BucketRow, EnrolmentRow, LinkClicksRow, PhoneRow, SaveRow
from channels.roles import FanRoleRow
from foundation.keeping import Rule

_HANDED = """
EXISTS (SELECT FROM handovers h WHERE h.tenant_id = o.tenant_id AND h.subject_kind = o.subject_kind
  AND h.subject_id = o.subject_id AND h.state IN ('waiting', 'opened'))
"""

RULES = (
    Rule(AttemptRow, "o.closed_at", _HANDED),
    Rule(SaveRow, "o.created_at"),
    Rule(EnrolmentRow, "o.updated_at", "o.state = 'waiting'"),
    Rule(PhoneRow, "coalesce(o.seen_at, o.created_at)", clock="people_now"),
    Rule(LinkClicksRow, "CAST(o.day AS timestamptz)"),
    Rule(LentReadRow, "o.created_at", role="gate"),
    Rule(
        LentFileRow,
        "o.created_at",
        "EXISTS (SELECT FROM lent_reads r WHERE r.tenant_id = o.tenant_id AND r.lent_id = o.id)",
        role="gate",
    ),
    Rule(HeardCountRow, "o.at"),
    Rule(FanRoleRow, "o.since", "o.wanted"),
    Rule(BucketRow, "greatest(o.updated_at, o.blocked_until, o.braked_until)"),
)
