"""Checks that generated texts must pass before a member sees them. Pure, except that connectors
count characters."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from foundation.errors import BadInput
from foundation.i18n import language_detection
from foundation.i18n.translation import Message
from gate.contract.reasons import Reason
from gate.surfaces.model_texts import TextJudge
from gate.text import link_readings
from generators.text import output_checks
from schedules.posts import text_similarity
from schedules.posts.text_similarity import Fingerprint, SimilarityKind
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES

MAX_HASHTAGS = 8
MAX_SHARED_WORDS = 0.8
"""Share of common words, in both directions, above which one text counts as a repetition of the
other."""

_FEW = 5
"""Minimum number of words for this comparison; fewer words can be common by chance."""
_TELLS = 20
"""Minimum number of letters for detecting a language reliably."""
_UNKEPT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Characters that are removed: those that PostgreSQL does not store, control characters, and those
that change the text direction."""
_TAG = re.compile(r"[^\W_]\w{0,49}")
_HASHTAG = re.compile(r"(?:^|\s+)#\w+")

_REQUEST_REFUSALS = {
    Reason.PROHIBITED_MINOR: "kit.never_written",
    Reason.PROHIBITED_CATEGORY: "kit.never_written",
    Reason.LIKENESS_REAL_PERSON: "never.named",
    Reason.TEXT_REPHRASE: "kit.never_written",
    Reason.RATING_EXCEEDS_SURFACE: "kit.explicit_asked",
}
_ANSWER_REFUSALS = {
    Reason.PROHIBITED_MINOR: "kit.wrote_never",
    Reason.PROHIBITED_CATEGORY: "kit.wrote_never",
    Reason.LIKENESS_REAL_PERSON: "kit.wrote_name",
    Reason.TEXT_REPHRASE: "kit.wrote_never",
    Reason.RATING_EXCEEDS_SURFACE: "kit.wrote_explicit",
    Reason.TEXT_OBFUSCATED: "kit.wrote_hidden",
}
"""The message of each reason why a text is not asked for, or not offered, the most serious
first."""

CountText = Callable[[str], tuple[int, int]]
"""Function that returns the counted length of a text on an account, including additions, and the
maximum length."""


@dataclass(frozen=True)
class KnownText:
    """A text of the creator with its fingerprint for comparison."""

    text: str
    print: Fingerprint


@dataclass(frozen=True)
class TextRules:
    """Rules for every text: its language ("" for any), the judge of suggestions, forbidden words
    and texts used recently.

    `sources` are the texts of the prompt, whose links may be repeated.
    """

    language: str
    judge: TextJudge
    forbidden: tuple[str, ...] = ()
    said: tuple[KnownText, ...] = ()
    sources: tuple[str, ...] = ()


def known_texts(texts: Iterable[str]) -> tuple[KnownText, ...]:
    """Return distinct texts prepared for comparison, without empty ones."""
    return tuple(
        KnownText(text, text_similarity.fingerprint_text(text))
        for text in dict.fromkeys(texts)
        if text.strip()
    )


def clean_field(text: str) -> str:
    """Remove unsupported characters and surrounding white space from a text."""
    kept = _UNKEPT.sub(
        "", unicodedata.normalize("NFC", text.replace("\t", " ").replace("\r\n", "\n"))
    )
    return "\n".join(line.rstrip() for line in kept.splitlines()).strip()


def clean_line(text: str) -> str:
    """Clean a text for a field of one line: any white space becomes one space."""
    return " ".join(clean_field(text).split())


def find_refusal(judge: TextJudge, texts: Iterable[str]) -> Message | None:
    """Return the reason why no model is asked about these texts, or None."""
    refusal = judge.judge_texts(texts).refusal_code(_REQUEST_REFUSALS)
    return Message(refusal) if refusal else None


def check_request(judge: TextJudge, texts: Iterable[str]) -> None:
    """Raise BadInput for texts that no model is asked about."""
    refusal = find_refusal(judge, texts)
    if refusal is not None:
        raise BadInput(refusal.code)


def allowed_tone(judge: TextJudge, tone: str) -> str:
    """Return a tone, or "" if no model is given it.

    A tone may be that of a persona, which may hold more than a suggestion, or may have been saved
    before the agency banned a word.
    """
    return tone if judge.judge_texts([tone]).is_allowed else ""


def find_violation(
    texts: Mapping[str, str],
    rules: TextRules,
    *,
    counts: Mapping[str, Sequence[CountText]] | None = None,
) -> Message | None:
    """Return the first rule that the texts (by field) violate, or None.

    `counts` are the counters of the accounts for which a field is meant.
    """
    shown = list(texts.values())
    never = _find_forbidden_content(shown, rules)
    if never is not None:
        return never
    if not _is_in_language(shown, rules.language):
        return Message("kit.wrote_language", {"language": rules.language})
    if any(output_checks.is_looping(text) for text in shown):
        return Message("kit.wrote_loop")
    for length, most in (
        count(texts[field]) for field, places in (counts or {}).items() for count in places
    ):
        if length > most:
            return Message("kit.wrote_long", {"length": length, "most": most})
    if any(has_known_text(text, rules.said) for text in shown):
        return Message("kit.wrote_again")
    return None


def find_hashtag_violation(written: str, rules: TextRules) -> Message | None:
    """Return the first rule that hashtags violate, or None.

    Language and repetition are not checked: hashtags belong to no language and recur.
    """
    return find_violation({"all": written.replace("#", " ")}, replace(rules, language="", said=()))


def _find_forbidden_content(shown: Sequence[str], rules: TextRules) -> Message | None:
    """Return the reason if texts are empty, may not be suggested, or contain forbidden words or
    unknown links."""
    if not any(shown):
        return Message("kit.empty")
    refusal = rules.judge.judge_texts(shown).refusal_code(_ANSWER_REFUSALS)
    if refusal:
        return Message(refusal)
    word = find_forbidden_word("\n".join(shown), rules.forbidden)
    if word is not None:
        return Message("kit.wrote_forbidden", {"word": word})
    if set(link_readings.extract_links(shown)) - set(link_readings.extract_links(rules.sources)):
        return Message("kit.wrote_link")
    return None


def _is_in_language(texts: Sequence[str], language: str) -> bool:
    """Return True if no text is clearly in another language and the texts together match the
    language."""
    if not language:
        return True
    for text in texts:
        seen, likely = language_detection.most_likely_language(text, WRITABLE_LANGUAGES)
        if (
            _count_letters(text) >= _TELLS
            and seen != language
            and likely >= language_detection.MIN_CONFIDENCE
        ):
            return False
    together = "\n".join(texts)
    return (
        _count_letters(together) < _TELLS
        or language_detection.most_likely_language(together, WRITABLE_LANGUAGES)[0] == language
    )


def _count_letters(text: str) -> int:
    """Count letters; a character of a script without spaces between words counts as three."""
    return sum(3 if sign >= "\u2e80" else 1 for sign in text if sign.isalpha())


def has_known_text(text: str, said: Iterable[KnownText]) -> bool:
    """Return True if a text repeats a known one: equal, nearly equal, or with mostly the same
    words."""
    mine = text_similarity.fingerprint_text(text)
    words = len(output_checks.significant_words(text))
    for one in said:
        if text_similarity.compare_fingerprints(mine, one.print) in (
            SimilarityKind.WORDS,
            SimilarityKind.NEARLY,
        ):
            return True
        if words >= _FEW and output_checks.shared_word_ratio(
            text, one.text
        ) > MAX_SHARED_WORDS < output_checks.shared_word_ratio(one.text, text):
            return True
    return False


def parse_hashtags(found: Iterable[str]) -> list[str] | None:
    """Return the distinct hashtags, or None if one contains spaces or symbols or only digits."""
    kept: dict[str, str] = {}
    for one in found:
        bare = clean_field(one).removeprefix("#")
        if not _TAG.fullmatch(bare) or bare.isdigit():
            return None
        kept.setdefault(bare.casefold(), f"#{bare}")
    return list(kept.values())[:MAX_HASHTAGS]


def limit_hashtags(text: str, most: int) -> str:
    """Return the text without the hashtags after the first `most`; white space before a removed
    hashtag is removed as well."""
    seen = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        return found[0] if seen <= most else ""

    return _HASHTAG.sub(keep, text).strip()


def parse_hashtags_field(value: object) -> list[str] | None:
    """Parse the hashtags of a model's answer, whose value may be of any type. See
    `parse_hashtags`."""
    return parse_hashtags(map(str, value if isinstance(value, list) else ()))
