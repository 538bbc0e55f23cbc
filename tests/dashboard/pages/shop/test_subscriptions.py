"""Subscriptions: a plan in four fields, offered in a chat, its subscribers, and cancellation for a
subscriber."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from foundation.db.database import Database, OpenScope
from foundation.ids import uuid7
from subscribers.conversations.states import OwnerState
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream
from tests.fakes.telegram import server as fake
from tests.fakes.telegram import subscriptions
from tests.subscribers.stars_builders import StarsBot, create_bot


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@dataclass
class House:
    """Nova's agency with its members, her bot and the dashboard."""

    nova: StarsBot
    agency: Agency
    door: Door

    @contextmanager
    def look(
        self, role: Role = Role.OWNER, path: str = "/shop", **query: object
    ) -> Iterator[Stream]:
        with stream(self.door.url, self.door.cookie(self.agency, role)) as page:
            page.open(path, **query)
            yield page

    def make(self) -> str:
        """Create a plan on the page and return the text of the page."""
        with self.look(view="subscriptions") as page:
            page.type("Nom de la formule", "Le cercle")
            page.type("Description", "Un pack nouveau chaque mois")
            page.type("Prix pour 30 jours, en Étoiles", "300")
            page.choose("Packs inclus", "Matin calme")
            return page.press("Créer la formule")

    def begin(self) -> None:
        """Subscribe as the fan Leo."""
        stars = self.nova.stars
        self.nova.world_says("leo", "/subscription")
        self.nova.drain()
        stars.world.press(stars.bot, "leo", "subscribe")
        self.nova.hear()
        self.nova.drain()
        subscriptions.subscribe(stars.world, stars.bot, "leo")
        for _ in range(2):
            self.nova.hear()
            self.nova.drain()


@pytest.fixture
def house(
    database: Database, tenant: OpenScope, telegram: fake.TelegramServer, door: Door
) -> Iterator[House]:
    nova = create_bot(database, telegram)
    with nova.scope() as scope:
        members = {
            role: agencies.add_member(
                scope,
                name=f"{role.title()} N.",
                email=f"{role}-{uuid7()}@example.test",
                role=role,
                language="fr",
                zone=ZONE,
            )
            for role in Role
        }
    yield House(nova, Agency(tenant, nova.world.tenant_id, nova.world.creator_id, members), door)
    telegram.book.clear_faults()


def test_plan_is_created_sold_and_cancelled_for_its_subscriber(house: House) -> None:
    assert "« Le cercle » est en vente." in house.make()
    house.begin()
    with house.look(view="subscriptions") as page:
        text = page.again()
        assert "Revenu prévu sur 30 jours" in text
        assert text.count("300") >= 2
        assert "@leo · Le cercle" in text
        assert "Annulation demandée" in page.press("Annuler le renouvellement")
        house.nova.drain()
        text = page.again()
        assert "se termine" in text
        assert "Annuler le renouvellement" not in page.labels()
        assert "archivée" in page.press("Archiver « Le cercle »")
        assert "Archiver « Le cercle »" not in page.labels()
    (one,) = house.nova.stars.bot.subscriptions.values()
    assert one.cancelled


@pytest.mark.parametrize("price", ["", "rien", "0", "10001", "٣"])
def test_invalid_price_is_explained(house: House, price: str) -> None:
    with house.look(view="subscriptions") as page:
        page.type("Nom de la formule", "Le cercle")
        page.type("Description", "Un pack nouveau chaque mois")
        page.type("Prix pour 30 jours, en Étoiles", price)
        page.choose("Packs inclus", "Matin calme")
        text = page.press("Créer la formule")
    assert "n’est pas un nombre" in text or "Saisissez un prix entre" in text
    assert house.nova.rows("SELECT 1 FROM plans WHERE tenant_id = :tenant") == []


def test_member_offers_the_plan_in_a_chat(house: House) -> None:
    house.make()
    house.nova.world_says("leo", "/human")
    house.nova.drain()
    thread = house.nova.thread(str(house.nova.stars.world.person("leo").id))
    with house.look(path="/inbox", chat=thread.id) as page:
        page.press("Reprendre")
        page.press("Envoyer une offre")
        page.press(next(label for label in page.labels() if label.startswith("Le cercle ·")))
    house.nova.drain()
    shown = house.nova.stars.world.seen(house.nova.stars.bot, "leo")[-1]
    assert shown["reply_markup"]["inline_keyboard"][0][0]["text"] == "Le cercle · 300 ⭐ / 30 jours"
    assert house.nova.thread(str(house.nova.stars.world.person("leo").id)).owner is OwnerState.HUMAN


@pytest.mark.parametrize("role", list(Role))
def test_roles_decide_who_sees_revenue_and_who_acts(house: House, role: Role) -> None:
    house.make()
    house.begin()
    if role in (Role.GUEST, Role.CHATTER):  # these roles have no shop
        return
    with house.look(role, view="subscriptions") as page:
        text, labels = page.again(), page.labels()
    sees = role in (Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT)
    assert ("Revenu prévu sur 30 jours" in text) is sees
    assert ("Créer la formule" in labels) is (role in (Role.OWNER, Role.MANAGER))
    assert ("@leo" in text) is (sees and role is not Role.ACCOUNTANT)
