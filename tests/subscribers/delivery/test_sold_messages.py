"""Every delivery of a pack is a sale: the first delivery, a repeated one, and one through a
subscription."""

from uuid import UUID

import pytest

from gate.consent.grants import revoke_consent
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.ratings import ratings
from subscribers.checkout import order_payments
from subscribers.conversations import conversation_rows
from subscribers.delivery import pack_delivery
from subscribers.delivery.pack_delivery import OwnedPack
from subscribers.orders import order_rows
from tests.gate.builders import real_person
from tests.subscribers.builders import Studio

ORDERS = (("bought", "sent_again", "opened"), ("opened", "bought", "opened", "sent_again"))
"""Ways in which the pack reaches the same fan, in order."""


def depict(studio: Studio, *, scopes: tuple[str, ...]) -> UUID:
    """Depict a real person with these consents in every picture of the pack."""
    with studio.scope() as scope:
        person = real_person(scope, scopes=scopes)
        assets = scope.run(
            "SELECT id FROM assets WHERE tenant_id = :t", t=studio.world.tenant_id
        ).scalars()
        for asset in list(assets):
            ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:rob")
    return person


def deliver(studio: Studio, way: str, fan: str = "leo") -> None:
    if way == "bought":
        studio.invoiced(fan)
        studio.fan(fan, "pay")
        studio.go()
        return
    thread = studio.thread(fan)
    order = studio.rows("SELECT id FROM orders WHERE tenant_id = :tenant")
    order_id = order[0].id if way == "sent_again" and order else None
    with studio.scope() as scope:
        talk = conversation_rows.lock_conversation(scope, thread.id)
        owned = OwnedPack(studio.pack_id, "Matin calme", order_id)
        pack_delivery.resend_pack(scope, talk, owned)
    studio.drain()


def copies(studio: Studio) -> list[LiveCopy]:
    """Return every copy released by media permits: uploads, and the messages that show them."""
    rows = studio.rows(
        "SELECT id FROM permits WHERE tenant_id = :tenant AND media <> '[]' AND state = 'consumed'"
    )
    with studio.scope() as scope:
        found = [live_copies.find_copy(scope, row.id) for row in rows]
    return [copy for copy in found if copy is not None]


@pytest.mark.parametrize(
    "ways",
    [("opened",), *(pytest.param(ways, marks=pytest.mark.heavy) for ways in ORDERS)],
)
def test_every_copy_is_recalled_after_sale_consent_is_revoked(
    studio: Studio, ways: tuple[str, ...]
) -> None:
    person = depict(studio, scopes=("depict", "publish", "download_sell"))
    studio.say("leo", "bonjour")
    for way in ways:
        deliver(studio, way)
    sold = copies(studio)
    messages = [copy for copy in sold if copy.native_ids]
    assert (len(messages), {copy.sold for copy in sold}) == (len(ways), {True})
    with studio.scope() as scope:
        opened = revoke_consent(scope, person, what="download_sell")
    assert set(opened) == {copy.jti for copy in sold}


@pytest.mark.parametrize("way", [pytest.param("sent_again", marks=pytest.mark.heavy), "opened"])
def test_pack_without_sale_consent_is_never_delivered(studio: Studio, way: str) -> None:
    depict(studio, scopes=("depict", "publish"))
    studio.say("leo", "bonjour")
    deliver(studio, way)
    assert not copies(studio)
    states = studio.rows("SELECT state FROM drafts WHERE tenant_id = :tenant AND kind = 'pack'")
    assert [row.state for row in states] == ["failed"]


def test_pack_without_sale_consent_cannot_be_paid(studio: Studio) -> None:
    person = depict(studio, scopes=("depict", "publish", "download_sell"))
    order_id = studio.invoiced("leo")

    def is_deliverable() -> bool:
        with studio.scope() as scope:
            order = order_rows.get_order(scope, order_id)
            fan = order_payments.directory.get_fan_identity(scope, order.fan_id, order.channel_id)
            pack = order_payments.packs.get_pack(scope, order.pack_id)
            return order_payments.is_pack_deliverable(scope, order, pack, fan)

    assert is_deliverable()
    with studio.scope() as scope:
        revoke_consent(scope, person, what="download_sell")
    assert not is_deliverable()
