"""Attacks on what is known: pictures, permissions, papers, readers, process, time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from foundation.ids import uuid7
from gate.consent import card_answers, queries
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.units import Medium, Rating, Subject
from gate.decision.shoot_card_terms import CARD_SIGNED
from gate.people import persons
from gate.ratings import inspections, ratings
from gate.removal import removal_requests
from gate.removal.events import RemovalRequestDue
from gate.reviews import link_targets
from tests.attacks.harness import SCENARIOS, Result, Stage, attack
from tests.attacks.texts import at, general
from tests.gate import shoot_card_builders
from tests.gate.builders import asset_of, picture, real_person, synthetic_person

DAY = timedelta(days=1)

__all__ = ["SCENARIOS"]


def shown(
    stage: Stage, rating: Rating | None, *, papers: dict[str, Any] | None = None, **changes: Any
) -> Medium:
    """A picture of a real person whose papers are in order but for what is said."""
    return stage.do(
        lambda scope: picture(
            scope, stage.world, rating, person=real_person(scope, **(papers or {})), **changes
        )
    )


def nova(stage: Stage, rating: Rating, **changes: Any) -> Medium:
    """A picture of an invented person."""
    return stage.do(
        lambda scope: picture(
            scope, stage.world, rating, person=synthetic_person(scope, stage.world), **changes
        )
    )


def send(stage: Stage, *media: Medium, place: str = "FV1", **rest: Any) -> Result:
    return stage.send(at(stage, place, media=media, body="Hello"), **rest)


def complain(stage: Stage, medium: Medium, about: str, *, times: int = 1) -> list[UUID]:
    """Somebody wants it gone; the workers have heard the first of each flood. The complaints."""

    def receive(scope: Any) -> list[UUID]:
        asked = {
            "creator_id": stage.world.creator_id,
            "category": about,
            "named": "i",
            "digests": [medium.sha256],
        }
        receipts = [
            removal_requests.receive_removal_request(scope, **asked, source="one place")
            for _ in range(times)
        ]
        return [removal_requests.find_status_by_receipt(scope, receipt).id for receipt in receipts]

    found: list[UUID] = stage.do(receive)
    removal_requests.handle_removal_request_due(
        RemovalRequestDue(stage.world.tenant_id, found[0]), tenant=stage.world.open
    )
    return found


# ------------------------------------------------------------------ media
@attack("M-06")
def bytes_that_are_no_rendition(stage: Stage) -> Result:
    medium = general(stage)
    return send(stage, replace(medium, sha256="f" * 64) if stage.harm else medium)


@attack("M-07")
def explicit_cover(stage: Stage) -> Result:
    return send(
        stage, general(stage), nova(stage, Rating.E) if stage.harm else general(stage), place="YT1"
    )


@attack("M-08")
def blurred_to_lose_the_rating(stage: Stage) -> Result:
    source = nova(stage, Rating.E) if stage.harm else general(stage)
    blurred = stage.do(
        lambda scope: picture(scope, stage.world, Rating.G, parent=asset_of(scope, source))
    )
    return send(stage, blurred, place="IG1")


@attack("M-10")
def removed_picture_made_smaller(stage: Stage) -> Result:
    """The complaint about the first one was upheld; what is brought now was saved anew, smaller."""
    shown = nova(stage, Rating.E, phash="ff00ff00ff00ff00")
    for one in complain(stage, shown, "shown"):
        stage.do(lambda scope, one=one: removal_requests.uphold_removal_request(scope, one))
    return send(
        stage, nova(stage, Rating.E, phash="ff00ff00ff00ff07" if stage.harm else "00ff00ff00ff00ff")
    )


@attack("M-12")
def own_picture_said_to_be_a_photograph(stage: Stage) -> Result:
    made = nova(stage, Rating.G, ai="generated")
    return send(stage, replace(made, ai="none") if stage.harm else made, place="X1")


@attack("M-13")
def classifiers_far_apart(stage: Stage) -> Result:
    medium = nova(stage, Rating.G)
    second = Rating.E if stage.harm else Rating.S

    def look(scope: Any) -> None:
        for source, rating in (("classifier:one@1", Rating.G), ("classifier:two@1", second)):
            inspections.record_classifier_finding(
                scope, medium.sha256, source=source, rating=rating
            )

    stage.do(look)
    return send(stage, medium)


# ------------------------------------------------------------------ links
def linked(stage: Stage, place: str) -> Result:
    return stage.send(
        at(stage, place, body="more on https://shop.test/mia", media=(general(stage),))
    )


@attack("R-06")
def short_link_to_an_adult_page(stage: Stage) -> Result:
    url, whose = "https://shop.test/mia", stage.world.creator_id
    stage.do(
        lambda scope: link_targets.register_link_target(
            scope, whose, url, rating=Rating.G, adult=stage.harm
        )
    )
    return linked(stage, "TT1")


@attack("R-07")
def link_that_changed(stage: Stage) -> Result:
    url = "https://shop.test/mia"
    stage.do(
        lambda scope: link_targets.register_link_target(
            scope, stage.world.creator_id, url, rating=Rating.G, adult=False
        )
    )
    if stage.harm:
        stage.do(lambda scope: link_targets.mark_link_target_changed(scope, url))
    return linked(stage, "IG1")


@attack("R-11")
def link_nobody_knows(stage: Stage) -> Result:
    if not stage.harm:
        url, whose = "https://shop.test/mia", stage.world.creator_id
        stage.do(
            lambda scope: link_targets.register_link_target(
                scope, whose, url, rating=Rating.G, adult=False
            )
        )
    return linked(stage, "X1")


# ------------------------------------------------------------------ consent
@attack("C-01")
def sold_without_that_permission(stage: Stage) -> Result:
    def build(scope: Any) -> Medium:
        person = real_person(scope)
        if stage.harm:
            revoke_consent(scope, person, what="download_sell")
        return picture(scope, stage.world, Rating.E, person=person)

    sold = replace(
        at(stage, "FV1", media=(stage.do(build),), body="x"), subject=Subject("fulfilment", uuid7())
    )
    return stage.send(sold)


@attack("C-03")
def platform_outside_the_permission(stage: Stage) -> Result:
    places = ("telegram", "own_page") if stage.harm else ("telegram", "x")
    return send(stage, shown(stage, Rating.G, papers={"surfaces": places}), place="X1")


@attack("C-04")
def second_face_nobody_named(stage: Stage) -> Result:
    return send(stage, shown(stage, Rating.E, people_seen=2 if stage.harm else 1))


@attack("C-05")
def permission_signed_by_the_agency(stage: Stage) -> Result:
    person = stage.do(
        lambda scope: real_person(
            scope, scopes=("depict",) if stage.harm else ("depict", "publish")
        )
    )
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    row = (
        "INSERT INTO consent_grants (tenant_id, id, person_id, scope, surfaces, max_rating, "
        "valid_from, valid_until,"
        " evidence_digest, signed_by) VALUES (:tenant, :id, :person, 'publish', '[\"sandbox\"]', "
        "'E', house_now(),"
        " house_now() + interval '1 day', '', :ann)"
    )
    values = {
        "tenant": stage.world.tenant_id,
        "id": uuid7(),
        "person": person,
        "ann": stage.world.ann,
    }
    for role in ("app", "gate"):
        try:
            with stage.world.open(stage.world.tenant_id, "system:x", role=role) as scope:
                scope.run(row, **values)
        except SQLAlchemyError:
            continue
        raise AssertionError(f"{role} wrote a permission that the person did not sign")
    return send(stage, medium)


@attack("C-06")
def permission_that_ended(stage: Stage) -> Result:
    ends = timedelta(hours=-1) if stage.harm else DAY
    return send(stage, shown(stage, Rating.S, papers={"until": ends}))


@attack("C-07")
def revoked_row_put_back(stage: Stage) -> Result:
    person = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    if stage.harm:
        stage.do(lambda scope: revoke_consent(scope, person, what="publish"))
    for role in ("app", "gate"):
        try:
            with stage.world.open(stage.world.tenant_id, "system:x", role=role) as scope:
                restored = scope.run(
                    "UPDATE consent_grants SET revoked_at = NULL WHERE revoked_at IS NOT NULL"
                )
                assert restored.rowcount == 0
        except SQLAlchemyError:
            continue
    return send(stage, medium)


@attack("C-08")
def rating_above_the_new_permission(stage: Stage) -> Result:
    person = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))

    def lower(scope: Any) -> None:
        revoke_consent(scope, person, what="publish")
        until = {
            "valid_from": scope.now - DAY,
            "valid_until": scope.now + DAY,
            "evidence_digest": "",
            "signed_by": person,
        }
        best = Rating.N if stage.harm else Rating.E
        grant_consent(scope, person, what="publish", surfaces=["sandbox"], max_rating=best, **until)

    stage.do(lower)
    return send(stage, medium)


@attack("C-09")
def handed_over_then_revoked(stage: Stage) -> Result:
    person = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    first = send(stage, medium)
    assert first.sent == 1
    if stage.harm:
        stage.do(lambda scope: revoke_consent(scope, person, what="publish"))
    return send(stage, medium)  # each later download is decided again


# ------------------------------------------------------------------ identity
@attack("I-01")
def identity_after_production(stage: Stage) -> Result:
    checked = timedelta(days=29) if stage.harm else timedelta(days=31)
    return send(stage, shown(stage, Rating.E, papers={"checked": checked}, age=30 * DAY))


@attack("I-08")
def card_signed_by_the_uploader(stage: Stage) -> Result:
    """ann fills the card and signs it herself; in the twin the person named signs it on their own
    page."""
    person = stage.do(lambda scope: real_person(scope, scopes=()))
    medium = stage.do(
        lambda scope: picture(
            scope, stage.world, Rating.E, source="form", age=60 * DAY, people_seen=1
        )
    )
    card = shoot_card_builders.add_card(stage.world, person)
    shoot_card_builders.bind_pictures(stage.world, card, medium)
    if not stage.harm:
        shoot_card_builders.answer_card(stage.world, card, person)
        return send(stage, medium)
    digest = stage.do(lambda scope: queries.get_card_facts(scope, card).digest)
    signed = stage.refused(
        lambda scope: card_answers.record_card_answer(scope, card, CARD_SIGNED, digest=digest),
        actor=stage.author,
    )
    assert signed.sent == 0
    row = (
        "INSERT INTO shoot_card_answers (tenant_id, id, card_id, person_id, said, digest, said_by)"
        " VALUES (:tenant, :id, :card, :person, 'signed', :digest, :by)"
    )
    values = {
        "tenant": stage.world.tenant_id,
        "card": card,
        "person": person,
        "digest": digest,
        "by": stage.author,
    }
    for role in ("app", "gate"):
        try:
            with stage.world.open(stage.world.tenant_id, stage.author, role=role) as scope:
                scope.run(row, id=uuid7(), **values)
        except SQLAlchemyError:
            continue
        raise AssertionError(f"{role} signed for somebody else")
    # somebody else named who is shown, and every permission is there: the date alone is missing
    other = stage.do(real_person)
    named = {"how": "face", "confirmed_by": f"member:{stage.world.rob}"}
    stage.do(lambda scope: ratings.record_depiction(scope, asset_of(scope, medium), other, **named))
    return send(stage, medium)


@attack("I-02")
def date_typed_by_hand(stage: Stage) -> Result:
    return send(stage, shown(stage, Rating.E, source="form" if stage.harm else "capture"))


@attack("I-04")
def real_person_called_invented(stage: Stage) -> Result:
    person = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    if not stage.harm:
        return send(stage, medium)
    for role in ("app", "gate"):
        try:
            with stage.world.open(stage.world.tenant_id, "system:x", role=role) as scope:
                scope.run("UPDATE persons SET kind = 'synthetic'")
        except SQLAlchemyError:
            continue
        return Result("A", frozenset(), 1)
    return Result("B", frozenset({"ROLE_FORBIDDEN"}), 0)


@attack("I-05")
def double_without_likeness(stage: Stage) -> Result:
    def build(scope: Any) -> Medium:
        person = real_person(scope, scopes=("depict", "publish", "ai_likeness"), surfaces=("x",))
        twin = persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=person)
        if stage.harm:
            revoke_consent(scope, person, what="ai_likeness")
        return picture(scope, stage.world, Rating.S, person=twin)

    return send(stage, stage.do(build), place="X1")


@attack("I-06")
def invented_without_adult_licence(stage: Stage) -> Result:
    person = stage.do(
        lambda scope: synthetic_person(scope, stage.world, adult_licence=not stage.harm)
    )
    return send(stage, stage.do(lambda scope: picture(scope, stage.world, Rating.N, person=person)))


@attack("I-07")
def looks_like_a_minor(stage: Stage) -> Result:
    from foundation.i18n.translation import Message

    medium = nova(stage, Rating.E)
    if stage.harm:
        why = Message("prohibited.minor")
        stage.do(
            lambda scope: ratings.record_rating(
                scope, medium.sha256, Rating.X, source="classifier@1", reason=why
            )
        )
    return send(stage, medium)


@attack("I-09")
def answer_about_a_later_day(stage: Stage) -> Result:
    def build(scope: Any) -> Medium:
        person = real_person(scope, checked=timedelta())
        day = scope.now - (timedelta(days=90) if stage.harm else timedelta(days=110))
        facts = {"custodian": "c", "method": "m", "verified_at": scope.now, "evidence_digest": ""}
        persons.record_age_proof(scope, person, on_day=day, **facts)
        return picture(
            scope, stage.world, Rating.E, person=person, source="publication", age=100 * DAY
        )

    return send(stage, stage.do(build))
