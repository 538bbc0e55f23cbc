"""Administration by mouse and keyboard: a member joins and is removed, an emergency stop, a new
agency."""

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
"""Five seconds for the refresh of the page, the rest for a busy machine."""


def test_member_is_invited_and_removed(lea: RunningAgency) -> None:
    with lea.visitor("/team") as marc, lea.chromium.visitor() as zoe:
        marc.type("Nom", "Zoé")
        marc.type("E-mail", "zoe@example.test")
        marc.press("Inviter")
        marc.shows("Envoyez cette invitation à Zoé")
        link = re.search(r"http\S+/auth/link/\S+", marc.text())
        assert link
        zoe.go(link[0])
        zoe.press("Se connecter")
        zoe.type("Nouveau mot de passe", "trois moineaux sur un fil")
        zoe.press("Enregistrer le mot de passe")
        zoe.shows("Zoé · Responsable")
        zoe.rest()
        assert "Équipe" not in zoe.text()
        marc.go(f"{lea.url}/team")
        marc.rest()
        marc.page.get_by_text("zoe@example.test").wait_for()
        card = marc.page.locator(
            '[data-testid="stVerticalBlock"]', has_text="zoe@example.test"
        ).last
        card.get_by_role("button", name="Modifier").click()
        marc.page.get_by_text("Confirmer que Zoé ne travaille plus pour l’agence").click()
        marc.press("Retirer ce membre")
        marc.shows("Membre retiré.")
        zoe.shows("Vous êtes déconnecté", LOCKED_SECONDS)
        zoe.hides("Léa")


def test_emergency_stop_is_set_and_lifted(lea: RunningAgency) -> None:
    def closed() -> bool:
        with lea.desk.scope() as scope:
            return emergency_stops.is_stopped(scope, "sending", creator=lea.desk.creator_id)

    with lea.visitor("/settings?section=stop") as marc:
        marc.choose("Arrêter", "Léa")
        marc.type("Motif", "compte volé")
        marc.press("Arrêter : Léa")
        marc.shows("Arrêt demandé")
        wait_until(closed)
        marc.go(f"{lea.url}/settings?section=stop")
        marc.shows("compte volé")
        marc.rest()
        marc.type("Motif de la levée", "de nouveau à nous")
        marc.press("Lever l’arrêt")
        marc.shows("Levée de l’arrêt demandée")
        wait_until(lambda: not closed(), 30)


def test_own_agency_is_created_from_the_demo_and_posts(
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
        zoe.page.get_by_role("link", name="Premiers pas").click()
        zoe.shows("à côté de la démo")
        zoe.rest()
        for label, answer in (
            ("Prénom", "Zoé"),
            ("Adresse e-mail", f"zoe-{demo.tenant_id.hex[-8:]}@example.test"),
            ("Nom du créateur", name),
        ):
            zoe.type(label, answer)
        zoe.page.get_by_text("Personnage virtuel").click()
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
    """Publish the first post and open it on the creator page."""
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
