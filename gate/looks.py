"""Pictures that look the same: what is on a blocklist, and what was saved anew, by 64-bit perceptual hashes."""

from collections.abc import Mapping, Sequence

from foundation.database import Scope
from foundation.errors import NotFound

NEAR, CLOSE = 8, 12
"""Bits of difference: up to 8 the same picture, up to 12 for a person to see."""

_EXACT = "SELECT DISTINCT sha256 FROM blocklist WHERE sha256 = ANY(:digests)"
_NEAREST = """
SELECT w.look,
  (SELECT min(bit_count(CAST(b.look # w.look AS bit(64)))) FROM blocklist b WHERE b.look IS NOT NULL) AS bits
FROM unnest(CAST(:looks AS bigint[])) w(look)
"""


def blocked(scope: Scope, looks: Mapping[str, str | None]) -> dict[str, str]:
    """How the blocklists of this tenant and of the house answer: exact, near, close (for a person) or nothing.

    `looks` is the perceptual hash of each digest, where it has one; the answers are by digest.
    """
    exact = {row.sha256 for row in scope.run(_EXACT, digests=list(looks))}
    numbers = {sha256: _number(look) for sha256, look in looks.items() if look is not None and sha256 not in exact}
    wanted = sorted(set(numbers.values()))
    bits = {row.look: row.bits for row in scope.run(_NEAREST, looks=wanted)} if wanted else {}
    return {
        sha256: "exact" if sha256 in exact else as_near(bits.get(numbers[sha256]) if sha256 in numbers else None)
        for sha256 in looks
    }


def _number(look: str) -> int:
    """The hash as PostgreSQL's signed number of 64 bits (the column `look`)."""
    return int.from_bytes(bytes.fromhex(look), signed=True)


_SAME = """
SELECT other.sha256 FROM renditions this JOIN renditions other ON other.tenant_id = this.tenant_id
WHERE this.tenant_id = :tenant AND this.sha256 = :sha256
  AND bit_count(CAST(other.look # this.look AS bit(64))) <= :near
"""


def alike(scope: Scope, sha256: str) -> list[str]:
    """Other bytes of this tenant that show the same picture: made smaller, saved anew."""
    found = scope.run(_SAME, tenant=scope.tenant_id, sha256=sha256, near=NEAR)
    return [row.sha256 for row in found if row.sha256 != sha256]


_LOOK = "SELECT phash FROM renditions WHERE tenant_id = :tenant AND sha256 = :sha256"


def look_of(scope: Scope, sha256: str) -> str | None:
    """The perceptual hash of recorded bytes, where they have one. Raises NotFound."""
    row = scope.run(_LOOK, tenant=scope.tenant_id, sha256=sha256).first()
    if row is None:
        raise NotFound("asset.unknown")
    return str(row.phash) if row.phash is not None else None


def nearest(scope: Scope, looks: Sequence[str]) -> str:
    """How the blocklists answer to any of these perceptual hashes: near, close or nothing."""
    numbers = [_number(look) for look in looks]
    bits = [row.bits for row in scope.run(_NEAREST, looks=numbers) if row.bits is not None] if numbers else []
    return as_near(min(bits, default=None))


_ORDER = ("", "close", "near", "exact")


def worse(one: str, other: str) -> str:
    """The stricter of two answers."""
    return max(one, other, key=_ORDER.index)


def as_near(bits: int | None) -> str:
    """What so many bits of difference mean: near, close or nothing."""
    if bits is None or bits > CLOSE:
        return ""
    return "near" if bits <= NEAR else "close"
