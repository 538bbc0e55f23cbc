"""Retention of fans: fans inactive for the retention period of `Fan` are erased as if they had
requested it. Payments and ledger rows remain."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.db.retention import RetentionRule
from subscribers.conversations.models import SafetyEvent
from subscribers.erasure import erase_fan
from subscribers.fans.models import Fan
from subscribers.inbox.models import ConversationRead
from subscribers.replies.models import PersonaTrial

SUBSCRIBERS_RETENTION = (
    RetentionRule(SafetyEvent, "o.created_at", role="gate"),
    RetentionRule(PersonaTrial, "o.updated_at"),
    RetentionRule(ConversationRead, "o.updated_at"),
)

_PERIOD = RetentionRule(Fan, "o.created_at").period

_AWAY = """
SELECT f.id FROM fans f
WHERE f.tenant_id = :tenant AND f.status NOT IN ('blocked', 'erased', 'merged') AND f.opt_out <>
'all'
  AND greatest(f.created_at,
    (SELECT max(greatest(k.last_in_at, k.last_out_at)) FROM fan_facts k
      WHERE k.tenant_id = f.tenant_id AND k.fan_id = f.id),
    (SELECT max(c.last_in_at) FROM conversations c WHERE c.tenant_id = f.tenant_id AND c.fan_id =
    f.id),
    (SELECT max(w.updated_at) FROM orders w WHERE w.tenant_id = f.tenant_id AND w.fan_id = f.id),
    (SELECT max(s.until) FROM subscriptions s WHERE s.tenant_id = f.tenant_id AND s.fan_id = f.id)
  ) < house_now() - CAST(:period AS interval)
ORDER BY f.id LIMIT :most
"""
"""Fans without a message, order or subscription within the period.

Fans who are blocked or opted out of all messages remain: once erased, they would count as new fans
when they return.
"""


def inactive_fans_query(scope: Scope, *, most: int) -> list[UUID]:
    """Return at most `most` fans without any activity for longer than the retention period."""
    return list(scope.run(_AWAY, tenant=scope.tenant_id, period=_PERIOD, most=most).scalars())


def erase_inactive_fans(scope: Scope, *, most: int) -> int:
    """Erase at most `most` inactive fans and return their number."""
    found = inactive_fans_query(scope, most=most)
    for fan_id in found:
        erase_fan(scope, fan_id)
    return len(found)
