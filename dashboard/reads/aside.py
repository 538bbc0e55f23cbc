"""Posts that were put aside, with whose they are and who wrote them last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from channels import reads as channel_reads
from foundation.database import Scope
from schedules import aside
from schedules.aside import Aside
from schedules.overrides import Content
from tenants import reads as tenant_reads
from tenants.reads import Creator


@dataclass(frozen=True)
class Item:
    """A post that was put aside. `there` is what it says on the accounts it says something of its own for."""

    aside: Aside
    creator: Creator
    by: str
    there: Mapping[UUID, Content]


def items(scope: Scope, mine: Sequence[Creator]) -> list[Item]:
    """All of these creators, the last written first."""
    known, names = {one.id: one for one in mine}, {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    accounts = {one.id: channel_reads.channels_of(scope, one.id) for one in mine}
    found = []
    for one in aside.listed(scope, known):
        places = {other.place for other in one.post.others}
        named = [each for each in accounts[one.post.creator_id] if places & {each.platform, str(each.id)}]
        there = {each.id: one.post.on(each) for each in named if not each.left}
        found.append(Item(one, known[one.post.creator_id], names.get(one.post.author, ""), there))
    return found
