"""Which fans bear a role on a platform, of whoever is known there: those whose proof of age stands
now, or who pay for a subscription, as the account says.

A proof that runs out states no fact, so all of them are looked at every hour; one that comes or
goes, and a subscription that begins or ends, at once.
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
    """What is known of a reader changed: give them the role, or take it. To who may be a minor
    nothing is sold, by any creator."""
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
    """Compare who bears a role with who has a right to it."""
    with tenant(event.tenant_id, ACTOR) as scope:
        apply_account_roles(scope)


def apply_account_roles(scope: Scope, *, platform: str = "", only: str = "") -> None:
    """Want the role of each account for those who have a right to it, and nobody else; `only` one
    of them, "" for all, and on one platform, "" for all."""
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
