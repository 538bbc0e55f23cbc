"""Permits for the suite alone: signed by a key that is made anew in each process and that no installation knows."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.contract import WireStep
from foundation.ids import uuid7
from gate.permit import TTL, Permit, sign
from gate.units import Rating, Unit

SIGNING_KEY = Ed25519PrivateKey.generate()


def permit(unit: Unit, step: WireStep, now: datetime, points_at: tuple[str, ...] = ()) -> Permit:
    """A permit for just this step, as the gate mints them."""
    unsigned = Permit(
        jti=uuid7(),
        tenant_id=unit.tenant_id,
        channel_id=unit.channel_id,
        account=unit.account,
        surface=unit.surface,
        subject=unit.subject,
        step=step.name,
        unit_digest=unit.digest(),
        wire_digest=step.wire_digest(),
        viewer=unit.viewer,
        flags=unit.flags,
        points_at=points_at,
        rating=Rating.G,
        bundle="suite",
        minted_at=now,
        expires_at=now + TTL,
        price=unit.price,
    )
    return sign(unsigned, SIGNING_KEY)
