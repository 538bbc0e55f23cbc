"""Shoot cards in the subject portal: read, signed, declined and withdrawn, only by the person
concerned."""

import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from foundation.ids import uuid7
from gate.consent import card_answers, shoot_cards, subject_portal
from gate.consent.card_answers import CardAnswerSubmitted
from gate.consent.shoot_cards import CardTerms
from gate.contract.units import Rating
from tests.gate.builders import real_person
from tests.gate.person_actions import confirm_contact_address
from tests.web.builders import CreatorPage, create_page

OWN = {"sec-fetch-site": "same-origin", "accept-language": "en"}
FORM = re.compile(r'name="what" value="(\w+)"><input type="hidden" name="card" value="([\w-]+)">'
                  r'<input type="hidden" name="digest" value="(\w+)"')  # fmt: skip


def somebody(mia: CreatorPage, name: str) -> tuple[UUID, str]:
    """Create a real person and return the ID and the path of their portal."""
    with mia.scope() as scope:
        person = real_person(scope, scopes=(), display_ref=name)
        path = f"{subject_portal.PORTAL_PATH}{subject_portal.create_portal_link(scope, person)}"
        confirm_contact_address(scope, person)
        return person, path


def card_for(mia: CreatorPage, *persons: UUID) -> UUID:
    with mia.scope("member:ann") as scope:
        terms = CardTerms(
            day=(scope.now - timedelta(days=2)).date(),
            zone="Europe/Paris",
            country="FR",
            persons=persons,
            scopes=("depict", "publish"),
            surfaces=("telegram",),
            max_rating=Rating.N,
            pictures=12,
            months=6,
        )
        return shoot_cards.create_card(scope, mia.creator_id, terms)


def see(mia: CreatorPage, path: str, language: str = "en") -> httpx.Response:
    return mia.room.client.get(path, headers=OWN | {"accept-language": language})


def forms(mia: CreatorPage, path: str) -> dict[str, dict[str, str]]:
    """Return the fields of each shoot card form on the page, by action."""
    return {
        what: {"what": what, "card": card, "digest": of}
        for what, card, of in FORM.findall(see(mia, path).text)
    }


def press(mia: CreatorPage, path: str, typed: dict[str, str], **headers: str) -> httpx.Response:
    return mia.room.client.post(path, data=typed, headers=OWN | headers, follow_redirects=False)


def work(mia: CreatorPage) -> int:
    """Handle the submitted answers as the workers do and return their number."""
    with mia.scope() as scope:
        rows = scope.run("SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
                         ":kind",
                         t=mia.tenant_id, kind=CardAnswerSubmitted.kind).all()  # fmt: skip
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=mia.tenant_id)
    for row in rows:
        card_answers.handle_card_answer(
            CardAnswerSubmitted(mia.tenant_id, row.subject_id, **row.args), tenant=mia.room.tenant
        )
    return len(rows)


def said(mia: CreatorPage) -> list[tuple[UUID, str, str]]:
    with mia.scope() as scope:
        rows = scope.run(
            "SELECT person_id, said, said_by FROM shoot_card_answers ORDER BY created_at, id"
        ).all()
    return [(row.person_id, row.said, row.said_by) for row in rows]


def test_two_people_sign_on_their_portals(mia: CreatorPage) -> None:
    (ida, hers), (tom, his) = somebody(mia, "Ida-of-the-agency"), somebody(mia, "Tom-the-partner")
    assert "Shoot cards" not in see(mia, hers).text
    card_for(mia, ida, tom)
    first = see(mia, hers)
    for word in ("Shoot cards", "Awaiting your signature", "You and 1 other person", "Europe/Paris "
                                                                                    "· France", "Appearance in images",
                 "Telegram", "12 images, Nudity", "Sign card", "Decline"):  # fmt: skip
        assert word in first.text, word
    french = see(mia, hers, "fr").text
    for word in (
        "Fiches de prise de vue",
        "En attente de votre signature",
        "Vous et 1 autre personne",
        "Signer la fiche",
    ):
        assert word in french, word
    for hidden in ("Ida-of-the-agency", "Tom-the-partner", str(tom), str(ida), "member:ann"):
        assert hidden not in first.text
    assert set(forms(mia, hers)) == {"signed", "declined"}
    typed = forms(mia, hers)["signed"]
    for _ in range(2):
        assert press(mia, hers, typed).headers["location"] == hers
    assert see(mia, hers).headers["refresh"]
    assert "Saving…" in see(mia, hers).text
    assert work(mia) == 1
    after = see(mia, hers).text
    assert "Signed" in after
    assert "other signatures missing" in after
    assert set(forms(mia, hers)) == {"withdrawn"}
    assert press(mia, hers, typed).status_code == 422
    press(mia, his, forms(mia, his)["signed"])
    work(mia)
    assert "other signatures missing" not in see(mia, hers).text
    assert said(mia) == [(ida, "signed", f"person:{ida}"), (tom, "signed", f"person:{tom}")]
    assert see(mia, hers).text.count("· images of ") == 2, "a signed card covers only its shoot"
    assert "Revoke: publication" in see(mia, hers).text


@pytest.mark.parametrize(("first", "then", "told"), [
    ("declined", None, "Declined"), ("signed", "withdrawn", "Signature withdrawn")
])  # fmt: skip
def test_declined_or_withdrawn_card_is_final(
    mia: CreatorPage, first: str, then: str | None, told: str
) -> None:
    ida, path = somebody(mia, "Ida")
    card_for(mia, ida)
    for what in filter(None, (first, then)):
        press(mia, path, forms(mia, path)[what])
        work(mia)
    assert told in see(mia, path).text
    assert forms(mia, path) == {}
    with mia.scope() as scope:
        live = scope.run("SELECT count(*) FROM consent_grants WHERE revoked_at IS NULL").scalar()
        heard = scope.run("SELECT count(*) FROM notices WHERE cause LIKE 'card:%'").scalar()
    assert (live, heard) == (0, 1)


def test_card_is_signed_only_on_the_portal_of_its_person(mia: CreatorPage) -> None:
    (ida, hers), (_, stranger) = somebody(mia, "Ida"), somebody(mia, "Eve")
    card_for(mia, ida)
    typed = forms(mia, hers)["signed"]
    other = create_page(mia.room)
    _, abroad = somebody(other, "Max")
    wrong = [
        press(mia, stranger, typed),
        press(mia, abroad, typed),
        press(mia, hers, typed, **{"sec-fetch-site": "cross-site"}),
        press(mia, hers, {**typed, "digest": "0" * 64}),
        press(mia, hers, {**typed, "card": "x\x00"}),
        press(mia, hers, {**typed, "card": str(uuid7())}),
        press(mia, hers, {**typed, "card": typed["card"] * 9}),
        press(mia, hers, {"what": "signed"}),
        press(mia, hers, {**typed, "what": "withdrawn"}),
    ]
    assert [answer.status_code for answer in wrong] == [422] * len(wrong)
    assert (work(mia), said(mia)) == (0, [])
    with mia.scope() as scope:
        subject_portal.create_portal_link(scope, ida)
    assert press(mia, hers, typed).status_code == 404, "an old link cannot sign"
