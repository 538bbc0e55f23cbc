"""Recall of a sold pack: the money is refunded once and the buyer informed once, despite
repetitions and faults."""

from contextlib import suppress
from uuid import UUID

import pytest

from foundation.i18n.translation import Message
from gate.copies import live_copies
from gate.removal import recall
from subscribers.checkout import order_payments
from subscribers.orders import recalls
from subscribers.orders.events import PackRecalled
from tests.channels.builders import Clockwork, Killed
from tests.subscribers.builders import Studio
from tests.subscribers.checkout.test_order_payments import balance, pay, rail


def taken_back(studio: Studio) -> list[UUID]:
    """Block every picture of the pack; return the permits of the copies to remove."""
    with studio.scope() as scope:
        digests = scope.run(
            "SELECT sha256 FROM renditions WHERE tenant_id = :t", t=studio.world.tenant_id
        ).scalars()
        return [
            jti
            for sha256 in list(digests)
            for jti in recall.block_bytes(scope, sha256, category="shown")
        ]


def out(studio: Studio) -> int:
    truth = studio.world.network.api("GET", studio.world.account, "transactions?after=0")[1]
    return sum(entry["direction"] == "out" for entry in truth["transactions"])


def bought(studio: Studio, fan: str = "leo") -> None:
    studio.say(fan, "bonjour")
    studio.invoiced(fan)
    studio.fan(fan, "pay")
    studio.go()


RECALLED = "« Matin calme » a dû être retiré. Vous avez été remboursé de 500 (test)."


def test_buyers_are_refunded_and_informed_once(studio: Studio) -> None:
    for fan in ("leo", "lou"):
        bought(studio, fan)
    assert balance(studio, rail(studio)) == 1000
    opened = taken_back(studio)
    studio.go()
    for jti in opened * 2:
        recalls.refund_recalled_pack(
            PackRecalled(studio.world.tenant_id, jti), tenant=studio.world.tenant
        )
    studio.go()
    assert out(studio) == 2
    for account in (rail(studio), "creator_due", "agency_due", "chatter_due"):
        assert balance(studio, account) == 0, account
    for fan in ("leo", "lou"):
        assert studio.texts(fan).count(RECALLED) == 1
        assert not [text for text in studio.texts(fan) if "remboursé" in text and text != RECALLED]
    states = {
        row.state for row in studio.rows("SELECT state FROM entitlements WHERE tenant_id = :tenant")
    }
    assert states == {"revoked"}


def test_requested_copy_belongs_to_the_same_purchase(studio: Studio) -> None:
    bought(studio)
    studio.fan("leo", "button", ref="purchases")
    studio.go()
    assert len({row.subject_kind for row in _copies(studio)}) == 2
    taken_back(studio)
    studio.go()
    assert out(studio) == 1
    assert studio.texts("leo").count(RECALLED) == 1


def _copies(studio: Studio) -> list:  # type: ignore[type-arg]  # rows
    return studio.rows(
        "SELECT subject_kind FROM permits WHERE tenant_id = :tenant AND state = 'consumed' AND "
        "media <> '[]'"
    )


def test_earlier_refund_is_not_repeated(studio: Studio) -> None:
    bought(studio)
    payment = studio.rows("SELECT id FROM payments WHERE tenant_id = :tenant")[0].id
    with studio.scope() as scope:
        order_payments.request_order_refund(
            scope, payment, reason=Message("refund.by_member.asked")
        )
    studio.go()
    taken_back(studio)
    studio.go()
    assert out(studio) == 1
    assert RECALLED not in studio.texts("leo")
    assert balance(studio, rail(studio)) == 0


def test_refused_refund_is_reported_once_to_a_member(studio: Studio) -> None:
    bought(studio)
    for _ in range(2):
        studio.world.network.fault(
            "status:400", account=studio.world.account, on="refunds", times=1
        )
    taken_back(studio)
    studio.go()
    payment = studio.rows("SELECT payment_id, state FROM refunds WHERE tenant_id = :tenant")
    assert [row.state for row in payment] == ["failed"]
    told = studio.rows("SELECT cause FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL")
    assert f"payment:{payment[0].payment_id}:refund" in {row.cause for row in told}
    owed = "« Matin calme » a dû être retiré. Nous vous devons 500 (test), et un membre de l’équipe s’occupe du remboursement."
    assert studio.texts("leo").count(owed) == 1
    assert balance(studio, rail(studio)) == 500, "the money is still here, and the ledger shows it"
    for _ in range(2):  # a member tries again: refused once, then accepted
        with studio.scope() as scope:
            order_payments.request_order_refund(
                scope, payment[0].payment_id, reason=Message("refund.by_member.asked")
            )
        studio.go()
    assert studio.texts("leo").count(owed) == 1
    assert studio.texts("leo").count(RECALLED) == 1
    assert balance(studio, rail(studio)) == 0
    open_now = studio.rows(
        "SELECT cause FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL"
    )
    assert f"payment:{payment[0].payment_id}:refund" not in {row.cause for row in open_now}


def test_undelivered_buyer_is_refunded_too(studio: Studio) -> None:
    bought(studio, "leo")
    order_id = studio.invoiced("lou")
    studio.world.network.fault("status:400", account=studio.world.account, on="messages", times=1)
    pay(studio, "lou", order_id, "ch-lou")
    pushes = studio.rows("SELECT state FROM fulfilments WHERE tenant_id = :tenant ORDER BY id")
    assert [row.state for row in pushes] == ["delivered", "failed"]
    taken_back(studio)
    studio.drain()
    refunds = studio.rows("SELECT by FROM refunds WHERE tenant_id = :tenant")
    assert [row.by for row in refunds] == ["system:recall"] * 2


def test_recall_of_a_free_copy_refunds_nothing(studio: Studio) -> None:
    """The counterpart: a copy that was not paid for."""
    bought(studio)
    with studio.scope() as scope:
        free = scope.run(
            "SELECT id FROM permits WHERE tenant_id = :t AND subject_kind = 'draft' LIMIT 1",
            t=studio.world.tenant_id,
        ).scalar_one()
        assert live_copies.find_copy(scope, free) is not None
    recalls.refund_recalled_pack(
        PackRecalled(studio.world.tenant_id, free), tenant=studio.world.tenant
    )
    studio.go()
    assert out(studio) == 0
    assert balance(studio, rail(studio)) == 500


@pytest.mark.parametrize("at", range(0, 12, 3))
def test_crash_during_a_recall_loses_and_doubles_nothing(studio: Studio, at: int) -> None:
    bought(studio)
    taken_back(studio)
    studio.world.clockwork = Clockwork(at)
    with suppress(Killed):
        studio.drain()
    studio.world.clockwork = Clockwork()
    studio.go()
    studio.drain(hours=1)
    assert out(studio) == 1
    assert balance(studio, rail(studio)) == 0
    assert studio.texts("leo").count(RECALLED) == 1
