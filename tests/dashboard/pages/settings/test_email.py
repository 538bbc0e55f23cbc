"""The mail server of the agency in Settings: the password is sealed and never shown."""

from tenants.notices import mail_servers
from tenants.vault import sealed_intake
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import MASTER, Door
from tests.dashboard.streamlit_client import stream

PASSWORD = "canary-horse-battery"


def test_mail_server_is_saved_tested_and_removed(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "GREENROOM_MAIL__HOST" in page.open("/settings", section="email")
        page.type("Serveur de messagerie", "https://127.0.0.1")
        page.type("Adresse d’expéditeur", "greenroom@lumiere.example")
        page.type("Nom d’utilisateur", "lea")
        page.type("Mot de passe", PASSWORD)
        assert "Saisissez le nom ou l’adresse IP du serveur" in page.press("Enregistrer")
        page.type("Serveur de messagerie", "smtp.lumiere.example")
        text = page.press("Enregistrer")
        assert "Serveur de messagerie enregistré" in text
        assert PASSWORD not in text
        assert "Envoi d’un message de test" in page.press("Envoyer un message de test")
        with lumiere.scope() as scope:
            letter = mail_servers.find_sealed_password(scope)
            queued = scope.run(
                "SELECT count(*) FROM outbox WHERE tenant_id = :t AND kind = 'mail.test'",
                t=scope.tenant_id,
            ).scalar_one()
        assert letter is not None
        assert queued == 1
        assert sealed_intake.unseal_form(MASTER, lumiere.tenant_id, letter) == {
            mail_servers.PASSWORD: PASSWORD
        }
        assert PASSWORD not in page.open("/settings", section="email")
        assert "Serveur de messagerie retiré" in page.press("Retirer le serveur")
    assert PASSWORD not in door.log.read_text("utf-8")
