"""Erasure of a fan with all data that identifies them, and export of their data."""

from collections.abc import Mapping
from uuid import UUID

from channels.age_verification import age_checks
from channels.roles import reader_roles
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.outbox import outbox
from gate.evidence import received_comments
from subscribers.catalog import recommendations
from subscribers.fans.directory import ERASED_ID_PREFIX
from subscribers.fans.events import FanErased
from subscribers.subscriptions import subscription_rows

_KNOWN_ON = (
    "SELECT channel_id, native_id FROM fan_identities WHERE tenant_id = :tenant AND fan_id = :fan"
)


def erase_fan(scope: Scope, about: UUID) -> None:
    """Erase a fan: message texts, media, drafts, comments, notes, memories, handles and names.

    Ledger rows remain under the bare ID. Publish a `FanErased` event the first time; a second call
    changes nothing.
    """
    params = {"tenant": scope.tenant_id, "fan": about}
    _erase_conversations(scope, params)
    scope.run("DELETE FROM fan_notes WHERE tenant_id = :tenant AND fan_id = :fan", **params)
    scope.run("DELETE FROM script_test_fans WHERE tenant_id = :tenant AND fan_id = :fan", **params)
    scope.run("DELETE FROM fan_memories WHERE tenant_id = :tenant AND fan_id = :fan", **params)
    # While a refund is pending, the rail identifies its payer by this id alone.
    scope.run(
        "UPDATE payments p SET payer = '' WHERE p.tenant_id = :tenant AND p.fan_id = :fan AND NOT "
        "EXISTS (SELECT FROM"
        " refunds r WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.state = 'asked')",
        **params,
    )
    subscription_rows.stop_all_subscriptions(scope, about)
    for identity in scope.run(_KNOWN_ON, **params).all():
        age_checks.erase_checks(scope, identity.channel_id, identity.native_id)
        reader_roles.remove_reader(scope, identity.channel_id, identity.native_id)
        received_comments.purge_received_comments(scope, identity.channel_id, identity.native_id)
    scope.run(
        "UPDATE fan_identities SET native_id = 'erased:' || id, handle = '', reachable = 'gone'"
        " WHERE tenant_id = :tenant AND fan_id = :fan",
        **params,
    )
    done = scope.run(
        "UPDATE fans SET display_name = '', tz = NULL, status = 'erased', opt_out = 'all', "
        "updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :fan AND status <> 'erased'",
        **params,
    )
    # After the change of the status, which waits for a computation that is storing its results:
    # none that begins later stores any about this fan.
    scope.run("DELETE FROM fan_scores WHERE tenant_id = :tenant AND fan_id = :fan", **params)
    recommendations.remove_recommendation(scope, about)
    if done.rowcount:
        outbox.put(scope, FanErased(scope.tenant_id, about))


def _erase_conversations(scope: Scope, params: Mapping[str, UUID]) -> None:
    talks = "SELECT id FROM conversations WHERE tenant_id = :tenant AND fan_id = :fan"
    # An edit is identified by a digest of its text, so that digest is erased too.
    scope.run(
        "UPDATE messages SET body = '', media = '[]',"  # noqa: S608  a constant
        " native_id = CASE WHEN kind = 'edited' THEN :erased || id ELSE native_id END"
        f" WHERE tenant_id = :tenant AND conversation_id IN ({talks})",
        erased=ERASED_ID_PREFIX,
        **params,
    )
    scope.run(
        "UPDATE drafts SET text = '', original_text = '',"  # noqa: S608  a constant
        " media = '[]', buttons = '[]', invoice = NULL,"
        " state = CASE WHEN state IN ('pending', 'draft', 'approved', 'auto') THEN 'cancelled' "
        "ELSE state END"
        f" WHERE tenant_id = :tenant AND conversation_id IN ({talks})",
        **params,
    )
    scope.run(
        "DELETE FROM message_sentiments WHERE tenant_id = :tenant"  # noqa: S608  a constant
        f" AND conversation_id IN ({talks})",
        **params,
    )
    # Store a one-way hash instead of the comment's id: a redelivered comment is still recognized,
    # and the hash does not lead back to its author.
    scope.run(
        "UPDATE remarks SET url = '', native_id = :erased"  # noqa: S608  a constant
        " || encode(sha256(convert_to(channel_id || ':' || native_id, 'UTF8')), 'hex')"
        f" WHERE tenant_id = :tenant AND conversation_id IN ({talks}) AND NOT "
        "starts_with(native_id, :erased)",
        erased=ERASED_ID_PREFIX,
        **params,
    )
    scope.run(
        "DELETE FROM conversation_summaries WHERE tenant_id = :tenant"  # noqa: S608  a constant
        f" AND conversation_id IN ({talks})",
        **params,
    )
    scope.run(
        "DELETE FROM composings WHERE tenant_id = :tenant"  # noqa: S608  a constant
        f" AND conversation_id IN ({talks})",
        **params,
    )


def export_fan(scope: Scope, about: UUID) -> dict[str, object]:
    """Return the data stored about a fan, for the fan: identities, messages, memories, orders and
    roles. Raises NotFound."""
    params = {"tenant": scope.tenant_id, "fan": about}
    fan = scope.run(
        "SELECT display_name, language, opt_out FROM fans WHERE tenant_id = :tenant AND id = :fan",
        **params,
    )
    found = fan.mappings().one_or_none()
    if found is None:
        raise NotFound("fan.unknown")
    parts = {
        "identities": "SELECT native_id, handle FROM fan_identities WHERE tenant_id = :tenant AND "
        "fan_id = :fan",
        "messages": "SELECT m.at, m.author, m.body FROM messages m JOIN conversations c ON "
        "c.tenant_id = m.tenant_id"
        " AND c.id = m.conversation_id WHERE m.tenant_id = :tenant AND c.fan_id = :fan ORDER BY "
        "m.at, m.seq",
        "memories": "SELECT key, value, created_at FROM fan_memories WHERE tenant_id = :tenant AND"
        " fan_id = :fan ORDER BY id",
        "summaries": "SELECT s.text, s.summarized_at FROM conversation_summaries s JOIN"
        " conversations c ON c.tenant_id = s.tenant_id AND c.id = s.conversation_id"
        " WHERE s.tenant_id = :tenant AND c.fan_id = :fan AND s.text <> '' ORDER BY s.id",
        "orders": "SELECT title, amount_minor, currency, state, created_at FROM orders"
        " WHERE tenant_id = :tenant AND fan_id = :fan ORDER BY created_at",
    }
    lists = {
        name: [dict(row) for row in scope.run(sql, **params).mappings()]
        for name, sql in parts.items()
    }
    known = scope.run(
        "SELECT channel_id, native_id FROM fan_identities WHERE tenant_id = :tenant AND fan_id = "
        ":fan",
        **params,
    )
    borne = [
        role
        for one in known.all()
        for role in reader_roles.roles_of_reader(scope, one.channel_id, one.native_id)
    ]
    return {"fan": dict(found), **lists, "roles": borne}
