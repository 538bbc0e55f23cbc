"""Accounts that a post can be published to: options, prices, previews and earliest times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.sending import edits
from connectors.contract.capabilities import PostOption, PriceRange
from connectors.shared.options import ChosenOptions, ReadableOption, readable_options
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.drafts import drafts, previews
from schedules.drafts.previews import PostPreview
from schedules.posts.queries import StoredPost
from tenants.agencies.queries import Creator

SOON_DELAY = timedelta(seconds=15)
"""Delay of "Post now". It gives the user time to cancel."""


@dataclass(frozen=True)
class PostAccount:
    """An account that a post can be published to. `ready` is false if the account is not active,
    for example because it must be reconnected."""

    id: UUID
    creator_id: UUID
    name: str
    platform: str
    ready: bool
    asking: PriceRange | None = None
    """Range of prices for a post. None if posts on this account cannot have a price."""
    options: tuple[PostOption, ...] = ()
    """Platform options of a post besides its text."""


def editable_platforms() -> frozenset[str]:
    """Return the platforms on which the text of a published post can be edited."""
    return frozenset(name for name, one in platform_connectors().items() if edits.can_edit(one))


def list_post_accounts(scope: Scope, mine: Sequence[Creator]) -> list[PostAccount]:
    """Return the accounts of these creators that can publish posts, sorted by name. A bot without a
    channel only chats and is not included."""
    theirs = {one.id for one in mine}
    return [
        PostAccount(
            one.id,
            one.creator_id,
            one.name,
            one.platform,
            one.state is ChannelState.ACTIVE,
            price_terms(one),
            platform_options(one.platform),
        )
        for one in queries.list_channels(scope)
        if one.creator_id in theirs and one.surface
    ]


def price_terms(one: Channel) -> PriceRange | None:
    """Return the range of prices for a post on an account, or None if posts there cannot have a
    price."""
    connector = account_connectors.find_connector_for(platform_connectors(), one)
    return connector.capabilities.price_range(one.surface) if connector is not None else None


def platform_options(platform: str) -> tuple[PostOption, ...]:
    """Return the post options of a platform."""
    connector = platform_connectors().get(platform)
    return connector.capabilities.options if connector is not None else ()


def describe_options(platform: str, chosen: ChosenOptions) -> tuple[ReadableOption, ...]:
    """Return the selected options of a platform with readable labels."""
    connector = platform_connectors().get(platform)
    return readable_options(chosen, connector.capabilities) if connector is not None else ()


def preview_post(scope: Scope, post: StoredPost, channels: Sequence[UUID]) -> list[PostPreview]:
    """Return the preview of a stored post for each account, in the order of `channels`."""
    draft = drafts.draft_of_post(post, tuple(channels))
    return previews.preview_draft(
        scope, draft, author=post.author, connectors=platform_connectors()
    )


def soonest_wall_time(scope: Scope, zone: str) -> WallTime:
    """Return the time 15 seconds from now in the creator's time zone."""
    return to_wall_time((scope.now + SOON_DELAY).replace(microsecond=0), zone)
