"""Policies that allow the release of own pictures, and an author who uses them."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import yaml

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from gate.assets import viewings
from gate.contract.units import Medium, Rating, Unit
from gate.people import account_holders
from gate.people.age_requests import ClaimedAccount
from gate.permits import issuance
from gate.policy import bundle
from gate.policy.bundle import Bundle
from gate.policy.signed_release import PolicyRelease
from gate.reviews import own_releases
from gate.text import lexicon
from tenants.agencies import queries
from tenants.auth import ceremonies, challenges
from tenants.auth.challenges import ChallengedMember, RelyingParty
from tests.gate.builders import World, picture, real_person, unit, world
from tests.tenants.passkey_authenticator import Authenticator
from tests.tenants.totp_app import KEY

SITE = RelyingParty("localhost", "http://localhost", KEY)
COUNSEL = {
    "own_likeness": True,
    "counsel": "Me Test",
    "source_url": "https://law.example",
    "review_by": "2027-02-18",
}
PLACE = "sandbox.as_fanvue"


def build_matrix(version: str = "", **countries: dict[str, Any]) -> str:
    """Return the shipped matrix with these countries changed, or with release allowed in all of
    them."""
    content = yaml.safe_load(bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"))
    changed = countries or {row["id"]: COUNSEL for row in content["production"]}
    for row in content["production"]:
        row.update(changed.get(row["id"], {}))
    content["bundle_version"] = version or content["bundle_version"]
    return yaml.safe_dump(content)


def build_open_bundle(**countries: dict[str, Any]) -> Bundle:
    return bundle.parse_bundle(build_matrix(**countries).encode(), lexicon.shipped_lexicon())


def build_open_release(version: str, **countries: dict[str, Any]) -> PolicyRelease:
    """Return the same policy as an unsigned release."""
    return PolicyRelease(
        build_matrix(version, **countries), lexicon.SHIPPED_LEXICON_PATH.read_text("utf-8")
    )


@dataclass
class Author:
    """The member Ann with her picture, passkey and account."""

    world: World
    person: UUID
    holder: UUID
    device: Authenticator
    whole: Unit
    rules: Bundle | None

    @property
    def actor(self) -> str:
        return f"member:{self.world.ann}"

    @property
    def digest(self) -> str:
        return self.whole.digest()

    def signs(
        self, *, member: UUID | None = None, device: Authenticator | None = None, about: str = ""
    ) -> UUID:
        """Sign the release of the picture with a passkey."""
        who = ChallengedMember(self.world.tenant_id, member or self.world.ann)
        about = about or self.digest
        with self.world.scope(who.actor_id) as scope:
            asked = challenges.create_signing_challenge(
                scope, SITE, act=own_releases.OWN_RELEASE_ACT, about=about, member_id=who.member_id
            )
        body = (device or self.device).signs(asked)
        return ceremonies.sign_act(
            self.world.open, SITE, who, body, act=own_releases.OWN_RELEASE_ACT, about=about
        )

    def releases(self, signed: UUID | None = None, *, actor: str = "") -> UUID:
        with self.world.scope(actor or self.actor) as scope:
            return own_releases.release_own_picture(
                scope, self.digest, signed=signed or self.signs(), rules=self.rules
            )

    def judged(self, whole: Unit | None = None) -> set[str]:
        """Return the current reasons against the post."""
        with self.world.scope() as scope:
            found = issuance.judge_unit(
                scope, whole or self.whole, author=self.actor, bundle=self.rules
            )
        return {str(reason) for reason in found.reasons}


def register_passkey(here: World, member: UUID) -> Authenticator:
    """Register a passkey for the member and return its device."""
    device = Authenticator()
    with here.scope(f"member:{member}") as scope:
        options = challenges.create_registration_challenge(scope, SITE, member)
    ceremonies.register_passkey(
        here.open,
        SITE,
        ChallengedMember(here.tenant_id, member),
        device.makes(options),
        name="Phone",
    )
    return device


def view_pictures(here: World, member: UUID, *media: Medium) -> None:
    """Record that the member viewed these pictures."""
    with here.scope() as scope:
        for medium in media:
            viewings.record_viewing(scope, queries.get_member(scope, member), medium.sha256)


def add_author(
    tenant: OpenScope,
    *,
    rules: Bundle | None = None,
    seen: bool = True,
    people_seen: int | None = 1,
    **changes: Any,
) -> Author:
    """Create an author who meets every condition, except for the given changes."""
    here = world(tenant, uuid7(), solo=True)
    with here.scope() as scope:
        person = real_person(scope)
        shown = picture(scope, here, Rating.E, person=person, people_seen=people_seen)
        holder = account_holders.record_account_holder(
            scope,
            person,
            principal_id=here.principal(scope, here.ann),
            account=ClaimedAccount(here.channel_id, "sandbox", "mia-sandbox"),
            custodian="custodian",
            evidence_digest="e" * 64,
            verified_at=scope.now,
        )
    whole = unit(here, media=(shown,), **{"surface": PLACE, **changes})
    with here.scope() as scope:
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole, bundle=rules))
    found = Author(here, person, holder, register_passkey(here, here.ann), whole, rules)
    found.judged()
    if seen:
        view_pictures(here, here.ann, shown)
    return found


def advance_clock(tenant: OpenScope, minutes: float) -> None:
    """Shift the database clock, but not `people_now()`."""
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(make_interval(secs => :by))", by=60 * minutes)
