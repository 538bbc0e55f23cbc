"""Pictures that come in and look like others that are sealed, or that somebody asks to be gone:
they go with those.

A freeze and a seal are of bytes. Without this a picture saved anew, a pixel smaller, would leave as
if nothing were.
"""

from sqlmodel import col, select

from foundation.db.database import Scope
from gate.assets import lookalikes
from gate.contract.states import RemovalRequestState
from gate.ratings import ratings, seals

SLOW_CATEGORIES = frozenset({"other"})
"""What only a person decides: no clock takes it away, and nothing but what was named is frozen."""

_OPEN = (RemovalRequestState.RECEIVED, RemovalRequestState.CALLED, RemovalRequestState.APPEALED)
"""While a request is in one of these its bytes are frozen, and on no blocklist yet that would catch
the same look."""

_JOIN = """
UPDATE complaints SET digests = digests || to_jsonb(CAST(:own AS text[])), updated_at = house_now()
WHERE tenant_id = :tenant AND state = ANY(:open) AND category <> ALL(:patient)
  AND digests ?| CAST(:same AS text[]) AND NOT digests ?| CAST(:own AS text[])
"""


def join_open_requests(scope: Scope, sha256: str) -> None:
    """Put recorded bytes, with those beside them, to the open requests about what looks the same,
    and freeze them; seal them where that is sealed."""
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
