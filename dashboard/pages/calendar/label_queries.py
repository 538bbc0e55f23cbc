"""Queries of the label manager: all labels, and recent and upcoming posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from channels.accounts import queries
from dashboard.pages.calendar.queries import STATE_GROUPS, CalendarCard, group_cards
from foundation.db.database import Scope
from schedules.posts import labels
from schedules.posts.labels import Label
from schedules.posts.queries import calendar_entries
from tenants.agencies.queries import Creator

BEFORE = timedelta(days=7)
AHEAD = timedelta(days=90)
MAX_DELIVERIES_READ = 1000
"""Maximum number of deliveries to read. Several deliveries can belong to one post."""


@dataclass(frozen=True)
class LabelsView:
    """All labels, sorted by name; the posts from a week ago to 90 days ahead, sorted by time, each
    once; and the labels of these posts."""

    known: Sequence[Label]
    posts: Sequence[CalendarCard]
    labels: Mapping[UUID, Sequence[Label]]


def load_labels(scope: Scope, mine: Sequence[Creator], label: UUID | None) -> LabelsView:
    """Return the posts of these creators, all or only those with a label."""
    by_id = {one.id: one for one in mine}
    names = queries.channel_names(scope)
    found = calendar_entries(
        scope, by_id, scope.now - BEFORE, scope.now + AHEAD, names=names, limit=MAX_DELIVERIES_READ
    )
    entries = [one for one in found if one.state in STATE_GROUPS["all"]]
    if label is not None:
        having = labels.filter_posts_with_label(scope, label, {one.post_id for one in entries})
        entries = [one for one in entries if one.post_id in having]
    once = {one.post_id: one for one in reversed(group_cards(entries, by_id))}
    posts = sorted(once.values(), key=lambda one: (one.at, one.post_id))
    return LabelsView(labels.list_labels(scope), posts, labels.labels_of_posts(scope, list(once)))
