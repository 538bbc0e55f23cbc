"""Attacks on evidence: media, consent, documents, identity and links."""

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
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import general_picture, text_unit
from tests.gate import shoot_card_builders
from tests.gate.answers import rate_and_answer
from tests.gate.builders import asset_of, picture, real_person, synthetic_person

DAY = timedelta(days=1)

__all__ = ["SCENARIOS"]


def real_person_unit(
    stage: Stage, rating: Rating | None, *, papers: dict[str, Any] | None = None, **changes: Any
) -> Medium:
    """Add a picture of a real person with complete documents, except for `papers`."""
    return stage.do(
        lambda scope: picture(
            scope, stage.world, rating, person=real_person(scope, **(papers or {})), **changes
        )
    )


def invented_person_unit(stage: Stage, rating: Rating, **changes: Any) -> Medium:
    """Add a picture of a synthetic person."""
    return stage.do(
        lambda scope: picture(
            scope, stage.world, rating, person=synthetic_person(scope, stage.world), **changes
        )
    )


def send_unit(stage: Stage, *media: Medium, place: str = "FV1", **rest: Any) -> Result:
    return stage.send(text_unit(stage, place, media=media, body="Hello"), **rest)


def request_removal(stage: Stage, medium: Medium, about: str, *, times: int = 1) -> list[UUID]:
    """Request the removal of a picture and handle the first of the requests. Return the request
    IDs."""

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
@register_attack("M-06")
def bytes_that_are_no_rendition(stage: Stage) -> Result:
    medium = general_picture(stage)
    return send_unit(stage, replace(medium, sha256="f" * 64) if stage.harm else medium)


@register_attack("M-07")
def explicit_cover(stage: Stage) -> Result:
    return send_unit(
        stage,
        general_picture(stage),
        invented_person_unit(stage, Rating.E) if stage.harm else general_picture(stage),
        place="YT1",
    )


@register_attack("M-08")
def blurred_to_lose_the_rating(stage: Stage) -> Result:
    source = invented_person_unit(stage, Rating.E) if stage.harm else general_picture(stage)
    blurred = stage.do(
        lambda scope: picture(scope, stage.world, Rating.G, parent=asset_of(scope, source))
    )
    return send_unit(stage, blurred, place="IG1")


@register_attack("M-10")
def removed_picture_made_smaller(stage: Stage) -> Result:
    """Upload a smaller, re-encoded copy of a picture whose removal request was upheld."""
    shown = invented_person_unit(stage, Rating.E, phash="ff00ff00ff00ff00")
    for one in request_removal(stage, shown, "shown"):
        stage.do(lambda scope, one=one: removal_requests.uphold_removal_request(scope, one))
    return send_unit(
        stage,
        invented_person_unit(
            stage, Rating.E, phash="ff00ff00ff00ff07" if stage.harm else "00ff00ff00ff00ff"
        ),
    )


@register_attack("M-12")
def own_picture_said_to_be_a_photograph(stage: Stage) -> Result:
    made = invented_person_unit(stage, Rating.G, ai="generated")
    return send_unit(stage, replace(made, ai="none") if stage.harm else made, place="X1")


@register_attack("M-13")
def classifiers_far_apart(stage: Stage) -> Result:
    medium = invented_person_unit(stage, Rating.G)
    second = Rating.E if stage.harm else Rating.S

    def look(scope: Any) -> None:
        for source, rating in (("classifier:one@1", Rating.G), ("classifier:two@1", second)):
            inspections.record_classifier_finding(
                scope, medium.sha256, source=source, rating=rating
            )

    stage.do(look)
    return send_unit(stage, medium)


# ------------------------------------------------------------------ links
def linked(stage: Stage, place: str) -> Result:
    return stage.send(
        text_unit(
            stage, place, body="more on https://shop.test/mia", media=(general_picture(stage),)
        )
    )


@register_attack("R-06")
def short_link_to_an_adult_page(stage: Stage) -> Result:
    url, whose = "https://shop.test/mia", stage.world.creator_id
    stage.do(
        lambda scope: link_targets.register_link_target(
            scope, whose, url, rating=Rating.G, adult=stage.harm
        )
    )
    return linked(stage, "TT1")


@register_attack("R-07")
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


@register_attack("R-11")
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
@register_attack("C-01")
def sold_without_that_permission(stage: Stage) -> Result:
    def build(scope: Any) -> Medium:
        person = real_person(scope)
        if stage.harm:
            revoke_consent(scope, person, what="download_sell")
        return picture(scope, stage.world, Rating.E, person=person)

    sold = replace(
        text_unit(stage, "FV1", media=(stage.do(build),), body="x"),
        subject=Subject("fulfilment", uuid7()),
    )
    return stage.send(sold)


@register_attack("C-03")
def platform_outside_the_permission(stage: Stage) -> Result:
    places = ("telegram", "own_page") if stage.harm else ("telegram", "x")
    return send_unit(
        stage, real_person_unit(stage, Rating.G, papers={"surfaces": places}), place="X1"
    )


@register_attack("C-04")
def second_face_nobody_named(stage: Stage) -> Result:
    return send_unit(stage, real_person_unit(stage, Rating.E, people_seen=2 if stage.harm else 1))


@register_attack("C-05")
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
    return send_unit(stage, medium)


@register_attack("C-06")
def permission_that_ended(stage: Stage) -> Result:
    ends = timedelta(hours=-1) if stage.harm else DAY
    return send_unit(stage, real_person_unit(stage, Rating.S, papers={"until": ends}))


@register_attack("C-07")
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
    return send_unit(stage, medium)


@register_attack("C-08")
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
    return send_unit(stage, medium)


@register_attack("C-09")
def handed_over_then_revoked(stage: Stage) -> Result:
    person = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    first = send_unit(stage, medium)
    assert first.sent == 1
    if stage.harm:
        stage.do(lambda scope: revoke_consent(scope, person, what="publish"))
    return send_unit(stage, medium)  # each later download is decided again


# ------------------------------------------------------------------ identity
@register_attack("I-01")
def identity_after_production(stage: Stage) -> Result:
    checked = timedelta(days=29) if stage.harm else timedelta(days=31)
    return send_unit(
        stage, real_person_unit(stage, Rating.E, papers={"checked": checked}, age=30 * DAY)
    )


@register_attack("I-08")
def card_signed_by_the_uploader(stage: Stage) -> Result:
    """Let the uploader sign the shoot card herself. In the twin the named person signs it in the
    portal."""
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
        return send_unit(stage, medium)
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
    # another member named the depicted person, and every consent exists: only the date is missing
    other = stage.do(real_person)
    named = {"how": "face", "confirmed_by": f"member:{stage.world.rob}"}
    stage.do(lambda scope: ratings.record_depiction(scope, asset_of(scope, medium), other, **named))
    return send_unit(stage, medium)


@register_attack("I-02")
def date_typed_by_hand(stage: Stage) -> Result:
    return send_unit(
        stage, real_person_unit(stage, Rating.E, source="form" if stage.harm else "capture")
    )


@register_attack("I-04")
def real_person_called_invented(stage: Stage) -> Result:
    person = stage.do(real_person)
    medium = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    if not stage.harm:
        return send_unit(stage, medium)
    for role in ("app", "gate"):
        try:
            with stage.world.open(stage.world.tenant_id, "system:x", role=role) as scope:
                scope.run("UPDATE persons SET kind = 'synthetic'")
        except SQLAlchemyError:
            continue
        return Result("A", frozenset(), 1)
    return Result("B", frozenset({"ROLE_FORBIDDEN"}), 0)


@register_attack("I-05")
def double_without_likeness(stage: Stage) -> Result:
    def build(scope: Any) -> Medium:
        person = real_person(scope, scopes=("depict", "publish", "ai_likeness"), surfaces=("x",))
        twin = persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=person)
        if stage.harm:
            revoke_consent(scope, person, what="ai_likeness")
        return picture(scope, stage.world, Rating.S, person=twin)

    return send_unit(stage, stage.do(build), place="X1")


@register_attack("I-06")
def invented_without_adult_licence(stage: Stage) -> Result:
    person = stage.do(
        lambda scope: synthetic_person(scope, stage.world, adult_licence=not stage.harm)
    )
    return send_unit(
        stage, stage.do(lambda scope: picture(scope, stage.world, Rating.N, person=person))
    )


@register_attack("I-07")
def looks_like_a_minor(stage: Stage) -> Result:
    from foundation.i18n.translation import Message

    medium = invented_person_unit(stage, Rating.E)
    if stage.harm:
        why = Message("prohibited.minor")
        stage.do(
            lambda scope: rate_and_answer(
                scope, medium.sha256, Rating.X, source="classifier@1", reason=why
            )
        )
    return send_unit(stage, medium)


@register_attack("I-09")
def answer_about_a_later_day(stage: Stage) -> Result:
    def build(scope: Any) -> Medium:
        person = real_person(scope, checked=timedelta())
        day = scope.now - (timedelta(days=90) if stage.harm else timedelta(days=110))
        facts = {"custodian": "c", "method": "m", "verified_at": scope.now, "evidence_digest": ""}
        persons.record_age_proof(scope, person, on_day=day, **facts)
        return picture(
            scope, stage.world, Rating.E, person=person, source="publication", age=100 * DAY
        )

    return send_unit(stage, stage.do(build))
