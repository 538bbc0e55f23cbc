"""Consent & models: adding people, consent, age checks, identification by two members,
declarations; by permitted roles only."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.consent import consent_offers
from gate.consent.consent_offers import ConsentOfferSummary
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import CARD_SIGNED
from gate.evidence import person_dossiers
from gate.evidence.person_dossiers import PersonDossier
from gate.faces import known_faces
from gate.people import age_proofs, age_requests, persons
from gate.ratings import ratings
from gate.reviews import bystanders, synthetic_people
from studio.library import assets
from studio.library import queries as studio_reads
from tenants.agencies.rights import Role
from tests.conftest import Cluster, wait_until
from tests.dashboard.auth.test_guest_reviewers import comes
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick
from tests.dashboard.streamlit_client import Stream, stream
from tests.gate import person_actions
from tests.gate.person_actions import build_age_confirmation


def word(code: str, language: str = "fr", **params: str | int) -> str:
    return render_message(Message(code, params), language)


def work(who: Agency) -> list[str]:
    return person_actions.run_workers(who)


def known(who: Agency) -> list[PersonDossier]:
    with who.scope() as scope:
        return person_dossiers.list_dossiers(scope)


def asked(who: Agency, person: UUID) -> ConsentOfferSummary:
    with who.scope() as scope:
        return consent_offers.list_consent_offers(scope, [person])[0]


def sign(who: Agency, person: UUID) -> None:
    offer = asked(who, person)
    with who.scope(f"person:{person}") as scope:
        consent_offers.record_offer_answer(scope, offer.id, CARD_SIGNED, digest=offer.digest)


def confirm_open(who: Agency) -> None:
    """Confirm the open age request as the custodian."""
    with who.scope(f"member:{who.members[Role.CUSTODIAN]}") as scope:
        (one,) = age_requests.list_open_requests(scope)
        age_proofs.submit_age_proof(scope, one.id, build_age_confirmation(scope))


def part(page: Stream, name: str) -> str:
    return page.choose(word("people.what"), word(f"people.part.{name}"))


@pytest.fixture
def manager(door: Door, lumiere: Agency) -> Iterator[Stream]:
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        yield page


@pytest.mark.parametrize("language", LANGUAGES)
def test_manager_completes_a_real_person(door: Door, tenant: OpenScope, language: str) -> None:
    who = create_agency(tenant, language=language)
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        assert word("people.nobody", language) in page.open("/people")
        assert word("person.bad_name", language, most=80) in page.press(
            word("people.add_now", language)
        )
        page.type(word("people.name", language), "Ida")
        text = page.press(word("people.add_now", language))
        assert word("people.added_real", language, name="Ida") in text
        for missing in ("depict", "publish", "age"):
            assert word(f"people.missing.{missing}", language) in text
        assert word("asking.no_place", language) in page.press(word("people.ask_now", language))
        page.choose(word("cards.places", language), word("platform.sandbox", language))
        page.choose(word("cards.rating", language), word("rating.N", language))
        assert word("people.asked", language, name="Ida") in page.press(
            word("people.ask_now", language)
        )
        ida = known(who)[0].id
        assert word("contact.no_address", language) in page.press(
            word("people.send_link", language, name="Ida")
        )
        page.type(word("people.address", language), "ida@example.test")
        text = page.press(word("people.address_now", language))
        assert word("people.link_sent", language, name="Ida") in text
        assert "/me/" not in text, "members never see the link"
        assert word("proof.bad_reference", language, most=80) in page.press(
            word("people.prove_now", language)
        )
        page.type(word("people.reference", language), "dossier 12")
        assert word("people.proof_requested", language, name="Ida") in page.press(
            word("people.prove_now", language)
        )
        assert word("people.prove_waits", language) in page.again()
        confirm_open(who)
        assert word("people.being_noted", language) in page.again()
        assert work(who) == ["person.prove"]
        sign(who, ida)
        text = page.again()
    terms = asked(who, ida).terms
    assert (terms.surfaces, terms.max_rating, set(terms.scopes)) == (
        ("sandbox",),
        Rating.N,
        {"depict", "publish"},
    )
    assert word("people.ready", language) in text
    assert word("people.ready_adult", language) in text
    assert word("people.proven", language, by="Custodian", at="").split("Custodian")[0] in text
    assert "Custodian" in text, "the custodian is named"
    assert not [code for one in known(who) for code in (*one.general, *one.adult)]


def test_change_during_a_page_load_is_drawn(
    door: Door, lumiere: Agency, manager: Stream, cluster: Cluster
) -> None:
    manager.open("/people")
    manager.type(word("people.name"), "Ida")
    manager.press(word("people.add_now"))
    manager.type(word("people.reference"), "dossier 12")
    manager.press(word("people.prove_now"))
    confirm_open(lumiere)
    manager.again()
    with ThreadPoolExecutor(1) as beside, held(cluster, "channels") as waits:
        drawn = beside.submit(manager.again)
        wait_until(waits)  # the page is between its two reads
        assert work(lumiere) == ["person.prove"]
    proven = word("people.proven", by="Custodian", at="").split("Custodian")[0]
    assert proven in drawn.result() or proven in manager.tick()


@contextmanager
def held(cluster: Cluster, table: str) -> Iterator[Callable[[], bool]]:
    """Lock a table against reads and yield a function that returns True while another session waits
    for it."""
    engine = create_engine(cluster.url("postgres", "house"))
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:table AS regclass)"
    )
    with engine.connect() as holding, engine.connect() as looking:
        holding.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield lambda: bool(looking.execute(waiting, {"table": table}).scalar())
        holding.rollback()
    engine.dispose()


def test_identified_person_is_confirmed_by_another_member(
    door: Door, lumiere: Agency, manager: Stream
) -> None:
    with lumiere.scope() as scope:
        ida = persons.add_person(scope, kind="real", display_ref="Ida")
    asset = picture(door, lumiere, rating=Rating.G)
    manager.open("/studio")
    pick(manager)
    manager.choose(word("people.who_is"), "Ida")
    assert word("people.proposed") in manager.press(word("people.propose"))
    work(lumiere)
    assert word("people.named_open", names="Ida") in manager.again()
    manager.open("/people")
    assert word("people.named_by_you") in part(manager, "pictures")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/people")
        assert word("people.who_is") in part(page, "pictures")
        assert word("cards.who_told") in page.press(word("cards.who_now"))
        assert work(lumiere) == ["card.name"]
        assert word("people.no_open_picture") in page.again()
    with lumiere.scope() as scope:
        row = scope.run(
            "SELECT person_id, state, confirmed_by FROM depictions WHERE asset_id = :a", a=asset
        ).one()
    assert tuple(row) == (ida, "confirmed", lumiere.act_as(Role.OWNER))


def references(door: Door, who: Agency, *, rating: Rating = Rating.G) -> None:
    for seed in range(12):
        picture(door, who, seed=seed, rating=rating)


def test_declared_character_is_reviewed_by_two_others(
    door: Door, lumiere: Agency, manager: Stream
) -> None:
    references(door, lumiere)
    manager.open("/people")
    manager.choose(word("people.kind"), word("people.kind.synthetic"))
    manager.type(word("people.name"), "Vega")
    text = manager.press(word("people.add_now"))
    assert word("people.missing.declaration") in text
    manager.type(word("people.source.model"), "atelier-1")
    manager.type(word("people.licence"), "CC0")
    manager.check(word("people.adult_use"))
    manager.choose(word("people.which_references"), *(str(number) for number in range(1, 13)))
    manager.type(word("people.licence"), "à nous", nth=2)
    manager.check(word("people.adult_use"), nth=2)
    manager.check(word("people.declare_sure", name="Vega"))
    text = manager.press(word("people.declare_now"))
    assert word("people.declared", name="Vega") in text
    assert word("people.others_look") in text
    assert word("people.look_now") not in manager.labels(), "the declaring member does not review"
    with lumiere.scope() as scope:
        scope.run("UPDATE members SET creators = '[\"mia\"]' WHERE role = 'guest'")
    for role in (Role.OWNER, Role.GUEST):
        with stream(door.url, comes(door, lumiere, role, f"203.0.113.{len(role)}")) as page:
            page.open("/people")
            if role is Role.OWNER:
                page.press(word("people.open", name="Vega"))
            assert word("people.look_noted") in page.press(word("people.look_now"))
            if role is Role.GUEST:
                assert word("people.nothing_waits") in page.again()
    assert word("people.looked_alike") in manager.again()
    assert (known(lumiere)[0].general, known(lumiere)[0].adult) == ((), ())


def test_doubt_about_age_is_shown(door: Door, lumiere: Agency, manager: Stream) -> None:
    references(door, lumiere)
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        vega = persons.add_person(
            scope, kind="synthetic", display_ref="Vega", creator_id=lumiere.creator_id
        )
        shown = [card.sha256 for card in library_of(scope, lumiere)]
    declare_with_references(lumiere, vega, shown)
    manager.open("/people")
    manager.press(word("people.open", name="Vega"))
    manager.choose(word("people.young"), "3")
    assert word("people.look_noted_doubt") in manager.press(word("people.look_now"))
    assert word("people.doubted") in manager.again()
    assert known(lumiere)[0].adult == ("looks",)


def library_of(scope: Any, who: Agency) -> Any:
    return studio_reads.list_asset_cards(scope, who.creator_id)


def declare_with_references(who: Agency, person: UUID, shown: list[str]) -> None:
    with who.scope(who.act_as(Role.OWNER)) as scope:
        synthetic_people.declare_synthetic_person(
            scope, person, person_actions.build_declaration(shown)
        )


def test_digital_twin_depends_on_its_real_person(lumiere: Agency, manager: Stream) -> None:
    with lumiere.scope() as scope:
        persons.add_person(scope, kind="real", display_ref="Ida")
    manager.open("/people")
    manager.choose(word("people.kind"), word("people.kind.digital_twin"))
    manager.type(word("people.name"), "Ida bis")
    text = manager.press(word("people.add_now"))
    assert word("people.twin_how", name="Ida") in text
    assert word("people.missing.ai_likeness") in text
    assert word("people.ask_now") not in manager.labels(), (
        "consent is requested from the real person"
    )


def test_all_consents_are_revoked_on_request(lumiere: Agency, manager: Stream) -> None:
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        ida = persons.add_person(scope, kind="real", display_ref="Ida")
        consent_offers.create_consent_offer(scope, ida, person_actions.build_offer_terms(scope))
    sign(lumiere, ida)
    manager.open("/people")
    manager.press(word("people.open", name="Ida"))
    manager.check(word("people.end_sure", name="Ida"))
    assert word("people.ended", name="Ida") in manager.press(word("people.end"))
    with lumiere.scope() as scope:
        assert scope.run("SELECT count(*) FROM outbox WHERE kind = 'consent.revoke'").scalar() == 1


def test_banned_name_is_removed_only_by_another_member(
    door: Door, lumiere: Agency, manager: Stream
) -> None:
    manager.open("/people")
    assert word("people.never_empty") in part(manager, "never")
    manager.type(word("people.never_name"), "Lou Martin")
    assert word("people.never_noted", name="Lou Martin") in manager.press(word("people.never_now"))
    assert word("people.never_other") in manager.again()
    assert word("people.never_end") not in manager.labels(), "another member must remove the name"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/people")
        assert "Manager" in part(page, "never"), "the member who added it is named"
        assert word("people.never_ended", name="Lou Martin") in page.press(word("people.never_end"))


def test_face_ban_is_ended_by_two_members(door: Door, lumiere: Agency, manager: Stream) -> None:
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        known_faces.add_face_ban(
            scope, subject_id=uuid7(), why="asked us not to", model="m@1", box=Sealed(b"sealed")
        )
    manager.open("/people")
    assert "asked us not to" in part(manager, "never")
    assert word("people.never_face_ending") in manager.press(word("people.never_end"))
    assert work(lumiere) == ["face.unbar"]
    assert word("people.never_ending") in manager.again()
    assert word("people.never_end") not in manager.labels(), "the first of two members has agreed"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/people")
        part(page, "never")
        assert word("people.never_face_ended") in page.press(word("people.never_end"))
        assert work(lumiere) == ["face.unbar"]
        assert word("people.never_empty") in page.again()


def test_unrecognizable_people_are_counted_and_confirmed(
    door: Door, lumiere: Agency, manager: Stream
) -> None:
    asset = picture(door, lumiere, rating=Rating.G)
    manager.open("/studio")
    pick(manager)
    assert word("people.blurred_said") in manager.press(word("people.blurred_say"))
    assert work(lumiere) == ["bystanders.say"]
    assert word("people.blurred_open", count=1) in manager.again()
    manager.open("/people")
    text = part(manager, "pictures")
    assert word("people.blurred_count", count=1) in text
    assert word("people.blurred_by_you") in text
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/people")
        part(page, "pictures")
        assert word("people.blurred_noted") in page.press(word("people.blurred_yes"))
        assert work(lumiere) == ["bystanders.judge"]
        assert word("people.no_open_picture") in page.again()
    manager.open("/studio")
    assert word("people.blurred_counted", count=1) in pick(manager)
    with lumiere.scope() as scope:
        found = bystanders.find_bystanders(scope, asset)
    assert found is not None
    assert (found.proposed, found.confirmed) == (0, 1)


def test_each_role_sees_permitted_people(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        persons.add_person(
            scope, kind="real", display_ref="Mia privée", creator_id=lumiere.creator_id
        )
        persons.add_person(scope, kind="real", display_ref="Partenaire")
        asset = picture(door, lumiere, rating=Rating.G)
        ratings.record_depiction(scope, asset, known_id(scope), how="face")
        assert assets.get_asset(scope, asset)
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = page.open("/people")
        assert "Mia privée" in text
        assert "Partenaire" not in text
        assert page.labels() == ["Rechercher", "Aide"], "creators have no actions here"
    # no creator is assigned to the guest
    with stream(door.url, door.cookie(lumiere, Role.GUEST)) as page:
        text = page.open("/people")
        assert word("people.nothing_waits") in text
        assert "Mia" not in text
    for role in (Role.CHATTER, Role.ACCOUNTANT):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            text = page.open("/people")
        assert "Mia privée" not in text
        assert "Partenaire" not in text


def known_id(scope: Any) -> UUID:
    return person_dossiers.list_dossiers(scope)[0].id
