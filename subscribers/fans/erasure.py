"""Erasure of fans."""

from uuid import UUID

from channels.roles import reader_roles
from foundation.db.database import Scope
from foundation.errors import NotFound


def export_fan(scope: Scope, about: UUID) -> dict[str, object]:
    """What we hold about a fan, for the fan: identities, messages, orders. Raises NotFound."""
    params = {"tenant": scope.tenant_id, "fan": about}
    fan = scope.run(
        "SELECT display_name, language, opt_out FROM fans WHERE tenant_id = :tenant AND id = :fan", **params
    )
    found = fan.mappings().one_or_none()
    if found is None:
        raise NotFound("fan.unknown")
    parts = {
        "identities": "SELECT native_id, handle FROM fan_identities WHERE tenant_id = :tenant AND fan_id = :fan",
        "messages": "SELECT m.at, m.author, m.body FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id"
        " AND c.id = m.conversation_id WHERE m.tenant_id = :tenant AND c.fan_id = :fan ORDER BY m.at, m.seq",
        "orders": "SELECT title, amount_minor, currency, state, created_at FROM orders"
        " WHERE tenant_id = :tenant AND fan_id = :fan ORDER BY created_at",
    }
    lists = {name: [dict(row) for row in scope.run(sql, **params).mappings()] for name, sql in parts.items()}
    known = scope.run(
        "SELECT channel_id, native_id FROM fan_identities WHERE tenant_id = :tenant AND fan_id = :fan", **params
    )
    borne = [role for one in known.all() for role in reader_roles.roles_of_reader(scope, one.channel_id, one.native_id)]
    return {"fan": dict(found), **lists, "roles": borne}
