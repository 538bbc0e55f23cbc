"""Which fans bear the role of proven age on a platform: those whose proof stands now, of whoever is known there.

A proof that runs out states no fact, so all of them are looked at every hour; one that comes or goes, at once.
"""

from channels import roles
from foundation.database import OpenScope, Scope
from gate import viewers
from subscribers import directory
from subscribers.events import RolesDue, RoleWanted

ACTOR = "system:roles"


def follow(event: RoleWanted, *, tenant: OpenScope) -> None:
    """What is known of a reader's age changed: give them the role, or take it."""
    with tenant(event.tenant_id, ACTOR) as scope:
        _agree(scope, platform=event.platform, only=event.user_id)


def look(event: RolesDue, *, tenant: OpenScope) -> None:
    """Compare who bears a role with whose proof stands."""
    with tenant(event.tenant_id, ACTOR) as scope:
        _agree(scope)


def _agree(scope: Scope, *, platform: str = "", only: str = "") -> None:
    adults: dict[str, list[str]] = {}
    for giver in roles.givers(scope):
        if platform and giver.platform != platform:
            continue
        if giver.platform not in adults:
            adults[giver.platform] = viewers.adults(scope, giver.platform, only=only)
        roles.wish(scope, giver, directory.active_among(scope, giver.inbox, adults[giver.platform]), only=only)
