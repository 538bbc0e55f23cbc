"""Proof of age and the role that shows it, wired: who handles which event, and how a provider's call is known."""

import hmac
from functools import partial
from uuid import UUID

from channels.accounts.events import (
    AgeCheckRequested,
    AgeCheckResultDue,
    AgeProviderTestDue,
    AgeRetentionDue,
    ReaderRoleDue,
)
from channels.age_verification import handlers
from channels.roles import reader_roles
from foundation.db.database import OpenScope
from gate.reviews import events as gate_events
from gate.reviews.events import AgeAssuranceWithdrawn, ViewerConfirmed
from subscribers.conversations.events import AgeCheckAnswered, RoleCheckDue, RolesDue
from subscribers.intake import handlers as chatting
from subscribers.safety import role_eligibility
from tenants.vault import envelope
from workers.listeners.webhooks import account_listener
from workers.listeners.webhooks.account_listener import AcceptAgeWebhook
from workers.relay.dispatch import EventRoute
from workers.wiring import Services

PROVIDER_DEADLINE_SECONDS = 30
"""Two requests of fifteen seconds, and what is written around them."""


def age_routes(s: Services) -> tuple[EventRoute, ...]:
    """The routes of everything about ages."""
    tenant, transport, providers = s.tenant, s.transport, s.age_providers
    connect = partial(
        handlers.connect_provider_account,
        tenant=tenant,
        transport=transport,
        providers=providers,
        addresses=s.settings.connectors.base_urls,
        read_form=s.read_form,
    )
    call_address = partial(_call_address, s)
    begin = partial(
        handlers.open_provider_session,
        tenant=tenant,
        transport=transport,
        providers=providers,
        call_address=call_address,
    )
    look = partial(handlers.read_result, tenant=tenant, transport=transport, providers=providers)
    give = partial(reader_roles.apply_role, tenant=tenant, transport=transport, connectors=s.connectors)
    return (
        EventRoute(AgeProviderTestDue, connect, deadline_seconds=PROVIDER_DEADLINE_SECONDS),
        EventRoute(
            AgeCheckRequested,
            begin,
            deadline_seconds=PROVIDER_DEADLINE_SECONDS,
            on_dead=partial(handlers.fail_check, tenant=tenant),
        ),
        EventRoute(AgeCheckResultDue, look, deadline_seconds=PROVIDER_DEADLINE_SECONDS),
        EventRoute(AgeRetentionDue, partial(handlers.delete_expired_checks, tenant=tenant)),
        EventRoute(AgeCheckAnswered, partial(chatting.answer_age_check, tenant=tenant)),
        EventRoute(ViewerConfirmed, partial(gate_events.handle_viewer_confirmed, tenant=tenant)),
        EventRoute(RoleCheckDue, partial(role_eligibility.update_reader_role, tenant=tenant)),
        EventRoute(RolesDue, partial(role_eligibility.reconcile_roles, tenant=tenant)),
        EventRoute(ReaderRoleDue, give, deadline_seconds=PROVIDER_DEADLINE_SECONDS),
        EventRoute(AgeAssuranceWithdrawn, partial(gate_events.handle_age_assurance_withdrawn, tenant=tenant)),
    )


def _call_address(s: Services, tenant_id: UUID, check_id: UUID) -> str:
    """Where a provider calls about a check; "" where nobody outside can: then it is only asked."""
    if not s.settings.public_url.startswith("https://"):
        return ""
    proof = account_listener.age_webhook_token(
        envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value()), tenant_id, check_id
    )
    return f"{s.settings.public_url.rstrip('/')}/hooks/age/{tenant_id}/{check_id}/{proof}"


def accept_provider_webhook(tenant: OpenScope, master_key: bytes, tenant_id: UUID, check_id: UUID, proof: str) -> bool:
    """Take in a provider's call about a check, if its address bears our proof; whether it does."""
    if not hmac.compare_digest(
        account_listener.age_webhook_token(master_key, tenant_id, check_id).encode(), proof.encode()
    ):
        return False
    with tenant(tenant_id, handlers.AGE_CHECKS_ACTOR) as scope:
        handlers.schedule_result_read(scope, check_id)
    return True


def provider_webhook_handler(s: Services) -> AcceptAgeWebhook:
    """What the door for calls does with one about a check."""
    return partial(
        accept_provider_webhook, s.tenant, envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value())
    )
