"""Comments received on our accounts, the only content of others that a unit may refer to, in order
to reply.

A reply to any other post would be an unsolicited automated reply, which platforms forbid. Source:
https://help.x.com/en/rules-and-policies/x-automation (replies to those who did not ask for them).
"""

from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.ids import uuid7
from gate.contract.facts import CommentFacts
from gate.contract.states import AssuranceState
from gate.contract.units import COMMENT_REFERENCE, Unit

_UNWELCOME = frozenset({AssuranceState.BLOCKED, AssuranceState.SUSPECTED})


class ReceivedComment(CreatorOwnedRow, table=True):
    """A comment received on an account, by the IDs of the platform. Only the gate writes it."""

    __tablename__ = "heard_remarks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "native_id"), about="fan", keep="90 days"
    )
    channel_id: UUID
    platform: str
    native_id: str
    author: str


def record_received_comment(
    scope: Scope, *, creator_id: UUID, channel_id: UUID, platform: str, native_id: str, author: str
) -> None:
    """Record a received comment when this transaction commits; `author` is the platform's ID. Does
    nothing if it is recorded already."""

    def keep(last: Scope) -> None:
        last.run(
            "INSERT INTO heard_remarks (tenant_id, id, creator_id, channel_id, platform, "
            "native_id, author)"
            " VALUES (:tenant, :id, :creator, :channel, :platform, :native, :author)"
            " ON CONFLICT (tenant_id, channel_id, native_id) DO NOTHING",
            tenant=last.tenant_id,
            id=uuid7(),
            creator=creator_id,
            channel=channel_id,
            platform=platform,
            native=native_id,
            author=author,
        )

    # Only the role of the gate may write this table.
    scope.before_commit(keep, role="gate")


def purge_received_comments(scope: Scope, channel_id: UUID, author: str) -> None:
    """Delete the comments of an author on an account when this transaction commits."""

    def gone(last: Scope) -> None:
        last.run(
            "DELETE FROM heard_remarks WHERE tenant_id = :tenant AND channel_id = :channel AND "
            "author = :author",
            tenant=last.tenant_id,
            channel=channel_id,
            author=author,
        )

    scope.before_commit(gone, role="gate")


def comment_facts(scope: Scope, unit: Unit) -> tuple[CommentFacts, ...]:
    """Return the facts of the comments that a unit answers. A comment that its account did not
    receive has no entry."""
    wanted = sorted({each.native_id for each in unit.references if each.kind == COMMENT_REFERENCE})
    if not wanted:
        return ()
    rows = scope.run(
        "SELECT h.native_id, a.state FROM heard_remarks h LEFT JOIN age_assurances a ON "
        "a.tenant_id = h.tenant_id"
        " AND a.platform = h.platform AND a.user_id = h.author WHERE h.tenant_id = :tenant AND "
        "h.channel_id = :channel"
        " AND h.creator_id = :creator AND h.native_id = ANY(:wanted) ORDER BY h.native_id",
        tenant=scope.tenant_id,
        channel=unit.channel_id,
        creator=unit.creator_id,
        wanted=wanted,
    )
    return tuple(CommentFacts(row.native_id, welcome=row.state not in _UNWELCOME) for row in rows)
