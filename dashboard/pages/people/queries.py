"""Queries of the Consent & models page: people, pending confirmations, shoot cards and bans."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.outbox import outbox
from gate.consent import consent_offers, shoot_cards, subject_portal
from gate.consent.consent_offers import ConsentOfferSummary
from gate.consent.shoot_cards import ShootCardView
from gate.consent.subject_portal import LinkedPerson
from gate.evidence import person_dossiers
from gate.evidence.person_dossiers import MAX_DOSSIERS, PersonDossier
from gate.people import account_holders, age_requests, depiction_bans
from gate.people.account_holders import HeldAccount
from gate.people.age_proofs import AgeProofSubmitted
from gate.people.age_requests import ClaimedAccount
from gate.people.persons import REAL_PERSON
from gate.reviews import bystanders, depicted_people
from gate.reviews.bystanders import BystanderCount
from gate.reviews.depicted_people import PendingProposal
from gate.reviews.face_bans import list_face_bans
from studio.library import assets
from studio.library.queries import AssetCard, list_asset_cards
from tenants.agencies.queries import Creator, get_agency, list_members
from tenants.agencies.rights import OUTSIDE_ROLES

REFERENCES = 36
"""Number of newest images of a creator that are offered as references."""


@dataclass(frozen=True)
class PeopleView:
    """All people of the agency, or those of some creators.

    `more` is True if the list is cut. `offers` maps each person to their newest consent offer.
    """

    dossiers: Sequence[PersonDossier]
    more: bool
    offers: Mapping[UUID, ConsentOfferSummary]
    creators: Sequence[Creator]
    now: datetime


def load_people(
    scope: Scope, creators: Sequence[Creator], *, named: str, only: Collection[UUID] | None
) -> PeopleView:
    """Return people, sorted by name. With `only`, return those who are one of these creators."""
    found = person_dossiers.list_dossiers(scope, named=named, creators=only, limit=MAX_DOSSIERS + 1)
    newest: dict[UUID, ConsentOfferSummary] = {}
    for one in consent_offers.list_consent_offers(
        scope, [each.id for each in found if each.facts.kind == REAL_PERSON]
    ):
        newest.setdefault(one.person_id, one)
    return PeopleView(found[:MAX_DOSSIERS], len(found) > MAX_DOSSIERS, newest, creators, scope.now)


@dataclass(frozen=True)
class ProfileContext:
    """Context of one profile.

    `names` maps actors to names of members. `platforms` and `surfaces` are those of the agency's
    accounts. `waits` is True while a proof of age is being saved.
    """

    names: Mapping[str, str]
    platforms: Sequence[str]
    surfaces: Sequence[str]
    waits: bool
    custodians: bool
    """True if the agency has an outside custodian."""
    requested: bool
    """True if a custodian has an open request about this person."""
    members: Mapping[UUID, str]
    """Names of the agency's own members, keyed by ID. One of them may be this person."""
    contact: LinkedPerson | None
    accounts: Mapping[UUID, ClaimedAccount]
    """The agency's accounts, keyed by channel ID. This person may hold some of them."""
    held_accounts: Sequence[HeldAccount]
    """Accounts that a custodian confirmed as held by this person."""


def load_profile_context(scope: Scope, person_id: UUID) -> ProfileContext:
    """Return the context that a profile and its forms need."""
    members = list_members(scope)
    accounts = queries.list_channels(scope)
    people = subject_portal.list_linkable_people(scope)
    return ProfileContext(
        {f"member:{one.id}": one.name for one in members},
        sorted({one.platform for one in accounts}),
        sorted({one.surface for one in accounts if one.surface}),
        outbox.is_pending(scope, person_id, AgeProofSubmitted.kind),
        age_requests.has_custodian(scope),
        age_requests.is_person_requested(scope, person_id),
        {one.id: one.name for one in members if one.role not in OUTSIDE_ROLES},
        next((one for one in people if one.person_id == person_id), None),
        {
            channel.id: ClaimedAccount(channel.id, channel.platform, channel.account)
            for channel in accounts
            if channel.account
        },
        account_holders.list_held_accounts(scope, person_id),
    )


def list_reference_candidates(scope: Scope, creator_id: UUID) -> list[AssetCard]:
    """Return images of a creator that may become references.

    Demo images are omitted if the creator also has real images.
    """
    found = list_asset_cards(scope, creator_id, limit=REFERENCES)
    own = assets.needs_label_separation(scope, creator_id)
    return [one for one in found if not one.standing.is_withheld and not (own and one.label)]


@dataclass(frozen=True)
class ShootCardsView:
    """Shoot cards of some creators and the options of the form for a new card."""

    cards: Sequence[ShootCardView]
    creators: Sequence[Creator]
    shown: Sequence[LinkedPerson]
    platforms: Sequence[str]
    zone: str
    now: datetime


def load_shoot_cards(scope: Scope, creators: Sequence[Creator]) -> ShootCardsView:
    """Return the cards and the real people that a new card may list."""
    return ShootCardsView(
        shoot_cards.list_cards(scope, [one.id for one in creators]),
        creators,
        subject_portal.list_linkable_people(scope),
        sorted({one.platform for one in queries.list_channels(scope)}),
        get_agency(scope).zone,
        scope.now,
    )


def list_pending_confirmations(scope: Scope, creators: Sequence[Creator]) -> list[PendingProposal]:
    """Return the images of these creators with tags that only one member has entered."""
    return depicted_people.list_pending_proposals(scope, creators=[one.id for one in creators])


def list_unrecognizable(scope: Scope, creators: Sequence[Creator]) -> list[BystanderCount]:
    """Return the images of these creators whose number of unrecognizable people was entered by only
    one member."""
    return bystanders.list_pending_bystanders(scope, [one.id for one in creators])


@dataclass(frozen=True)
class DepictionBanEntry:
    """A person who must not be depicted.

    `way` is "name" or "face". `said` is the name, or the reason of a face ban. `by` is the name of
    the member who added the entry, empty if they have left. `ending_by` is the first of the two
    members who remove a face.
    """

    id: UUID
    way: str
    said: str
    noted_by: str
    by: str
    since: datetime
    ending_by: UUID | None = None


def list_depiction_ban_entries(scope: Scope) -> list[DepictionBanEntry]:
    """Return name bans and face bans, newest first."""
    names = {f"member:{one.id}": one.name for one in list_members(scope)}
    found = [
        DepictionBanEntry(
            one.id, "name", one.name, one.noted_by, names.get(one.noted_by, ""), one.since
        )
        for one in depiction_bans.list_depiction_bans(scope)
    ]
    found += [
        DepictionBanEntry(
            one.id,
            "face",
            one.why,
            one.noted_by,
            names.get(one.noted_by, ""),
            one.since,
            one.ending_by,
        )
        for one in list_face_bans(scope)
    ]
    return sorted(found, key=lambda one: one.since, reverse=True)
