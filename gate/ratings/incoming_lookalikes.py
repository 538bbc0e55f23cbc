"""Treat new pictures like the sealed or reported pictures that they resemble.

A freeze and a seal apply to exact bytes. Without this check, a slightly resized copy of a sealed
picture, or of one in an open removal request, could be published.
"""

from sqlmodel import col, select

from foundation.db.database import Scope
from gate.assets import lookalikes
from gate.contract.states import RemovalRequestState
from gate.ratings import ratings, seals

SLOW_CATEGORIES = frozenset({"other"})
"""Categories that only a member decides: no automatic removal, and only the named bytes are frozen.
"""

_OPEN = (RemovalRequestState.RECEIVED, RemovalRequestState.CALLED, RemovalRequestState.APPEALED)
"""States in which the bytes of a request are frozen but not yet on the blocklist."""

_JOIN = """
UPDATE complaints SET digests = digests || to_jsonb(CAST(:own AS text[])), updated_at = house_now()
WHERE tenant_id = :tenant AND state = ANY(:open) AND category <> ALL(:patient)
  AND digests ?| CAST(:same AS text[]) AND NOT digests ?| CAST(:own AS text[])
"""


def join_open_requests(scope: Scope, sha256: str) -> None:
    """Add new bytes and their siblings to the open requests about look-alikes, and freeze them.

    Seal them if a look-alike is sealed.
    """
    own = lookalikes.rated_family(scope, sha256)
    same = [one for one in lookalikes.find_lookalikes(scope, sha256) if one not in own]
    if not same:
        return
    sealed = select(seals.Seal.id).where(
        seals.Seal.tenant_id == scope.tenant_id, col(seals.Seal.sha256).in_(same)
    )
    like = scope.session.exec(sealed.order_by(col(seals.Seal.id)).limit(1)).first()
    asked = {
        "open": [str(one) for one in _OPEN],
        "patient": sorted(SLOW_CATEGORIES),
        "same": same,
        "own": own,
    }
    with scope.acting_as("gate"):
        waits = scope.run(_JOIN, tenant=scope.tenant_id, **asked).rowcount
    for each in own:
        if like is not None:
            seals.seal_bytes(scope, each, by=f"{seals.LOOKALIKE_SEAL}{like}")
        elif waits:
            ratings.freeze_bytes(scope, each)
