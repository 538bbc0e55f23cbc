"""People who are shown: what is proven and allowed of each, what waits for a second person, shoot cards, and those who
never are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels import reads as channel_reads
from foundation import outbox
from foundation.database import Scope
from gate import bystanders, cards, dossiers, facing, mine, never, offers, proposing
from gate.bystanders import Unknown
from gate.cards import Card
from gate.dossiers import MOST, Dossier
from gate.mine import Named
from gate.offers import Offer
from gate.people import REAL
from gate.proposing import Open
from gate.proving import ProofNoted
from studio import library as studio_library
from studio import reads as studio_reads
from studio.reads import Card as Picture
from tenants import reads as tenant_reads
from tenants.reads import Creator

REFERENCES = 36
"""So many of a creator's newest pictures are offered as references."""


@dataclass(frozen=True)
class People:
    """Everybody, or those of some creators; `more` where not all are here. `offers` are the newest by person."""

    dossiers: Sequence[Dossier]
    more: bool
    offers: Mapping[UUID, Offer]
    creators: Sequence[Creator]
    now: datetime


def people(scope: Scope, creators: Sequence[Creator], *, named: str, only: Collection[UUID] | None) -> People:
    """People by name; `only` those who are one of these creators."""
    found = dossiers.people(scope, named=named, creators=only, limit=MOST + 1)
    newest: dict[UUID, Offer] = {}
    for one in offers.of(scope, [each.id for each in found if each.facts.kind == REAL]):
        newest.setdefault(one.person_id, one)
    return People(found[:MOST], len(found) > MOST, newest, creators, scope.now)


@dataclass(frozen=True)
class Beside:
    """What stands beside one person: who noted what, by actor; where the agency posts; whether a proof is coming."""

    names: Mapping[str, str]
    platforms: Sequence[str]
    surfaces: Sequence[str]
    waits: bool


def beside(scope: Scope, person_id: UUID) -> Beside:
    """What is needed to show one person whole, and to ask them for something."""
    names = {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    accounts = channel_reads.every_channel(scope)
    return Beside(
        names,
        sorted({one.platform for one in accounts}),
        sorted({one.surface for one in accounts if one.surface}),
        outbox.awaited(scope, person_id, ProofNoted.kind),
    )


def library(scope: Scope, creator_id: UUID) -> list[Picture]:
    """Pictures of a creator that may be chosen as references; no demonstrations where those stand apart."""
    found, own = studio_reads.cards(scope, creator_id, limit=REFERENCES), studio_library.apart(scope, creator_id)
    return [one for one in found if not one.standing.withheld and not (own and one.label)]


@dataclass(frozen=True)
class Shoots:
    """Shoot cards of some creators, and what a new one is made from."""

    cards: Sequence[Card]
    creators: Sequence[Creator]
    shown: Sequence[Named]
    platforms: Sequence[str]
    zone: str
    now: datetime


def shoots(scope: Scope, creators: Sequence[Creator]) -> Shoots:
    """The cards, and everybody real whom one may name."""
    return Shoots(
        cards.of_creators(scope, [one.id for one in creators]),
        creators,
        mine.named(scope),
        sorted({one.platform for one in channel_reads.every_channel(scope)}),
        tenant_reads.agency(scope).zone,
        scope.now,
    )


def waiting(scope: Scope, creators: Sequence[Creator]) -> list[Open]:
    """Pictures of these creators in which somebody was named by one person alone."""
    return proposing.waiting(scope, creators=[one.id for one in creators])


def unknown(scope: Scope, creators: Sequence[Creator]) -> list[Unknown]:
    """Pictures of these creators in which one person alone said that somebody cannot be recognised."""
    return bystanders.waiting(scope, [one.id for one in creators])


@dataclass(frozen=True)
class Unshown:
    """Somebody nobody may show. `way` is name or face; `said` their name, or why their face is here. `by` is the name
    of who put them there, nothing once they left; `ending_by` the first of the two who take a face off."""

    id: UUID
    way: str
    said: str
    noted_by: str
    by: str
    since: datetime
    ending_by: UUID | None = None


def never_shown(scope: Scope) -> list[Unshown]:
    """Whom nobody may show, by name or by face, the newest first."""
    names = {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    found = [
        Unshown(one.id, "name", one.name, one.noted_by, names.get(one.noted_by, ""), one.since)
        for one in never.entries(scope)
    ]
    found += [
        Unshown(one.id, "face", one.why, one.noted_by, names.get(one.noted_by, ""), one.since, one.ending_by)
        for one in facing.listed(scope)
    ]
    return sorted(found, key=lambda one: one.since, reverse=True)
