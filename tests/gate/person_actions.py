"""Operations on people through the public functions of the packages, and the workers that process
them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.ids import uuid7
from gate.assets import label_lifts
from gate.assets.label_lifts import LabelLiftRequested
from gate.consent import consent_offers
from gate.consent.consent_offers import ConsentOfferSummary, OfferAnswerSubmitted, OfferTerms
from gate.contract.units import Medium, Rating
from gate.decision.shoot_card_terms import CARD_SIGNED
from gate.people import account_holders, age_proofs, age_requests, persons
from gate.people.account_holders import AccountConfirmed, AccountHolderEnded
from gate.people.age_proofs import AgeConfirmation, AgeProofSubmitted
from gate.people.synthetic_person_declarations import MODEL_PART, REFERENCES_PART, DeclaredSource
from gate.reviews import bystanders, depicted_people, synthetic_people
from gate.reviews.bystanders import BystandersJudged, BystandersProposed
from gate.reviews.depicted_people import PeopleConfirmed, PeopleProposed
from gate.reviews.face_bans import FaceBanEndRequested, handle_face_ban_end
from gate.reviews.synthetic_people import DeclarationDraft
from tenants.agencies import agencies
from tenants.agencies.queries import list_members
from tenants.agencies.rights import Role
from tests.gate.builders import World, asset_of, picture

HANDLERS = {
    OfferAnswerSubmitted.kind: (OfferAnswerSubmitted, consent_offers.handle_offer_answer),
    AgeProofSubmitted.kind: (AgeProofSubmitted, age_proofs.handle_age_proof),
    AccountConfirmed.kind: (AccountConfirmed, account_holders.handle_account_confirmed),
    AccountHolderEnded.kind: (AccountHolderEnded, account_holders.handle_account_holder_end),
    PeopleProposed.kind: (PeopleProposed, depicted_people.handle_people_proposed),
    PeopleConfirmed.kind: (PeopleConfirmed, depicted_people.handle_people_confirmed),
    FaceBanEndRequested.kind: (FaceBanEndRequested, handle_face_ban_end),
    BystandersProposed.kind: (BystandersProposed, bystanders.handle_bystanders_proposed),
    BystandersJudged.kind: (BystandersJudged, bystanders.handle_bystanders_judged),
    LabelLiftRequested.kind: (LabelLiftRequested, label_lifts.handle_label_lift),
}
INSTANTS = ("verified_at", "valid_until", "on_day", "at")
READERS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(INSTANTS, datetime.fromisoformat),
    "channel_id": UUID,
}


def run_workers(here: Any) -> list[str]:
    """Process the pending tasks that members and people submitted, and return their kinds."""
    with here.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = ANY(:kinds) RETURNING kind, "
            "subject_id, args, id",
            t=here.tenant_id,
            kinds=list(HANDLERS),
        ).all()
    for row in sorted(rows, key=lambda each: each.id):
        event, settle = HANDLERS[row.kind]
        args = {
            name: READERS[name](value) if name in READERS and value else value
            for name, value in row.args.items()
        }
        # each event has a separate handler
        settle(event(here.tenant_id, row.subject_id, **args), tenant=here.open)  # type: ignore[operator]  # see above
    return [row.kind for row in rows]


def member_scope(here: World, member: UUID) -> Any:
    """Open a scope of a member."""
    return here.scope(f"member:{member}")


def add_unknown_person(here: World, kind: str = "real", **rest: Any) -> UUID:
    """Add a person with a name and no other facts."""
    with member_scope(here, here.ann) as scope:
        return persons.add_person(scope, **{"kind": kind, "display_ref": "Ida", **rest})


def build_offer_terms(scope: Scope, **changes: Any) -> OfferTerms:
    whole: dict[str, Any] = {
        "scopes": ("depict", "publish"),
        "surfaces": ("sandbox",),
        "max_rating": Rating.N,
        "valid_from": scope.now - timedelta(hours=1),
        "valid_until": scope.now + timedelta(days=300),
    }
    return OfferTerms(**(whole | changes))


def add_offer(here: World, person: UUID, **changes: Any) -> ConsentOfferSummary:
    """Create a consent offer as a member."""
    with member_scope(here, here.ann) as scope:
        consent_offers.create_consent_offer(scope, person, build_offer_terms(scope, **changes))
        return consent_offers.list_consent_offers(scope, [person])[0]


def answer_offer(here: World, offer: ConsentOfferSummary, said: str = CARD_SIGNED) -> None:
    """Answer an offer in the subject portal."""
    with here.scope(f"person:{offer.person_id}") as scope:
        consent_offers.submit_offer_answer(scope, offer.id, said, digest=offer.digest)
    run_workers(here)


def build_age_confirmation(
    scope: Scope, *, ago: timedelta = timedelta(days=90), **changes: Any
) -> AgeConfirmation:
    whole: dict[str, Any] = {
        "method": "document",
        "receipt": "dossier 12",
    }
    return AgeConfirmation(**{**whole, "verified_at": scope.now - ago, **changes})


def add_custodian(here: World) -> UUID:
    """Return the external custodian of the agency, added if missing."""
    with here.scope() as scope:
        known = [one.id for one in list_members(scope) if one.role is Role.CUSTODIAN]
        return (
            known[0]
            if known
            else agencies.add_member(
                scope,
                name="Notaire Roux",
                email=f"{uuid7()}@notaire.example",
                role=Role.CUSTODIAN,
                language="fr",
                zone="Europe/Paris",
            )
        )


def request_age_proof(here: World, person: UUID, *, member: UUID | None = None) -> UUID:
    """Request an age proof of a person as a member, and return the request ID."""
    add_custodian(here)
    with member_scope(here, here.ann) as scope:
        return age_requests.request_person_check(
            scope, person, reference="dossier 12", member_id=member
        )


def note_age_proof(
    here: World, person: UUID, *, member: UUID | None = None, **changes: Any
) -> None:
    """Request an age proof and confirm it as a custodian; `member` is the member who is this
    person."""
    asked = request_age_proof(here, person, member=member)
    with member_scope(here, add_custodian(here)) as scope:
        age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope, **changes))
    run_workers(here)


def confirm_contact_address(scope: Scope, person: UUID) -> None:
    """Mark the contact address of a person as confirmed."""
    scope.run(
        "UPDATE person_links SET address = :address, confirmed_at = house_now() "
        "WHERE person_id = :person",
        address=f"{person}@example.test",
        person=person,
    )


def name_people(here: World, medium: Medium, *persons: UUID) -> None:
    """Propose the people in a picture as Ann and confirm them as Rob."""
    with member_scope(here, here.ann) as scope:
        depicted_people.propose_people(scope, asset_of(scope, medium), persons)
    run_workers(here)
    confirm_people(here, medium, *persons)


def confirm_people(here: World, medium: Medium, *persons: UUID, member: UUID | None = None) -> None:
    with member_scope(here, member or here.rob) as scope:
        depicted_people.submit_people_confirmation(
            scope, asset_of(scope, medium), persons, maker=f"member:{here.ann}"
        )
    run_workers(here)


def add_reference_pictures(
    here: World, count: int = 12, rating: Rating = Rating.G
) -> tuple[str, ...]:
    """Record library pictures and return their digests."""
    with here.scope() as scope:
        return tuple(picture(scope, here, rating, ai="generated").sha256 for _ in range(count))


def build_declaration(shown: Sequence[str], **changes: Any) -> DeclarationDraft:
    """Return a declaration whose licenses permit everything."""
    whole: dict[str, Any] = {"digest": "a" * 64, "licence": "CC0", "adult": True}
    model = DeclaredSource(**{"part": MODEL_PART, "name": "atelier-1", **whole, **changes})
    return DeclarationDraft(
        (model, DeclaredSource(REFERENCES_PART, "library", "", "own", True)), tuple(shown)
    )


def declare_person(here: World, person: UUID, shown: Sequence[str], **changes: Any) -> UUID:
    with member_scope(here, here.ann) as scope:
        return synthetic_people.declare_synthetic_person(
            scope, person, build_declaration(shown, **changes)
        )


def unknown_principal() -> UUID:
    """Return the ID of a principal that is not in the agency."""
    return uuid7()
