"""What resembles somebody, for Approvals: both pictures, and why this member's word would not count."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from dashboard.reads.approvals import Shot, own_works, shots
from foundation.database import Scope
from gate import beside
from gate.beside import Alike
from studio import judging
from studio import reads as studio_reads
from tenants.reads import Member

Picture = tuple[UUID, str]
"""An asset and its bytes: it may have others."""


@dataclass(frozen=True)
class Pair:
    """A picture and whom it resembles. `own` says why this member's word does not count; "" when it does."""

    one: Alike
    shot: Shot | None
    others: Sequence[Shot]
    own: str

    @property
    def unseen(self) -> tuple[UUID, ...]:
        """What comes blurred and this member did not look at yet."""
        drawn = [self.shot, *self.others] if self.shot is not None else [*self.others]
        return tuple(shot.asset_id for shot in drawn if shot.covered and not shot.seen)


def pairs(scope: Scope, creators: Collection[UUID], member: Member) -> list[Pair]:
    """Everything of these creators that resembles somebody and waits, the oldest first."""
    waiting = beside.waiting(scope, creators, limit=12)
    if not waiting:
        return []
    there = studio_reads.assets_of(scope, {sha256 for one in waiting for sha256 in one.beside})
    every = [*((one.asset_id, one.sha256) for one in waiting), *((asset, sha256) for sha256, asset in there.items())]
    shown = {(shot.asset_id, shot.sha256): shot for shot in shots(scope, {(*each, "") for each in every})}
    others = {one.id: [(there[each], each) for each in one.beside if each in there] for one in waiting}
    own = _own(scope, waiting, member)
    return [_pair(one, shown, others[one.id], own, member) for one in waiting]


def _own(scope: Scope, waiting: Sequence[Alike], member: Member) -> dict[UUID, str]:
    """Why this member's word would not count, by picture, for who made it."""
    actors = judging.makers(scope, [one.asset_id for one in waiting])
    humans = {actor: judging.human(scope, actor) for actor in set(actors.values())}
    makers = {asset: human for asset, actor in actors.items() if (human := humans[actor]) is not None}
    own = own_works(scope, set(makers.values()), member)
    return {asset: own[human] for asset, human in makers.items() if human in own}


def _pair(
    one: Alike, shown: Mapping[Picture, Shot], others: Sequence[Picture], own: Mapping[UUID, str], member: Member
) -> Pair:
    said = any(said.principal == member.principal_id and said.approves for said in one.said)
    why = own.get(one.asset_id, "likeness.said" if said else "")
    there = [replace(shown[each], alt=one.name) for each in others if each in shown]
    return Pair(one, shown.get((one.asset_id, one.sha256)), there, why)


def maker(scope: Scope, asset_id: UUID) -> str:
    """Who handed a picture in, or asked for it, as an actor; "" where nobody here did."""
    return judging.makers(scope, [asset_id]).get(asset_id, "")
