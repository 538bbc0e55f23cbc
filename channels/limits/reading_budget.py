"""Budget of readings that are useful but not required: half of what the agency pays for or the
application may use, so that posts are never held because of readings."""

from decimal import Decimal
from uuid import UUID

from channels.accounts import queries
from channels.limits import request_costs, shared_quota
from foundation.db.database import Scope

SPENDABLE_SHARE = Decimal("0.5")
"""Share of a monthly cap or of an application's units that must be unused."""


def has_reading_budget(scope: Scope, channel_id: UUID) -> bool:
    """Return True if an account may be read more often than required.

    Readings of platforms that charge for requests need a monthly cap, because an agency without one
    has not agreed to pay for them. Raises NotFound.
    """
    channel = queries.get_channel(scope, channel_id)
    costs = request_costs.monthly_costs(scope, channel.platform)
    if costs is not None:
        left = costs.remaining_minor()
        if costs.cap is None or left is None or left < costs.cap.minor * SPENDABLE_SHARE:
            return False
    return shared_quota.used_share(scope, channel) <= float(1 - SPENDABLE_SHARE)
