"""A revocation also covers signatures that are still being processed, in any order."""

import threading
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate import epochs
from gate.consent import card_answers, consent_offers, face_consent, queries, subject_portal
from gate.consent.card_answers import CardAnswerSubmitted
from gate.consent.consent_offers import OfferAnswerSubmitted
from gate.consent.events import RevocationRequested
from gate.consent.face_consent import FaceConsentGiven
from gate.consent.grants import FACE_CONSENT, has_revoked_since
from gate.consent.handlers import handle_revocation
from gate.consent.subject_portal import ALL_CONSENTS
from gate.decision.shoot_card_terms import CARD_SIGNED
from tests.gate import shoot_card_builders
from tests.gate.builders import World, real_person, world
from tests.gate.person_actions import add_offer, add_unknown_person

WAITING: dict[str, tuple[Any, Any]] = {
    "offer": (OfferAnswerSubmitted, consent_offers.handle_offer_answer),
    "card": (CardAnswerSubmitted, card_answers.handle_card_answer),
    "face": (FaceConsentGiven, face_consent.handle_face_consent),
}
KINDS = pytest.mark.parametrize("what", list(WAITING))


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def linked(here: World) -> UUID:
    """Add a person with a subject portal and one open request of each kind."""
    ida = add_unknown_person(here)
    with here.scope() as scope:
        subject_portal.create_portal_link(scope, ida)
    add_offer(here, ida)
    shoot_card_builders.add_card(here, ida)
    return ida


def sign(here: World, ida: UUID, what: str) -> None:
    """Sign in the subject portal; the workers have not processed it yet."""
    with here.scope(f"person:{ida}") as scope:
        if what == "face":
            face_consent.submit_face_consent(scope, ida)
        elif what == "offer":
            (sheet,) = consent_offers.list_offer_sheets(scope, ida)
            consent_offers.submit_offer_answer(
                scope, sheet.offer.id, CARD_SIGNED, digest=sheet.offer.digest
            )
        else:
            (card,) = queries.cards_naming_person(scope, ida)
            card_answers.submit_card_answer(scope, card.id, CARD_SIGNED, digest=card.digest)


def stop(here: World, ida: UUID, what: str = ALL_CONSENTS) -> None:
    with here.scope(f"person:{ida}") as scope:
        subject_portal.request_revocation(scope, ida, what)


def done(here: World, event: Any, settle: Any) -> None:
    """Process the pending tasks of one kind."""
    with here.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE kind = :kind RETURNING subject_id, args", kind=event.kind
        ).all()
    for row in rows:
        settle(
            outbox.rebuild_event(event, here.tenant_id, row.subject_id, row.args), tenant=here.open
        )


def stopped(here: World) -> None:
    done(here, RevocationRequested, handle_revocation)


def allows(scope: Scope, ida: UUID) -> bool:
    return face_consent.has_face_consent(scope, ida) or any(
        one.stands for one in subject_portal.list_consents(scope, ida)
    )


@KINDS
@pytest.mark.parametrize("late", [False, True], ids=["in order", "signature last"])
def test_signature_before_revocation_grants_nothing(here: World, what: str, late: bool) -> None:
    ida, signed = linked(here), WAITING[what]
    sign(here, ida, what)
    stop(here, ida)  # no signature is recorded yet that could be revoked
    for act in (stopped, lambda here: done(here, *signed))[:: 1 if late else -1]:
        act(here)
    with here.scope() as scope:
        assert not allows(scope, ida)


@KINDS
def test_signature_after_revocation_counts(here: World, what: str) -> None:
    ida, signed = linked(here), WAITING[what]
    sign(here, ida, what)
    stop(here, ida)
    stopped(here)
    done(here, *signed)
    sign(here, ida, what)  # the portal shows it as open again
    done(here, *signed)
    with here.scope() as scope:
        assert allows(scope, ida)


def test_revocation_without_signature_is_refused(here: World) -> None:
    ida = linked(here)
    for what in (ALL_CONSENTS, FACE_CONSENT, "publish"):
        with pytest.raises(Conflict, match=r"person\.nothing_left"):
            stop(here, ida, what)
    sign(here, ida, "face")
    with pytest.raises(Conflict, match=r"person\.nothing_left"):
        stop(here, ida, "publish")
    stop(here, ida, FACE_CONSENT)
    stopped(here)
    done(here, *WAITING["face"])
    with here.scope() as scope:
        assert not allows(scope, ida)


def test_revocation_waits_for_signature_in_progress(here: World) -> None:
    """A revocation submitted while the signature is being recorded must include it."""
    with here.scope() as scope:
        ida = real_person(scope)
        subject_portal.create_portal_link(scope, ida)
    begun, go_on = threading.Event(), threading.Event()

    def writing() -> None:
        with here.scope(f"person:{ida}") as scope:
            assert not has_revoked_since(scope, ida, scope.now)
            begun.set()
            assert go_on.wait(30)

    thread = threading.Thread(target=writing)
    thread.start()
    assert begun.wait(30)
    try:
        with here.scope() as scope:
            locked = scope.run(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))",
                key=epochs.person_key(scope, ida),
            )
            assert not locked.scalar()
    finally:
        go_on.set()
        thread.join()
