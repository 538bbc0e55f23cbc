"""Which fans bear a role on a platform, of whoever is known there: those whose proof of age stands now, or who pay for
a subscription, as the account says.

A proof that runs out states no fact, so all of them are looked at every hour; one that comes or goes, and a
subscription that begins or ends, at once.
"""

from channels import reads as channel_reads
from channels import roles
from channels.roles import Giver
from foundation.database import OpenScope, Scope
from gate import viewers
from subscribers import directory, safety, subscribing
from subscribers.events import RolesDue, RoleWanted

ACTOR = "system:roles"


def follow(event: RoleWanted, *, tenant: OpenScope) -> None:
    """What is known of a reader changed: give them the role, or take it. To who may be a minor nothing is sold, by any
    creator."""
    with tenant(event.tenant_id, ACTOR) as scope:
        agree(scope, platform=event.platform, only=event.user_id)
        if viewers.level(scope, event.platform, event.user_id).welcome:
            return
        for channel in channel_reads.every_channel(scope):
            fan = directory.known_on(scope, channel.id, event.user_id) if channel.platform == event.platform else None
            if fan is not None:
                safety.sell_no_more(scope, fan.fan_id)


def look(event: RolesDue, *, tenant: OpenScope) -> None:
    """Compare who bears a role with who has a right to it."""
    with tenant(event.tenant_id, ACTOR) as scope:
        agree(scope)


def agree(scope: Scope, *, platform: str = "", only: str = "") -> None:
    """Want the role of each account for those who have a right to it, and nobody else; `only` one of them, "" for all,
    and on one platform, "" for all."""
    adults: dict[str, list[str]] = {}
    for giver in roles.givers(scope):
        if platform and giver.platform != platform:
            continue
        if giver.platform not in adults:
            adults[giver.platform] = viewers.adults(scope, giver.platform, only=only)
        entitled = _entitled(scope, giver, adults[giver.platform], only)
        roles.wish(scope, giver, directory.active_among(scope, giver.inbox, entitled), only=only)


def _entitled(scope: Scope, giver: Giver, adults: list[str], only: str) -> list[str]:
    if not giver.paying:
        return adults
    paying = subscribing.paying(scope, giver.inbox, only=only)
    if giver.adult:
        return [one for one in paying if one in set(adults)]
    unwelcome = viewers.unwelcome(scope, giver.platform)
    return [one for one in paying if one not in unwelcome]
