"""What programs may ask this agency, and what it tells its own systems: keys and hooks as a member sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import Scope
from tenants import hooks, keys
from tenants import reads as tenant_reads
from tenants.hooks import Call, Hook
from tenants.keys import Key
from tenants.reads import Creator, Member
from tenants.roles import Right, may


@dataclass(frozen=True)
class Keys:
    """The keys a member may end: their own, or everybody's; `names` are the members' by id."""

    living: Sequence[Key]
    ended: Sequence[Key]
    creators: Sequence[Creator]
    names: Mapping[UUID, str]
    now: datetime

    def who(self, key: Key) -> str:
        """Whose key it is; "" for one who left."""
        return self.names.get(key.member_id, "")

    def sees(self, key: Key) -> str:
        """The creators it is bound to, by name; "" for all."""
        return ", ".join(one.name for one in self.creators if one.slug in key.creators)


def made_keys(scope: Scope, member: Member, *, most_ended: int = 5) -> Keys:
    """The keys that live, and the last that ended."""
    whose = None if may(member.role, Right.STAFF) else member.id
    found = keys.keys(scope, member_id=whose)
    now = keys.people_now(scope)
    mine = [one for one in tenant_reads.creators(scope) if not member.creators or one.slug in member.creators]
    return Keys(
        living=[one for one in found if one.lives(now)],
        ended=[one for one in found if not one.lives(now)][:most_ended],
        creators=mine,
        names={one.id: one.name for one in tenant_reads.members(scope)},
        now=now,
    )


CALLS = 5
"""Calls of a hook that are shown, and as many of those that were given up before them."""


@dataclass(frozen=True)
class Hooks:
    """The agency's own systems, each with its last calls."""

    hooks: Sequence[tuple[Hook, Sequence[Call]]]
    creators: Sequence[Creator]
    now: datetime

    def hears_of(self, hook: Hook) -> str:
        """The creators it hears of, by name; "" for all."""
        return ", ".join(one.name for one in self.creators if one.id in hook.creators)


def told_systems(scope: Scope) -> Hooks:
    """Every system that is told what happens."""
    found = [(hook, hooks.calls(scope, hook.id, limit=CALLS)) for hook in hooks.hooks(scope)]
    return Hooks(found, tenant_reads.creators(scope), scope.now)
