"""Queries of link targets: the approved targets of a creator, and the URLs because of which posts
are on hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from gate.reviews import link_targets
from gate.reviews.link_targets import LinkTargetSummary
from gate.text import urls
from schedules.notices import unregistered_links
from schedules.notices.unregistered_links import LinkHold
from tenants.agencies import queries
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class UnregisteredLink:
    """A URL without an approved target, as written in the posts, and the posts that are on hold
    because of it."""

    written: str
    posts: Sequence[LinkHold]


@dataclass(frozen=True)
class LinksView:
    """The link targets of a creator."""

    now: datetime
    creator: Creator
    known: Sequence[LinkTargetSummary]
    wanted: Sequence[UnregisteredLink]
    people: Mapping[str, str]
    """Names of members, keyed by actor."""


def load_links(scope: Scope, creator: Creator) -> LinksView:
    """Return the link targets of a creator, and the unregistered URLs because of which posts are on
    hold."""
    known = link_targets.list_link_targets(scope, creator.id)
    fit = {one.url for one in known if one.is_usable(scope.now)}
    found: dict[str, list[LinkHold]] = {}
    for post in unregistered_links.list_link_holds(scope, [creator.id]):
        for written in post.addresses:
            if urls.canonical_url(written) not in fit:
                found.setdefault(written, []).append(post)
    people = {f"member:{one.id}": one.name for one in queries.list_members(scope)}
    return LinksView(
        scope.now, creator, known, [UnregisteredLink(*one) for one in found.items()], people
    )


def find_link_target(scope: Scope, creator_id: UUID, target_id: UUID) -> LinkTargetSummary | None:
    """Return a link target of a creator, or None if it no longer exists."""
    return next(
        (one for one in link_targets.list_link_targets(scope, creator_id) if one.id == target_id),
        None,
    )
