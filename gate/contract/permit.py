"""The authorities under which a request may leave the house. Values and their proof; no database
here."""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foundation.canonical_json import canonical_json
from foundation.money import Money
from gate.contract.units import Rating, Subject

PERMIT_TTL = timedelta(seconds=60)
"""From decision to claim; how long the request itself takes is the step's deadline."""

RESTRICT_ACTIONS = frozenset({"delete", "hide", "revoke"})
"""Closed list of what a RemovalOrder may do."""

CONTROL_ACTIONS = frozenset(
    {
        "typing",
        "ack",
        "checkout_yes",
        "refund",
        "subscription",
        "look",
        "updates",
        "metrics",
        "age_check",
        "moderate",
    }
    | {"role", "calls"}
)
"""Closed list of what a ControlOrder may do: ids and amounts out, nothing a tenant wrote. `look`,
`updates` and `metrics` read from platforms that have no SDK of their own (docs/adr/0004);
`age_check` opens a check of a viewer's age at a provider, under an id of ours (docs/adr/0021);
`moderate` hides or deletes what somebody else said under a post of ours, or keeps its author away
(docs/adr/0072); `subscription` ends what a fan pays month by month (docs/adr/0109); `role` gives a
reader a role of their place, or takes it (docs/adr/0110); `calls` asks a platform to call us about
an account, or no more (docs/adr/0128)."""


@dataclass(frozen=True)
class Permit:
    """One content-carrying request, once. Minted by `gate.permits.issuance` alone, consumed in the
    claim's transaction."""

    jti: UUID
    tenant_id: UUID
    channel_id: UUID
    account: str
    surface: str
    subject: Subject
    step: str
    unit_digest: str
    wire_digest: str
    viewer: str
    flags: tuple[str, ...]
    points_at: tuple[str, ...]
    """What the request may point at on the platform, by its ids: copies of ours that were judged
    with the unit, and what earlier steps of the same subject put there."""
    rating: Rating
    """What the unit was judged to be."""
    bundle: str
    minted_at: datetime
    expires_at: datetime
    price: Money | None = None
    """What the request must ask of readers for its media; None: it asks nothing."""
    signature: str = field(default="", repr=False)

    @property
    def is_unmarked(self) -> bool:
        """Whether the platform was asked for nothing beside showing it: no marks, and nothing of
        the place."""
        return self.rating is Rating.G and not self.flags

    def signed_bytes(self) -> bytes:
        """The signed bytes: every binding."""
        bound = {name: value for name, value in vars(self).items() if name != "signature"}
        bound["subject"] = [self.subject.kind, str(self.subject.id)]
        return canonical_json(bound)

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the gate signed exactly this."""
        try:
            key.verify(base64.b64decode(self.signature), self.signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True


def sign_permit(permit: Permit, key: Ed25519PrivateKey) -> Permit:
    """The permit with its signature; called by `gate.permits.issuance`."""
    return Permit(
        **{**vars(permit), "signature": base64.b64encode(key.sign(permit.signed_bytes())).decode()}
    )


@dataclass(frozen=True)
class RemovalOrder:
    """Takes a copy away. Carries no text and no medium."""

    tenant_id: UUID
    channel_id: UUID
    action: str
    permit_jti: UUID
    """The consumed permit whose copy goes."""


@dataclass(frozen=True)
class ControlOrder:
    """Ids and amounts: typing, acknowledgements, a checkout's yes, a refund, reading back."""

    tenant_id: UUID
    channel_id: UUID
    action: str
    act: str = ""
    """The direction of an action that has several: what a moderation does (`hide`, `show`, …),
    `give` or `take` of a role, `on` or `off` of a webhook subscription."""


@dataclass(frozen=True)
class AuthOrder:
    """Sign-in, refresh and revocation of tokens."""

    tenant_id: UUID
    channel_id: UUID


@dataclass(frozen=True)
class NoticeOrder:
    """A catalogue sentence and a link to the verified address of a member; or ids, states, times
    and links to the address that member registered for their own systems."""

    tenant_id: UUID
    member_id: UUID


Authority = Permit | RemovalOrder | ControlOrder | AuthOrder | NoticeOrder
