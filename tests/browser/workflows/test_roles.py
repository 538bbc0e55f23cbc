"""The main task of each role, by mouse and keyboard: a creator approves, a chatter replies, a guest
rates, an accountant closes the month."""

from datetime import time
from uuid import UUID

from foundation.ops.clock import sleep
from schedules.posts.states import DeliveryState
from studio.library import assets
from studio.library.states import ShelfState
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.browser.installation import RunningAgency
from tests.browser.workflows.test_subscribers import asks_for_a_person, told
from tests.conftest import wait_until
from tests.schedules.builders import ZONE

ANSWER = "Bonsoir, c’est Zoé."
STATEMENT = """date,type,id,gross,fee,currency
2026-10-03,sale,a-1,12.00,2.40,EUR
2026-10-04,tip,a-2,5.00,1.00,EUR
"""


def joins(lea: RunningAgency, role: Role) -> UUID:
    """Add Zoé as a member with this role, assigned to Léa."""
    with lea.desk.scope() as scope:
        return agencies.add_member(
            scope,
            name="Zoé",
            email="zoe@example.test",
            role=role,
            language="fr",
            zone=ZONE,
            creators=["lea"],
        )


def test_creator_approves_a_post_in_her_name(lea: RunningAgency) -> None:
    desk = lea.desk
    wish = desk.wish(desk.write("Le phare, à midi."), after=7200)
    with lea.visitor("/approvals", joins(lea, Role.CREATOR)) as zoe:
        zoe.shows("Le phare, à midi.")
        zoe.press("Valider")
        zoe.shows("Validé.")
    assert desk.state(wish) is DeliveryState.SCHEDULED


def test_chatter_reply_is_sent_once(lea: RunningAgency) -> None:
    lea.bots.connected()
    with lea.visitor("/inbox", joins(lea, Role.CHATTER)) as zoe:
        asks_for_a_person(lea, zoe)
        zoe.page.get_by_label("Votre message à").click()
        zoe.page.keyboard.type(ANSWER)
        zoe.page.keyboard.press("Control+Enter")
        wait_until(lambda: told(lea, ANSWER) == 1, 60)
        sleep(1.0)
    assert told(lea, ANSWER) == 1


def test_guest_rates_assigned_pictures(lea: RunningAgency) -> None:
    asset = lea.desk.photo(7, rating=None)
    lea.desk.act(assets.set_shelf_state, asset, ShelfState.KEPT)

    def ratings() -> list[str]:
        rows = lea.rows(
            "SELECT r.rating FROM content_ratings r JOIN creations c ON c.tenant_id = r.tenant_id"
            " AND c.sha256 = r.sha256 WHERE c.tenant_id = :tenant AND c.asset_id = :asset",
            asset=asset,
        )
        return [row.rating for row in rows]

    with lea.visitor("/approvals", joins(lea, Role.GUEST)) as zoe:
        zoe.rest()  # a new member's page is drawn twice, and a press in between is lost
        zoe.press("Afficher")
        assert "Publications (" not in zoe.text()
        zoe.page.get_by_role("radio", name="Le créateur").check(force=True)
        zoe.press("Classer")
        zoe.shows("Classement enregistré")
        wait_until(lambda: ratings() == ["G"], 60)


def test_accountant_imports_a_statement_and_exports_the_month(lea: RunningAgency) -> None:
    with lea.visitor("/shop?view=books", joins(lea, Role.ACCOUNTANT)) as zoe:
        files = zoe.page.locator('input[type="file"]')
        files.set_input_files(
            {"name": "releve.csv", "mimeType": "text/csv", "buffer": STATEMENT.encode()}
        )
        zoe.shows("RIEN N’EST ENCORE COMPTABILISÉ")
        assert lea.rows("SELECT 1 FROM ledger_entries WHERE tenant_id = :tenant") == []
        zoe.button("Importer les lignes (2)").dblclick()
        zoe.shows("Lignes importées depuis « Autre plateforme » : 2.")
        zoe.rest()
        with zoe.page.expect_download() as taken:
            zoe.press("Exporter en CSV")
        assert "12" in taken.value.path().read_text("utf-8")
    sums = lea.rows(
        "SELECT -sum(amount_minor) AS minor FROM ledger_entries WHERE tenant_id = :tenant AND "
        "account = 'sales'"
    )
    assert [row.minor for row in sums] == [1700]


def test_pictures_are_generated_compared_and_selected(lea: RunningAgency) -> None:
    def counted(condition: str) -> int:
        return len(lea.rows(f"SELECT 1 FROM creations WHERE tenant_id = :tenant AND {condition}"))

    with lea.visitor("/studio") as marc:
        marc.page.get_by_role("tab", name="Générer").click()
        marc.button("Ajouter ce modèle et l’essayer").dblclick()
        marc.shows("4 images en cours de génération.")
        marc.shows("4 sur 4", 120)
        marc.rest()
        marc.press("Comparer")
        marc.shows("Fermer")
        marc.rest()
        marc.press("Garder")
        marc.shows("Image gardée.")
    assert counted("job_id IS NOT NULL") == 4
    assert counted("shelf = 'kept'") == 1


def test_post_is_rescheduled_published_and_reported(lea: RunningAgency) -> None:
    desk = lea.desk
    delivery = desk.delivery("La marée.", after=86_400)
    with lea.visitor(f"/calendar?post={desk.entry(delivery).post_id}", desk.author) as anne:
        before = desk.entry(delivery).due_at
        anne.pick_time("Heure", time(7, 35))
        anne.press("Reprogrammer")
        anne.shows("à 07:35 (UTC).")
        assert desk.entry(delivery).due_at != before
        anne.rest()
        anne.button("Publier maintenant").dblclick()
        anne.shows("La publication aura lieu dans un instant.")
        wait_until(lambda: desk.state(delivery) is DeliveryState.PUBLISHED, 60)
        anne.shows("Publié")
        anne.go(f"{lea.url}/insights")
        anne.rest()
        with anne.page.expect_download() as taken:
            anne.press("Exporter en CSV")
        assert "La marée.,published" in taken.value.path().read_text("utf-8")
    assert desk.texts() == ["La marée."]


def test_uncertain_delivery_is_resolved_on_home(lea: RunningAgency) -> None:
    desk = lea.desk
    desk.connect("doute", nolook=True)
    desk.fault("reset_before", channel="doute")
    lost = desk.delivery("Reçue ou pas ?", channel="doute", after=1)
    wait_until(lambda: desk.state(lost) is DeliveryState.UNCERTAIN, 60)
    with lea.visitor("/") as marc:
        marc.page.get_by_text("Examiner et décider").click()
        marc.press("Pas en ligne : renvoyer…")
        marc.shows("elle apparaîtra deux fois")
        marc.press("J’ai vérifié : renvoyer")
        marc.shows(
            "La publication sera renvoyée une seule fois, dès que son compte est disponible."
        )
        wait_until(lambda: desk.state(lost) is DeliveryState.PUBLISHED, 60)
    assert desk.texts("doute") == ["Reçue ou pas ?"]
