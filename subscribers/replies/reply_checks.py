"""Checks of a model's reply: strict JSON, then content that no reply may contain. Pure; the output
is untrusted."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gate.text import link_readings
from gate.text.normalization import normalize_unicode
from generators.text import model_markup

OVERLAP_WORDS = 12
"""Number of consecutive words of our instructions that count as a leak."""


class ModelReply(BaseModel):
    """A reply of the model: a text, at most one offer, and a reason to hand the chat
    to a member."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: str = Field(min_length=1, max_length=1200)
    offer_id: str | None = Field(max_length=8)
    handoff: Literal["asked", "upset", "unsure", "unsafe", "other"] | None
    language: str = Field(min_length=2, max_length=5)
    confidence: float = Field(ge=0, le=1)


def parse_reply(answer: Mapping[str, object], offered: Iterable[str]) -> ModelReply | None:
    """Return the reply, without an unknown offer and without model markup. Return None if the shape
    is not exact."""
    said = answer.get("text")
    text = model_markup.clean_model_text(said) if isinstance(said, str) else said
    try:
        reply = ModelReply.model_validate(
            {**answer, **({"text": text} if "text" in answer else {})}
        )
    except ValidationError:
        return None
    if reply.offer_id is not None and reply.offer_id not in set(offered):
        return reply.model_copy(update={"offer_id": None})
    return reply


FAULTS = (
    "denial",
    "availability",
    "leak",
    "markup",
    "phone",
    "handle",
    "link",
    "price",
)
"""Reasons why a text may not be sent, the worst first: posing as a person deceives the fan, naming
a price only disturbs sales."""

_APART = r"(?<![\d+]){}(?![\s.()/-]*\d)"  # No digits around it: those of a phone number continue.
_DAY = re.compile(
    _APART.format(
        r"(?:(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|1[0-2])\1(?:(?:19|20)\d\d|\d\d)"
        r"|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/(?:(?:19|20)\d\d|\d\d)"
        r"|(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))"
        r"(?:,? (?:at |a )?(?:[01]?\d|2[0-3])[:h][0-5]\d)?"
    )
)
_YEARS = re.compile(_APART.format(r"(?:19|20)\d\d ?[-/–] ?(?:19|20)\d\d"))
"""Dates with an optional time, and spans of years."""

_STARS_OF_A_RATING = re.compile(
    r"\b(?:give|gave|giving|rate|rated|deserves?"
    r"|donne|donnerais|mets|mettrais|note|noterais|merites?)"
    r"(?: (?!me\b|us\b|moi\b|nous\b|for\b|pour\b|only\b|just\b|to\b|a\b)\w+){0,3}"
    r" [0-5](?:[.,]5)? (?:stars?|etoiles?)\b(?! (?:and|et|for|pour|to|a)\b)"
    r"|\b[1-5][- ]stars? (?:hotel|restaurant|review|rating|service|meal)s?\b"
)

_MONEY = (
    r"(?:€|\$|£|¥|euros?|eur|usd|gbp|dollars?|pounds?|livres "
    r"sterling|xtr|xts|stars?|etoiles?|balles|cents|centimes)"
)
_NUMBER = r"(?<![\d.,])\d[\d .,]{0,40}"
_DENIAL_EN = (
    r"\b(?:i ?(?:'?m|am) (?:really |actually |totally )*(?:not|no) (?:an? (?:\w+ )?)?"
    r"(?:bot|robot|ai|machine|program|computer)"
    r"|i ?(?:'?m|am) (?:really |actually |totally |100% )*(?:a )?(?:real|human|flesh)\b"
    r"(?! (?:rights?|resources?|nature|history|interest|trafficking|sciences?|estate|time|madrid"
    r"|fan|friend|lover|foodie|sucker|nerd|geek|mess|happy|glad|sorry|excited|proud|tired|curious"
    r"|keen|busy|good|into|hungry|sleepy|close)\b)"
    r"|(?:it(?:'s| is)|this is) (?:really|truly|actually) me)\b"
)
_DENIAL_FR = (
    r"\b(?:(?:je|j) ?(?:ne |n')?(?:suis|sois) (?:vraiment |absolument )?pas (?:un |une |d')?"
    r"(?:\w+ )?(?:bot|robot|ia|machine|programme|intelligence)"
    r"|je suis (?:bien |vraiment |100% )*(?:un |une )?(?:vraie? |reele? |reelle? "
    r")?(?:humaine?|personne reelle"
    r"|etre humain|vraie? (?:fille|femme|homme|personne|humaine?))"
    r"|je suis (?:bien |vraiment )*une? (?:fille|femme|homme|personne) (?:bien "
    r")?(?:reelle?|en chair)"
    r"|je suis (?:bien )?(?:reelle?|humaine?)\b|c'est (?:bien|vraiment) moi"
    r"|(?:not|pas) (?:a |an |un |une )(?:bot|robot|ia|ai)\b)"
)
_DENIALS_ELSEWHERE = (
    r"\bno soy (?:un[ao]? )?(?:bot|robot|ia|maquina|programa|inteligencia)\b"
    r"|\bsoy (?:una? )?(?:(?:persona|chica|chico|mujer|hombre|humana?) )?"
    r"(?:real|de verdad|de carne|humana?)\b|\bsoy yo de verdad\b",
    r"\bich bin (?:wirklich )?keine? (?:bot|roboter|ki|maschine|programm|computer)\b"
    r"|\bich bin (?:wirklich )?(?:ein mensch|menschlich|eine? (?:echte|reale)[rs]? \w+)\b",
    r"\bnon sono (?:un |una |un')?(?:bot|robot|ia|macchina|programma|intelligenza)\b"
    r"|\bsono (?:davvero )?(?:una? )?(?:(?:persona|ragazza|ragazzo|donna|uomo) )?"
    r"(?:ver[ao]|reale|in carne|uman[ao])\b",
    r"\b(?:eu )?nao sou (?:uma? )?(?:bot|robo|ia|maquina|programa|inteligencia)\b"
    r"|\bsou (?:uma? )?(?:(?:pessoa|menina|mulher|garota|homem) )?"
    r"(?:real|de verdade|de carne|human[ao])\b",
)
"""Denials in the other languages that the gate checks: Spanish, German, Italian, Portuguese."""

_FORBIDDEN: Mapping[str, re.Pattern[str]] = {
    "price": re.compile(rf"(?:{_NUMBER}\s*{_MONEY}(?!\w)|(?<!\w){_MONEY}\s*{_NUMBER})"),
    "handle": re.compile(
        r"(?<![\w.])@\s?\w{2,}"
        r"|\b(?:insta(?:gram)?|snap(?:chat)?|telegram|whatsapp|onlyfans|paypal)\b"
    ),
    "phone": re.compile(r"(?:\+|00)?\d(?:[\s.()/-]*\d){7,}"),
    "denial": re.compile("|".join((_DENIAL_EN, _DENIAL_FR, *_DENIALS_ELSEWHERE))),
    "availability": re.compile(
        r"\b(?:i ?(?:'?m|am) (?:online|here live|available) (?:right )?now|je suis (?:en "
        r"ligne|connectee?) (?:la )?"
        r"(?:maintenant|en ce moment|tout de suite)|estoy (?:en linea|conectad[oa]) ahora"
        r"|ich bin (?:gerade|jetzt) online|sono online (?:ora|adesso)|estou online agora)\b"
    ),
}


def normalize_reply(text: str) -> str:
    """Return a text in lower case without accents, curly quotes and repeated spaces, as the
    patterns expect it."""
    plain = normalize_unicode("NFKD", text.casefold().replace("’", "'").replace("‘", "'"))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def find_reply_faults(text: str, *, instructions: str) -> tuple[str, ...]:
    """Return all reasons why a text may not be sent, the worst first (`FAULTS`); empty
    if it may."""
    plain = normalize_reply(text)
    harmless = _remove_harmless_numbers(plain)
    found = {
        name
        for name, pattern in _FORBIDDEN.items()
        if pattern.search(harmless if name in ("price", "phone") else plain)
    }
    if link_readings.has_address(text):
        found.add("link")
    if _has_prompt_leak(plain, normalize_reply(instructions)):
        found.add("leak")
    if model_markup.has_model_markup(text):
        found.add("markup")
    return tuple(name for name in FAULTS if name in found)


def find_reply_fault(text: str, *, instructions: str) -> str | None:
    """Return the worst reason why a text may not be sent, or None."""
    return next(iter(find_reply_faults(text, instructions=instructions)), None)


def _remove_harmless_numbers(plain: str) -> str:
    """Return a text without dates and years, which are not phone numbers, and without star ratings,
    which are not prices."""
    for pattern in (_DAY, _YEARS):
        plain = pattern.sub(lambda found: found[0] if _follows_digits(found) else "\n", plain)
    return _STARS_OF_A_RATING.sub("\n", plain)


def _follows_digits(found: re.Match[str]) -> bool:
    before = found.string[max(found.start() - 4, 0) : found.start()]
    return bool(re.search(r"\d[\s.()/-]*$", before))


def _has_prompt_leak(plain: str, instructions: str) -> bool:
    words = re.findall(r"\w+", plain)
    known = set(_word_runs(re.findall(r"\w+", instructions)))
    return not known.isdisjoint(_word_runs(words))


def _word_runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (
        tuple(words[start : start + OVERLAP_WORDS])
        for start in range(len(words) - OVERLAP_WORDS + 1)
    )
