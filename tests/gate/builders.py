"""A small agency for gate tests: one creator, its members, and units that pass by default."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.consent.grants import grant_consent
from gate.contract.units import Medium, Rating, Subject, Text, Unit
from gate.copies import live_copies
from gate.people import persons
from gate.people.synthetic_person_declarations import LookResult
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import synthetic_people
from tenants.agencies import agencies
from tenants.agencies import queries as tenants
from tenants.agencies.rights import Role
from tests.gate.answers import answer_bytes

KEY = Ed25519PrivateKey.generate()
MIME = "image/jpeg"


@dataclass(frozen=True)
class Step:
    """A request, as the gate sees it."""

    name: str = "create"
    body: str = "post"

    def wire_digest(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()


@dataclass(frozen=True)
class World:
    """One tenant with a creator, a channel and two members."""

    open: OpenScope
    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    ann: UUID
    """Member who writes."""
    rob: UUID
    """Member who reviews."""

    def scope(self, actor: str = "system:test") -> Any:
        return self.open(self.tenant_id, actor)

    def principal(self, scope: Scope, member: UUID) -> UUID:
        return tenants.get_member(scope, member).principal_id


def world(tenant: OpenScope, tenant_id: UUID, *, ceiling: str = "E", solo: bool = False) -> World:
    """Create an agency of two members; with `solo`, of one member and a guest as reviewer."""
    people = (
        (("ann", Role.OWNER), ("gus", Role.GUEST))
        if solo
        else (("ann", Role.MANAGER), ("rob", Role.OWNER))
    )
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(
            scope, name=f"Agency {tenant_id}", language="en", zone="Europe/Paris"
        )
        creator = agencies.add_creator(
            scope,
            slug="mia",
            name="Mia",
            kind="human",
            zone="Europe/Paris",
            languages=["fr"],
            rating_ceiling=ceiling,
        )
        ann, rob = (
            agencies.add_member(
                scope,
                name=name,
                email=f"{name}@example.test",
                role=role,
                language="en",
                zone="UTC",
                creators=("mia",) if role is Role.GUEST else (),
            )
            for name, role in people
        )
    return World(tenant, tenant_id, creator, uuid7(), ann, rob)


def unit(
    world: World, *, text: str = "Good morning", media: Sequence[Medium] = (), **changes: Any
) -> Unit:
    whole = Unit(
        tenant_id=world.tenant_id,
        creator_id=world.creator_id,
        subject=Subject("delivery", uuid7()),
        platform="sandbox",
        surface="sandbox.post",
        channel_id=world.channel_id,
        account="mia-sandbox",
        audience="public",
        texts=(Text("body", text),) if text else (),
        media=tuple(media),
    )
    return replace(whole, **changes)


def message(
    world: World,
    viewer: str,
    *,
    text: str = "Hello you",
    media: Sequence[Medium] = (),
    **changes: Any,
) -> Unit:
    chat = {
        "surface": "sandbox.chat",
        "audience": "viewer",
        "viewer": viewer,
        "subject": Subject("draft", uuid7()),
    }
    return unit(world, text=text, media=media, **{**chat, **changes})


OPENINGS = """
Apples Breakfast Coffee Dinner Evenings Flowers Gardens Honey Islands Jazz Kitchens Lemons Music
Nights Oranges Photos Questions Rivers Summer Trains Umbrellas Violets Winter Xylophones Yesterday
Zebras
"""
"""An ordinary word for each letter of the alphabet."""


def sentence_beginning_with(letter: str) -> str:
    """Return an ordinary sentence, which is no short line."""
    word = next(word for word in OPENINGS.split() if word[0] == letter.upper())
    return f"{word} made me smile on the way to the market today."


def picture(
    scope: Scope,
    world: World,
    rating: Rating | None = Rating.G,
    *,
    person: UUID | None = None,
    ai: str = "none",
    source: str = "capture",
    age: timedelta = timedelta(days=30),
    phash: str | None = None,
    parent: UUID | None = None,
    people_seen: int | None = None,
    model: str = "",
    label: str = "",
) -> Medium:
    """Record a rated picture that depicts `person`, or nobody."""
    sha256 = hashlib.sha256(uuid7().bytes).hexdigest()
    asset = asset_records.record_asset(
        scope,
        creator_id=world.creator_id,
        origin="upload" if ai == "none" else "generated",
        ai=ai,
        engine="" if ai == "none" else "placeholder",
        made_at=scope.now - age,
        source=source,
        parent=parent,
        people_seen=people_seen,
        model=model,
        label=label,
    )
    asset_records.record_rendition(
        scope,
        asset,
        sha256=sha256,
        mime=MIME,
        size=1000,
        width=10,
        height=10,
        profile="post",
        phash=phash,
    )
    if rating is not None:
        ratings.record_rating(scope, sha256, rating, source="classifier@1")
    answer_bytes(scope, sha256)
    if person is not None:
        ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:rob")
    return Medium(sha256, MIME, 1000, ai=ai)


def asset_of(scope: Scope, medium: Medium) -> UUID:
    found: UUID = scope.run(
        "SELECT asset_id FROM renditions WHERE sha256 = :sha", sha=medium.sha256
    ).scalar_one()
    return found


def real_person(
    scope: Scope,
    *,
    surfaces: Sequence[str] = ("sandbox", "own_page"),
    max_rating: Rating = Rating.E,
    scopes: Sequence[str] = ("depict", "publish", "download_sell"),
    checked: timedelta = timedelta(days=200),
    until: timedelta = timedelta(days=300),
    **person: Any,
) -> UUID:
    """Add a real person with a valid age proof and consents."""
    found = persons.add_person(scope, **{"kind": "real", "display_ref": "P", **person})
    persons.record_age_proof(
        scope,
        found,
        custodian="custodian",
        method="document",
        verified_at=scope.now - checked,
        evidence_digest="e" * 64,
    )
    for what in scopes:
        grant_consent(
            scope,
            found,
            what=what,
            surfaces=surfaces,
            max_rating=max_rating,
            valid_from=scope.now - timedelta(days=1),
            valid_until=scope.now + until,
            evidence_digest="e" * 64,
            signed_by=found,
        )
    return found


def synthetic_person(
    scope: Scope,
    world: World,
    *,
    reviewed: bool = True,
    adult_licence: bool = True,
    creator_id: UUID | None = None,
) -> UUID:
    """Add a synthetic person declared by Ann and reviewed by Rob and an unknown principal."""
    found = persons.add_person(scope, kind="synthetic", display_ref="Nova", creator_id=creator_id)
    declared = persons.record_declaration(
        scope,
        found,
        source_digest="d" * 64,
        adult_licence=adult_licence,
        declared_by=world.principal(scope, world.ann),
    )
    if reviewed:
        record_declaration_looks(scope, declared, world.principal(scope, world.rob), uuid7())
    return found


def record_declaration_looks(scope: Scope, declaration: UUID, *principals: UUID) -> None:
    """Record reviews of a declaration by these principals, without doubts."""
    for principal in principals:
        synthetic_people.record_declaration_look(
            scope, declaration, LookResult(principal, False, (), 12)
        )


def publish_unit(here: World, whole: Unit, body: str = "post", native: str = "n1") -> UUID:
    """Publish a unit written by Ann and return the ID of its consumed permit. With `native`, the
    platform returned that ID."""
    with here.scope() as scope:
        jti = issuance.mint_permit(
            scope, whole, Step(body=body), key=KEY, author=f"member:{here.ann}"
        ).jti
    with here.scope() as scope:
        if native:
            live_copies.record_copy(scope, jti, native, scope.now)
    return jti
