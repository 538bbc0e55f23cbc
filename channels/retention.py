"""Retention rules of the tables of channels.

`channels/age_verification/handlers.py` deletes old age checks.
"""

from channels.attempts.models import AttemptRow, PermitUseRow
from channels.connections.models import AccountSetupRow
from channels.limits.models import RateBucketRow
from channels.links.models import (
    LinkClicksRow,
    LinkSaltRow,
    LinkVisitorRow,
    MediaUrlFetchRow,
    MediaUrlRow,
)
from channels.manual_tasks.models import FileDownloadRow, PhoneRow
from channels.metrics.models import ReactionCountRow
from channels.roles.models import ReaderRoleRow
from foundation.db.retention import RetentionRule

_HANDED = """
EXISTS (SELECT FROM handovers h WHERE h.tenant_id = o.tenant_id AND h.subject_kind = o.subject_kind
  AND h.subject_id = o.subject_id AND h.state IN ('waiting', 'opened'))
"""

CHANNELS_RETENTION = (
    RetentionRule(AttemptRow, "o.closed_at", _HANDED),
    RetentionRule(PermitUseRow, "o.created_at"),
    RetentionRule(FileDownloadRow, "o.created_at"),
    RetentionRule(AccountSetupRow, "o.updated_at", "o.state = 'waiting'"),
    RetentionRule(PhoneRow, "coalesce(o.seen_at, o.created_at)", clock="people_now"),
    RetentionRule(LinkClicksRow, "CAST(o.day AS timestamptz)"),
    RetentionRule(LinkSaltRow, "o.created_at"),
    RetentionRule(LinkVisitorRow, "o.created_at"),
    RetentionRule(MediaUrlFetchRow, "o.created_at", role="gate"),
    RetentionRule(
        MediaUrlRow,
        "o.created_at",
        "EXISTS (SELECT FROM lent_reads r WHERE r.tenant_id = o.tenant_id AND r.lent_id = o.id)",
        role="gate",
    ),
    RetentionRule(ReactionCountRow, "o.at"),
    RetentionRule(ReaderRoleRow, "o.since", "o.wanted"),
    RetentionRule(RateBucketRow, "greatest(o.updated_at, o.blocked_until, o.braked_until)"),
)
