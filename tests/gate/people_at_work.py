"""People as an agency writes them down, by the rooms' own functions, and the workers who do what was asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from foundation.database import Scope
from foundation.ids import uuid7
from gate import bystanders, facing, inventing, labels, naming, offers, people, proposing, proving
from gate.bystanders import BystandersJudged, BystandersSaid
from gate.carded import SIGNED
from gate.declared import MODEL, REFERENCES, Source
from gate.facing import UnbarWanted
from gate.inventing import Draft
from gate.labels import LabelSaid
from gate.naming import NamingWanted
from gate.offers import Offer, OfferAnswered, Terms
from gate.proposing import PeopleProposed
from gate.proving import ProofNoted, Yes
from gate.units import Medium, Rating
from tests.gate.builders import World, asset_of, picture

HANDLERS = {
    OfferAnswered.kind: (OfferAnswered, offers.settle),
    ProofNoted.kind: (ProofNoted, proving.settle),
    PeopleProposed.kind: (PeopleProposed, proposing.settle),
    NamingWanted.kind: (NamingWanted, naming.settle),
    UnbarWanted.kind: (UnbarWanted, facing.unbar),
    BystandersSaid.kind: (BystandersSaid, bystanders.said),
    BystandersJudged.kind: (BystandersJudged, bystanders.judged),
    LabelSaid.kind: (LabelSaid, labels.settle),
}
INSTANTS = ("verified_at", "valid_until", "on_day", "at")


def work(here: Any) -> list[str]:
    """What the workers would do now of all that people asked for; the kinds of it."""
    with here.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = ANY(:kinds) RETURNING kind, subject_id, args, id",
            t=here.tenant_id,
            kinds=list(HANDLERS),
        ).all()
    for row in sorted(rows, key=lambda each: each.id):
        event, settle = HANDLERS[row.kind]
        args = {
            name: datetime.fromisoformat(value) if name in INSTANTS and value else value
            for name, value in row.args.items()
        }
        settle(event(here.tenant_id, row.subject_id, **args), tenant=here.open)  # type: ignore[operator]  # each event has a settle of its own
    return [row.kind for row in rows]


def by(here: World, member: UUID) -> Any:
    """A scope of a member."""
    return here.scope(f"member:{member}")


def somebody(here: World, kind: str = "real", **rest: Any) -> UUID:
    """Somebody of whom nothing is known but a name."""
    with by(here, here.ann) as scope:
        return people.add_person(scope, **{"kind": kind, "display_ref": "Ida", **rest})


def terms(scope: Scope, **changes: Any) -> Terms:
    whole: dict[str, Any] = {
        "scopes": ("depict", "publish"),
        "surfaces": ("sandbox",),
        "max_rating": Rating.N,
        "valid_from": scope.now - timedelta(hours=1),
        "valid_until": scope.now + timedelta(days=300),
    }
    return Terms(**(whole | changes))


def ask(here: World, person: UUID, **changes: Any) -> Offer:
    """A member asks somebody for permissions."""
    with by(here, here.ann) as scope:
        offers.make(scope, person, terms(scope, **changes))
        return offers.of(scope, [person])[0]


def answer(here: World, offer: Offer, said: str = SIGNED) -> None:
    """The person answers on their own page."""
    with here.scope(f"person:{offer.person_id}") as scope:
        offers.ask(scope, offer.id, said, digest=offer.digest)
    work(here)


def yes(scope: Scope, *, ago: timedelta = timedelta(days=90), **changes: Any) -> Yes:
    whole: dict[str, Any] = {"custodian": "Notaire Roux", "method": "document", "receipt": "dossier 12"}
    return Yes(**{**whole, "verified_at": scope.now - ago, **changes})


def prove(here: World, person: UUID, *, member: UUID | None = None, **changes: Any) -> None:
    """A member notes what a custodian said."""
    with by(here, member or here.ann) as scope:
        proving.ask(scope, person, yes(scope, **changes))
    work(here)


def named(here: World, medium: Medium, *persons: UUID) -> None:
    """ann says who is in a picture, and rob confirms it."""
    with by(here, here.ann) as scope:
        proposing.ask(scope, asset_of(scope, medium), persons)
    work(here)
    confirm(here, medium, *persons)


def confirm(here: World, medium: Medium, *persons: UUID, member: UUID | None = None) -> None:
    with by(here, member or here.rob) as scope:
        naming.ask(scope, asset_of(scope, medium), persons, maker=f"member:{here.ann}")
    work(here)


def references(here: World, count: int = 12, rating: Rating = Rating.G) -> tuple[str, ...]:
    """Digests of pictures of the library."""
    with here.scope() as scope:
        return tuple(picture(scope, here, rating, ai="generated").sha256 for _ in range(count))


def draft(shown: Sequence[str], **changes: Any) -> Draft:
    """A declaration whose licences allow everything."""
    whole: dict[str, Any] = {"digest": "a" * 64, "licence": "CC0", "adult": True}
    model = Source(**{"part": MODEL, "name": "atelier-1", **whole, **changes})
    return Draft((model, Source(REFERENCES, "library", "", "own", True)), tuple(shown))


def declare(here: World, person: UUID, shown: Sequence[str], **changes: Any) -> UUID:
    with by(here, here.ann) as scope:
        return inventing.declare(scope, person, draft(shown, **changes))


def stranger() -> UUID:
    """A principal who is nobody here."""
    return uuid7()
