"""Attacks on the process and on audiences."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from foundation.ids import INSTALLATION_ID, uuid7
from gate.contract.units import Rating, Text
from gate.permits import issuance
from gate.policy import emergency_stops
from gate.removal import recall, removal_requests
from gate.reviews import content_reviews
from gate.viewers import age_assurance
from tenants import audit
from tests.attacks.evidence import invented_person_unit, request_removal, send_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import general_picture, text_unit
from tests.gate.answers import rate_and_answer
from tests.gate.builders import Step, message, unit, world

__all__ = ["SCENARIOS"]


# ------------------------------------------------------------------ process
@register_attack("P-01")
def own_review_by_a_second_login(stage: Stage) -> Result:
    medium = invented_person_unit(stage, Rating.N)
    whole = stage.marked(text_unit(stage, "X1", media=(medium,), body="Hello"))
    reviewer = stage.world.ann if stage.harm else stage.world.rob

    def write(scope: Any) -> None:
        scope.run(  # with the privileges of the app, without the review page
            "INSERT INTO human_reviews (tenant_id, id, about, digest, principal_id, verdict, "
            "seen_percent)"
            " VALUES (:tenant, :id, 'unit', :digest, :principal, 'approve', 100)",
            tenant=stage.world.tenant_id,
            id=uuid7(),
            digest=whole.digest(),
            principal=stage.world.principal(scope, reviewer),
        )

    stage.do(write)
    return stage.send(whole, review=False)


@register_attack("P-02")
def one_reviewer_lowers_alone(stage: Stage) -> Result:
    medium = invented_person_unit(stage, Rating.E)
    rob = f"member:{stage.world.rob}"
    rating = Rating.S if stage.harm else Rating.E
    return stage.refused(
        lambda scope: rate_and_answer(scope, medium.sha256, rating, source=rob), actor=rob
    )


def swapped(stage: Stage, before: str, after: str) -> Result:
    """Change the text after rob approved text and picture."""
    whole = stage.marked(
        text_unit(stage, "X1", media=(invented_person_unit(stage, Rating.N),), body=before)
    )
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.review(whole)
    if stage.harm:
        whole = replace(whole, texts=(Text("body", after),))
    return stage.send(whole, review=False)


@register_attack("P-03")
def one_letter_after_the_approval(stage: Stage) -> Result:
    return swapped(stage, "Good evening", "Good evenings")


@register_attack("U-07")
def same_words_in_another_form(stage: Stage) -> Result:
    return swapped(
        stage, unicodedata.normalize("NFC", "Un café"), unicodedata.normalize("NFD", "Un café")
    )


@register_attack("L-06")
def translated_after_the_approval(stage: Stage) -> Result:
    return swapped(stage, "Good evening", "Buenas noches")


@register_attack("T-06")
def shortened_for_the_approval(stage: Stage) -> Result:
    long = "Good evening. " * 30
    return swapped(stage, long[:60], long)


@register_attack("P-04")
def permit_used_again(stage: Stage) -> Result:
    whole = unit(stage.world)

    def use(scope: Any) -> Any:
        entry, _ = issuance._evaluate_unit(scope, whole, stage.author, (), None, stage="mint")
        permit = issuance._build_permit(whole, Step(), entry)
        issuance.decision_log.append_entry(scope, entry)
        issuance.consume_permit(scope, permit, entry)
        return permit, entry

    permit, entry = stage.do(use)
    if not stage.harm:
        return Result("A", frozenset(), stage.sent(whole))
    for _ in range(20):
        again = stage.refused(lambda scope: issuance.consume_permit(scope, permit, entry))
        assert again.verdict == "B"
    assert stage.sent(whole) == 1
    return again


@register_attack("P-07", "P-16")
def nobody_looked(stage: Stage) -> Result:
    return send_unit(
        stage, invented_person_unit(stage, Rating.E), place="X1", review=not stage.harm
    )


@register_attack("P-13")
def place_without_a_rule(stage: Stage) -> Result:
    whole = text_unit(stage, "X1", media=(general_picture(stage),), body="Hello")
    return stage.send(replace(whole, surface="x.community_note") if stage.harm else whole)


@register_attack("P-18")
def stop_reopened_by_one_person_at_once(stage: Stage) -> Result:
    ann = f"member:{stage.world.ann}"
    if stage.harm:
        stage.do(
            lambda scope: emergency_stops.close_switch(
                scope, "tenant", "", "sending", reason="alarm"
            ),
            actor=ann,
        )
        again = stage.refused(
            lambda scope: emergency_stops.reopen_switch(
                scope, "tenant", "", "sending", reason="over"
            ),
            actor=ann,
        )
        assert again.verdict == "B"
    return stage.send(unit(stage.world))


@register_attack("P-19")
def flood_of_complaints(stage: Stage) -> Result:
    named, drowned, other = (
        invented_person_unit(stage, Rating.N),
        invented_person_unit(stage, Rating.N),
        invented_person_unit(stage, Rating.N),
    )
    if stage.harm:
        flood = request_removal(stage, drowned, "other", times=399) + request_removal(
            stage, named, "other"
        )
        (group,) = stage.do(
            lambda scope: removal_requests.list_pending_removal_requests(
                scope, {stage.world.creator_id}
            )
        )
        assert (set(group.ids), group.until) == (
            set(flood),
            None,
        )  # one request to decide, without a deadline
        assert send_unit(stage, other).sent == 1
    return send_unit(stage, named)


# ------------------------------------------------------------------ readers
def assure(stage: Stage, user: str, **changes: Any) -> None:
    given = {
        "platform": "sandbox",
        "method": "test",
        "assured_level": "L4",
        "over_18": True,
        "environment": "test",
    }
    stage.do(
        lambda scope: age_assurance.record_assurance(scope, user_id=user, **{**given, **changes})
    )


def private(stage: Stage, user: str) -> Result:
    return stage.send(message(stage.world, user, media=(invented_person_unit(stage, Rating.N),)))


@register_attack("V-01")
def said_to_be_of_age(stage: Stage) -> Result:
    assure(stage, "vun", **({"assured_level": "L1", "method": "self"} if stage.harm else {}))
    return private(stage, "vun")


@register_attack("V-02", "B-01")
def nobody_knows_the_reader(stage: Stage) -> Result:
    if not stage.harm:
        assure(stage, "vun")
    return private(stage, "vun")


@register_attack("V-03")
def assurance_that_ended(stage: Stage) -> Result:
    assure(stage, "vexp", **({"lives": timedelta(milliseconds=1)} if stage.harm else {}))
    return private(stage, "vexp")


@register_attack("V-06")
def assured_elsewhere(stage: Stage) -> Result:
    assure(stage, "vok" if not stage.harm else "vok-elsewhere")
    return private(stage, "vok")


@register_attack("B-04")
def said_to_be_fifteen(stage: Stage) -> Result:
    assure(stage, "vok")
    if stage.harm:
        stage.do(lambda scope: age_assurance.block_viewer(scope, "sandbox", "vok"))
    return private(stage, "vok")


@register_attack("N-04")
def assured_in_another_tenant(stage: Stage) -> Result:
    other = replace(stage, world=world(stage.world.open, uuid7()))
    assure(other if stage.harm else stage, "vok")
    return private(stage, "vok")


@register_attack("N-02")
def reviewer_of_another_tenant(stage: Stage) -> Result:
    medium = invented_person_unit(stage, Rating.N)
    whole = stage.marked(text_unit(stage, "X1", media=(medium,), body="Hello"))
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    if not stage.harm:
        return stage.send(whole)
    other = replace(stage, world=world(stage.world.open, uuid7()))
    assert (
        other.refused(
            lambda scope: content_reviews.review_unit(scope, whole.digest(), verdict="approve"),
            actor=f"member:{other.world.rob}",
        ).verdict
        == "B"
    )
    row = (
        "INSERT INTO human_reviews (tenant_id, id, about, digest, principal_id, verdict, "
        "seen_percent)"
        " VALUES (:tenant, :id, 'unit', :digest, :id, 'approve', 100)"
    )
    values = {"tenant": stage.world.tenant_id, "id": uuid7(), "digest": whole.digest()}
    with pytest.raises(SQLAlchemyError, match="row-level security"):
        other.do(lambda scope: scope.run(row, **values))
    got = stage.send(whole, review=False)
    return Result("B", got.reasons | {"TENANT_BOUNDARY"}, got.sent)


@register_attack("N-01")
def picture_of_another_tenant(stage: Stage) -> Result:
    """Use the bytes of another agency in a post, then send that agency's whole post."""
    medium = general_picture(stage)
    whole = unit(stage.world, media=(medium,))
    if not stage.harm:
        return stage.send(whole)
    other = replace(stage, world=world(stage.world.open, uuid7()))
    named = other.send(unit(other.world, media=(medium,)))
    assert (named.verdict, named.sent) == ("B", 0)
    assert "RENDITION_NOT_CANONICAL" in named.reasons, "the bytes are unknown in their agency"
    got = other.send(whole)
    assert (
        other.do(
            lambda scope: audit.find_last_act(
                scope, "gate.boundary", f"delivery:{whole.subject.id}"
            )
        )
        is not None
    )
    return got


@register_attack("N-03")
def removed_elsewhere(stage: Stage) -> Result:
    medium = general_picture(stage)
    if stage.harm:
        with stage.world.open(INSTALLATION_ID, "system:operator") as scope:
            recall.block_bytes(scope, medium.sha256, category="ncii")
    return send_unit(stage, medium)
