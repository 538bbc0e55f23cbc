"""What the demo's manager saw in the pictures: ratings, who is shown, who agreed, and who took it back."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from foundation.database import OpenScope, Scope
from foundation.ids import derived
from gate import inventing, loading, people, ratings
from gate.declared import MODEL, REFERENCES, Look, Source, source_digest
from gate.units import Rating
from studio import library
from tenants.roles import Role
from workers.demo_cast import NOVA, PARTNER, SACHA, SECOND_PERSON
from workers.demo_parts import Company, Part
from workers.demo_people import SEEDING, creator_id_of, member_with

FIRST_CHECK, PERMISSION = timedelta(days=400), timedelta(days=365)
"""Sacha proved their age before the oldest file; permissions run for two years from a year ago."""

YESTERDAY = timedelta(days=1)
"""When the partner took the permission back."""

PLACES = ("own_page", "sandbox", "byhand")
SOURCE_OF_NOVA = "scenes-1"
LICENCE_OF_NOVA = "Greenroom"


def look(tenant: OpenScope, company: Company, part: Part) -> None:
    """Rate a creator's pictures and write down who is shown, in one transaction; once."""
    with tenant(company.tenant_id, SEEDING) as scope:
        assets = library.made(scope, creator_id_of(scope, part), [shot.key for shot in part.shots])
        if library.item(scope, assets[part.shots[-1].key]).rating is not None:
            return
        manager = member_with(scope, Role.MANAGER)
    with tenant(company.tenant_id, f"member:{manager.id}") as scope:
        for shot in part.shots:
            sha256 = library.item(scope, assets[shot.key]).sha256
            ratings.rate(scope, sha256, shot.rating, source=f"member:{manager.id}")
        if part is NOVA:
            _declare_nova(scope, creator_id_of(scope, part), assets)
        elif part is SACHA:
            _name_people(scope, creator_id_of(scope, part), assets, by=f"member:{manager.id}")


def _declare_nova(scope: Scope, creator: UUID, assets: Mapping[str, UUID]) -> None:
    """Nova is invented: the owner declares it, the manager and a guest of the first day looked at it."""
    nova = people.add_person(scope, kind="synthetic", display_ref="Nova", creator_id=creator)
    sources = tuple(Source(part, SOURCE_OF_NOVA, "", LICENCE_OF_NOVA, True) for part in (MODEL, REFERENCES))
    references = sorted(library.item(scope, asset).sha256 for asset in assets.values())
    declared = people.declare(
        scope,
        nova,
        source_digest=source_digest(sources, references),
        adult_licence=True,
        declared_by=member_with(scope, Role.OWNER).principal_id,
        sources=sources,
        references=references,
    )
    for principal in (member_with(scope, Role.MANAGER).principal_id, derived(scope.tenant_id, "guest")):
        inventing.note_look(scope, declared, Look(principal, False, (), len(references)))
    for shot in NOVA.shots:
        if shot.rating is not Rating.G:
            ratings.depict(scope, assets[shot.key], nova, how="face", confirmed_by="generation")


def _name_people(scope: Scope, creator: UUID, assets: Mapping[str, UUID], *, by: str) -> None:
    """Sacha is named and agreed; one file shows somebody nobody named, one a partner who took it back."""
    sacha = people.add_person(scope, kind="real", display_ref="Sacha", creator_id=creator)
    partner = people.add_person(scope, kind="real", display_ref="Alex")
    stranger = people.add_person(scope, kind="real", display_ref="Personne à identifier")
    for person in (sacha, partner):
        _prove(scope, person)
    for shot in SACHA.shots:
        ratings.depict(scope, assets[shot.key], sacha, how="face", confirmed_by=by)
    ratings.depict(scope, assets[SECOND_PERSON], stranger, how="face")
    ratings.depict(scope, assets[PARTNER], partner, how="face", confirmed_by=by)
    loading.load_revocation(scope, partner, at=scope.now - YESTERDAY)


def _prove(scope: Scope, person: UUID) -> None:
    paper = hashlib.sha256(f"demo:{person}".encode()).hexdigest()
    since = scope.now - FIRST_CHECK
    people.record_identity(
        scope, person, custodian="Greenroom", method="test", verified_at=since, evidence_digest=paper, valid_until=None
    )
    for what in people.SCOPES[:3]:
        people.grant(
            scope,
            person,
            what=what,
            surfaces=PLACES,
            max_rating=Rating.E,
            valid_from=scope.now - PERMISSION,
            valid_until=scope.now + PERMISSION,
            evidence_digest=paper,
            signed_by=person,
        )
