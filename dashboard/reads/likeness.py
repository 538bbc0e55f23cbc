"""What resembles somebody, for Approvals: both pictures, and why this member's word would not count."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard.reads.approvals import Shot, own_work, shots
from foundation.database import Scope
from gate import beside
from gate.beside import Alike
from studio import judging
from studio import reads as studio_reads
from tenants.reads import Member


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
    return [_pair(scope, one, member) for one in beside.waiting(scope, creators, limit=12)]


def _pair(scope: Scope, one: Alike, member: Member) -> Pair:
    there = studio_reads.assets_of(scope, one.beside)
    alts = {sha256: one.name for sha256 in there}
    actor = judging.makers(scope, [one.asset_id]).get(one.asset_id, "")
    own = own_work(scope, judging.human(scope, actor), member)
    if not own and any(said.principal == member.principal_id and said.approves for said in one.said):
        own = "likeness.said"
    shown = shots(scope, {one.asset_id: one.sha256}, [""])
    known = {asset: sha256 for sha256, asset in there.items()}
    return Pair(one, shown[0] if shown else None, shots(scope, known, [alts[each] for each in known.values()]), own)


def maker(scope: Scope, asset_id: UUID) -> str:
    """Who handed a picture in, or asked for it, as an actor; "" where nobody here did."""
    return judging.makers(scope, [asset_id]).get(asset_id, "")
