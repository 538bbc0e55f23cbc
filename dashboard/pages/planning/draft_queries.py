"""Queries of drafts, with their creators and last authors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from schedules.calendar import unscheduled_drafts
from schedules.calendar.unscheduled_drafts import UnscheduledDraft
from schedules.posts.channel_overrides import PostContent
from tenants.agencies.queries import Creator, list_members


@dataclass(frozen=True)
class DraftEntry:
    """A draft. `there` contains the content for channels where it differs."""

    aside: UnscheduledDraft
    creator: Creator
    by: str
    there: Mapping[UUID, PostContent]


def list_drafts(scope: Scope, mine: Sequence[Creator]) -> list[DraftEntry]:
    """Return all drafts of these creators, newest change first."""
    known = {one.id: one for one in mine}
    names = {f"member:{one.id}": one.name for one in list_members(scope)}
    accounts = {one.id: queries.list_creator_channels(scope, one.id) for one in mine}
    found = []
    for one in unscheduled_drafts.list_unscheduled_drafts(scope, known):
        places = {other.place for other in one.post.others}
        named = [
            each for each in accounts[one.post.creator_id] if places & {each.platform, str(each.id)}
        ]
        there = {
            each.id: one.post.content_for_channel(each)
            for each in named
            if not each.is_disconnected
        }
        found.append(
            DraftEntry(one, known[one.post.creator_id], names.get(one.post.author, ""), there)
        )
    return found
