"""People and the house, by mouse and keyboard: somebody comes and goes, everything stops, a new
agency starts."""

import re

from foundation.db.database import OpenScope
from gate.policy import emergency_stops
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.conftest import wait_until
from tests.dashboard.builders import create_agency

LOCKED_SECONDS = 20.0
"""Five by the page's own tick; the rest is a busy machine."""


def test_somebody_comes_and_goes(lea: RunningAgency) -> None:
    with lea.visitor("/team") as marc, lea.chromium.visitor() as zoe:
        marc.type("Nom", "Zoé")
        marc.type("Adresse e-mail", "zoe@example.test")
        marc.press("Faire entrer")
        marc.shows("Donnez ce lien à Zoé")
        link = re.search(r"http\S+/auth/link/\S+", marc.text())
        assert link
        zoe.go(link[0])
        zoe.press("Se connecter")
        zoe.shows("Zoé · Responsable")
        zoe.rest()
        assert "Équipe" not in zoe.text()
        marc.go(f"{lea.url}/team")
        marc.rest()
        marc.page.get_by_text("zoe@example.test").wait_for()
        card = marc.page.locator(
            '[data-testid="stVerticalBlock"]', has_text="zoe@example.test"
        ).last
        card.get_by_role("button", name="Changer").click()
        marc.page.get_by_text("Zoé ne travaille plus ici").click()
        marc.press("Fermer son accès")
        marc.shows("Son accès est fermé.")
        zoe.shows("Vous êtes déconnecté", LOCKED_SECONDS)
        zoe.hides("Léa")


def test_everything_stops_and_goes_on(lea: RunningAgency) -> None:
    def closed() -> bool:
        with lea.desk.scope() as scope:
            return emergency_stops.is_stopped(scope, "sending", creator=lea.desk.creator_id)

    with lea.visitor("/system") as marc:
        marc.choose("Arrêter", "Léa")
        marc.type("Pourquoi ?", "compte volé")
        marc.press("Arrêter : Léa")
        marc.shows("Arrêt demandé")
        wait_until(closed)
        marc.go(f"{lea.url}/system")
        marc.shows("compte volé")
        marc.rest()
        marc.type("Pourquoi rouvrir ?", "de nouveau à nous")
        marc.press("Rouvrir")
        marc.shows("Réouverture demandée")
        wait_until(lambda: not closed(), 30)


def test_from_the_demonstration_to_a_first_post_of_ones_own(
    lea: RunningAgency, tenant: OpenScope
) -> None:
    demo = create_agency(tenant, demo=True)
    name = f"Iris {demo.tenant_id.hex[-6:]}"
    with lea.chromium.visitor() as zoe:
        with demo.scope() as scope:
            secret = sessions.create_sign_in_link(scope, demo.members[Role.OWNER])
        zoe.go(f"{lea.url}/auth/link/{secret}")
        zoe.press("Se connecter")
        zoe.rest()
        zoe.page.get_by_role("link", name="Créer mon agence").click()
        zoe.shows("à côté de la démo")
        zoe.rest()
        for label, answer in (
            ("Prénom", "Zoé"),
            ("Adresse e-mail", f"zoe-{demo.tenant_id.hex[-8:]}@example.test"),
            ("Nom du créateur", name),
        ):
            zoe.type(label, answer)
        zoe.page.get_by_text("un personnage virtuel").click()
        zoe.button("Créer mon agence").dblclick()
        zoe.page.get_by_role("link", name="Ouvrir mon agence").click()
        zoe.press("Se connecter")
        zoe.shows("Passer à Lumière")
        assert (
            len(sessions.list_linked_agencies(tenant, demo.tenant_id, demo.members[Role.OWNER]))
            == 1
        )
        publishes(zoe, lea, "Bonjour, me voici.")
        assert zoe.complaints == []


def publishes(zoe: Visitor, lea: RunningAgency, words: str) -> None:
    """The first post, seen on her page."""
    zoe.go(f"{lea.url}/start")
    zoe.shows("Texte")
    zoe.rest()
    zoe.type("Texte", words)
    zoe.press("Publier maintenant")
    zoe.shows("Publication dans 15 secondes.")
    zoe.page.get_by_role("link", name="Voir la publication").wait_for()
    address = zoe.page.get_by_role("link", name="Voir la publication").get_attribute("href")
    assert address
    zoe.go(address)
    zoe.shows(words)
