"""The subject portal: consent to face recognition and its revocation."""

from uuid import UUID

import pytest

from gate.consent import face_consent
from gate.consent.events import RevocationRequested
from gate.consent.face_consent import FaceConsentGiven
from gate.consent.grants import FACE_CONSENT, revoke_consent
from gate.consent.handlers import handle_revocation
from tests.gate.person_actions import confirm_contact_address
from tests.web.builders import CreatorPage
from tests.web.removal.test_subject_portal import handled, ida, link, press, see, wanted

__all__ = ["ida"]

AGREE = "face_agree"


def agreed(mia: CreatorPage) -> list[UUID]:
    with mia.scope() as scope:
        rows = scope.run("SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
                         ":kind",
                         t=mia.tenant_id, kind=FaceConsentGiven.kind).all()  # fmt: skip
        scope.run("DELETE FROM outbox WHERE kind = :kind", kind=FaceConsentGiven.kind)
    for row in rows:
        face_consent.handle_face_consent(
            FaceConsentGiven(mia.tenant_id, row.subject_id, row.args["by"]), tenant=mia.room.tenant
        )
    return [row.subject_id for row in rows]


def known(mia: CreatorPage, person: UUID) -> bool:
    with mia.scope() as scope:
        return face_consent.has_face_consent(scope, person)


def test_face_consent_is_given_and_revoked(mia: CreatorPage, ida: UUID) -> None:
    path = link(mia, ida)
    with mia.scope() as scope:
        confirm_contact_address(scope, ida)
    shown = see(mia, path).text
    assert "biometric" in shown
    assert "Yes, delete the data" not in shown
    assert "biométriques" in mia.room.client.get(path, headers={"accept-language": "fr"}).text
    assert not known(mia, ida), "a GET changes nothing"
    assert press(mia, path, AGREE).headers["location"] == path
    assert see(mia, path).headers["refresh"]
    assert agreed(mia) == [ida]
    assert known(mia, ida)
    assert "Yes, delete the data" in see(mia, path).text
    assert press(mia, path, FACE_CONSENT).headers["location"] == path
    assert wanted(mia) == [(ida, FACE_CONSENT, f"person:{ida}")]
    handled(mia)
    assert not known(mia, ida)
    again = see(mia, path).text
    assert again.count("revoked on") == 0, "other consents remain"
    assert press(mia, path, FACE_CONSENT).status_code == 422  # nothing remains to revoke


def test_revoking_everything_erases_the_face_data(mia: CreatorPage, ida: UUID) -> None:
    path = link(mia, ida)
    press(mia, path, AGREE)
    agreed(mia)
    press(mia, path, "all")
    handled(mia)
    assert not known(mia, ida)


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}]
)
def test_face_consent_from_another_site_is_refused(
    mia: CreatorPage, ida: UUID, headers: dict[str, str]
) -> None:
    assert press(mia, link(mia, ida), AGREE, **headers).status_code == 422
    assert agreed(mia) == []


def test_revocation_is_journaled_and_erases_the_face_data(mia: CreatorPage, ida: UUID) -> None:
    press(mia, link(mia, ida), AGREE)
    agreed(mia)
    with mia.scope() as scope:
        revoke_consent(scope, ida, what=FACE_CONSENT)
        kept = scope.run(
            "SELECT args FROM outbox WHERE kind = 'journal.keep' AND tenant_id = :t",
            t=mia.tenant_id,
        )
        assert [(row.args["act"], row.args["more"]) for row in kept] == [("revoke", FACE_CONSENT)]
    handle_revocation(
        RevocationRequested(mia.tenant_id, ida, FACE_CONSENT, f"person:{ida}"),
        tenant=mia.room.tenant,
    )
    assert not known(mia, ida)
