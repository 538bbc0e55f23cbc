"""Ratings of the demo's pictures, the persons they depict, and their consents."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from demo.agency.cast import (
    CONSENTING_PARTNER_PICTURE,
    NOVA,
    SACHA,
    SECOND_PERSON_PICTURE,
    AgencyProfile,
    CreatorProfile,
)
from demo.agency.people import DEMO_ACTOR, creator_id_of, first_member_with_role
from foundation.db.database import OpenScope, Scope
from foundation.ids import derived_uuid
from gate.consent import grants
from gate.consent.grants import CONSENT_SCOPES, grant_consent
from gate.contract.units import Rating
from gate.people import persons
from gate.people.synthetic_person_declarations import (
    MODEL_PART,
    REFERENCES_PART,
    DeclaredSource,
    LookResult,
    source_digest,
)
from gate.ratings import ratings
from gate.reviews import synthetic_people
from studio.library.assets import assets_by_source, get_asset
from tenants.agencies.rights import Role

FIRST_CHECK = timedelta(days=400)
PERMISSION = timedelta(days=365)
"""Sacha's proof of age is older than the oldest file; consents are valid for two years from a year
ago."""

YESTERDAY = timedelta(days=1)
"""Time since the partner withdrew consent."""

CONSENT_PLATFORMS = ("own_page", "sandbox", "byhand")
NOVA_SOURCE = "scenes-1"
NOVA_LICENCE = "Greenroom"


def rate_and_record_consents(
    tenant: OpenScope, company: AgencyProfile, part: CreatorProfile
) -> None:
    """Rate a creator's pictures and record the depicted persons in one transaction, once."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        assets = assets_by_source(
            scope, creator_id_of(scope, part), [shot.key for shot in part.pictures]
        )
        if get_asset(scope, assets[part.pictures[-1].key]).rating is not None:
            return
        manager = first_member_with_role(scope, Role.MANAGER)
    with tenant(company.tenant_id, f"member:{manager.id}") as scope:
        for shot in part.pictures:
            sha256 = get_asset(scope, assets[shot.key]).sha256
            ratings.record_rating(scope, sha256, shot.rating, source=f"member:{manager.id}")
        if part is NOVA:
            _declare_nova(scope, creator_id_of(scope, part), assets)
        elif part is SACHA:
            _name_people(scope, creator_id_of(scope, part), assets, by=f"member:{manager.id}")


def _declare_nova(scope: Scope, creator: UUID, assets: Mapping[str, UUID]) -> None:
    """Declare Nova as synthetic in the manager's name; the owner and a former guest reviewed it."""
    nova = persons.add_person(scope, kind="synthetic", display_ref="Nova", creator_id=creator)
    sources = tuple(
        DeclaredSource(part, NOVA_SOURCE, "", NOVA_LICENCE, True)
        for part in (MODEL_PART, REFERENCES_PART)
    )
    references = sorted(get_asset(scope, asset).sha256 for asset in assets.values())
    declared = persons.record_declaration(
        scope,
        nova,
        source_digest=source_digest(sources, references),
        adult_licence=True,
        declared_by=first_member_with_role(scope, Role.MANAGER).principal_id,
        sources=sources,
        references=references,
    )
    for principal in (
        first_member_with_role(scope, Role.OWNER).principal_id,
        derived_uuid(scope.tenant_id, "guest"),
    ):
        synthetic_people.record_declaration_look(
            scope, declared, LookResult(principal, False, (), len(references))
        )
    for shot in NOVA.pictures:
        if shot.rating is not Rating.G:
            ratings.record_depiction(
                scope, assets[shot.key], nova, how="face", confirmed_by="generation"
            )


def _name_people(scope: Scope, creator: UUID, assets: Mapping[str, UUID], *, by: str) -> None:
    """Record Sacha with consent, a partner who withdrew it, and a person without a name."""
    sacha = persons.add_person(scope, kind="real", display_ref="Sacha", creator_id=creator)
    partner = persons.add_person(scope, kind="real", display_ref="Alex")
    stranger = persons.add_person(scope, kind="real", display_ref="Personne à identifier")
    for person in (sacha, partner):
        _record_age_proof(scope, person)
    for shot in SACHA.pictures:
        ratings.record_depiction(scope, assets[shot.key], sacha, how="face", confirmed_by=by)
    ratings.record_depiction(scope, assets[SECOND_PERSON_PICTURE], stranger, how="face")
    ratings.record_depiction(
        scope, assets[CONSENTING_PARTNER_PICTURE], partner, how="face", confirmed_by=by
    )
    grants.import_revocation(scope, partner, at=scope.now - YESTERDAY)


def _record_age_proof(scope: Scope, person: UUID) -> None:
    paper = hashlib.sha256(f"demo:{person}".encode()).hexdigest()
    since = scope.now - FIRST_CHECK
    persons.record_age_proof(
        scope,
        person,
        custodian="Greenroom",
        method="test",
        verified_at=since,
        evidence_digest=paper,
        valid_until=None,
    )
    for what in CONSENT_SCOPES[:3]:
        grant_consent(
            scope,
            person,
            what=what,
            surfaces=CONSENT_PLATFORMS,
            max_rating=Rating.E,
            valid_from=scope.now - PERMISSION,
            valid_until=scope.now + PERMISSION,
            evidence_digest=paper,
            signed_by=person,
        )
