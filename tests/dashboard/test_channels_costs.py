"""Accounts: what a platform asked for requests this month, and the cap that the agency types."""

from channels import charging, connecting
from connectors.contract import Response
from foundation.money import Money
from foundation.sealed import Sealed
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streams import stream


def test_an_account_tells_its_month_and_its_agency_caps_it(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        channel_id = connecting.connect(
            scope,
            creator_id=lumiere.creator_id,
            platform="x",
            surface="x.post",
            account=f"17{str(lumiere.tenant_id)[-6:]}",
            name="@lumiere",
            base_url="https://api.x.com",
            token=Sealed(b"x"),
            zone="Europe/Paris",
        )
        for words in ("bonjour", "https://example.com"):
            charging.note(scope, channel_id, "x", Response("publish", 201, {}, {}), words)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/channels").replace("\xa0", " ").replace("\u202f", " ")
        assert "X a demandé environ 0,22 $US pour ses requêtes ce mois-ci : 2 publications, dont 1 avec un lien" in text
        page.type("Au plus par mois sur X", "beaucoup")
        assert "Écrivez un montant en USD" in page.press("Garder le plafond")
        page.type("Au plus par mois sur X", "0.30")
        assert "Le plafond est gardé." in page.press("Garder le plafond")
    with lumiere.scope() as scope:
        found = charging.month(scope, "x")
        assert found is not None
        assert found.cap == Money(30, "USD")
