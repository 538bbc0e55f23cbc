"""The list of links: what stands on each creator's, who said it, and which posts wait for an address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import Scope
from gate import hosts, targets
from gate.targets import Target
from schedules import unlisted
from schedules.unlisted import Waiting
from tenants import reads as tenant_reads
from tenants.reads import Creator


@dataclass(frozen=True)
class Wanted:
    """An address that posts wait for, as it is written in them, and the posts."""

    written: str
    posts: Sequence[Waiting]


@dataclass(frozen=True)
class Links:
    """The list of one creator."""

    now: datetime
    creator: Creator
    known: Sequence[Target]
    wanted: Sequence[Wanted]
    people: Mapping[str, str]
    """Names of members by how they sign."""


def links(scope: Scope, creator: Creator) -> Links:
    """The list of one creator, and what waits for it."""
    known = targets.listed(scope, creator.id)
    fit = {one.url for one in known if one.fits(scope.now)}
    found: dict[str, list[Waiting]] = {}
    for post in unlisted.waiting(scope, [creator.id]):
        for written in post.addresses:
            if hosts.canonical(written) not in fit:
                found.setdefault(written, []).append(post)
    people = {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    return Links(scope.now, creator, known, [Wanted(*one) for one in found.items()], people)


def target(scope: Scope, creator_id: UUID, target_id: UUID) -> Target | None:
    """An address on a creator's list; None where it is on it no more."""
    return next((one for one in targets.listed(scope, creator_id) if one.id == target_id), None)
