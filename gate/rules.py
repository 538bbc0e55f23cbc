"""The rules a unit is judged by, one function each; those about depicted people are in `gate/depicted.py`, those about
who looked in `gate/looked.py`. Pure.

A rule returns what speaks against the unit and nothing when all is known and well; what is not known speaks against it.
"""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from gate import alike, depicted, looked, service, text
from gate.bundle import WIRE_FLAG, Row
from gate.case import UNIT_REVIEW_LIVES, Case
from gate.facts import RESTORED
from gate.looked import BYTES_REVIEW_LIVES, approved
from gate.reasons import Finding, Reason, blocked, held
from gate.states import AssuranceState
from gate.units import REMARK, Rating, Unit, Verdict

Rule = Callable[[Case], Iterable[Finding]]

FEW_WORDS = 3
"""A message of so many words to one assured adult may be in any language."""

_AUDIENCES = ("public", "viewer")
REFERENCES = frozenset({"reuse", "quote", "repost", "reply"})
"""How a unit may point at something of ours; another kind nobody has thought through, but an answer to a remark."""


def flags_for(place: Row, rating: Rating, *, ai: bool) -> tuple[str, ...]:
    """The marks a request to this place must carry, sorted; a unit bears them before it is judged."""
    wanted = [flag for flag in place.flags.get(rating, ()) if WIRE_FLAG.fullmatch(flag)]
    adult = wanted if rating is not Rating.X and place.verdict(rating) is Verdict.F else []
    return tuple(sorted({*adult, *([place.ai_flag] if ai and place.ai_flag else [])}))


def marks_of(case: Case) -> tuple[str, ...]:
    """The marks a unit must bear at its place: none for an answer, which a person read and sent, in words and General.
    Comments have no field for them; where words must say that a model helped, they do (`ai_is_said`)."""
    return () if case.unit.remark else flags_for(case.row, case.rating, ai=case.generated)


def belongs_here(case: Case) -> Iterable[Finding]:
    """The unit is of this tenant, and nothing changed under it while it was read."""
    if case.unit.tenant_id != case.facts.tenant_id or not case.facts.creator_known:
        yield blocked(Reason.TENANT_BOUNDARY)
    if case.facts.unlocked:
        yield blocked(Reason.EPOCH_STALE)


def rules_hold(case: Case) -> Iterable[Finding]:
    """The rules are whole, signed and the newest; what helps somebody in danger is sent without them."""
    if case.facts.rules_fault and not service.is_safety(case.unit.service):
        yield blocked(Reason(case.facts.rules_fault))


def clocks_agree(case: Case) -> Iterable[Finding]:
    """A machine whose clock is wrong sends nothing but what helps somebody in danger."""
    if case.facts.skewed and not service.is_safety(case.unit.service):
        yield blocked(Reason.CLOCK_SKEW)


def people_can_object(case: Case) -> Iterable[Finding]:
    """Nudity and Explicit leave while the form is reached where people ask for something to be taken away."""
    if case.facts.intake_down and case.rating.rank >= Rating.N.rank:
        yield blocked(Reason.INTAKE_DOWN)


def is_what_was_approved(case: Case) -> Iterable[Finding]:
    """What somebody said yes to is what leaves: a word more, and it is looked at again."""
    if case.facts.changed:
        yield blocked(Reason.UNIT_CHANGED)


def is_whole(case: Case) -> Iterable[Finding]:
    """There is something to show, to a known kind of audience."""
    unit = case.unit
    empty = not unit.media and not unit.references and not any(words.strip() for words in unit.said)
    if empty or not case.unit.account:
        yield blocked(Reason.INPUT_INVALID)
    one_reader = case.unit.audience == "viewer"
    if case.unit.audience not in _AUDIENCES or one_reader != bool(case.unit.viewer):
        yield blocked(Reason.AUDIENCE_UNKNOWN)


def stands_under_ours(case: Case) -> Iterable[Finding]:
    """A part of a thread goes under our own earlier part, and every earlier part still stands."""
    if case.unit.reply_to and not case.facts.above_known:
        yield blocked(Reason.REMOTE_REFERENCE)
    if case.facts.above_gone:
        yield blocked(Reason.RECALL_IN_PROGRESS)


def media_are_ours(case: Case) -> Iterable[Finding]:
    """Every medium is a recorded rendition, byte for byte, not frozen and not taken back."""
    known = {medium.sha256: medium for medium in case.media}
    for medium in case.unit.all_media:
        facts = known.get(medium.sha256)
        if facts is None or (facts.mime, facts.size) != (medium.mime, medium.size):
            yield blocked(Reason.RENDITION_NOT_CANONICAL)
    for facts in case.media:
        if facts.state == "frozen":
            yield blocked(Reason.COMPLAINT_FREEZE)
        elif facts.state != "made":
            yield blocked(Reason.RECALL_IN_PROGRESS)


def references_are_ours(case: Case) -> Iterable[Finding]:
    """What it points at on the platform is a copy of ours that stands, and all of that is known: it counts as carried.

    Source: Telegram file ids, quotes and forwards show whatever lies there, rated by nobody (docs/gate.md).
    """
    known = {medium.sha256 for medium in case.media}
    for reference in (each for each in case.unit.references if each.kind != REMARK):
        there = case.referenced.get(reference.native_id)
        if there is None or reference.kind not in REFERENCES or not known.issuperset(there.media):
            yield blocked(Reason.REMOTE_REFERENCE)


def answers_are_fit(case: Case) -> Iterable[Finding]:
    """An answer goes to somebody who spoke to us and may be spoken to, alone under what they said, in General words."""
    answered = [each.native_id for each in case.unit.references if each.kind == REMARK]
    if not answered:
        return
    heard = {known.native_id: known for known in case.facts.remarks}
    alone = len(case.unit.references) == 1 and not case.unit.reply_to and not case.unit.all_media
    if not alone or answered[0] not in heard or case.unit.audience != "public":
        yield blocked(Reason.REMOTE_REFERENCE)
    elif not heard[answered[0]].welcome:
        yield blocked(Reason.VIEWER_BLOCKED)
    if case.rating is not Rating.G:
        yield blocked(Reason.RATING_EXCEEDS_SURFACE)


def media_are_rated(case: Case) -> Iterable[Finding]:
    """Somebody rated every medium, and where machines are far apart a person did."""
    if any(medium.rating is None for medium in case.media):
        yield held(Reason.RATING_MISSING)
    if any(medium.unanswered for medium in case.media):
        yield held(Reason.CLASSIFIER_UNAVAILABLE)
    if any(medium.unsettled for medium in case.media):
        yield held(Reason.CLASSIFIER_CONFLICT)


def nothing_was_hidden(case: Case) -> Iterable[Finding]:
    """A file that showed one thing and held another is looked at by somebody other than who brought it."""
    hiding = [medium.reviews for medium in case.media if medium.hidden]
    if any(not approved(reviews, case, BYTES_REVIEW_LIVES) for reviews in hiding) and not approved(
        case.facts.reviews, case, UNIT_REVIEW_LIVES
    ):
        yield held(Reason.CONTAINER_HIDDEN_CONTENT)


def nothing_stands_in(case: Case) -> Iterable[Finding]:
    """A picture of the demonstration model, or a stand-in for one, is taken for nobody's work: it stays on test
    networks, and a demonstration's on its own page, until somebody who runs the agency lets this one out."""
    if case.row.test_network or (case.row.ours and case.facts.demo):
        return
    if any(medium.label and not medium.lifted for medium in case.media):
        yield blocked(Reason.PICTURE_LABELLED)


def nothing_prohibited(case: Case) -> Iterable[Finding]:
    """What is never allowed is never allowed, whoever asks."""
    if case.words.prohibited == "minor" or any(medium.prohibited == "minor" for medium in case.media):
        yield blocked(Reason.PROHIBITED_MINOR)
    if case.words.prohibited == "category" or any(medium.prohibited == "category" for medium in case.media):
        yield blocked(Reason.PROHIBITED_CATEGORY)


def not_on_the_blocklist(case: Case) -> Iterable[Finding]:
    """Bytes that were taken back do not return, nor do near copies of them."""
    for medium in case.media:
        if medium.blocked == "exact":
            yield blocked(Reason.BLOCKLIST_EXACT)
        elif medium.blocked == "near":
            yield blocked(Reason.BLOCKLIST_NEAR)
        elif medium.blocked:
            yield held(Reason.BLOCKLIST_NEAR)


def text_is_open(case: Case) -> Iterable[Finding]:
    """The words read as they look; a word that may not stand beside something suggestive does not."""
    if case.words.obfuscated:
        yield held(Reason.TEXT_OBFUSCATED)
    if case.words.contextual and case.rating is not Rating.G and not case.words.prohibited:
        yield held(Reason.TEXT_REPHRASE)


def language_is_read(case: Case) -> Iterable[Finding]:
    """Every sentence is in a language that the lexicons read; between assured adults a word or three may be strange."""
    if case.reading.supported:
        return
    known = case.facts.viewer
    assured = known is not None and known.state is AssuranceState.ASSURED and known.over_18
    in_time = known is not None and known.expires_at is not None and case.now < known.expires_at
    if case.unit.audience != "viewer" or not (assured and in_time) or case.reading.words > FEW_WORDS:
        yield held(Reason.TEXT_LANGUAGE_UNSUPPORTED)


def place_allows(case: Case) -> Iterable[Finding]:
    """The place allows the rating, by a rule that was read in time."""
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
        seen = max((medium.rating.rank for medium in case.media if medium.rating is not None), default=0)
        if case.words.rating.rank >= Rating.N.rank and case.words.rating.rank > seen:
            yield Finding(verdict, Reason.TEXT_EXPLICIT_NO_FLAG)


def place_is_as_it_must_be(case: Case) -> Iterable[Finding]:
    """Before anything above General, somebody looked at the place just now, and saw what the rule asks for."""
    if case.rating is Rating.X:
        return
    wanted = case.row.wanted(case.rating, generated=case.generated)
    if wanted and case.unit.seen is None:
        yield held(Reason.DESTINATION_PROBE_STALE)
        return
    for probe in wanted:
        if probe.see not in (case.unit.seen or ()):
            adult = case.rating.rank >= Rating.N.rank
            yield Finding(Verdict.B if adult else Verdict.H, probe.otherwise)


def creator_allows(case: Case) -> Iterable[Finding]:
    """An agency may set a creator's limit lower than the platform does."""
    if case.rating is not Rating.X and case.rating.rank > case.facts.ceiling.rank:
        yield held(Reason.RATING_EXCEEDS_CREATOR)


def marks_are_set(case: Case) -> Iterable[Finding]:
    """The unit bears every mark the platform must be told."""
    wanted = marks_of(case)
    missing = set(wanted) - set(case.unit.flags)
    if missing - {case.row.ai_flag}:
        yield blocked(Reason.FLAG_MISSING)
    if missing & {case.row.ai_flag}:
        yield blocked(Reason.AI_MARK_MISSING)
    duties = case.row.flags.get(case.rating, ()) if case.rating is not Rating.X else ()
    needs_duties = bool(duties) and case.row.verdict(case.rating) is Verdict.F
    if needs_duties and not all(WIRE_FLAG.fullmatch(flag) for flag in duties):
        yield held(Reason.FLAG_MISSING)  # a duty no request can show, and no one has shown otherwise


def ai_is_said(case: Case) -> Iterable[Finding]:
    """What a model made is called so, as its record says, and in words where no flag does it."""
    recorded = {medium.sha256: medium.ai for medium in case.media}
    if any(recorded.get(medium.sha256, medium.ai) != medium.ai for medium in case.unit.media):
        yield blocked(Reason.AI_MARK_MISSING)
    said = text.says_ai(case.texts, lexicon=case.bundle.lexicon)
    if case.generated and case.row.ai_text and not said:
        yield held(Reason.AI_MARK_MISSING)


def links_are_known(case: Case) -> Iterable[Finding]:
    """Every address is ours or registered, unchanged, and allowed where it stands."""
    for url in case.links:
        if _host(url) in case.facts.own_hosts:
            continue
        target = case.registered.get(url)
        if target is None:
            yield held(Reason.LINK_UNREGISTERED)
        elif not target.active or case.now >= target.expires_at:
            yield held(Reason.LINK_CHANGED)
        elif target.adult and case.row.adult_link.rank >= Verdict.H.rank:
            yield Finding(case.row.adult_link, Reason.LINK_ADULT_FORBIDDEN)


def _host(url: str) -> str:
    """The host of an address; nothing where who reads it and who parses it may differ: browsers take "\\" for "/"."""
    where = urlsplit(url if "//" in url else f"//{url}").netloc
    return "" if "\\" in url else where.rsplit("@", 1)[-1].lower()


def reader_is_welcome(case: Case) -> Iterable[Finding]:
    """Nobody writes to a reader who is blocked, or may be a minor; but for what the service must say."""
    known = case.facts.viewer
    if known is not None and known.state in (AssuranceState.BLOCKED, AssuranceState.SUSPECTED):
        yield blocked(Reason.VIEWER_BLOCKED)


def reader_is_of_age(case: Case) -> Iterable[Finding]:
    """Nudity and Explicit reach only readers whose age is assured: by us, or by a platform that does it."""
    if case.rating.rank < Rating.N.rank:
        return
    if case.unit.audience != "viewer":
        assured = any(probe.assures for probe in case.row.wanted(case.rating))  # then it was seen, or it is held
        if case.row.viewer == "product" and not case.row.test_network and not assured:
            yield blocked(Reason.AUDIENCE_UNKNOWN)
        return
    known = case.facts.viewer
    if known is None or known.state is not AssuranceState.ASSURED:
        expired = known is not None and known.state is AssuranceState.EXPIRED
        yield blocked(Reason.VIEWER_EXPIRED if expired else Reason.VIEWER_UNASSURED)
    elif known.expires_at is None or case.now >= known.expires_at:
        yield blocked(Reason.VIEWER_EXPIRED)
    elif not known.over_18:
        yield blocked(Reason.VIEWER_BLOCKED)
    elif known.level < case.bundle.level(known.jurisdiction) or (known.test and not case.row.test_network):
        yield blocked(Reason.VIEWER_LEVEL_LOW)


def _features(case: Case) -> set[str]:
    """The emergency stops that reach this unit."""
    unit = case.unit
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


def nothing_is_stopped(case: Case) -> Iterable[Finding]:
    """No emergency stop reaches the unit; what protects a reader is never stopped."""
    if service.is_safety(case.unit.service):
        return
    touched = _features(case)
    if any(stop.feature in touched for stop in case.facts.stops):
        yield blocked(Reason.KILL_SWITCH)
    if any(stop.feature == RESTORED for stop in case.facts.stops):
        yield blocked(Reason.RESTORE_MISMATCH)


def service_text_is_ours(case: Case) -> Iterable[Finding]:
    """A service text is a catalogue sentence as it stands, with short values in its marked slots; the one picture that
    may go with it is the house's own, where it replaces a copy."""
    sober = case.words.rating.rank <= Rating.S.rank and not case.words.obfuscated
    if not sober or not service.says_only(case.unit, own_hosts=case.facts.own_hosts):
        yield blocked(Reason.INPUT_INVALID)


ORDINARY: tuple[Rule, ...] = (
    belongs_here,
    rules_hold,
    clocks_agree,
    people_can_object,
    is_whole,
    is_what_was_approved,
    stands_under_ours,
    media_are_ours,
    references_are_ours,
    answers_are_fit,
    media_are_rated,
    nothing_was_hidden,
    nothing_stands_in,
    nothing_prohibited,
    not_on_the_blocklist,
    text_is_open,
    language_is_read,
    place_allows,
    place_is_as_it_must_be,
    creator_allows,
    marks_are_set,
    ai_is_said,
    links_are_known,
    *depicted.RULES,
    *alike.RULES,
    *looked.RULES,
    reader_is_welcome,
    reader_is_of_age,
    nothing_is_stopped,
)

SERVICE: tuple[Rule, ...] = (
    belongs_here,
    rules_hold,
    clocks_agree,
    is_whole,
    service_text_is_ours,
    nothing_is_stopped,
)
"""What stands for a catalogue sentence: it needs no rating and goes out when everything else is down."""


def rules_for(unit: Unit) -> tuple[Rule, ...]:
    """The rules that a unit is judged by."""
    return SERVICE if unit.service else ORDINARY
