"""Routes of events about age verification and reader roles, and the webhook URL of an age check."""

from functools import partial
from uuid import UUID

from channels.age_verification import handlers
from channels.age_verification.events import (
    AgeCheckRequested,
    AgeCheckResultDue,
    AgeProviderTestDue,
    AgeRetentionDue,
)
from channels.roles import reader_roles
from channels.roles.events import ReaderRoleDue
from gate.viewers.events import AgeAssuranceWithdrawn, ViewerConfirmed
from gate.viewers.handlers import handle_age_assurance_withdrawn, handle_viewer_confirmed
from subscribers.intake.events import AgeCheckAnswered
from subscribers.intake.handlers import answer_age_check
from subscribers.safety import role_eligibility
from subscribers.safety.events import RolesDue
from subscribers.subscriptions.events import RoleCheckDue
from tenants.vault import envelope
from workers.listeners.webhooks.age_providers import age_webhook_token
from workers.relay.dispatch import EventRoute
from workers.wiring import Services

PROVIDER_DEADLINE_SECONDS = 30
"""Deadline of two requests of fifteen seconds, including the writes around them."""


def age_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of events about age verification and reader roles."""
    tenant = s.tenant
    transport = s.transport
    providers = s.age_providers
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
    give = partial(
        reader_roles.apply_role, tenant=tenant, transport=transport, connectors=s.connectors
    )
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
        EventRoute(AgeCheckAnswered, partial(answer_age_check, tenant=tenant)),
        EventRoute(ViewerConfirmed, partial(handle_viewer_confirmed, tenant=tenant)),
        EventRoute(RoleCheckDue, partial(role_eligibility.update_reader_role, tenant=tenant)),
        EventRoute(RolesDue, partial(role_eligibility.reconcile_roles, tenant=tenant)),
        EventRoute(ReaderRoleDue, give, deadline_seconds=PROVIDER_DEADLINE_SECONDS),
        EventRoute(AgeAssuranceWithdrawn, partial(handle_age_assurance_withdrawn, tenant=tenant)),
    )


def _call_address(s: Services, tenant_id: UUID, check_id: UUID) -> str:
    """Return the URL that a provider calls about a check, or "" if the provider cannot reach the
    installation. In that case the check is only polled."""
    # without a public URL the provider cannot call
    if not s.settings.public_url.startswith("https://"):
        return ""
    proof = age_webhook_token(
        envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value()),
        tenant_id,
        check_id,
    )
    return f"{s.settings.public_url.rstrip('/')}/hooks/age/{tenant_id}/{check_id}/{proof}"
