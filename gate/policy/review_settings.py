"""Review settings of an agency: a higher share of spot checks, and the safety officer.

Settings only tighten: a share below the minimum counts as the minimum.
"""

from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, table_arguments
from foundation.errors import BadInput, NotFound
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, Role, require_right

MIN_SUGGESTIVE_PERCENT = 5
MIN_WORDS_PERCENT = 2
"""Minimum shares of spot checks, in percent: of Suggestive content that passed by rules alone, and
of adult texts that members typed."""


class ReviewSettings(TenantRow, table=True):
    """The settings of an agency; `id` equals `tenant_id`."""

    __tablename__ = "desk_choices"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant exists")
    suggestive_percent: int = MIN_SUGGESTIVE_PERCENT
    words_percent: int = MIN_WORDS_PERCENT
    officer_id: UUID | None = None
    """The member who is alerted to suspected abuse material; the first owner if not set."""


@dataclass(frozen=True)
class SamplingShares:
    """The shares of spot checks that apply to an agency, in percent."""

    suggestive_percent: int
    words_percent: int


_CHOOSE = """
INSERT INTO desk_choices (tenant_id, id, suggestive_percent, words_percent, officer_id)
VALUES (:tenant, :tenant, :suggestive, :words, :officer)
ON CONFLICT (tenant_id, id) DO UPDATE SET suggestive_percent = excluded.suggestive_percent,
  words_percent = excluded.words_percent, officer_id = excluded.officer_id, updated_at = house_now()
"""


def sampling_shares(scope: Scope) -> SamplingShares:
    """Return the shares of spot checks of this agency."""
    row = scope.session.get(ReviewSettings, (scope.tenant_id, scope.tenant_id))
    if row is None:
        return SamplingShares(MIN_SUGGESTIVE_PERCENT, MIN_WORDS_PERCENT)
    return SamplingShares(
        max(row.suggestive_percent, MIN_SUGGESTIVE_PERCENT),
        max(row.words_percent, MIN_WORDS_PERCENT),
    )


def raise_sampling_shares(scope: Scope, *, suggestive_percent: int, words_percent: int) -> None:
    """Set the shares of spot checks, as the owner.

    Raises Refused, and BadInput for a share below the minimum or above 100.
    """
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.STAFF)
    if not (
        MIN_SUGGESTIVE_PERCENT <= suggestive_percent <= 100
        and MIN_WORDS_PERCENT <= words_percent <= 100
    ):
        raise BadInput("desk.bad_share", suggestive=MIN_SUGGESTIVE_PERCENT, words=MIN_WORDS_PERCENT)
    row = scope.session.get(ReviewSettings, (scope.tenant_id, scope.tenant_id))
    _record_settings(
        scope, suggestive_percent, words_percent, row.officer_id if row is not None else None
    )
    audit.record(
        scope, "desk.shares", "desk:shares", suggestive=suggestive_percent, words=words_percent
    )


def set_safety_officer(scope: Scope, member_id: UUID) -> None:
    """Set the member who is alerted to suspected abuse material, as the owner.

    Raises Refused, and NotFound for a member who is neither owner nor manager.
    """
    require_right(queries.get_acting_member(scope, "review.people_only").role, Right.STAFF)
    if queries.get_member(scope, member_id).role not in (Role.OWNER, Role.MANAGER):
        raise NotFound("member.unknown")
    found = sampling_shares(scope)
    _record_settings(scope, found.suggestive_percent, found.words_percent, member_id)
    audit.record(scope, "desk.officer", f"member:{member_id}")


def safety_officer(scope: Scope) -> queries.Member | None:
    """Return the member to alert, or None if there is no owner.

    It is the appointed member as long as they are owner or manager, otherwise the owner who joined
    first.
    """
    row = scope.session.get(ReviewSettings, (scope.tenant_id, scope.tenant_id))
    members = queries.list_members(scope)
    able = {one.id: one for one in members if one.role in (Role.OWNER, Role.MANAGER)}
    if row is not None and row.officer_id in able:
        return able[row.officer_id]
    owners = sorted((one for one in members if one.role is Role.OWNER), key=lambda one: one.id)
    return owners[0] if owners else None


def _record_settings(scope: Scope, suggestive: int, words: int, officer_id: UUID | None) -> None:
    scope.run(
        _CHOOSE, tenant=scope.tenant_id, suggestive=suggestive, words=words, officer=officer_id
    )
    # The statement bypasses the session, which would return the old row.
    scope.session.expire_all()
