"""Duplicate checks of drafts and of scheduled posts."""

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
    """Earlier posts that a draft repeats. `once` names its accounts that never accept the same text
    twice."""

    likes: Sequence[DuplicatePost]
    once: Sequence[str]


def load_draft_duplicates(scope: Scope, draft: Draft, at: WallTime | None) -> DuplicateReport:
    """Return the duplicates of a draft around a time, or around now if `at` is None. Raise NotFound
    for an unknown account."""
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
    """Return the posts that a delivery repeats, except duplicates that a member has accepted. Raise
    NotFound for an unknown delivery."""
    return duplicates.find_delivery_duplicates(scope, delivery_id, connectors=platform_connectors())
