"""Checks of a fact before it is stored: fans, models and members may state anything, but a memory
contains neither sensitive data nor instructions. Pure."""

import re
import unicodedata
from enum import StrEnum
from typing import Literal

from foundation.i18n.visible_text import remove_invisible
from gate.contract.reasons import Reason
from gate.surfaces.model_texts import TextJudge
from gate.text import link_readings, text_rating

MAX_VALUE_LENGTH = 120
MAX_NAME_LENGTH = 40
MAX_SUMMARY_LENGTH = 400
"""Maximum number of characters of a fact, of a name and of a summary."""


class MemoryKey(StrEnum):
    """The closed vocabulary of facts about a fan."""

    NAME = "name"
    BIRTHDAY = "birthday"  # MM-DD, never with a year: ages are stored in the gate
    DATE = "date"
    LIKE = "like"
    DISLIKE = "dislike"
    PET = "pet"
    WORK = "work"


MEMORY_KEYS = frozenset(map(str, MemoryKey))
SINGLE_KEYS = frozenset({MemoryKey.NAME, MemoryKey.BIRTHDAY})
"""Keys of which a fan has one value."""

FactFault = Literal[
    "length", "characters", "sensitive", "contact", "instruction", "named", "rating"
]

_AGE_REASONS = frozenset({Reason.PROHIBITED_MINOR, Reason.TEXT_REPHRASE})
"""Reasons about age, which is stored in the gate only."""

_NAME = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){0,3}\.?")
_BIRTHDAY = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_VALUE = re.compile(r"[\w '’\-.,&()+]+")
_SENTENCES = re.compile(r"[\w '’\-.,&()+:;!?…«»“”\"/\n]+")

_SENSITIVE = re.compile(
    r"\b(?:"
    # Health
    r"illness\w*|disease\w*|sick\w*|cancer\w*|tumou?r\w*|diabet\w*|depress\w*|anxi\w*|bipolar\w*"
    r"|adhd|autis\w*|hiv|aids|vih|sida|pregnan\w*|enceinte|grossesse|surger\w*|chirurgi\w*"
    r"|hospital\w*|hopita\w*|clinic\w*|therap\w*|medic\w*|medecin\w*|doctor\w*|docteur\w*|pills?"
    r"|disab\w*|handicap\w*|allerg\w*|asthm\w*|addict\w*|alcoholi\w*|rehab\w*|malad\w*"
    r"|psychiatr\w*|psycholog\w*|symptom\w*|diagnos\w*|burn-?out|epilep\w*|migraine\w*"
    # Religion
    r"|god|jesus|christ|allah|church\w*|mosque\w*|synagogue\w*|christian\w*|catholi\w*"
    r"|protestant\w*|muslim\w*|islam\w*|jew|jewish|judai\w*|hindu\w*|buddh\w*|bouddh\w*|athe\w*"
    r"|pray\w*|bible|quran|coran|dieu|eglise\w*|mosquee\w*|chretien\w*|musulman\w*|juifs?|juives?"
    r"|priere\w*|prier|ramadan|religio\w*|evangeli\w*|mormon\w*"
    # Politics and unions
    r"|politi\w*|vote[sdrz]?|voting|election\w*|democrat\w*|republic\w*|socialis\w*|communis\w*"
    r"|(?:left|right)[- ]wing|extreme (?:gauche|droite)|(?:la|de) (?:gauche|droite)"
    r"|trump|biden|macron|le pen|melenchon|labour|tor(?:y|ies)|unions?|syndica\w*|activis\w*"
    # Sexual orientation
    r"|gay|lesbian\w*|lesbienne\w*|bisex\w*|homosex\w*|heterosex\w*|transgenre|transgender|queer"
    # Addresses and payment data
    r"|streets?|avenue|roads?|rue|boulevard|allee|impasse|apartment\w*|appartement\w*|zip"
    r"|postcode|postal\w*|adress\w*|address\w*|iban|paypal|bank\w*|banque\w*|cvv|visa"
    r"|mastercard|credit cards?|carte (?:bancaire|bleue|de credit)|bitcoin\w*|crypto\w*|wallet\w*"
    r"|passwords?|mot de passe"
    # Talk of crisis, and age
    r"|myself|my life|ma vie|moi-meme|suicid\w*|kill\w*|die|dying|death|mourir|mort|tuer"
    r"|years? old|\d+ ?ans"
    r")\b|\d{5,}|\d[\d .-]{6,}\d"
)
_CONTACT = re.compile(
    r"@|\b(?:www|http|insta(?:gram)?|snap(?:chat)?|telegram|whatsapp|onlyfans|discord|signal)\b"
)
_ORDER = re.compile(
    r"^(?:please |s'il (?:te|vous) plait )?(?:ignore|disregard|forget|always|never|send|give|say"
    r"|tell|call|repeat|answer|respond|reply|reveal|show|act|pretend|remember|do not|don't|obey"
    r"|you (?:must|should|will|are|have|can)|act as"
    r"|oubli\w+|ignor\w+|envo\w+|donne\w*|dis|dites|appel\w+|repon\w+|montre\w*|fais|faites"
    r"|tu (?:dois|es|vas|peux)|vous (?:devez|etes|allez|pouvez)|toujours|jamais)\b"
    r"|\b(?:instructions?|prompts?|system|assistant|jailbreak|developer|json|offer_id|handoff"
    r"|free|gratuit\w*|discount\w*|remises?|reductions?|prices?|prix|refund\w*|rembours\w*"
    r"|previous|precedent\w*|from now on|desormais|dorenavant)\b"
)


def clean_fact_value(value: str) -> str:
    """Return a value as one line without invisible characters."""
    return " ".join(remove_invisible(unicodedata.normalize("NFC", value)).split())


def normalize_fact_value(value: str) -> str:
    """Return a value in lower case without accents, to recognize the same fact."""
    plain = unicodedata.normalize("NFKD", value.casefold().replace("’", "'"))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def find_fact_fault(key: MemoryKey, value: str, judge: TextJudge) -> FactFault | None:
    """Return the reason why a cleaned value may not be stored, or None. The judge is that of
    `model.memory`."""
    if key is MemoryKey.BIRTHDAY:
        return None if _BIRTHDAY.fullmatch(value) else "characters"
    most = MAX_NAME_LENGTH if key is MemoryKey.NAME else MAX_VALUE_LENGTH
    if not 0 < len(value) <= most:
        return "length"
    if (_NAME if key is MemoryKey.NAME else _VALUE).fullmatch(value) is None:
        return "characters"
    return _find_content_fault(value, judge)


def find_summary_fault(text: str, judge: TextJudge) -> FactFault | None:
    """Return the reason why a summary may not be stored, or None."""
    if not 0 < len(text) <= MAX_SUMMARY_LENGTH:
        return "length"
    if _SENTENCES.fullmatch(text) is None:
        return "characters"
    parts = [part.strip() for part in re.split(r"[.!?\n]", text)]
    faults = (_find_content_fault(part, judge) for part in [*filter(None, parts), text])
    return next(filter(None, faults), None)


def _find_content_fault(value: str, judge: TextJudge) -> FactFault | None:
    plain = normalize_fact_value(value)
    if _SENSITIVE.search(plain) or text_rating.is_crisis_message(value, lexicon=judge.lexicon):
        return "sensitive"
    decision = judge.judge_texts([value])
    if not decision.is_allowed and _AGE_REASONS & set(decision.reasons):
        return "sensitive"
    if _CONTACT.search(plain) or link_readings.has_address(value):
        return "contact"
    if _ORDER.search(plain):
        return "instruction"
    if Reason.LIKENESS_REAL_PERSON in decision.reasons:
        return "named"
    return None if decision.is_allowed else "rating"
