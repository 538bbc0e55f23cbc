"""A routine in a real browser: created from the form, with its steps on a desktop and on a phone."""

from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import picture

SAVED = "SELECT active FROM routines WHERE tenant_id = :tenant"


def test_routine_is_created_and_paused(lea: RunningAgency) -> None:
    with lea.visitor("/calendar", lea.desk.author) as anne:
        anne.press("Plus")
        anne.press("Routine")
        anne.shows("Étapes exécutées chaque jour")
        anne.rest()
        anne.press("Enregistrer la routine")
        anne.shows("Choisissez au moins un compte pour le créneau de 10:00")
        assert lea.rows(SAVED) == []
        for number in (1, 2, 3):
            anne.choose(f"Créneau {number} : contenu", "Photo de la bibliothèque")
            anne.choose(f"Créneau {number} : comptes", "main")
            anne.page.keyboard.press("Escape")
        anne.press("Enregistrer la routine")
        anne.shows("Routine enregistrée")
        anne.shows("7 PROCHAINS JOURS")
        for width in (1280, 390):
            anne.size(width)
            anne.rest()
            assert anne.overflow <= 0, width
            picture(anne, f"routine_{width}", width, 900)
        anne.size(1280)
        anne.press("Mettre la routine en pause")
        anne.shows("Routine en pause")
        assert lea.rows(SAVED) == [(False,)]
