"""Queries of the Channels page: accounts with their status and costs, and the platforms that can be
connected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from channels.accounts import account_connectors, oauth_clients, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.connections import account_setup
from channels.connections.account_setup import AccountSetup
from channels.limits import request_costs, send_limits
from channels.limits.request_costs import AccountBill, MonthlyCosts
from channels.limits.send_limits import SendingBlock
from channels.manual_tasks import assignees
from channels.manual_tasks.assignees import NO_ASSIGNEES
from channels.roles import reader_roles
from channels.roles.reader_roles import RoleStatus
from connectors.age_verification import providers
from connectors.age_verification.providers import AgeProvider
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.reader_roles import ADMISSION_FIELD, ADULT_ROLE_NAME_FIELD
from connectors.registry import loader
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from schedules.posts import dry_run_state
from schedules.posts.dry_run_state import DryRunTarget
from tenants.agencies.queries import Creator, Member

AGE_ASSURED_AREA = "assured"
"""Kind of the page area that admits each reader individually after age verification."""


@dataclass(frozen=True)
class ChannelOverview:
    """An account with its creator and the block that delays it. For manual posting, `able` are the
    members who may be assigned and `on_duty` the assignees."""

    channel: Channel
    creator: Creator
    waits: SendingBlock | None
    able: Sequence[Member]
    on_duty: Sequence[Member]
    bearing: RoleStatus
    """Status of the role for age-verified readers on the platform."""
    bill: AccountBill | None
    """API costs of the current month. None if the platform does not charge for requests."""

    @property
    def role_name(self) -> str:
        """Display name of that role, or "" if the account assigns none."""
        return str(self.channel.options.get(ADULT_ROLE_NAME_FIELD, ""))

    @property
    def needs_admission(self) -> bool:
        """Return True if the role admits its holders to an area that requires a join request."""
        return bool(self.channel.options.get(ADMISSION_FIELD))

    @property
    def has_problem(self) -> bool:
        """Return True if the account needs a member before it can publish."""
        unassigned = self.is_manual and not self.on_duty
        return unassigned or self.channel.state not in (ChannelState.ACTIVE, ChannelState.PAUSED)

    @property
    def is_manual(self) -> bool:
        """Return True if a member posts prepared content manually."""
        return account_connectors.connector_for(
            platform_connectors(), self.channel
        ).capabilities.hand_over

    @property
    def is_posts_only(self) -> bool:
        """Return True if the platform supports messages but the account was connected
        without them."""
        able = connectable_platforms().get(self.channel.platform)
        return able is not None and able.form.needs_messages and not self.channel.chat_surface

    @property
    def can_be_tested(self) -> bool:
        """Return True if the connection can be tested with a harmless request."""
        return self.channel.platform in connectable_platforms() and not self.is_manual


@dataclass(frozen=True)
class ChannelsView:
    """The values of the Channels page."""

    accounts: Sequence[ChannelOverview]
    creators: Sequence[Creator]
    pages: frozenset[UUID]
    """Creators with a built-in page."""
    adult_areas: frozenset[UUID]
    """Creators whose built-in page has an adult area."""
    asked: AccountSetup | None
    """The latest account setup, if it is recent."""
    clients: Mapping[str, str]
    """ID of the app that the agency used last, keyed by platform."""
    now: datetime
    rehearsed: dict[UUID, DryRunTarget]
    """Dry runs in progress, keyed by the ID of their target."""
    costs: Sequence[MonthlyCosts]
    """Costs of the current month for all accounts of the agency, for each platform that charges for
    requests."""


@cache
def connectable_platforms() -> Mapping[str, SupportsAccountSetup]:
    """Return the platforms that can be connected to this installation, quickest setup first."""
    return loader.connectable_platforms(platform_connectors())


@cache
def age_providers() -> Mapping[str, AgeProvider]:
    """Return the supported age verification providers."""
    return providers.load_age_providers()


def load_channels(scope: Scope, mine: Sequence[Creator]) -> ChannelsView:
    """Return the accounts of these creators, sorted by creator and name."""
    whose = {creator.id: creator for creator in mine}
    # Read the setup before the accounts: an account whose setup is complete must be in the list.
    asked = account_setup.latest_setup(scope, list(whose))
    rows = [channel for channel in queries.list_channels(scope) if channel.creator_id in whose]
    own = platform_connectors()
    here = [one for one in rows if own[one.platform].capabilities.in_house]
    return ChannelsView(
        accounts=sorted(
            _build_channel_overviews(scope, rows, whose),
            key=lambda one: (one.creator.name, one.channel.name),
        ),
        creators=mine,
        pages=frozenset(one.creator_id for one in here),
        adult_areas=frozenset(one.creator_id for one in here if one.surface == AGE_ASSURED_AREA),
        asked=asked,
        clients={
            platform: client.client_id
            for platform, client in oauth_clients.latest_oauth_clients(scope).items()
        },
        now=scope.now,
        rehearsed=dry_run_state.list_dry_runs(scope),
        costs=[
            one
            for name in sorted({row.platform for row in rows})
            if (one := request_costs.monthly_costs(scope, name))
        ],
    )


def _build_channel_overviews(
    scope: Scope, rows: Sequence[Channel], whose: Mapping[UUID, Creator]
) -> list[ChannelOverview]:
    waits = send_limits.send_blocks(scope, [one.id for one in rows], brake=True)
    by_hand = [
        one
        for one in rows
        if account_connectors.connector_for(platform_connectors(), one).capabilities.hand_over
    ]
    crews = assignees.assignees_by_channel(scope, by_hand)
    bearing = reader_roles.role_status_by_channel(scope)
    bills = request_costs.bills_by_account(scope, {one.platform for one in rows})
    return [
        ChannelOverview(
            channel=one,
            creator=whose[one.creator_id],
            waits=waits.get(one.id),
            able=crews.get(one.id, NO_ASSIGNEES).able,
            on_duty=crews.get(one.id, NO_ASSIGNEES).on_duty,
            bearing=bearing.get(one.id, reader_roles.NO_ROLE_STATUS),
            bill=bills.get(one.id),
        )
        for one in rows
    ]
