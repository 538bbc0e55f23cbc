"""The creators that a member may manage, with their limits and the members of the agency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from studio.costs import quotas
from tenants.agencies import agency_settings, creators, queries
from tenants.agencies.agency_settings import CreatorDefaults
from tenants.agencies.creators import CreatorProfile
from tenants.agencies.queries import Member
from tenants.agencies.rights import OUTSIDE_ROLES
from tenants.agencies.states import CreatorState


@dataclass(frozen=True)
class CreatorsView:
    """The creators of a page, sorted by name, with their images per day, the defaults of new
    creators and all members of the agency who can be responsible for a creator."""

    defaults: CreatorDefaults
    profiles: Sequence[CreatorProfile]
    images: Mapping[UUID, int]
    members: Sequence[Member]

    @property
    def current(self) -> list[CreatorProfile]:
        """The creators that are not archived."""
        return [one for one in self.profiles if one.creator.state is not CreatorState.ARCHIVED]

    @property
    def archived(self) -> list[CreatorProfile]:
        """The archived creators."""
        return [one for one in self.profiles if one.creator.state is CreatorState.ARCHIVED]

    def able_members(self, slug: str) -> dict[UUID, str]:
        """Return the names of the members with access to a creator, by ID."""
        return {one.id: one.name for one in self.members if one.works_for(slug)}

    def responsible_names(self, found: CreatorProfile) -> list[str]:
        """Return the names of the responsible members who still have access."""
        able = self.able_members(found.creator.slug)
        return [able[one] for one in found.responsible if one in able]


def load_creators(scope: Scope, page: PageContext) -> CreatorsView:
    """Return the creators that the member has access to, including archived ones."""
    return CreatorsView(
        agency_settings.get_creator_defaults(scope),
        creators.list_profiles(scope, page.list_all_creators(scope)),
        quotas.creator_quotas(scope),
        [one for one in queries.list_members(scope) if one.role not in OUTSIDE_ROLES],
    )
