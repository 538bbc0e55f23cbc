"""Depiction bans: people who must never be depicted in an agency's pictures, by name and by
perceptual hashes.

One member adds an entry, another ends it. Names are terms of the agency's lexicon
(`gate/policy/agency_lexicon.py`). Bans by face are in `gate/faces/known_faces.py`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.db.tables import FOREVER, TenantRow, jsonb_column, table_arguments
from foundation.errors import BadInput, NotFound, Refused
from gate.assets.lookalikes import NEAR_BITS
from gate.copies.events import request_reread
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import device_fingerprints

MAX_BANNED_NAME = 80
SHORTEST_NAME = 3
"""Minimum number of letters of a name; shorter ones occur in ordinary words."""


class DepictionBan(TenantRow, table=True):
    """A person who must not be depicted; `looks` are perceptual hashes of pictures. `ended_by` is
    an actor."""

    __tablename__ = "never_depicted"
    __table_args__ = table_arguments(about="person", keep=FOREVER)
    name: str
    looks: list[str] = jsonb_column(list)
    noted_by: str
    ended_by: str = ""


@dataclass(frozen=True)
class DepictionBanSummary:
    """An entry as members see it; `looks` is the number of its pictures."""

    id: UUID
    name: str
    looks: int
    noted_by: str
    since: datetime


def add_depiction_ban(scope: Scope, name: str, *, pictures: Collection[UUID] = ()) -> UUID:
    """Add a person to the list, as the acting member; `pictures` are assets that show them. Raises
    Refused, BadInput."""
    member = queries.get_acting_member(scope, "person.people_only")
    require_right(member.role, Right.RUN)
    said = " ".join(name.split())
    if not SHORTEST_NAME <= sum(map(str.isalnum, said)) <= len(said) <= MAX_BANNED_NAME:
        raise BadInput("never.bad_name", least=SHORTEST_NAME, most=MAX_BANNED_NAME).about("name")
    row = DepictionBan(
        tenant_id=scope.tenant_id,
        name=said,
        looks=_list_phashes(scope, pictures),
        noted_by=scope.actor,
    )
    scope.add(row)
    request_reread(scope)
    audit.record(scope, "never.noted", f"never:{row.id}")
    return row.id


def _list_phashes(scope: Scope, pictures: Collection[UUID]) -> list[str]:
    rows = scope.run(
        "SELECT DISTINCT phash FROM renditions WHERE tenant_id = :tenant AND asset_id = "
        "ANY(:assets)"
        " AND look IS NOT NULL ORDER BY phash",
        tenant=scope.tenant_id,
        assets=list(pictures),
    )
    return list(rows.scalars())


def end_depiction_ban(scope: Scope, entry_id: UUID) -> None:
    """End an entry.

    The acting member must not be the one who added it, nor share devices with them. Raises Refused,
    NotFound.
    """
    member = queries.get_acting_member(scope, "person.people_only")
    require_right(member.role, Right.RUN)
    entry = next((one for one in list_depiction_bans(scope) if one.id == entry_id), None)
    if entry is None:
        raise NotFound("person.unknown")
    first = queries.principal_of_actor(scope, entry.noted_by)
    # Principals seen on one device or network count as one person.
    if first is not None and member.principal_id in {
        first,
        *device_fingerprints.same_humans(scope, first).get(first, ()),
    }:
        raise Refused("never.another_ends")
    scope.run(
        "UPDATE never_depicted SET ended_by = :by, updated_at = house_now() WHERE tenant_id = "
        ":tenant AND id = :id",
        tenant=scope.tenant_id,
        id=entry_id,
        by=scope.actor,
    )
    audit.record(scope, "never.ended", f"never:{entry_id}")


def list_depiction_bans(scope: Scope) -> list[DepictionBanSummary]:
    """Return the active entries by name."""
    rows = scope.run(
        "SELECT id, name, jsonb_array_length(looks) AS looks, noted_by, created_at FROM "
        "never_depicted"
        " WHERE tenant_id = :tenant AND ended_by = '' ORDER BY lower(name), id",
        tenant=scope.tenant_id,
    )
    return [
        DepictionBanSummary(row.id, row.name, row.looks, row.noted_by, row.created_at)
        for row in rows
    ]


LOOKS_BANNED_SQL = f"""
  EXISTS (SELECT FROM never_depicted n CROSS JOIN LATERAL jsonb_array_elements_text(n.looks) known
    WHERE n.tenant_id = :tenant AND n.ended_by = '' AND bit_count(
      CAST(renditions.look AS bit(64)) # CAST('x' || known AS bit(64))) <= {NEAR_BITS})
"""
"""SQL condition: the bytes of `renditions` look like a picture of a person on the list."""
