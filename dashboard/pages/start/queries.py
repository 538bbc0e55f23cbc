"""The creator's page and the first posts of a new agency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from schedules.posts.queries import DeliveryEntry, entries_between
from schedules.posts.states import DeliveryState
from tenants.agencies.queries import Agency, Creator, get_agency

SINCE = timedelta(days=90)


@dataclass(frozen=True)
class StartView:
    """The values of the Start page. `page` is the creator's built-in page once it is open; `posts`
    are the most recent deliveries."""

    agency: Agency
    creator: Creator | None
    page: Channel | None
    posts: Sequence[DeliveryEntry]

    @property
    def progress(self) -> tuple[bool, bool, bool]:
        """Return what redraws the page when it changes: page open, post scheduled, post
        published."""
        published = any(post.state is DeliveryState.PUBLISHED for post in self.posts)
        return self.page is not None, bool(self.posts), published


def load_start(scope: Scope, mine: Sequence[Creator]) -> StartView:
    """Return the setup progress of the agency."""
    agency = get_agency(scope)
    creator = mine[0] if mine else None
    if agency.demo or creator is None:
        return StartView(agency, creator, None, ())
    channels = queries.list_creator_channels(scope, creator.id)
    own = next(
        (
            one
            for one in channels
            if account_connectors.connector_for(platform_connectors(), one).capabilities.in_house
        ),
        None,
    )
    posts = entries_between(scope, creator.id, scope.now - SINCE, scope.now + SINCE, limit=5)
    return StartView(agency, creator, own, posts)
