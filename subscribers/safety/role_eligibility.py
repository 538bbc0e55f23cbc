"""Eligibility of fans for roles on a platform: a current proof of age, a paid subscription, or
both, as the account requires.

The expiry of a proof causes no event, so all fans are compared every hour; other changes apply at
once.
"""

from channels.accounts import queries
from channels.roles import reader_roles
from channels.roles.reader_roles import RoleGiver
from foundation.db.database import OpenScope, Scope
from gate.viewers import age_assurance
from subscribers.fans import directory
from subscribers.safety import escalation
from subscribers.safety.events import RolesDue
from subscribers.subscriptions import subscription_rows
from subscribers.subscriptions.events import RoleCheckDue

ACTOR = "system:roles"


def update_reader_role(event: RoleCheckDue, *, tenant: OpenScope) -> None:
    """Grant or revoke the roles of a reader whose status changed. All creators' sales to a possible
    minor are stopped."""
    with tenant(event.tenant_id, ACTOR) as scope:
        apply_account_roles(scope, platform=event.platform, only=event.user_id)
        if age_assurance.get_assurance(scope, event.platform, event.user_id).can_be_messaged:
            return
        for channel in queries.list_channels(scope):
            fan = (
                directory.find_fan_identity(scope, channel.id, event.user_id)
                if channel.platform == event.platform
                else None
            )
            if fan is not None:
                escalation.stop_sales_to_minor(scope, fan.fan_id)


def reconcile_roles(event: RolesDue, *, tenant: OpenScope) -> None:
    """Compare the readers with a role to those entitled to it."""
    with tenant(event.tenant_id, ACTOR) as scope:
        apply_account_roles(scope)


def apply_account_roles(scope: Scope, *, platform: str = "", only: str = "") -> None:
    """Set the eligible readers of each account's role; limit it to one reader with `only`, or one
    platform with `platform` ("" for all)."""
    adults: dict[str, list[str]] = {}
    for giver in reader_roles.role_givers(scope):
        if platform and giver.platform != platform:
            continue
        if giver.platform not in adults:
            adults[giver.platform] = age_assurance.list_verified_adults(
                scope, giver.platform, only=only
            )
        entitled = _list_eligible_fans(scope, giver, adults[giver.platform], only)
        reader_roles.set_eligible_readers(
            scope, giver, directory.filter_active_fans(scope, giver.inbox, entitled), only=only
        )


def _list_eligible_fans(scope: Scope, giver: RoleGiver, adults: list[str], only: str) -> list[str]:
    if not giver.paying:
        return adults
    paying = subscription_rows.paying_fans(scope, giver.inbox, only=only)
    if giver.adult:
        return [one for one in paying if one in set(adults)]
    unwelcome = age_assurance.list_suspected_minors(scope, giver.platform)
    return [one for one in paying if one not in unwelcome]
