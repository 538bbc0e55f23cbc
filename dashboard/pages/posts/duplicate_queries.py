"""What a post repeats on its accounts, where it is written and where it stands open."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from channels.accounts import account_connectors, queries
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime
from schedules.drafts import duplicates
from schedules.drafts.drafts import Draft
from schedules.drafts.duplicates import DuplicatePost
from schedules.posts import channel_overrides


@dataclass(frozen=True)
class DuplicateReport:
    """What a draft repeats, and on which of its accounts the same words are never taken twice, by
    name."""

    likes: Sequence[DuplicatePost]
    once: Sequence[str]


def load_draft_duplicates(scope: Scope, draft: Draft, at: WallTime | None) -> DuplicateReport:
    """What a draft would repeat around a time, or now. Raises NotFound."""
    instant = at.instant() if at is not None else scope.now
    likes: list[DuplicatePost] = []
    once = []
    for channel_id in draft.channels:
        channel = queries.get_channel(scope, channel_id)
        said = channel_overrides.apply_overrides(draft.base_content, draft.others, channel)
        likes += duplicates.find_content_duplicates(
            scope, said, [channel_id], instant, connectors=platform_connectors()
        )
        can = account_connectors.find_connector_for(platform_connectors(), channel)
        if can is not None and not can.capabilities.can_repeat(channel.surface):
            once.append(channel.name)
    return DuplicateReport(likes, once)


def load_delivery_duplicates(scope: Scope, delivery_id: UUID) -> list[DuplicatePost]:
    """What a post repeats on one account, that nobody wanted so yet. Raises NotFound."""
    return duplicates.find_delivery_duplicates(scope, delivery_id, connectors=platform_connectors())
