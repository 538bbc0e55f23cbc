"""Consent and models, by mouse and keyboard: a new model until complete, people identified by one
member and confirmed by another, and unrecognizable people."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from gate.consent import subject_portal
from gate.evidence import person_dossiers
from gate.people import age_proofs, age_requests
from gate.people.age_proofs import AgeConfirmation
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.page_checks import page_faults
from tests.browser.test_every_page import axe
from tests.conftest import wait_until
from tests.gate.person_actions import add_custodian, confirm_contact_address

PICTURES = os.environ.get("GREENROOM_PICTURES", "")


def shot(visitor: Visitor, name: str) -> None:
    """Save the full page, wide and narrow: Streamlit scrolls inside, so the window grows."""
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


def confirm_age(lea: RunningAgency, custodian: UUID) -> None:
    """Confirm the open request as the custodian, who works from another network than the agency."""
    with lea.desk.scope(f"member:{custodian}") as scope:
        (request,) = age_requests.list_open_requests(scope)
        proof = AgeConfirmation("document", "dossier 12", scope.now - timedelta(days=1))
        age_proofs.submit_age_proof(scope, request.id, proof)
    wait_until(lambda: "age" not in lacking(lea), 60)


def portal_token(lea: RunningAgency) -> str:
    """Return the token of the link that the person receives at their own confirmed address."""
    with lea.desk.scope(f"member:{lea.desk.author}") as scope:
        (person,) = person_dossiers.list_dossiers(scope)
        token = subject_portal.create_portal_link(scope, person.id)
        confirm_contact_address(scope, person.id)
    return token


def test_new_model_completes_every_requirement(lea: RunningAgency) -> None:
    custodian = add_custodian(lea.desk)
    with lea.visitor("/people", lea.desk.author) as anne:
        anne.shows("Aucun modèle pour l’instant")
        shot(anne, "people-empty")
        anne.type("Nom affiché", "Ida")
        anne.page.get_by_role("button", name="Ajouter", exact=True).click()
        anne.shows("Ida a été ajouté")
        anne.rest()
        anne.choose("Niveau maximal", "Nudité")
        anne.press("Envoyer la demande")
        anne.shows("Demande envoyée dans l’espace de Ida")
        anne.rest()
        anne.page.locator("summary", has_text="Demander une preuve d’âge").click()
        anne.type("Référence du dossier chez le dépositaire", "dossier 12")
        anne.press("Envoyer la demande au dépositaire")
        anne.shows("Preuve d’âge de Ida demandée au dépositaire")
        anne.rest()
        confirm_age(lea, custodian)
        shot(anne, "people-proof")
        token = portal_token(lea)
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
        anne.shows("Complet, pour les plateformes du consentement")
        shot(anne, "people-ready")


def test_identified_person_is_confirmed_by_another_member(lea: RunningAgency) -> None:
    asset = lea.desk.photo(7)
    with lea.visitor("/people", lea.desk.author) as anne:
        anne.type("Nom affiché", "Ida")
        anne.page.get_by_role("button", name="Ajouter", exact=True).click()
        anne.shows("Ida a été ajouté")
        anne.go(f"{lea.url}/studio")
        anne.rest()
        anne.page.locator('[class*="st-key-studio-pick"] label').first.click()
        anne.press("Personnes")
        anne.choose("Personnes reconnaissables", "Ida")
        anne.page.keyboard.press("Escape")
        anne.button("Identifier ces personnes").click()
        anne.shows("Un autre membre doit confirmer dans Modèles et consentements.", 60)
        wait_until(lambda: said(lea, asset) == [("proposed", "")], 30)
    with lea.visitor("/people") as marc:
        marc.press("Images identifiées")
        marc.shows("Personnes reconnaissables")
        shot(marc, "people-pictures")
        marc.press("Confirmer les personnes")
        marc.shows("Personnes de l’image confirmées.")
        wait_until(lambda: said(lea, asset) == [("confirmed", f"member:{lea.desk.manager}")], 30)


def test_two_members_confirm_an_unrecognizable_person(lea: RunningAgency) -> None:
    asset = lea.desk.photo(8)
    counted = (
        "SELECT proposed, confirmed FROM bystanders WHERE tenant_id = :tenant AND asset_id = :a"
    )
    with lea.visitor("/studio", lea.desk.author) as anne:
        anne.page.locator('[class*="st-key-studio-pick"] label').first.click()
        anne.press("Personnes non reconnaissables")
        anne.shows("un autre membre doit confirmer.")
        anne.button("Enregistrer le nombre").click()
        wait_until(lambda: [tuple(row) for row in lea.rows(counted, a=asset)] == [(1, 0)], 30)
        anne.go(f"{lea.url}/people")
        anne.press("Images identifiées")
        anne.shows("Vous avez saisi ce nombre. Un autre membre doit confirmer.")
        assert anne.button("Je reconnais une personne").is_disabled()
    with lea.visitor("/people") as marc:
        marc.press("Images identifiées")
        marc.shows("Vérifiez visages, tatouages, badges et noms.")
        shot(marc, "people-blurred")
        assert axe(marc) == []
        assert marc.overflow <= 0
        marc.press("Confirmer : non reconnaissables")
        marc.shows("L’image ne nécessite plus le consentement de ces personnes.")
        wait_until(lambda: [tuple(row) for row in lea.rows(counted, a=asset)] == [(0, 1)], 30)


def said(lea: RunningAgency, asset: UUID) -> list[tuple[str, str]]:
    rows = lea.rows(
        "SELECT state, confirmed_by FROM depictions WHERE tenant_id = :tenant AND asset_id = :a",
        a=asset,
    )
    return [(row.state, row.confirmed_by) for row in rows]
