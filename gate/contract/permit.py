"""The authorities under which a request may be sent to a platform: values and their signatures,
without database access."""

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
"""Maximum time from decision to claim. The deadline of the step limits the duration of the request
itself."""

RESTRICT_ACTIONS = frozenset({"delete", "hide", "revoke"})
"""Closed list of the actions of a RemovalOrder."""

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
"""Closed list of the actions of a ControlOrder. They send IDs and amounts, never content of a
tenant.

`look`, `updates` and `metrics` read from platforms that have no SDK (ADR 0004); `age_check` opens
an age check of a viewer at a provider, under an ID of ours (ADR 0021); `moderate` hides or deletes
a comment under one of our posts, or bans its author (ADR 0072); `subscription` ends the recurring
payment of a fan; `role` grants or revokes a role of a subscriber in a community; `calls` registers
or removes a webhook of an account.
"""


@dataclass(frozen=True)
class Permit:
    """The clearance for one request with content, usable once.

    Only `gate.permits.issuance` issues it; the claim consumes it in its transaction.
    """

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
    """Native IDs that the request may refer to on the platform: our copies that were judged with
    the unit, and results of earlier steps of the same subject."""
    rating: Rating
    """The rating that the decision gave the unit."""
    bundle: str
    minted_at: datetime
    expires_at: datetime
    price: Money | None = None
    """The price that the request must set for its media; None for free media."""
    signature: str = field(default="", repr=False)

    @property
    def is_unmarked(self) -> bool:
        """Return True if the request carries no adult or AI flags and the rating is General."""
        return self.rating is Rating.G and not self.flags

    def signed_bytes(self) -> bytes:
        """Return the signed bytes, which cover every field except the signature."""
        bound = {name: value for name, value in vars(self).items() if name != "signature"}
        bound["subject"] = [self.subject.kind, str(self.subject.id)]
        return canonical_json(bound)

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Return True if the gate signed exactly this permit."""
        try:
            key.verify(base64.b64decode(self.signature), self.signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True


def sign_permit(permit: Permit, key: Ed25519PrivateKey) -> Permit:
    """Return the permit with its signature. Only `gate.permits.issuance` calls it."""
    return Permit(
        **{**vars(permit), "signature": base64.b64encode(key.sign(permit.signed_bytes())).decode()}
    )


@dataclass(frozen=True)
class RemovalOrder:
    """The authority to remove a copy. It carries no text and no media."""

    tenant_id: UUID
    channel_id: UUID
    action: str
    permit_jti: UUID
    """The consumed permit under which the copy was published."""


@dataclass(frozen=True)
class ControlOrder:
    """The authority to send IDs and amounts: typing, acknowledgements, checkout confirmations,
    refunds and reads."""

    tenant_id: UUID
    channel_id: UUID
    action: str
    act: str = ""
    """The variant of an action: the moderation (`hide`, `show`, …), `give` or `take` for a role,
    `on` or `off` for a webhook subscription."""


@dataclass(frozen=True)
class AuthOrder:
    """The authority to sign in, and to refresh and revoke tokens."""

    tenant_id: UUID
    channel_id: UUID


@dataclass(frozen=True)
class NoticeOrder:
    """The authority to notify a member: a catalogue sentence and a link to their verified address,
    the brief of a report to their linked chat, or IDs, states, times and links to the webhook that
    they registered."""

    tenant_id: UUID
    member_id: UUID


@dataclass(frozen=True)
class ReportOrder:
    """The authority to send a report of an agency to one recipient, whom a member with the right to
    its sales chose."""

    tenant_id: UUID
    delivery_id: UUID


Authority = Permit | RemovalOrder | ControlOrder | AuthOrder | NoticeOrder
