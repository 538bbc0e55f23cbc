"""Seeing what the place an account posts to is set to, just before something goes there that not everybody may see."""

from collections.abc import Mapping
from uuid import UUID

from channels import asking, connecting, reads
from channels.events import ChannelLook
from connectors.contract import Answer, Connector, Seeable, Send
from connectors.outcomes import Disconnected, Outcome, Reauthorize, Retry
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import canonical
from gate.permit import ControlOrder


def ask(scope: Scope, channel_id: UUID) -> bool:
    """Have the place looked at now; False where the platform does not tell. Raises NotFound."""
    if not reads.channel(scope, channel_id).can_be_seen:
        return False
    outbox.put(scope, ChannelLook(scope.tenant_id, channel_id), priority=1, dedupe=f"look:{channel_id}")
    return True


def look(event: ChannelLook, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]) -> None:
    """Look and remember it with the time; a dead token or a lost account is told. Raises `outbox.Later`."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
    connector = connectors[channel.platform]
    if not isinstance(connector, Seeable):
        return

    def question(answers: tuple[Answer, ...]) -> Send | tuple[str, ...] | Outcome:
        return connector.see(channel.account, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(event.tenant_id, channel.id, action)

    end = question(asking.gather(channel, question, order, tenant=tenant, transport=transport))
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        match end:
            case tuple():
                _remember(scope, channel.id, end)
            case Reauthorize(reason=reason):
                connecting.reauthorize(scope, channel.id, reason)
            case Disconnected(reason=reason):
                connecting.gone(scope, channel.id, reason)
            case _:
                pass
    if isinstance(end, Retry):
        raise outbox.Later(end.after)


def _remember(scope: Scope, channel_id: UUID, what: tuple[str, ...]) -> None:
    scope.run(
        "UPDATE channels SET options = jsonb_set(options, '{seen}', CAST(:seen AS jsonb)), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        seen=canonical({"at": scope.now.isoformat(), "what": list(what)}).decode(),
    )
