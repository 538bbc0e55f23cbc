"""Pictures that look the same: what is on a blocklist, and what was saved anew, by 64-bit
perceptual hashes."""

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
"""Bits of difference: up to 8 the same picture, up to 12 for a person to see."""

BANDS = (13, 13, 13, 13, 12)
"""A hash is also kept in five pieces of so many bits, the lowest first. Twelve bits of difference
leave at most two in one piece at least (pigeonhole), so an index over the pieces finds every close
picture without reading the whole list: Norouzi and others, "Fast search in Hamming space with
multi-index hashing", https://doi.org/10.1109/TPAMI.2013.231"""

_IN_A_BAND = CLOSE_BITS // len(BANDS)


def _band_column(n: int) -> Computed:
    """A piece, as the database keeps it."""
    below = sum(BANDS[:n])
    return Computed(
        f"CAST((({PHASH_NUMBER_SQL}) >> {below}) & {(1 << BANDS[n]) - 1} AS smallint)",
        persisted=True,
    )


class BlocklistEntry(TenantRow, table=True):
    """Bytes that never go out again. Rows of the house tenant hold for everybody and carry no
    tenant's data."""

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
    complaint_id: UUID | None = (
        None  # the request it comes from: no other entry can be lifted, on appeal
    )


_BITS = """(SELECT min(bit_count(CAST(b.look # CAST(:look AS bigint) AS bit(64)))) FROM blocklist b
   WHERE b.band{n} = ANY(CAST(:band{n} AS smallint[])))"""
_KNOWN = f"""
SELECT EXISTS (SELECT FROM blocklist b WHERE b.sha256 = :sha256) AS exact,
  LEAST({", ".join(_BITS.format(n=n) for n in range(len(BANDS)))}) AS bits
"""  # noqa: S608 - names of columns
"""Whether the very bytes are on the blocklists, and how many bits the nearest that shares a piece
differs in. Piece by piece: a plan that does not know the values reads the whole list where all
pieces are asked for in one condition."""


def blocklist_matches(scope: Scope, looks: Mapping[str, str | None]) -> dict[str, str]:
    """How the blocklists of this tenant and of the house answer: exact, near, close (for a person)
    or nothing.

    `looks` is the perceptual hash of each digest, where it has one; the answers are by digest.
    """
    return {sha256: _find_blocklist_match(scope, sha256, look) for sha256, look in looks.items()}


def _find_blocklist_match(scope: Scope, sha256: str, look: str | None) -> str:
    number = _number_from_phash(look) if look is not None else None
    bands = [[] for _ in BANDS] if number is None else _near_band_values(number)
    written = (
        "{" + ",".join(map(str, each)) + "}" for each in bands
    )  # the driver writes lists far slower
    near = {f"band{n}": each for n, each in enumerate(written)}
    found = scope.run(_KNOWN, sha256=sha256, look=number, **near).one()
    return "exact" if found.exact else match_of_distance(found.bits)


def _number_from_phash(look: str) -> int:
    """The hash as PostgreSQL's signed number of 64 bits (the column `look`)."""
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
    """Other bytes of this tenant that show the same picture: made smaller, saved anew, what it was
    made from and what was made from it, however little a blur or a cut left of its looks."""
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
    """These bytes, those beside them, and those of whatever was made of them: they are rated with
    them."""
    return list(scope.run(_WITH, tenant=scope.tenant_id, sha256=sha256).scalars())


_SEEN = """
SELECT DISTINCT a.creator_id, r.sha256 FROM unnest(CAST(:looks AS bigint[])) w(look)
JOIN renditions r ON r.tenant_id = :tenant AND bit_count(CAST(r.look # w.look AS bit(64))) <= :near
JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
"""

PLAIN = 20
BUSY = 44
"""Bits that are set in the hash of a picture with something on it; a flat one's is next to those of
all flat ones."""


def is_distinctive_hash(look: str) -> bool:
    """Whether this is a perceptual hash, in hexadecimal, that tells one picture from another."""
    hexadecimal = len(look) == 16 and all(letter in "0123456789abcdef" for letter in look)
    return hexadecimal and PLAIN <= int(look, 16).bit_count() <= BUSY


def find_by_hashes(scope: Scope, looks: Sequence[str]) -> dict[UUID, set[str]]:
    """The bytes of this tenant that look the same as any of these perceptual hashes say, by
    creator."""
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
    """The perceptual hash of recorded bytes, where they have one. Raises NotFound."""
    row = scope.run(_LOOK, tenant=scope.tenant_id, sha256=sha256).first()
    if row is None:
        raise NotFound("asset.unknown")
    return str(row.phash) if row.phash is not None else None


def nearest_blocklist_match(scope: Scope, looks: Sequence[str]) -> str:
    """How the blocklists answer to any of these perceptual hashes: near, close or nothing."""
    return reduce(stricter_match, (_find_blocklist_match(scope, "", look) for look in looks), "")


def _near_band_values(number: int) -> Iterable[list[int]]:
    """Of each piece of a hash, every value that differs in so few bits that the whole may be
    close."""
    for width in BANDS:
        yield [(number & ((1 << width) - 1)) ^ mask for mask in _bit_masks(width)]
        number >>= width


@cache
def _bit_masks(width: int) -> tuple[int, ...]:
    flips = (each for few in range(_IN_A_BAND + 1) for each in combinations(range(width), few))
    return tuple(sum(1 << bit for bit in each) for each in flips)


MATCH_ORDER = ("", "close", "near", "exact")


def stricter_match(one: str, other: str) -> str:
    """The stricter of two answers."""
    return max(one, other, key=MATCH_ORDER.index)


def match_of_distance(bits: int | None) -> str:
    """What so many bits of difference mean: near, close or nothing."""
    if bits is None or bits > CLOSE_BITS:
        return ""
    return "near" if bits <= NEAR_BITS else "close"
