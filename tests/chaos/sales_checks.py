"""Messages and payments: the sandbox's records compared with ours."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from channels.sending.step_runner import native_key_of
from foundation.db.database import Scope
from gate.contract.units import Subject
from tenants.notices.queries import list_open_notices
from tests.chaos.installation import Installation
from tests.chaos.world import Place, World

Finding = str
Truth = Mapping[UUID, Sequence[Mapping[str, Any]]]
"""Everything that a destination received, oldest first, by channel."""


def open_causes(house: Installation, tenant_id: UUID) -> set[str]:
    """Return the causes of an agency's open notices."""
    notices = house.read(tenant_id, lambda scope: list_open_notices(scope, limit=500))
    return {notice.cause for notice in notices}


_SUBJECTS = """
SELECT 'draft' AS kind, id, state, native_id, channel_id, state = 'auto' AND origin = 'bot' AND
EXISTS (
  SELECT 1 FROM drafts n WHERE n.tenant_id = d.tenant_id AND n.conversation_id = d.conversation_id
  AND n.kind = 'notice' AND n.state = 'uncertain') AS waits FROM drafts d WHERE tenant_id = :tenant
UNION ALL SELECT 'fulfilment', id, state, native_id, channel_id, false FROM fulfilments WHERE
tenant_id = :tenant
"""
"""`waits`: a reply of the bot behind an uncertain AI notice."""

_THERE = {"sent", "delivered"}
_NOT_THERE = {"draft", "failed", "rejected", "expired", "cancelled", "refused", "pending"}


def check_messages(world: World, truth: Truth) -> list[Finding]:
    """Check that each sent message arrived once, and that no other message arrived."""
    found: list[Finding] = []
    kinds = {place.channel_id: place.kind for place in world.places}
    for tenant_id in world.tenants:
        causes = open_causes(world.house, tenant_id)
        rows = world.house.read(
            tenant_id, lambda scope: scope.run(_SUBJECTS, tenant=scope.tenant_id).all()
        )
        ours = set()
        for row in rows:
            key = native_key_of(Subject(row.kind, row.id))
            ours.add((row.channel_id, key))
            arrived = [
                one for one in truth[row.channel_id] if one["of"] == "message" and one["key"] == key
            ]
            told = {f"draft:{row.id}:unsure", f"fulfilment:{row.id}:late"} & causes
            if not _is_right(
                row,
                [one["id"] for one in arrived],
                blind=kinds[row.channel_id] == "nolook" and bool(told),
            ):
                found.append(
                    f"{row.kind} {row.id} is {row.state}, and arrived {len(arrived)} times; told: "
                    f"{sorted(told)}"
                )
        for place in world.places:
            if place.tenant_id == tenant_id:
                found += _strange(place, truth, ours)
    return found


def _is_right(row: Any, arrived: list[str], *, blind: bool) -> bool:
    """Return True if the state of a message matches its arrivals. `blind`: no lookup is possible,
    and members were notified."""
    if row.state in _THERE:
        return arrived == [row.native_id]
    if row.state == "uncertain":
        return blind and len(arrived) <= 1
    return (row.state in _NOT_THERE or row.waits) and not arrived


def _strange(place: Place, truth: Truth, ours: set[tuple[UUID, str]]) -> list[Finding]:
    """Find messages that arrived twice or that no draft explains."""
    keys = Counter(one["key"] for one in truth[place.channel_id] if one["of"] == "message")
    wrong = {
        key: count
        for key, count in keys.items()
        if count > 1 or (place.channel_id, key) not in ours
    }
    return [f"{place.account}: message {key} arrived {count} times" for key, count in wrong.items()]


_SAID = ("message", "button", "age", "stop")


def check_incoming_messages(world: World) -> list[Finding]:
    """Check that every message of a fan was stored once."""
    found: list[Finding] = []
    for fan in world.fans:
        rows = world.kept("SELECT id, type, body FROM updates WHERE account = ?", fan.place.account)
        said = Counter(
            json.loads(row["body"])["message_id"]
            if row["type"] == "message"
            else f"update:{row['id']}"
            for row in rows
            if row["type"] in _SAID
        )
        kept = Counter(world.house.read(fan.place.tenant_id, partial(_lines_in, fan.place)))
        if said != kept:
            found.append(
                f"{fan.name} said {dict(said - kept)}, which was not stored; stored in excess: "
                f"{dict(kept - said)}"
            )
    return found


def _lines_in(place: Place, scope: Scope) -> list[str]:
    return list(
        scope.run(
            "SELECT m.native_id FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id"
            " AND c.id = m.conversation_id WHERE m.tenant_id = :tenant AND c.channel_id = :channel"
            " AND m.direction = 'in'",
            tenant=scope.tenant_id,
            channel=place.channel_id,
        ).scalars()
    )


_UNANSWERED = """
SELECT c.id, i.native_id AS fan, m.body, (SELECT string_agg('draft ' || d.id || ' ' || d.kind ||
' ' || d.state
  || coalesce(' (' || (d.reason ->> 'code') || ')', ''), ', '
  ORDER BY d.id) FROM drafts d WHERE d.tenant_id = c.tenant_id AND d.conversation_id = c.id) AS
  drafts
FROM conversations c JOIN messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
JOIN fan_identities i ON i.tenant_id = c.tenant_id AND i.fan_id = c.fan_id
WHERE c.tenant_id = :tenant AND m.direction = 'in' AND m.kind = 'text' AND c.owner = 'bot' AND
NOT EXISTS (
  SELECT 1 FROM drafts d WHERE d.tenant_id = c.tenant_id AND d.conversation_id = c.id
  AND (d.state = 'uncertain' OR d.in_reply_to_seq >= m.seq AND d.kind <> 'notice'
    AND d.state IN ('draft', 'approved', 'auto', 'sent')))
"""
"""Messages to a bot without a reply and without an uncertain draft that prevents one."""


def find_unanswered_fans(scope: Scope) -> Iterator[Finding]:
    """Find fans who wait for a reply that no row will send."""
    for row in scope.run(_UNANSWERED, tenant=scope.tenant_id):
        yield f"{row.fan} wrote {row.body!r} and got no reply: {row.drafts}"


def find_repeated_messages(scope: Scope) -> Iterator[Finding]:
    """Find messages that were recorded twice in a conversation."""
    for row in scope.run(
        "SELECT conversation_id, native_id, count(*) AS n FROM messages WHERE tenant_id = :tenant"
        " GROUP BY conversation_id, direction, native_id HAVING count(*) > 1",
        tenant=scope.tenant_id,
    ):
        yield f"conversation {row.conversation_id} has {row.native_id} {row.n} times"


_PAYMENTS = """
SELECT p.charge_id, p.kind, p.amount_minor, r.state AS refund, f.state AS push, f.id AS push_id
FROM payments p
LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id
LEFT JOIN fulfilments f ON f.tenant_id = p.tenant_id AND f.payment_id = p.id
WHERE p.tenant_id = :tenant AND p.channel_id = :channel
"""


def check_payments(house: Installation, place: Place) -> Callable[[Scope], list[Finding]]:
    """Return a check that the sandbox's balance, the payments and the ledger of an account agree,
    charge by charge."""
    path = f"/api/{place.account.replace('+', '%2B')}/transactions?after=0"
    told = house.ask("GET", path, token=place.token)
    taken = Counter(one["charge_id"] for one in told["transactions"] if one["direction"] == "in")
    given = Counter(one["charge_id"] for one in told["transactions"] if one["direction"] == "out")

    def compare(scope: Scope) -> list[Finding]:
        rows = scope.run(_PAYMENTS, tenant=scope.tenant_id, channel=place.channel_id).all()
        known = Counter(row.charge_id for row in rows)
        back = Counter(row.charge_id for row in rows if row.refund == "done")
        balance = scope.run(
            "SELECT coalesce(sum(amount_minor), 0) FROM ledger_entries"
            " WHERE tenant_id = :tenant AND account = :account",
            tenant=scope.tenant_id,
            account=f"rail:sandbox:{place.account}",
        ).scalar_one()
        found = []
        if (known, back) != (taken, given):
            found.append(
                f"{place.account}: received {taken} and refunded {given}, we recorded {known} and {back}"
            )
        if int(balance) != told["balance"]:
            found.append(
                f"{place.account}: the balance is {told['balance']}, in the ledger {balance}"
            )
        causes = {notice.cause for notice in list_open_notices(scope, limit=500)}
        return found + [f"{place.account}: {row}" for row in rows if not _is_served(row, causes)]

    return compare


def _is_served(row: Any, causes: set[str]) -> bool:
    """Return True if a charge was delivered, refunded, or is in an open notice."""
    if row.kind == "matched":
        return (
            row.push == "delivered"
            or row.refund == "done"
            or f"fulfilment:{row.push_id}:late" in causes
        )
    return bool(row.refund == "done")


def check_ledger(scope: Scope) -> Iterator[Finding]:
    """Check that every transaction sums to zero, and that sales less refunds equal payments less
    refunds."""
    for row in scope.run(
        "SELECT transaction_id, currency, sum(amount_minor) AS rest FROM ledger_entries WHERE "
        "tenant_id = :tenant"
        " GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0",
        tenant=scope.tenant_id,
    ):
        yield f"ledger transaction {row.transaction_id} does not balance: {row.rest} {row.currency}"
    earned = scope.run(
        "SELECT coalesce(-sum(amount_minor), 0) FROM ledger_entries WHERE tenant_id = :tenant"
        " AND account IN ('sales', 'refunds', 'suspense')",
        tenant=scope.tenant_id,
    ).scalar_one()
    kept = scope.run(
        "SELECT coalesce(sum(p.amount_minor), 0) FROM payments p WHERE p.tenant_id = :tenant AND "
        "NOT EXISTS (SELECT 1"
        " FROM refunds r WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.state = "
        "'done')",
        tenant=scope.tenant_id,
    ).scalar_one()
    if int(earned) != int(kept):
        yield f"the ledger has {earned}, the payments less refunds are {kept}"
