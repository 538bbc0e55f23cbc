"""Shoot cards in the dashboard: created on Consent & models, sent as a link, and attached to
pictures at upload or later."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.consent import asset_bindings, card_answers, contact_addresses, queries, shoot_cards
from gate.consent.asset_bindings import CardBindingRequested
from gate.consent.shoot_cards import CardTerms, ShootCardView
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import CARD_SIGNED
from gate.people import persons
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick, store
from tests.dashboard.streamlit_client import stream
from tests.generators.builders import a_picture, encoded


def word(code: str, language: str = "fr", **params: str | int) -> str:
    return render_message(Message(code, params), language)


def real(who: Agency, name: str) -> UUID:
    with who.scope() as scope:
        return persons.add_person(scope, kind="real", display_ref=name)


def of(who: Agency) -> list[ShootCardView]:
    with who.scope() as scope:
        return shoot_cards.list_cards(scope, [who.creator_id])


def a_card(who: Agency, *persons: UUID, pictures: int = 5) -> UUID:
    with who.scope(who.act_as(Role.OWNER)) as scope:
        day = (scope.now - timedelta(days=1)).date()
        terms = CardTerms(
            day,
            "Europe/Paris",
            "FR",
            persons,
            ("depict", "publish"),
            ("sandbox",),
            Rating.N,
            pictures,
            12,
        )
        return shoot_cards.create_card(scope, who.creator_id, terms)


def work(door: Door, who: Agency) -> None:
    """Process the uploads and card bindings as the workers do."""
    for kind in (UploadDue.kind, CardBindingRequested.kind):
        with who.scope() as scope:
            rows = scope.run("SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
                             ":k",
                             t=who.tenant_id, k=kind).all()  # fmt: skip
            scope.run(
                "DELETE FROM outbox WHERE tenant_id = :t AND kind = :k", t=who.tenant_id, k=kind
            )
        for row in rows:
            if kind == UploadDue.kind:
                uploads.ingest_upload(
                    UploadDue(who.tenant_id, row.subject_id), tenant=door.tenant, store=store(door)
                )
            else:
                wanted = CardBindingRequested(
                    who.tenant_id, row.subject_id, UUID(row.args["card"]), row.args["by"]
                )
                asset_bindings.handle_binding(wanted, tenant=door.tenant)


@pytest.mark.parametrize("language", LANGUAGES)
def test_owner_creates_a_card_and_sees_signatures(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    ida, _ = real(who, "Ida"), real(who, "Tom")
    with stream(door.url, door.cookie(who)) as page:
        page.open("/people")
        text = page.choose(word("people.what", language), word("people.part.cards", language))
        assert word("cards.how", language) in text
        assert word("card.nobody", language, most=20) in page.press(word("cards.make", language))
        page.choose(word("cards.people", language), "Ida", "Tom")
        page.choose(word("cards.country", language), "France")
        page.choose(word("cards.places", language), word("platform.sandbox", language))
        page.choose(word("cards.rating", language), word("rating.N", language))
        page.type(word("cards.pictures", language), "7")
        text = page.press(word("cards.make", language))
        assert word("cards.made", language) in text
        assert word("cards.standing.open", language) in text
        assert text.count(word("cards.said.open", language)) == 2
        made = of(who)
        assert [
            (one.country, one.pictures, one.max_rating, one.surfaces, one.scopes) for one in made
        ] == [("FR", 7, Rating.N, ("sandbox",), ("depict", "publish"))]
        send = word("people.send_link", language, name="Ida")
        assert word("contact.no_address", language) in page.press(send)
        with who.scope(f"member:{who.members[Role.OWNER]}") as scope:
            contact_addresses.set_contact_address(scope, ida, "ida@example.test")
        text = page.press(send)
        assert word("people.link_sent", language, name="Ida") in text
        assert "/me/" not in text, "members never see the link"
        with who.scope(f"person:{ida}") as scope:
            card_answers.record_card_answer(
                scope,
                made[0].id,
                CARD_SIGNED,
                digest=queries.get_card_facts(scope, made[0].id).digest,
            )
        text = page.again()
    assert word("cards.said.signed", language) in text
    assert word("people.send_link", language, name="Tom") in text
    assert word("people.send_link", language, name="Ida") not in text


def test_pictures_are_attached_to_a_card_later(door: Door, lumiere: Agency) -> None:
    ida = real(lumiere, "Ida")
    picture(door, lumiere, rating=Rating.G)
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/studio")
        assert word("cards.put_now") not in pick(page)
        card = a_card(lumiere, ida)
        assert "Ida" in page.again()
        assert word("cards.put", count=1) in page.press(word("cards.put_now"))
        work(door, lumiere)
        text = page.again()
        page.choose(word("cards.who_is"), "Ida")
        assert word("review.own") in page.press(word("cards.who_now"))
    with stream(door.url, door.cookie(lumiere)) as page:  # another member
        page.open("/studio")
        pick(page)
        page.choose(word("cards.who_is"), "Ida")
        assert word("cards.who_told") in page.press(word("cards.who_now"))
    assert of(lumiere)[0].used == 1
    assert of(lumiere)[0].id == card
    assert word("cards.one") in text
    assert word("cards.said.open") in text


def test_uploaded_file_is_attached_to_the_chosen_card(door: Door, lumiere: Agency) -> None:
    card = a_card(lumiere, real(lumiere, "Ida"))
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/studio")
        page.choose(word("cards.which"), "Ida")
        page.attach(word("studio.files"), {"one.jpg": encoded(a_picture(1))})
        work(door, lumiere)
        page.choose(word("cards.which"), word("cards.none"))
        page.attach(word("studio.files"), {"two.jpg": encoded(a_picture(2))})
        work(door, lumiere)
    with lumiere.scope() as scope:
        rows = scope.run("SELECT card_id, bound_by FROM shoot_card_assets").all()
        assert scope.run("SELECT count(*) FROM assets").scalar() == 2
    assert [(row.card_id, row.bound_by) for row in rows] == [(card, lumiere.act_as(Role.MANAGER))]


def test_card_of_another_agency_is_not_found(door: Door, lumiere: Agency) -> None:
    other = create_agency(door.tenant)
    card = a_card(other, real(other, "Max"))
    with lumiere.scope() as scope:
        for named in (str(card), "x", ""):
            with pytest.raises(NotFound):
                asset_bindings.find_card_of_creator(scope, lumiere.creator_id, named)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Max" not in page.open("/people") + page.open("/studio")
