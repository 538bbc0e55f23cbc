"""The members who may approve a creator's posts."""

from collections.abc import Sequence

from foundation.db.database import Scope
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, Role, has_right


def list_creator_approvers(scope: Scope, creator: Creator, *, first: str = "") -> list[Member]:
    """Return one member for each person who may approve posts of a creator: the member with the
    email address `first`, then managers, each by name."""
    email = first.casefold()
    able = _select_approvers(queries.list_members(scope), creator)
    able.sort(
        key=lambda one: (one.email.casefold() != email, one.role is not Role.MANAGER, one.name)
    )
    return list({one.principal_id: one for one in reversed(able)}.values())[::-1]


def has_enough_approvers(members: Sequence[Member], creator: Creator) -> bool:
    """Return True if the posts of a creator can get the approvals that they need: approvers may
    write posts, but cannot approve their own."""
    people = {one.principal_id for one in _select_approvers(members, creator)}
    return creator.approval_tiers == 0 or len(people) > creator.approval_tiers


def _select_approvers(members: Sequence[Member], creator: Creator) -> list[Member]:
    return [
        one for one in members if has_right(one.role, Right.APPROVE) and one.works_for(creator.slug)
    ]


def count_needed_approvers(creator: Creator) -> int:
    """Return the number of people who must approve an automatically created post, at least one."""
    return max(creator.approval_tiers, 1)
