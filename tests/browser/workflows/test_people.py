"""People, by mouse and keyboard: from nobody to ready, on two screens and a phone; named by one,
confirmed by two; and whom nobody recognises."""

import os
from pathlib import Path
from uuid import UUID

from gate.evidence import person_dossiers
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.page_checks import page_faults
from tests.browser.test_every_page import axe
from tests.conftest import wait_until

PICTURES = os.environ.get("GREENROOM_PICTURES", "")


def shot(visitor: Visitor, name: str) -> None:
    """The page to its end, wide and as a phone shows it: Streamlit scrolls inside, so the window
    grows."""
    if not PICTURES:
        return
    for width in (1280, 390):
        visitor.size(width)
        visitor.rest()
        whole = int(visitor.run("document.querySelector('[data-testid=\"stMain\"]').scrollHeight"))
        visitor.size(width, min(max(900, whole + 20), 6000))
        visitor.rest()
        visitor.page.wait_for_timeout(500)
        visitor.picture(Path(PICTURES) / f"{name}-{width}.png")
    visitor.size(1280)


def lacking(lea: RunningAgency) -> tuple[str, ...]:
    with lea.desk.scope() as scope:
        return person_dossiers.list_dossiers(scope)[0].adult


def test_from_nobody_to_ready(lea: RunningAgency) -> None:
    with lea.visitor("/people", lea.desk.author) as anne:
        anne.shows("Personne n’est encore inscrit")
        shot(anne, "people-empty")
        anne.type("Comment vous l’appelez", "Ida")
        anne.page.get_by_role("button", name="Ajouter", exact=True).click()
        anne.shows("Ida est ajouté")
        anne.rest()
        anne.choose("Niveau le plus élevé", "Nudité")
        anne.press("Demander")
        anne.shows("La demande attend sur la page de Ida")
        anne.rest()
        anne.page.locator("summary", has_text="Noter une preuve de majorité").click()
        anne.type("Qui a vérifié", "Notaire Roux")
        anne.type("Numéro du dossier", "dossier 12")
        anne.press("Noter cette preuve")
        anne.shows("par Notaire Roux", 60)
        anne.rest()
        anne.press("Code pour Ida")
        anne.shows("/me/")
        token = anne.text().split("/me/", 1)[1].split()[0]
        shot(anne, "people-code")
        with lea.chromium.visitor(390) as ida:
            ida.go(f"{lea.installation.services.settings.web.public_url}/me/{token}")
            ida.shows("Il ne prend effet que si vous signez")
            if PICTURES:
                ida.picture(Path(PICTURES) / "me-390.png")
            assert page_faults(ida) == []
            ida.page.locator("summary", has_text="Signer le consentement").click()
            ida.button("Oui, je signe").locator("visible=true").first.click()
            wait_until(lambda: lacking(lea) == (), 60)
            ida.page.reload()
            ida.shows("Retirer : publication")
            ida.hides("Il ne prend effet que si vous signez")
        anne.go(f"{lea.url}/people")
        anne.shows("rien ne manque, aux endroits autorisés")
        shot(anne, "people-ready")


def test_one_names_and_another_confirms(lea: RunningAgency) -> None:
    asset = lea.desk.photo(7)
    with lea.visitor("/people", lea.desk.author) as anne:
        anne.type("Comment vous l’appelez", "Ida")
        anne.page.get_by_role("button", name="Ajouter", exact=True).click()
        anne.shows("Ida est ajouté")
        anne.go(f"{lea.url}/studio")
        anne.rest()
        anne.page.locator('[class*="st-key-studio-pick"] label').first.click()
        anne.press("Qui s’y trouve")
        anne.choose("Reconnaissables sur cette image", "Ida")
        anne.page.keyboard.press("Escape")
        anne.button("Ces personnes").click()
        anne.shows("Quelqu’un d’autre confirme sous Personnes.", 60)
        wait_until(lambda: said(lea, asset) == [("proposed", "")], 30)
    with lea.visitor("/people") as marc:
        marc.press("Qui est sur la photo")
        marc.shows("Reconnaissables sur cette image")
        shot(marc, "people-pictures")
        marc.press("Exactement ces personnes")
        marc.shows("C’est noté")
        wait_until(lambda: said(lea, asset) == [("confirmed", f"member:{lea.desk.manager}")], 30)


def test_two_say_that_nobody_recognises_a_passer_by(lea: RunningAgency) -> None:
    asset = lea.desk.photo(8)
    counted = (
        "SELECT proposed, confirmed FROM bystanders WHERE tenant_id = :tenant AND asset_id = :a"
    )
    with lea.visitor("/studio", lea.desk.author) as anne:
        anne.page.locator('[class*="st-key-studio-pick"] label').first.click()
        anne.press("Non reconnaissables")
        anne.shows("Quelqu’un d’autre confirme sous Personnes.")
        anne.button("Personne ne peut les reconnaître").click()
        wait_until(lambda: [tuple(row) for row in lea.rows(counted, a=asset)] == [(1, 0)], 30)
        anne.go(f"{lea.url}/people")
        anne.press("Qui est sur la photo")
        anne.shows("Vous l’avez dit : quelqu’un d’autre confirme.")
        assert anne.button("Je reconnais quelqu’un").is_disabled()
    with lea.visitor("/people") as marc:
        marc.press("Qui est sur la photo")
        marc.shows("Vérifiez visages, tatouages, badges et noms.")
        shot(marc, "people-blurred")
        assert axe(marc) == []
        assert marc.overflow <= 0
        marc.press("Personne ne peut les reconnaître")
        marc.shows("Noté : ces personnes sont comptées")
        wait_until(lambda: [tuple(row) for row in lea.rows(counted, a=asset)] == [(0, 1)], 30)


def said(lea: RunningAgency, asset: UUID) -> list[tuple[str, str]]:
    rows = lea.rows(
        "SELECT state, confirmed_by FROM depictions WHERE tenant_id = :tenant AND asset_id = :a",
        a=asset,
    )
    return [(row.state, row.confirmed_by) for row in rows]
