"""A weekly plan in a real browser: requested, generated, accepted, and opened in the calendar."""

from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import picture
from tests.conftest import wait_until

DRAFTS = (
    "SELECT p.body, d.state FROM posts p JOIN deliveries d ON d.tenant_id = p.tenant_id AND "
    "d.post_id = p.id"
    " WHERE p.tenant_id = :tenant AND p.origin = 'week'"
)
WRITTEN = "SELECT 1 FROM week_plans WHERE tenant_id = :tenant AND written_at IS NOT NULL"


def test_weekly_plan_line_becomes_a_draft(lea: RunningAgency) -> None:
    with lea.visitor("/calendar", lea.desk.author) as anne:
        anne.press("Plus")
        anne.press("Semaine proposée par l’IA")
        anne.shows("Obtenez des jours, des heures et des textes")
        anne.rest()
        anne.type("Objectif de la semaine", "Montrer le port")
        anne.page.get_by_role("textbox", name="Sujets").fill("Le port au matin")
        anne.press("Générer la semaine")
        anne.shows("Relisez chaque publication")
        wait_until(lambda: bool(lea.rows(WRITTEN)), 60)
        anne.hides("Les textes IA sont en cours")
        assert lea.rows(DRAFTS) == []
        for width in (1280, 390):
            anne.size(width)
            anne.rest()
            assert anne.overflow <= 0, width
            picture(anne, f"week_{width}", width, 900)
        anne.size(1280)
        anne.button("Accepter").dblclick()
        anne.shows("Brouillon créé")
        anne.rest()
        ((body, state),) = lea.rows(DRAFTS)
        assert (body, state) == ("Le port au matin", "draft")
        anne.page.get_by_role("link", name="Ouvrir le brouillon").first.click()
        anne.shows("En attente de validation")
