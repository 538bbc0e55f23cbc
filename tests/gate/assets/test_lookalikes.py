"""The lookalike index: bands of the perceptual hash find exactly the matches of a full scan."""

import random

from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.assets import lookalikes
from gate.removal import recall
from tests.gate.builders import world

BITS = st.lists(st.integers(0, 63), unique=True, max_size=lookalikes.CLOSE_BITS)


@given(st.integers(0, 2**64 - 1), BITS)
def test_close_hashes_share_a_band(look: int, flipped: list[int]) -> None:
    other = look ^ sum(1 << bit for bit in flipped)
    below, pieces = 0, []
    for width in lookalikes.BANDS:
        pieces.append((other >> below) & ((1 << width) - 1))
        below += width
    assert below == 64
    near = list(lookalikes._near_band_values(look))
    assert any(piece in tried for piece, tried in zip(pieces, near, strict=True))


def test_index_matches_full_scan(tenant: OpenScope) -> None:
    """Tested around the limit of 12 bits at any position. The highest bit is the sign of the number
    in PostgreSQL."""
    there, drawn = world(tenant, uuid7()), random.Random(5)
    blocked = [drawn.getrandbits(64) | (1 << 63 if n % 2 else 0) for n in range(30)]
    with there.scope() as scope:
        for look in blocked:
            recall.block_bytes(scope, f"{look:064x}", category="ncii", phash=f"{look:016x}")
    with there.scope() as scope:
        for look in blocked:
            for bits in (0, 1, 8, 9, 12, 13, 20):
                asked = look ^ sum(1 << bit for bit in drawn.sample(range(64), bits))
                nearest = min((asked ^ each).bit_count() for each in blocked)
                assert lookalikes.nearest_blocklist_match(
                    scope, [f"{asked:016x}"]
                ) == lookalikes.match_of_distance(nearest), (look, bits)
        assert lookalikes.nearest_blocklist_match(scope, []) == ""
        everything = {str(n): f"{look:016x}" for n, look in enumerate(blocked)}
        assert set(lookalikes.blocklist_matches(scope, everything).values()) == {"near"}
