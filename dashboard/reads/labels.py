"""Posts as a list to give labels to, and the labels there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from channels import reads as channel_reads
from dashboard.reads.calendar import GROUPS, Turn, turns
from foundation.database import Scope
from schedules import labels
from schedules import reads as schedule_reads
from schedules.labels import Label
from tenants.reads import Creator

BEFORE, AHEAD = timedelta(days=7), timedelta(days=90)
MOST = 1000
"""Places that are read; posts are fewer."""


@dataclass(frozen=True)
class Labelled:
    """The posts from a week ago on, by time, each once; their labels by post; all labels by name."""

    known: Sequence[Label]
    posts: Sequence[Turn]
    labels: Mapping[UUID, Sequence[Label]]


def labelled(scope: Scope, mine: Sequence[Creator], label: UUID | None) -> Labelled:
    """The posts of these creators, all of them or those with a label."""
    by_id, names = {one.id: one for one in mine}, channel_reads.names(scope)
    found = schedule_reads.agenda(scope, by_id, scope.now - BEFORE, scope.now + AHEAD, names=names, limit=MOST)
    entries = [one for one in found if one.state in GROUPS["all"]]
    if label is not None:
        having = labels.among(scope, label, {one.post_id for one in entries})
        entries = [one for one in entries if one.post_id in having]
    once = {one.post_id: one for one in reversed(turns(entries, by_id))}
    posts = sorted(once.values(), key=lambda one: (one.at, one.post_id))
    return Labelled(labels.known(scope), posts, labels.of_posts(scope, list(once)))
