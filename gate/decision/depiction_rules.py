"""Rules about the people who are shown. Pure; one function per rule."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from gate.contract.facts import ConsentFacts, MediumFacts, PersonFacts
from gate.contract.reasons import Finding, Reason, block_finding, hold_finding
from gate.contract.states import PersonState
from gate.contract.units import Rating
from gate.decision.case import Case
from gate.decision.shoot_card_terms import valid_age_proofs

REAL_PERSON_KINDS = ("real", "digital_twin")
"""Kinds of people behind whom a living person stands."""


def _is_sensitive(rating: Rating) -> bool:
    return rating.rank >= Rating.N.rank


def _confirmed_people(case: Case) -> Iterator[tuple[MediumFacts, PersonFacts]]:
    """Every confirmed person of every medium that is recognisable there."""
    for medium in case.resolved_media:
        for shown in medium.shown:
            if shown.state == "confirmed" and shown.person in case.people:
                yield medium, case.people[shown.person]


def depicted_people_are_named(case: Case) -> Iterable[Finding]:
    """Nobody is shown whom nobody confirmed; from Suggestive on somebody is shown. Bystanders
    nobody can recognise are among those who were counted, never who is shown, and never in adult
    pictures."""
    for medium in case.resolved_media:
        rating = medium.rating or Rating.G
        confirmed = {shown.person for shown in medium.shown if shown.state == "confirmed"}
        hidden = {shown.person for shown in medium.shown if shown.state == "non_identifiable"}
        open_names = any(shown.state == "proposed" for shown in medium.shown)
        unknown = bool((confirmed | hidden) - case.people.keys())
        told = len(confirmed | hidden) + (0 if _is_sensitive(case.rating) else medium.bystanders)
        too_many = medium.people_seen is not None and medium.people_seen > told
        nobody = rating is not Rating.G and not confirmed | hidden
        if open_names or unknown or too_many or nobody:
            yield (block_finding if _is_sensitive(case.rating) else hold_finding)(
                Reason.PERSON_UNRESOLVED
            )


def invented_voices_are_matched(case: Case) -> Iterable[Finding]:
    """Audio that is attributed to an invented person was said by an engine of ours with a voice on
    record; any other recording may be a real person's voice, and a person listens to it."""
    for medium, person in _confirmed_people(case):
        generated = medium.ai == "generated" and bool(medium.model)
        if person.kind == "synthetic" and medium.mime.startswith("audio/") and not generated:
            yield hold_finding(Reason.PERSON_UNRESOLVED)


def people_may_be_shown(case: Case) -> Iterable[Finding]:
    """A person who left, or was blocked, is shown nowhere."""
    for _, person in _confirmed_people(case):
        if person.state is not PersonState.ACTIVE:
            yield block_finding(Reason.CONSENT_REVOKED)


def real_people_are_of_age(case: Case) -> Iterable[Finding]:
    """Above General, a custodian said of every real person that they were of age when it was
    made."""
    for medium, person in _confirmed_people(case):
        if person.kind not in REAL_PERSON_KINDS or case.rating is Rating.G:
            continue
        known = valid_age_proofs(person, case.now)
        produced = medium.produced_at
        before = medium.card is not None and case.bundle.needs_check_before_shoot(
            medium.card.card.country
        )
        if produced is None or produced > case.now:  # what is not made yet has no date
            yield block_finding(Reason.PRODUCTION_DATE_UNKNOWN)
        elif not known:
            yield block_finding(Reason.IDENTITY_MISSING)
        elif not any(one.is_of_age_on(produced, before=before) for one in known):
            yield block_finding(Reason.IDENTITY_AFTER_PRODUCTION)


def real_people_agreed(case: Case) -> Iterable[Finding]:
    """Every real person shown gave each permission that this use needs, for this place, this rating
    and this day; a model that draws their likeness needs one more, whether it is called their
    double or not."""
    needed = ["depict", "publish"]
    if case.unit.is_sold:
        needed.append("download_sell")
    for medium, person in _confirmed_people(case):
        if person.kind in REAL_PERSON_KINDS:
            card = medium.card.card.id if medium.card is not None and medium.card.counts else None
            given = [grant for grant in person.grants if grant.card in (None, card)]
            invented = person.kind == "digital_twin" or medium.ai == "generated"
            for scope in [*needed, "ai_likeness"] if invented else needed:
                yield from _consent_findings(scope, given, case)


def _consent_findings(scope: str, given: Iterable[ConsentFacts], case: Case) -> Iterator[Finding]:
    """What is wrong with the permissions of one scope; every reason that could be put right is
    said."""
    grants = [grant for grant in given if grant.scope == scope]
    standing = [grant for grant in grants if not grant.revoked]
    live = [grant for grant in standing if _is_grant_valid(grant, case.now)]
    if any(_is_case_covered(grant, case) for grant in live):
        return
    if not grants or scope == "ai_likeness":
        yield block_finding(Reason.CONSENT_MISSING)
    if live or scope == "download_sell":  # what was allowed is less than this use
        yield block_finding(Reason.CONSENT_SCOPE)
    if grants and (
        not standing or any(grant.revoked and _is_case_covered(grant, case) for grant in grants)
    ):
        yield block_finding(Reason.CONSENT_REVOKED)
    if standing and not live:
        yield block_finding(Reason.CONSENT_EXPIRED)


def _is_case_covered(grant: ConsentFacts, case: Case) -> bool:
    return _is_within_grant(grant, {case.unit.platform, case.place}, case.rating)


def _is_within_grant(grant: ConsentFacts, places: set[str], rating: Rating) -> bool:
    return bool(places & set(grant.surfaces)) and rating.rank <= grant.max_rating.rank


def applicable_consents(
    given: Iterable[ConsentFacts], *, platform: str, place: str, rating: Rating, now: datetime
) -> tuple[ConsentFacts, ...]:
    """Those of a person's permissions that stood then and reach a place and a rating."""
    live = (grant for grant in given if not grant.revoked and _is_grant_valid(grant, now))
    return tuple(grant for grant in live if _is_within_grant(grant, {platform, place}, rating))


def _is_grant_valid(grant: ConsentFacts, now: datetime) -> bool:
    return grant.valid_from <= now < grant.valid_until


def invented_people_are_declared(case: Case) -> Iterable[Finding]:
    """An invented person needs a declaration of what made this very picture; for Nudity and
    Explicit also a licence for it, and two others who looked."""
    for medium, person in _confirmed_people(case):
        if person.kind != "synthetic":
            continue
        declared = person.declaration
        if declared is not None and declared.models and medium.model not in ("", *declared.models):
            declared = None  # another model may draw another face
        if declared is None or (_is_sensitive(case.rating) and not declared.reviewed):
            yield (block_finding if _is_sensitive(case.rating) else hold_finding)(
                Reason.SYNTHETIC_DECLARATION_MISSING
            )
        elif _is_sensitive(case.rating) and not declared.adult_licence:
            yield block_finding(Reason.LICENCE_MISSING)


DEPICTION_RULES = (
    depicted_people_are_named,
    invented_voices_are_matched,
    people_may_be_shown,
    real_people_are_of_age,
    real_people_agreed,
    invented_people_are_declared,
)
