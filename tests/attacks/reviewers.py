"""Attacks by a single member: on the reviewer, and on the release of one's own content."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from foundation.errors import Refused
from gate.contract.units import Rating
from gate.people import account_holders
from gate.people.age_requests import ClaimedAccount
from gate.permits import issuance
from gate.reviews import content_reviews
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tests.attacks.evidence import real_person_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import text_unit
from tests.gate.builders import picture, real_person
from tests.gate.own_release_builders import (
    Author,
    build_open_bundle,
    register_passkey,
    view_pictures,
)
from tests.tenants.totp_app import KEY

__all__ = ["SCENARIOS"]

HOME, CAFE = "203.0.113.7", "198.51.100.9"


@register_attack("P-14")
def guest_who_is_the_author(stage: Stage) -> Result:
    """Open the guest's link as ann in another browser, over her connection."""

    def invites(scope: Any) -> Any:
        return agencies.add_member(
            scope,
            name="guest",
            email="guest@example.test",
            role=Role.GUEST,
            language="en",
            zone="UTC",
            creators=["mia"],
        )

    guest = stage.do(invites)
    for member, address, browser in (
        (stage.world.ann, HOME, "a"),
        (guest, HOME if stage.harm else CAFE, "b"),
    ):
        come = partial(_seen, member=member, address=address, browser=browser)
        stage.do(come)
    whole = stage.marked(
        text_unit(
            stage,
            "X1",
            media=(real_person_unit(stage, Rating.N, papers={"surfaces": ("x",)}),),
            body="Hello",
        )
    )
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.do(
        lambda scope: content_reviews.review_unit(scope, whole.digest(), verdict="approve"),
        actor=f"member:{guest}",
    )
    return stage.send(whole, review=False)


@register_attack("P-22")
def reviewer_of_the_authors_mailbox(stage: Stage) -> Result:
    """Review as a member whose address differs from that of ann by case and a tag. In the twin the
    address reaches another mailbox."""
    email = "Ann+desk@EXAMPLE.test" if stage.harm else "ann.desk@example.test"

    def invites(scope: Any) -> Any:
        return agencies.add_member(
            scope, name="desk", email=email, role=Role.MANAGER, language="en", zone="UTC"
        )

    reviewer = stage.do(invites)
    medium = real_person_unit(stage, Rating.N, papers={"surfaces": ("x",)})
    whole = stage.marked(text_unit(stage, "X1", media=(medium,), body="Hello"))
    stage.do(
        lambda scope: content_reviews.review_bytes(scope, medium.sha256, verdict="approve"),
        actor=f"member:{reviewer}",
    )
    return stage.send(whole, review=False)


def _seen(scope: Any, *, member: Any, address: str, browser: str) -> None:
    device_fingerprints.record_device(
        scope, KEY, queries.get_member(scope, member), address=address, device=browser
    )


@register_attack("P-15")
def own_picture_with_a_second_face(stage: Stage) -> Result:
    """Release a picture alone, as counsel's rule permits: ann names only herself, signs with her
    passkey and waits, but two faces were counted."""
    stage.rules = replace(build_open_bundle(), lexicon=stage.rules.lexicon)
    person = stage.do(real_person)
    faces = 2 if stage.harm else 1
    medium = stage.do(
        lambda scope: picture(scope, stage.world, Rating.E, person=person, people_seen=faces)
    )
    whole = stage.marked(text_unit(stage, "FV1", media=(medium,), body="Hello"))
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.do(partial(_holds, stage=stage, person=person))
    view_pictures(stage.world, stage.world.ann, medium)
    hers = Author(
        stage.world,
        person,
        person,
        register_passkey(stage.world, stage.world.ann),
        whole,
        stage.rules,
    )
    own = stage.refused(
        lambda scope: content_reviews.review_unit(scope, whole.digest(), verdict="approve"),
        actor=stage.author,
    )
    assert own.verdict == "B"
    if stage.harm:
        with pytest.raises(Refused, match=r"own\.lack\.person"):
            hers.releases()
    else:
        hers.releases()
    stage.pass_time(timedelta(minutes=11))
    return stage.send(whole, review=False)


def _holds(scope: Any, *, stage: Stage, person: Any) -> None:
    """Record a custodian's statement that the account belongs to her."""
    account_holders.record_account_holder(
        scope,
        person,
        principal_id=stage.world.principal(scope, stage.world.ann),
        account=ClaimedAccount(stage.world.channel_id, "sandbox", "mia-sandbox"),
        custodian="custodian",
        evidence_digest="e" * 64,
        verified_at=scope.now,
    )
