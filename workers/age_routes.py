"""Proof of age and the role that shows it, wired: who handles which event, and how a provider's call is known."""

import hmac
from functools import partial
from uuid import UUID

from channels import proving, roles
from channels.events import AgeBegin, AgeForget, AgeLook, AgeProviderTry, RoleDue
from foundation.database import OpenScope
from gate import events as gate_events
from gate.events import ProofWithdrawn, ViewerConfirmed
from subscribers import bearing
from subscribers import handling as chatting
from subscribers.events import AgeTold, RolesDue, RoleWanted
from tenants import vault
from workers import hooks
from workers.dispatch import Route
from workers.hooks import AgeCalled
from workers.wiring import Services

ASK_SECONDS = 30
"""Two requests of fifteen seconds, and what is written around them."""


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of everything about ages."""
    tenant, transport, providers = s.tenant, s.transport, s.age_providers
    connect = partial(
        proving.connect,
        tenant=tenant,
        transport=transport,
        providers=providers,
        addresses=s.settings.connectors.addresses,
        read_form=s.read_form,
    )
    call_address = partial(_call_address, s)
    begin = partial(proving.begin, tenant=tenant, transport=transport, providers=providers, call_address=call_address)
    look = partial(proving.look, tenant=tenant, transport=transport, providers=providers)
    give = partial(roles.settle, tenant=tenant, transport=transport, connectors=s.connectors)
    return (
        Route(AgeProviderTry, connect, deadline_seconds=ASK_SECONDS),
        Route(AgeBegin, begin, deadline_seconds=ASK_SECONDS, on_dead=partial(proving.gave_up, tenant=tenant)),
        Route(AgeLook, look, deadline_seconds=ASK_SECONDS),
        Route(AgeForget, partial(proving.forget, tenant=tenant)),
        Route(AgeTold, partial(chatting.age_told, tenant=tenant)),
        Route(ViewerConfirmed, partial(gate_events.confirm_viewer, tenant=tenant)),
        Route(RoleWanted, partial(bearing.follow, tenant=tenant)),
        Route(RolesDue, partial(bearing.look, tenant=tenant)),
        Route(RoleDue, give, deadline_seconds=ASK_SECONDS),
        Route(ProofWithdrawn, partial(gate_events.withdraw_proof, tenant=tenant)),
    )


def _call_address(s: Services, tenant_id: UUID, check_id: UUID) -> str:
    """Where a provider calls about a check; "" where nobody outside can: then it is only asked."""
    if not s.settings.public_url.startswith("https://"):
        return ""
    proof = hooks.age_proof(vault.master(s.settings.tenants.master_key.get_secret_value()), tenant_id, check_id)
    return f"{s.settings.public_url.rstrip('/')}/hooks/age/{tenant_id}/{check_id}/{proof}"


def called(tenant: OpenScope, master_key: bytes, tenant_id: UUID, check_id: UUID, proof: str) -> bool:
    """Take in a provider's call about a check, if its address bears our proof; whether it does."""
    if not hmac.compare_digest(hooks.age_proof(master_key, tenant_id, check_id).encode(), proof.encode()):
        return False
    with tenant(tenant_id, proving.ACTOR) as scope:
        proving.called(scope, check_id)
    return True


def taking_calls(s: Services) -> AgeCalled:
    """What the door for calls does with one about a check."""
    return partial(called, s.tenant, vault.master(s.settings.tenants.master_key.get_secret_value()))
