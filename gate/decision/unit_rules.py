"""The rules that a unit is judged by, one function each. Pure.

Rules about depicted persons are in `gate/decision/depiction_rules.py`, those about who is shown in
`gate/decision/answer_rules.py`, and those about reviews in `gate/decision/review_rules.py`. A rule
yields its findings against the unit, and nothing if all facts are known and satisfy it; an unknown
fact is a finding.
"""

from collections.abc import Callable, Iterable

from gate.contract.custom_emoji import find_custom_emoji
from gate.contract.facts import (
    INACTIVE_STOP,
    RESTORE_STOP,
    UNIT_REVIEW_LIFETIME,
    LinkFacts,
)
from gate.contract.reasons import Finding, Reason, block_finding, hold_finding
from gate.contract.states import AssuranceState
from gate.contract.units import (
    COMMENT_REFERENCE,
    DUTY_FLAG,
    REDIRECT_PLATFORM,
    Rating,
    Unit,
    Verdict,
)
from gate.decision import answer_rules, depiction_rules, resemblance_rules, review_rules
from gate.decision.case import Case
from gate.decision.review_rules import BYTES_REVIEW_LIFETIME, is_approved_by_other
from gate.policy.bundle import WIRE_FLAG_PATTERN, PlaceRow
from gate.text import service_texts, text_rating, urls
from gate.text.ages import describes_minor, mentions_minor
from gate.text.text_rating import MinorSignal

Rule = Callable[[Case], Iterable[Finding]]

FEW_WORDS = 3
"""Number of words up to which a message to an assured adult may be in any language."""

_AUDIENCES = ("public", "viewer")
_DESCRIBED = frozenset({"described", "hinted", "mentioned"})
"""Age rules of surfaces on which nobody under 18 may be described."""

REFERENCES = frozenset({"reuse", "quote", "repost", "reply"})
"""Kinds of references to copies of ours. Any other kind except a reply to a comment is blocked."""


def required_flags(place: PlaceRow, rating: Rating, *, ai: bool) -> tuple[str, ...]:
    """Return the flags that a request to this surface must carry, sorted. A unit has them before it
    is judged."""
    wanted = [flag for flag in place.flags.get(rating, ()) if WIRE_FLAG_PATTERN.fullmatch(flag)]
    adult = wanted if rating is not Rating.X and place.verdict(rating) is Verdict.F else []
    if adult is wanted and place.is_manual and has_other_duties(place, rating):
        adult = [*adult, DUTY_FLAG]
    return tuple(sorted({*adult, *([place.ai_flag] if ai and place.ai_flag else [])}))


def has_other_duties(place: PlaceRow, rating: Rating) -> bool:
    """Return True if the platform requires something that no field of a request can show."""
    return not all(WIRE_FLAG_PATTERN.fullmatch(flag) for flag in place.flags.get(rating, ()))


def required_marks(case: Case) -> tuple[str, ...]:
    """Return the flags that a unit must have on its surface.

    Replies to comments have none: a member reads and sends them, they are texts rated General, and
    comments have no field for flags. If a model helped, the text discloses it
    (`Case.needs_ai_words`).
    """
    return (
        ()
        if case.unit.comment_id
        else required_flags(case.row, case.rating, ai=case.is_ai_generated)
    )


def unit_belongs_to_tenant(case: Case) -> Iterable[Finding]:
    """Require that the unit belongs to this tenant and that no epoch appeared while the evidence
    was read."""
    if case.unit.tenant_id != case.facts.tenant_id or not case.facts.creator_known:
        yield block_finding(Reason.TENANT_BOUNDARY)
    if case.facts.unlocked:
        yield block_finding(Reason.EPOCH_STALE)


def policy_is_valid(case: Case) -> Iterable[Finding]:
    """Require a policy that is complete, signed and current. Safety texts are sent without it."""
    if case.facts.rules_fault and not service_texts.is_safety_text(case.unit.service):
        yield block_finding(Reason(case.facts.rules_fault))


def clocks_agree(case: Case) -> Iterable[Finding]:
    """Block everything but safety texts on a machine with a wrong clock."""
    if case.facts.skewed and not service_texts.is_safety_text(case.unit.service):
        yield block_finding(Reason.CLOCK_SKEW)


def removal_form_is_reachable(case: Case) -> Iterable[Finding]:
    """Block Nudity and Explicit while the form for removal requests is unreachable."""
    if case.facts.intake_down and case.rating.rank >= Rating.N.rank:
        yield block_finding(Reason.INTAKE_DOWN)


def unit_matches_approval(case: Case) -> Iterable[Finding]:
    """Block a unit that differs from the approved content."""
    if case.facts.changed:
        yield block_finding(Reason.UNIT_CHANGED)


def unit_is_complete(case: Case) -> Iterable[Finding]:
    """Require visible content and a known kind of audience."""
    unit = case.unit
    empty = (
        not unit.media
        and not unit.references
        and not any(words.strip() for words in unit.post_texts)
    )
    if empty or not case.unit.account:
        yield block_finding(Reason.INPUT_INVALID)
    one_reader = case.unit.audience == "viewer"
    if case.unit.audience not in _AUDIENCES or one_reader != bool(case.unit.viewer):
        yield block_finding(Reason.AUDIENCE_UNKNOWN)


def is_under_live_parent(case: Case) -> Iterable[Finding]:
    """Require that a thread part replies to our earlier part, and that every earlier part is still
    live."""
    if case.unit.reply_to and not case.facts.above_known:
        yield block_finding(Reason.REMOTE_REFERENCE)
    if case.facts.above_gone:
        yield block_finding(Reason.RECALL_IN_PROGRESS)


def media_are_ours(case: Case) -> Iterable[Finding]:
    """Require that every medium is a recorded rendition with the same bytes, neither frozen nor
    recalled."""
    known = {medium.sha256: medium for medium in case.media_facts}
    for medium in case.unit.all_media:
        facts = known.get(medium.sha256)
        if facts is None or (facts.mime, facts.size) != (medium.mime, medium.size):
            yield block_finding(Reason.RENDITION_NOT_CANONICAL)
    for facts in case.media_facts:
        if facts.state == "frozen":
            yield block_finding(Reason.COMPLAINT_FREEZE)
        elif facts.state != "made":
            yield block_finding(Reason.RECALL_IN_PROGRESS)


def references_are_ours(case: Case) -> Iterable[Finding]:
    """Require that everything the unit refers to on the platform is a live copy of ours with known
    media, which are judged like those of the unit.

    Source: Telegram file IDs, quotes and forwards show content on the platform that no rating
    covers (docs/gate.md).
    """
    if find_custom_emoji(case.unit.platform, case.unit.visible_texts):
        yield block_finding(Reason.REMOTE_REFERENCE)
    known = {medium.sha256 for medium in case.media_facts}
    for reference in (each for each in case.unit.references if each.kind != COMMENT_REFERENCE):
        there = case.referenced_copies.get(reference.native_id)
        if there is None or reference.kind not in REFERENCES or not known.issuperset(there.media):
            yield block_finding(Reason.REMOTE_REFERENCE)


def replies_are_welcome(case: Case) -> Iterable[Finding]:
    """Require that a reply answers one received comment, publicly and without media, in texts rated
    General, and that its author may be answered."""
    answered = [each.native_id for each in case.unit.references if each.kind == COMMENT_REFERENCE]
    if not answered:
        return
    heard = {known.native_id: known for known in case.facts.remarks}
    alone = len(case.unit.references) == 1 and not case.unit.reply_to and not case.unit.all_media
    if not alone or answered[0] not in heard or case.unit.audience != "public":
        yield block_finding(Reason.REMOTE_REFERENCE)
    elif not heard[answered[0]].welcome:
        yield block_finding(Reason.VIEWER_BLOCKED)
    if case.rating is not Rating.G:
        yield block_finding(Reason.RATING_EXCEEDS_SURFACE)


def media_are_rated(case: Case) -> Iterable[Finding]:
    """Require a rating of every medium, by a member if the classifiers disagree."""
    if any(medium.rating is None for medium in case.media_facts):
        yield hold_finding(Reason.RATING_MISSING)
    if any(medium.unanswered for medium in case.media_facts):
        yield hold_finding(Reason.CLASSIFIER_UNAVAILABLE)
    if any(medium.unsettled for medium in case.media_facts):
        yield hold_finding(Reason.CLASSIFIER_CONFLICT)


def no_hidden_content(case: Case) -> Iterable[Finding]:
    """Require a review by another member for files that contained something they did not show."""
    hiding = [medium.reviews for medium in case.media_facts if medium.hidden]
    if any(
        not is_approved_by_other(reviews, case, BYTES_REVIEW_LIFETIME) for reviews in hiding
    ) and not is_approved_by_other(case.facts.reviews, case, UNIT_REVIEW_LIFETIME):
        yield hold_finding(Reason.CONTAINER_HIDDEN_CONTENT)


def no_placeholder_images(case: Case) -> Iterable[Finding]:
    """Restrict pictures of the demonstration model and placeholders to test networks and to the
    page of a demonstration agency, until a member who runs the agency allows the picture."""
    if case.row.test_network or (case.row.ours and case.facts.demo):
        return
    if any(medium.label and not medium.lifted for medium in case.media_facts):
        yield block_finding(Reason.PICTURE_LABELLED)


def nothing_prohibited(case: Case) -> Iterable[Finding]:
    """Block prohibited content, for every agency."""
    if case.text_rating.prohibited == "minor" or any(
        medium.prohibited == "minor" for medium in case.media_facts
    ):
        yield block_finding(Reason.PROHIBITED_MINOR)
    if case.text_rating.prohibited == "category" or any(
        medium.prohibited == "category" for medium in case.media_facts
    ):
        yield block_finding(Reason.PROHIBITED_CATEGORY)


def no_banned_person(case: Case) -> Iterable[Finding]:
    """Block texts that name a person who must never be depicted, and pictures that look like one of
    that person."""
    if case.text_rating.banned or any(medium.banned for medium in case.media_facts):
        yield block_finding(Reason.LIKENESS_REAL_PERSON)


def not_on_the_blocklist(case: Case) -> Iterable[Finding]:
    """Block bytes on the blocklist and near copies of them; hold bytes that resemble them less
    closely."""
    for medium in case.media_facts:
        if medium.blocked == "exact":
            yield block_finding(Reason.BLOCKLIST_EXACT)
        elif medium.blocked == "near":
            yield block_finding(Reason.BLOCKLIST_NEAR)
        elif medium.blocked:
            yield hold_finding(Reason.BLOCKLIST_NEAR)


def text_is_not_obfuscated(case: Case) -> Iterable[Finding]:
    """Hold disguised texts, and above General also terms that are acceptable in General content
    only."""
    if case.text_rating.obfuscated:
        yield hold_finding(Reason.TEXT_OBFUSCATED)
    if (
        case.text_rating.contextual
        and case.rating is not Rating.G
        and not case.text_rating.prohibited
    ):
        yield hold_finding(Reason.TEXT_REPHRASE)


def language_is_supported(case: Case) -> Iterable[Finding]:
    """Require languages that the lexicon supports.

    Messages of up to three words to an assured adult are exempt, and prompts, which are lists of
    words rather than sentences.
    """
    if case.row.reader == "model" or case.language_reading.supported:
        return
    known = case.facts.viewer
    assured = known is not None and known.state is AssuranceState.ASSURED and known.over_18
    in_time = known is not None and known.expires_at is not None and case.now < known.expires_at
    if (
        case.unit.audience != "viewer"
        or not (assured and in_time)
        or case.language_reading.words > FEW_WORDS
    ):
        yield hold_finding(Reason.TEXT_LANGUAGE_UNSUPPORTED)


def no_age_under_18_is_given(case: Case) -> Iterable[Finding]:
    """Block what a model is asked for if it describes a person under 18, and names and descriptions
    of creators that state such an age. Hold the latter with terms that are acceptable in other
    General content."""
    today = case.now.date()
    if case.row.age_rule in _DESCRIBED:
        described = (text.body for text in case.unit.texts if not text.is_label)
        if any(describes_minor(text, today, lexicon=case.lexicon) for text in described):
            yield block_finding(Reason.PROHIBITED_MINOR)
    if case.row.age_rule == "own":
        stated = (
            text_rating.detect_minor_statement(text, today=today, lexicon=case.lexicon)
            for text in case.texts
        )
        if MinorSignal.STATED in stated:
            yield block_finding(Reason.PROHIBITED_MINOR)
        elif case.text_rating.contextual:
            yield hold_finding(Reason.TEXT_REPHRASE)


def minors_are_not_mentioned(case: Case) -> Iterable[Finding]:
    """Hold what a model remembers if its writer seems to be under 18, and what a model is asked to
    suggest if it mentions minors at all, such as "kids": it can write another text."""
    today = case.now.date()
    texts = [text.body for text in case.unit.texts]
    if case.row.age_rule == "hinted":
        is_mentioned = any(
            text_rating.detect_minor_statement(text, today=today, lexicon=case.lexicon)
            is not MinorSignal.NONE
            for text in texts
        )
    elif case.row.age_rule == "mentioned":
        is_mentioned = case.text_rating.contextual or any(
            mentions_minor(text, today, lexicon=case.lexicon) for text in texts
        )
    else:
        return
    if is_mentioned:
        yield hold_finding(Reason.TEXT_REPHRASE)


def place_allows_rating(case: Case) -> Iterable[Finding]:
    """Require that the surface allows the rating, by a rule that is not overdue for review."""
    if case.rating is Rating.X:
        return
    verdict = case.row.verdict(case.rating)
    if not case.row.known:
        yield Finding(verdict, Reason.DESTINATION_UNKNOWN)
        if case.facts.foreign is not None and case.facts.foreign.fault:
            yield Finding(verdict, Reason.POLICY_SIGNATURE)
    elif verdict.rank >= Verdict.H.rank:
        stale = case.rating in case.row.stale and verdict is Verdict.H
        yield Finding(verdict, Reason.POLICY_STALE if stale else Reason.RATING_EXCEEDS_SURFACE)
        if stale and case.row.misread:
            yield Finding(verdict, Reason.ATTESTATION_INVALID)
        seen = max(
            (medium.rating.rank for medium in case.media_facts if medium.rating is not None),
            default=0,
        )
        if case.text_rating.rating.rank >= Rating.N.rank and case.text_rating.rating.rank > seen:
            yield Finding(verdict, Reason.TEXT_EXPLICIT_NO_FLAG)


def place_passes_probes(case: Case) -> Iterable[Finding]:
    """Require that a destination check within the last minute confirmed what the rule demands above
    General."""
    if case.rating is Rating.X:
        return
    wanted = case.row.required_probes(case.rating, generated=case.is_ai_generated)
    if wanted and case.unit.seen is None:
        yield hold_finding(Reason.DESTINATION_PROBE_STALE)
        return
    for probe in wanted:
        if probe.see not in (case.unit.seen or ()):
            adult = case.rating.rank >= Rating.N.rank
            yield Finding(Verdict.B if adult else Verdict.H, probe.otherwise)


def creator_allows_rating(case: Case) -> Iterable[Finding]:
    """Hold ratings above the limit that the agency set for the creator."""
    if case.rating is not Rating.X and case.rating.rank > case.facts.ceiling.rank:
        yield hold_finding(Reason.RATING_EXCEEDS_CREATOR)


def required_marks_are_set(case: Case) -> Iterable[Finding]:
    """Require that the unit has every flag that the platform demands."""
    wanted = required_marks(case)
    missing = set(wanted) - set(case.unit.flags)
    if missing - {case.row.ai_flag}:
        yield block_finding(Reason.FLAG_MISSING)
    if missing & {case.row.ai_flag}:
        yield block_finding(Reason.AI_MARK_MISSING)
    if case.rating is Rating.X or case.row.verdict(case.rating) is not Verdict.F:
        return
    # On manual surfaces, the member confirms the duty in the manual task with a screenshot
    # (`DUTY_FLAG`).
    if has_other_duties(case.row, case.rating) and not case.row.is_manual:
        yield hold_finding(Reason.FLAG_MISSING)


def ai_is_disclosed(case: Case) -> Iterable[Finding]:
    """Require that AI-generated media are marked as their records say, that no text denies AI, and
    that the text discloses it if no flag does."""
    recorded = {medium.sha256: medium.ai for medium in case.media_facts}
    if any(recorded.get(medium.sha256, medium.ai) != medium.ai for medium in case.unit.media):
        yield block_finding(Reason.AI_MARK_MISSING)
    if case.is_ai_generated and case.disclosure.denied:
        yield block_finding(Reason.AI_MARK_MISSING)
    if case.needs_ai_words and not case.disclosure.stated:
        yield hold_finding(Reason.AI_MARK_MISSING)


def links_are_known(case: Case) -> Iterable[Finding]:
    """Require that every URL is ours or registered, unchanged, and allowed on the surface.

    Our short links are ours on pages, where the redirect is judged when it is followed.
    """
    own = case.facts.own_hosts
    if not case.row.link_rule:
        return
    for url in case.links:
        if case.row.link_rule == "none":
            yield hold_finding(Reason.LINK_UNREGISTERED)
            continue
        if urls.is_own_adult_page(url, own):
            if case.adult_link.rank >= Verdict.H.rank:
                yield Finding(case.adult_link, Reason.LINK_ADULT_FORBIDDEN)
            continue
        if urls.is_own_url(url, own) and (
            case.unit.is_surface or not urls.is_own_short_link(url, own)
        ):
            continue
        yield from _check_target(case, case.registered_links.get(url))


def _check_target(case: Case, target: LinkFacts | None) -> Iterable[Finding]:
    if target is None or case.row.link_rule == "own":
        yield hold_finding(Reason.LINK_UNREGISTERED)
    elif not target.active or case.now >= target.expires_at:
        yield hold_finding(Reason.LINK_CHANGED)
    elif target.adult and case.adult_link.rank >= Verdict.H.rank:
        yield Finding(case.adult_link, Reason.LINK_ADULT_FORBIDDEN)


def short_links_are_ours(case: Case) -> Iterable[Finding]:
    """Require that the short links that replace URLs are on our hosts: the owner of another host
    would decide where they lead."""
    own = case.facts.own_hosts
    if any(lead.opens and not urls.is_own_url(lead.shown, own) for lead in case.unit.leads):
        yield hold_finding(Reason.LINK_UNREGISTERED)


def viewer_is_not_blocked(case: Case) -> Iterable[Finding]:
    """Block content for viewers who are blocked or suspected to be minors. Service texts are
    exempt."""
    known = case.facts.viewer
    if known is not None and known.state in (AssuranceState.BLOCKED, AssuranceState.SUSPECTED):
        yield block_finding(Reason.VIEWER_BLOCKED)


def viewer_is_of_age(case: Case) -> Iterable[Finding]:
    """Require for Nudity and Explicit that the age of all viewers is assured, by us or by the
    platform."""
    if case.rating.rank < Rating.N.rank:
        return
    if case.unit.audience != "viewer":
        assured = any(
            probe.assures for probe in case.row.required_probes(case.rating)
        )  # `place_passes_probes` holds it otherwise
        if case.row.viewer == "product" and not case.row.test_network and not assured:
            yield block_finding(Reason.AUDIENCE_UNKNOWN)
        return
    known = case.facts.viewer
    if known is None or known.state is not AssuranceState.ASSURED:
        expired = known is not None and known.state is AssuranceState.EXPIRED
        yield block_finding(Reason.VIEWER_EXPIRED if expired else Reason.VIEWER_UNASSURED)
    elif known.expires_at is None or case.now >= known.expires_at:
        yield block_finding(Reason.VIEWER_EXPIRED)
    elif not known.over_18:
        yield block_finding(Reason.VIEWER_BLOCKED)
    elif not case.bundle.is_assurance_enough(
        known.jurisdiction, known.level, card_check=known.card_check
    ) or (known.test and not case.row.test_network):
        yield block_finding(Reason.VIEWER_LEVEL_LOW)


def _stoppable_features(case: Case) -> set[str]:
    """Return the features whose emergency stops apply to this unit."""
    unit = case.unit
    if unit.is_surface:  # A stop ends publishing. It hides nothing that was published before.
        return {"nudity"} if case.rating.rank >= Rating.N.rank else set()
    touched = {"sending"}
    if unit.service:
        return touched
    if case.rating.rank >= Rating.N.rank:
        touched.add("nudity")
    if unit.audience == "viewer" and case.facts.author.startswith("system:"):
        touched.add("bot")
    if unit.invoice is not None or unit.price is not None:
        touched |= {"offers", "payments"}
    if any(button.action == "buy" for button in unit.buttons):
        touched.add("offers")
    return touched


def _is_creator_inactive(case: Case) -> bool:
    """Return True if the creator is deactivated and the unit is neither a fixed service text, such
    as a receipt, nor something that a fan has paid for."""
    is_owed = bool(case.unit.service) or (case.unit.is_sold and case.unit.price is None)
    return not is_owed and any(stop.feature == INACTIVE_STOP for stop in case.facts.stops)


def _is_redirect_stopped(case: Case) -> bool:
    """Return True for a redirect of a creator who may not send: it would send visitors."""
    return case.unit.platform == REDIRECT_PLATFORM and any(
        stop.scope == "creator" and stop.feature == "sending" for stop in case.facts.stops
    )


def no_stop_applies(case: Case) -> Iterable[Finding]:
    """Block units that an emergency stop applies to. Safety texts are never stopped."""
    if service_texts.is_safety_text(case.unit.service):
        return
    touched = _stoppable_features(case)
    if any(stop.feature in touched for stop in case.facts.stops) or _is_redirect_stopped(case):
        yield block_finding(Reason.KILL_SWITCH)
    if _is_creator_inactive(case):
        yield block_finding(Reason.CREATOR_INACTIVE)
    if any(stop.feature == RESTORE_STOP for stop in case.facts.stops):
        yield block_finding(Reason.RESTORE_MISMATCH)


def service_text_is_pinned(case: Case) -> Iterable[Finding]:
    """Require that a service text is an unchanged catalogue sentence with short values in its
    marked slots.

    Its only medium may be the replacement picture, where it replaces a copy.
    """
    sober = case.text_rating.rating.rank <= Rating.S.rank and not case.text_rating.obfuscated
    if not sober or not service_texts.is_pure_service_unit(
        case.unit, own_hosts=case.facts.own_hosts
    ):
        yield block_finding(Reason.INPUT_INVALID)


ORDINARY_RULES: tuple[Rule, ...] = (
    unit_belongs_to_tenant,
    policy_is_valid,
    clocks_agree,
    removal_form_is_reachable,
    unit_is_complete,
    unit_matches_approval,
    is_under_live_parent,
    media_are_ours,
    references_are_ours,
    replies_are_welcome,
    media_are_rated,
    no_hidden_content,
    no_placeholder_images,
    nothing_prohibited,
    no_banned_person,
    not_on_the_blocklist,
    text_is_not_obfuscated,
    language_is_supported,
    place_allows_rating,
    place_passes_probes,
    creator_allows_rating,
    required_marks_are_set,
    ai_is_disclosed,
    links_are_known,
    short_links_are_ours,
    *answer_rules.ANSWER_RULES,
    *depiction_rules.DEPICTION_RULES,
    *resemblance_rules.RESEMBLANCE_RULES,
    *review_rules.REVIEW_RULES,
    viewer_is_not_blocked,
    viewer_is_of_age,
    no_stop_applies,
)

SURFACE_RULES: tuple[Rule, ...] = (
    unit_belongs_to_tenant,
    policy_is_valid,
    media_are_ours,
    media_are_rated,
    no_hidden_content,
    no_placeholder_images,
    nothing_prohibited,
    no_banned_person,
    not_on_the_blocklist,
    text_is_not_obfuscated,
    language_is_supported,
    no_age_under_18_is_given,
    minors_are_not_mentioned,
    place_allows_rating,
    ai_is_disclosed,
    links_are_known,
    *depiction_rules.DEPICTION_RULES,
    *resemblance_rules.RESEMBLANCE_RULES,
    viewer_is_not_blocked,
    viewer_is_of_age,
    no_stop_applies,
)
"""Rules for content that needs no permit: pages for people outside the agency, reports, and what a
model is asked (`gate/surfaces`). They judge what is shown; reviews, permits and checks of a
destination do not apply."""

SERVICE_RULES: tuple[Rule, ...] = (
    unit_belongs_to_tenant,
    policy_is_valid,
    clocks_agree,
    unit_is_complete,
    service_text_is_pinned,
    no_stop_applies,
)
"""Rules for catalogue sentences: they need no rating and are sent even if everything else is
unavailable."""


def rules_for(unit: Unit) -> tuple[Rule, ...]:
    """Return the rules that a unit is judged by."""
    if unit.is_surface:
        return SURFACE_RULES
    return SERVICE_RULES if unit.service else ORDINARY_RULES
