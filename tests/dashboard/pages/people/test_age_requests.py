"""The page of the custodian: the age checks requested by the agency, and nothing else."""

import pytest

from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.evidence import person_dossiers
from gate.people import age_requests, persons
from gate.people.age_proofs import AgeProofSubmitted
from tenants.agencies.rights import Role
from tests.dashboard.auth.test_guest_reviewers import comes
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream
from tests.gate import person_actions


def word(code: str, language: str, **params: str | int) -> str:
    return render_message(Message(code, params), language)


def asked(who: Agency) -> None:
    with who.scope(f"member:{who.members[Role.MANAGER]}") as scope:
        ida = persons.add_person(scope, kind="real", display_ref="Ida")
        persons.add_person(scope, kind="real", display_ref="Nobody-asked")
        age_requests.request_person_check(scope, ida, reference="dossier 12")


@pytest.mark.parametrize("language", LANGUAGES)
def test_custodian_confirms_in_a_separate_session(door: Door, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    asked(who)
    comes(door, who, Role.MANAGER, "203.0.113.7")
    cookie = comes(door, who, Role.CUSTODIAN, "198.51.100.9", language=language)
    with stream(door.url, cookie) as page:
        text = page.open("/people")
        assert "dossier 12" in text
        assert "Ida" in text
        assert "Nobody-asked" not in text
        assert word("people.part.everybody", language) not in text
        page.check(word("requests.sure", language))
        assert word("proof.no_receipt", language) in page.press(word("requests.confirm", language))
        page.type(word("people.receipt", language), "file 12")
        told = page.press(word("requests.confirm", language))
        assert word("requests.confirmed", language, name="Ida") in told
        assert word("requests.none", language) in page.again()
    assert person_actions.run_workers(who) == [AgeProofSubmitted.kind]
    with who.scope() as scope:
        ida = next(one for one in person_dossiers.list_dossiers(scope) if one.name == "Ida")
    assert [(one.custodian, one.stands) for one in ida.proofs] == [("Custodian", True)]


def test_custodian_on_the_agencys_connection_is_refused(door: Door, lumiere: Agency) -> None:
    asked(lumiere)
    comes(door, lumiere, Role.MANAGER, "203.0.113.7")
    cookie = comes(door, lumiere, Role.CUSTODIAN, "203.0.113.7")
    with stream(door.url, cookie) as page:
        text = page.open("/people")
    assert word("proof.same_human", "fr") in text
    assert "dossier 12" not in text
