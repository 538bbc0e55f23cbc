"""Look-alikes by 64-bit perceptual hashes: matches of the blocklists, and copies of the same
picture."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from itertools import combinations
from uuid import UUID

from sqlalchemy import BigInteger, Computed, SmallInteger, UniqueConstraint
from sqlmodel import Field

import gate.removal.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments, tenant_foreign_key
from foundation.errors import NotFound
from gate.assets.models import PHASH_NUMBER_SQL

NEAR_BITS = 8
CLOSE_BITS = 12
"""Maximum number of differing bits of a close match, which a member must review. Hashes that differ
in at most `NEAR_BITS` bits count as the same picture."""

BANDS = (13, 13, 13, 13, 12)
"""Widths in bits of the five bands in which a hash is also stored, lowest bits first.

By the pigeonhole principle, hashes that differ in at most twelve bits differ in at most two bits in
one of the bands. An index on the bands therefore finds every close picture without a scan: Norouzi
et al., "Fast search in Hamming space with multi-index hashing",
https://doi.org/10.1109/TPAMI.2013.231
"""

_IN_A_BAND = CLOSE_BITS // len(BANDS)


def _band_column(n: int) -> Computed:
    """Return the generated column of a band."""
    below = sum(BANDS[:n])
    return Computed(
        f"CAST((({PHASH_NUMBER_SQL}) >> {below}) & {(1 << BANDS[n]) - 1} AS smallint)",
        persisted=True,
    )


class BlocklistEntry(TenantRow, table=True):
    """Bytes that must not be published again.

    Rows of the installation tenant apply to every agency and contain no tenant's data.
    """

    __tablename__ = "blocklist"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256"),
        tenant_foreign_key("complaint_id", "complaints"),
        about="person",
        keep=FOREVER,
    )
    sha256: str
    phash: str | None = None
    look: int | None = Field(
        default=None,
        sa_type=BigInteger,
        sa_column_args=(Computed(PHASH_NUMBER_SQL, persisted=True),),
    )
    band0: int | None = Field(default=None, sa_type=SmallInteger, sa_column_args=(_band_column(0),))
    band1: int | None = Field(default=None, sa_type=SmallInteger, sa_column_args=(_band_column(1),))
    band2: int | None = Field(default=None, sa_type=SmallInteger, sa_column_args=(_band_column(2),))
    band3: int | None = Field(default=None, sa_type=SmallInteger, sa_column_args=(_band_column(3),))
    band4: int | None = Field(default=None, sa_type=SmallInteger, sa_column_args=(_band_column(4),))
    category: str
    complaint_id: UUID | None = None  # the upheld request; without one, the entry is permanent


_BITS = """(SELECT min(bit_count(CAST(b.look # CAST(:look AS bigint) AS bit(64)))) FROM blocklist b
   WHERE b.band{n} = ANY(CAST(:band{n} AS smallint[])))"""
_KNOWN = f"""
SELECT EXISTS (SELECT FROM blocklist b WHERE b.sha256 = :sha256) AS exact,
  LEAST({", ".join(_BITS.format(n=n) for n in range(len(BANDS)))}) AS bits
"""  # noqa: S608 - column names
"""Returns whether the exact bytes are blocked, and the distance to the nearest hash with a common
band.

Each band has its own subquery, because a generic plan for one condition over all bands scans the
whole table.
"""


def blocklist_matches(scope: Scope, looks: Mapping[str, str | None]) -> dict[str, str]:
    """Return the match of each digest in the blocklists of this tenant and of the installation.

    A match is "exact", "near", "close" (needs a review) or "". `looks` maps digests to perceptual
    hashes, or None.
    """
    return {sha256: _find_blocklist_match(scope, sha256, look) for sha256, look in looks.items()}


def _find_blocklist_match(scope: Scope, sha256: str, look: str | None) -> str:
    number = _number_from_phash(look) if look is not None else None
    bands = [[] for _ in BANDS] if number is None else _near_band_values(number)
    written = (
        "{" + ",".join(map(str, each)) + "}" for each in bands
    )  # The driver encodes lists far more slowly.
    near = {f"band{n}": each for n, each in enumerate(written)}
    found = scope.run(_KNOWN, sha256=sha256, look=number, **near).one()
    return "exact" if found.exact else match_of_distance(found.bits)


def _number_from_phash(look: str) -> int:
    """Return the hash as a signed 64-bit number, as in the column `look`."""
    return int.from_bytes(bytes.fromhex(look), signed=True)


_SAME = """
WITH RECURSIVE this AS (
  SELECT r.look, r.asset_id AS id FROM renditions r
  WHERE r.tenant_id = :tenant AND r.sha256 = :sha256),
below AS (
  SELECT id, 0 AS depth FROM this
  UNION SELECT p.asset_id, b.depth + 1 FROM below b
  JOIN asset_parents p ON p.tenant_id = :tenant AND p.parent_id = b.id WHERE b.depth < 20),
above AS (
  SELECT id, 0 AS depth FROM this
  UNION SELECT p.parent_id, u.depth + 1 FROM above u
  JOIN asset_parents p ON p.tenant_id = :tenant AND p.asset_id = u.id WHERE u.depth < 20)
SELECT other.sha256 FROM renditions other
WHERE other.tenant_id = :tenant AND other.asset_id IN (SELECT id FROM below UNION SELECT id FROM
above)
UNION SELECT other.sha256 FROM renditions other JOIN this ON bit_count(CAST(other.look #
this.look AS bit(64))) <= :near
WHERE other.tenant_id = :tenant
"""


def find_lookalikes(scope: Scope, sha256: str) -> list[str]:
    """Return other bytes of this tenant that show the same picture.

    These are resized or re-encoded copies, and all sources and derivatives, even if a blur or a cut
    makes them look different.
    """
    found = scope.run(_SAME, tenant=scope.tenant_id, sha256=sha256, near=NEAR_BITS)
    return sorted(row.sha256 for row in found if row.sha256 != sha256)


_WITH = """
WITH RECURSIVE below AS (
  SELECT r.asset_id AS id, 0 AS depth FROM renditions r WHERE r.tenant_id = :tenant AND r.sha256
  = :sha256
  UNION SELECT p.asset_id, b.depth + 1 FROM below b
  JOIN asset_parents p ON p.tenant_id = :tenant AND p.parent_id = b.id WHERE b.depth < 20)
SELECT r.sha256 FROM renditions r WHERE r.tenant_id = :tenant AND r.asset_id IN (SELECT id FROM
below) ORDER BY r.sha256
"""


def rated_family(scope: Scope, sha256: str) -> list[str]:
    """Return these bytes, their siblings and their derivatives, which share a rating."""
    return list(scope.run(_WITH, tenant=scope.tenant_id, sha256=sha256).scalars())


_SEEN = """
SELECT DISTINCT a.creator_id, r.sha256 FROM unnest(CAST(:looks AS bigint[])) w(look)
JOIN renditions r ON r.tenant_id = :tenant AND bit_count(CAST(r.look # w.look AS bit(64))) <= :near
JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
"""

PLAIN = 20
BUSY = 44
"""Maximum set bits of a distinctive hash; `PLAIN` is the minimum. Flat pictures have similar
hashes."""


def is_distinctive_hash(look: str) -> bool:
    """Return True if a text is a hexadecimal perceptual hash that distinguishes pictures."""
    hexadecimal = len(look) == 16 and all(letter in "0123456789abcdef" for letter in look)
    return hexadecimal and PLAIN <= int(look, 16).bit_count() <= BUSY


def find_by_hashes(scope: Scope, looks: Sequence[str]) -> dict[UUID, set[str]]:
    """Return the bytes of this tenant that are near one of these perceptual hashes, by creator."""
    found: dict[UUID, set[str]] = {}
    for row in scope.run(
        _SEEN,
        tenant=scope.tenant_id,
        looks=[_number_from_phash(look) for look in looks],
        near=NEAR_BITS,
    ):
        found.setdefault(row.creator_id, set()).add(row.sha256)
    return found


_LOOK = "SELECT phash FROM renditions WHERE tenant_id = :tenant AND sha256 = :sha256"


def perceptual_hash_of(scope: Scope, sha256: str) -> str | None:
    """Return the perceptual hash of recorded bytes, or None. Raises NotFound."""
    row = scope.run(_LOOK, tenant=scope.tenant_id, sha256=sha256).first()
    if row is None:
        raise NotFound("asset.unknown")
    return str(row.phash) if row.phash is not None else None


def nearest_blocklist_match(scope: Scope, looks: Sequence[str]) -> str:
    """Return the strictest blocklist match of these perceptual hashes: "near", "close" or ""."""
    return reduce(stricter_match, (_find_blocklist_match(scope, "", look) for look in looks), "")


def _near_band_values(number: int) -> Iterable[list[int]]:
    """Yield for each band of a hash the values that a close hash may have."""
    for width in BANDS:
        yield [(number & ((1 << width) - 1)) ^ mask for mask in _bit_masks(width)]
        number >>= width


@cache
def _bit_masks(width: int) -> tuple[int, ...]:
    flips = (each for few in range(_IN_A_BAND + 1) for each in combinations(range(width), few))
    return tuple(sum(1 << bit for bit in each) for each in flips)


MATCH_ORDER = ("", "close", "near", "exact")


def stricter_match(one: str, other: str) -> str:
    """Return the stricter of two matches."""
    return max(one, other, key=MATCH_ORDER.index)


def match_of_distance(bits: int | None) -> str:
    """Return the match for a number of differing bits: "near", "close" or ""."""
    if bits is None or bits > CLOSE_BITS:
        return ""
    return "near" if bits <= NEAR_BITS else "close"
