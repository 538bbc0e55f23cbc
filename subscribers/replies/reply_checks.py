"""What a model answered: strict JSON, then what no answer may contain. Pure; the output is never
believed."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gate.text import text_rating
from gate.text.normalization import normalize_unicode

OVERLAP_WORDS = 12
"""So many words in a row of our own instructions are a leak."""


class ModelReply(BaseModel):
    """One turn of the model: a text, at most one offer of the list, and whether a person should
    answer."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: str = Field(min_length=1, max_length=1200)
    offer_id: str | None = Field(max_length=8)
    handoff: Literal["asked", "upset", "unsure", "unsafe", "other"] | None
    language: str = Field(min_length=2, max_length=5)
    confidence: float = Field(ge=0, le=1)


def parse_reply(answer: Mapping[str, object], offered: Iterable[str]) -> ModelReply | None:
    """The reply, an offer outside the list dropped; None for anything but exactly this shape."""
    try:
        reply = ModelReply.model_validate(dict(answer))
    except ValidationError:
        return None
    if reply.offer_id is not None and reply.offer_id not in set(offered):
        return reply.model_copy(update={"offer_id": None})
    return reply


_MONEY = (
    r"(?:€|\$|£|¥|euros?|eur|usd|gbp|dollars?|pounds?|livres "
    r"sterling|xtr|xts|stars?|etoiles?|balles|cents|centimes)"
)
_NUMBER = r"(?<![\d.,])\d[\d .,]{0,40}"
_FORBIDDEN: Mapping[str, re.Pattern[str]] = {
    "price": re.compile(rf"(?:{_NUMBER}\s*{_MONEY}(?!\w)|(?<!\w){_MONEY}\s*{_NUMBER})"),
    "handle": re.compile(
        r"(?<![\w.])@\s?\w{2,}"
        r"|\b(?:insta(?:gram)?|snap(?:chat)?|telegram|whatsapp|onlyfans|paypal)\b"
    ),
    "phone": re.compile(r"(?:\+|00)?\d(?:[\s.()/-]*\d){7,}"),
    "denial": re.compile(
        r"\b(?:i ?(?:'?m|am) (?:really |actually |totally )*(?:not|no) (?:an? (?:\w+ )?)?"
        r"(?:bot|robot|ai|machine|program|computer)"
        r"|i ?(?:'?m|am) (?:really |actually |totally |100% )*(?:a )?(?:real|human|flesh)"
        r"|(?:je|j) ?(?:ne |n')?(?:suis|sois) (?:vraiment |absolument )?pas (?:un |une "
        r"|d')?(?:\w+ )?"
        r"(?:bot|robot|ia|machine|programme|intelligence)"
        r"|je suis (?:bien |vraiment |100% )*(?:un |une )?(?:vraie? |reele? |reelle? "
        r")?(?:humaine?|personne reelle"
        r"|etre humain|vraie? (?:fille|femme|homme|personne|humaine?))"
        r"|je suis (?:bien |vraiment )*une? (?:fille|femme|homme|personne) (?:bien "
        r")?(?:reelle?|en chair)"
        r"|je suis (?:bien )?(?:reelle?|humaine?)\b|c'est (?:bien|vraiment) moi|it(?:'s| is) "
        r"really me"
        r"|(?:not|pas) (?:a |an |un |une )(?:bot|robot|ia|ai)\b)"
    ),
    "availability": re.compile(
        r"\b(?:i ?(?:'?m|am) (?:online|here live|available) (?:right )?now|je suis (?:en "
        r"ligne|connectee?) (?:la )?"
        r"(?:maintenant|en ce moment|tout de suite))\b"
    ),
}


def normalize_reply(text: str) -> str:
    """Lower case without accents, curly quotes and doubled blanks, as the patterns expect it."""
    plain = normalize_unicode("NFKD", text.casefold().replace("’", "'").replace("‘", "'"))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def find_reply_fault(text: str, *, instructions: str) -> str | None:
    """Why a text may not be sent: price, link, handle, phone, denial, availability or leak; None
    when it may."""
    plain = normalize_reply(text)
    if text_rating.has_address(text):
        return "link"
    for name, pattern in _FORBIDDEN.items():
        if pattern.search(plain):
            return name
    return "leak" if _has_prompt_leak(plain, normalize_reply(instructions)) else None


def _has_prompt_leak(plain: str, instructions: str) -> bool:
    words = re.findall(r"\w+", plain)
    known = set(_word_runs(re.findall(r"\w+", instructions)))
    return not known.isdisjoint(_word_runs(words))


def _word_runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (
        tuple(words[start : start + OVERLAP_WORDS])
        for start in range(len(words) - OVERLAP_WORDS + 1)
    )
