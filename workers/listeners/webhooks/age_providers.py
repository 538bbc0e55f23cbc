"""Webhooks of age verification providers, authenticated by a token per check."""

import hashlib
import hmac
from collections.abc import Callable
from functools import partial
from uuid import UUID

from channels.age_verification import handlers
from foundation.db.database import OpenScope
from tenants.vault import envelope
from workers.wiring import Services


def accept_provider_webhook(
    tenant: OpenScope, master_key: bytes, tenant_id: UUID, check_id: UUID, proof: str
) -> bool:
    """Take in a provider's call about a check, if its address bears our proof; whether it does."""
    if not hmac.compare_digest(
        age_webhook_token(master_key, tenant_id, check_id).encode(), proof.encode()
    ):
        return False
    with tenant(tenant_id, handlers.AGE_CHECKS_ACTOR) as scope:
        handlers.schedule_result_read(scope, check_id)
    return True


AcceptAgeWebhook = Callable[[UUID, UUID, str], bool]
"""Whether a call about a check (tenant, check, proof) bears its proof; then somebody looks."""


def provider_webhook_handler(s: Services) -> AcceptAgeWebhook:
    """What the door for calls does with one about a check."""
    return partial(
        accept_provider_webhook,
        s.tenant,
        envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value()),
    )


def age_webhook_token(master_key: bytes, tenant_id: UUID, check_id: UUID) -> str:
    """What a provider's call about one check of one tenant must bear in its address; derived, so
    that nothing is kept.

    A call under another's address does not pass, and nothing of its body is read: it makes us look,
    no more.
    """
    about = b"greenroom age call " + tenant_id.bytes + check_id.bytes
    return hmac.new(master_key, about, hashlib.sha256).hexdigest()
