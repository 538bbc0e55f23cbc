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
    """Schedule a read of a check's result if the URL contains its token. Return False if the token
    is wrong."""
    if not hmac.compare_digest(
        age_webhook_token(master_key, tenant_id, check_id).encode(), proof.encode()
    ):
        return False
    with tenant(tenant_id, handlers.AGE_CHECKS_ACTOR) as scope:
        handlers.schedule_result_read(scope, check_id)
    return True


AcceptAgeWebhook = Callable[[UUID, UUID, str], bool]
"""Accepts a call about a check (tenant, check, token); returns False if the token is wrong."""


def provider_webhook_handler(s: Services) -> AcceptAgeWebhook:
    """Return the handler of calls about checks."""
    return partial(
        accept_provider_webhook,
        s.tenant,
        envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value()),
    )


def age_webhook_token(master_key: bytes, tenant_id: UUID, check_id: UUID) -> str:
    """Return the token in the webhook URL of one check. It is derived from the master key, so it
    need not be stored.

    It is valid for this check only. The body of a call is not read; a call only triggers a read of
    the result.
    """
    about = b"greenroom age call " + tenant_id.bytes + check_id.bytes
    return hmac.new(master_key, about, hashlib.sha256).hexdigest()
