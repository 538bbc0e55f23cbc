"""Rules that find what a fan states about themselves in French and English, without a model. Pure.

They are few and strict: a sentence that they do not understand is ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from subscribers.memory.fact_checks import MemoryKey, clean_fact_value, normalize_fact_value

MAX_READ = 1000
"""Maximum number of characters of a message that are read."""

MAX_ITEMS = 4
MAX_WORDS = 5
"""Maximum number of facts in one enumeration, and of words in one fact."""


@dataclass(frozen=True)
class Fact:
    """A fact about a fan: a key of the closed vocabulary and a value."""

    key: MemoryKey
    value: str


_WORD = r"[^\W\d_]+(?:['-][^\W\d_]+)*"
_NAMED = re.compile(
    r"\b(?:my name is|my name's|i am called|people call me|je m'appelle|mon nom (?:est|c'est)"
    rf"|mon pr[eé]nom (?:est|c'est)|moi,? c'est) (?P<first>{_WORD})(?: (?P<last>[A-ZÀ-Þ]{_WORD}))?",
    re.IGNORECASE,
)
_CALLED = re.compile(
    rf"\b(?:[Cc]all me|[Aa]ppelle[- ]moi|[Aa]ppelez[- ]moi) (?P<first>[A-ZÀ-Þ]{_WORD})"
)
_NOT_A_NAME = frozenset(
    """a an the not none my your his her on in of late later back when if daddy master mistress baby
    sir boss god king queen un une le la les mon ma pas toi moi vous maitre maitresse papa bebe
    trop tres bien super cool""".split()  # noqa: SIM905 easier to read
)

_LIKES = re.compile(
    r"\b(?:i (?:really |also |just |absolutely |do )?(?:love|like|enjoy|adore)"
    r"|i(?:'m| am) (?:really |very |also |so )?(?:into|fond of|keen on|passionate about"
    r"|a (?:big |huge )?fan of)"
    r"|my (?:hobby|hobbies|passion|favou?rite \w+) (?:is|are)"
    r"|j'\s?(?:aime|adore|kiffe)(?: (?:bien|beaucoup|vraiment|aussi|surtout|énormément))?"
    r"|je suis (?:très |vraiment )?(?:fan|passionnée?|amateur|amatrice)(?: de| d'| du| par| pour)"
    r"|(?:mon (?:hobby|loisir|passe-temps)(?: préféré)?|ma passion"
    r"|mes (?:hobbies|loisirs|passions)),? (?:c'est|ce sont|est|sont))\s+",
    re.IGNORECASE,
)
_PRACTISES = re.compile(
    r"\b(?:je (?:fais|pratique)(?: (?:souvent|beaucoup|aussi))? (?P<article>de la|du|de l')"
    r"|(?P<play>i (?:often |also )?play))\s*(?:the )?",
    re.IGNORECASE,
)
_DEFINITE = {"de la": "la ", "du": "le ", "de l'": "l'"}
_DISLIKES = re.compile(
    r"\b(?:i (?:really )?(?:don't|do not|dont) (?:really )?(?:like|enjoy)|i (?:really )?hate"
    r"|i can(?:'t|not) stand"
    r"|(?:je )?n'aime (?:vraiment )?pas(?: (?:du tout|trop|beaucoup|vraiment|tellement))?"
    r"|j'aime (?:vraiment )?pas(?: (?:du tout|trop|beaucoup|vraiment|tellement))?"
    r"|je (?:déteste|hais)|j'ai horreur (?:de|du|des)|je ne supporte pas)\s+",
    re.IGNORECASE,
)
_SENTENCE_ENDS = re.compile(r"[.!?;:\n…()]+")
_QUESTION = re.compile(
    r"^\s*(?:do|does|did|what|why|how|when|who|where|is|are|can|could|should|would|if|est-ce|tu"
    r"|vous|que|qu'|pourquoi|comment|quand|si)\b",
    re.IGNORECASE,
)
_STOPS = re.compile(
    r"\b(?:but|because|cause|so|when|while|if|that|which|who|since|although|and (?:i|you|my|it|u)"
    r"|mais|parce|car|puisque|quand|lorsque|si|que|qui|donc|alors|et (?:je|j'|toi|vous|tu|mon|ma)"
    r"|lol|mdr|haha\w*|xd)\b",
    re.IGNORECASE,
)
_ITEMS = re.compile(r"\s*(?:,|&|\+|\band\b|\bor\b|\bet\b|\bou\b)\s*", re.IGNORECASE)
_TAIL = re.compile(
    r"\s+(?:a lot|so much|very much|too|as well|the most|most|though|tho|also|really|sometimes"
    r"|beaucoup|énormément|aussi|vraiment|parfois|surtout|trop|depuis .*|every .*|since .*"
    r"|for .* years)$",
    re.IGNORECASE,
)
_ABOUT_US = re.compile(
    r"^(?:it|this|that|these|those|him|her|them|they|she|he|me|my|our|how|what|when|the way"
    r"|everything|all|both|nothing|being|seeing|watching|talking|chatting|ca|ce|cet|cette|ces"
    r"|celui|celle|celles|ceux|tout|mon|ma|mes|notre|nos|me|m'|le fait|quand|comment|etre|pas|plus"
    r"|lui|elle|eux|on|etre|to (?:see|watch|be|talk|hear|look|have|get|know|meet|buy))\b"
    r"|\b(?:you\w*|u|ur|toi|te|t'|tu|ton|ta|tes|vous|votre|vos|photos?|pictures?|pics?|packs?"
    r"|videos?|selfies?|bot|ia)\b"
)
_ANIMALS = {
    "dog": "dog", "puppy": "dog", "cat": "cat", "kitten": "cat", "horse": "horse",
    "rabbit": "rabbit", "parrot": "parrot", "hamster": "hamster",
    "chien": "chien", "chienne": "chienne", "chiot": "chien", "chat": "chat", "chatte": "chatte",
    "chaton": "chat", "cheval": "cheval", "lapin": "lapin", "perroquet": "perroquet",
}  # fmt: skip
_PET = re.compile(
    rf"\b(?:my|i have an?|mon|ma|j'ai une?) (?P<animal>{'|'.join(_ANIMALS)})"
    rf"(?:'s name is| is (?:called|named)| called| named| s'appelle| qui s'appelle| nommée?)"
    rf" (?P<name>{_WORD})",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january janvier jan", "february fevrier feb", "march mars mar", "april avril apr",
            "may mai", "june juin jun", "july juillet jul", "august aout aug",
            "september septembre sept sep", "october octobre oct", "november novembre nov",
            "december decembre dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_BORN = re.compile(
    r"\b(?:(?P<english>my birthday (?:is|falls)(?: on)?|i was born(?: on)?|i'm born(?: on)?)"
    r"|mon anniversaire(?:,? c'est|,? est| tombe)?|je suis nee?) "
)
_DATE = re.compile(
    rf"(?:the |le )?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)?(?: of)? (?P<month>{_MONTH})\b"
    rf"|(?P<month_first>{_MONTH}) (?:the )?(?P<day_last>\d{{1,2}})(?:st|nd|rd|th)?\b"
    r"|(?P<a>\d{1,2})[/.](?P<b>\d{1,2})\b)"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def extract_facts(text: str) -> tuple[Fact, ...]:
    """Return the facts that a fan states about themselves in a message, each once."""
    said = clean_fact_value(text[:MAX_READ].replace("\n", " . ")).replace("’", "'")
    found = [*_find_name(said), *_find_birthday(said), *_find_pet(said)]
    for sentence in _split_sentences(said):
        found += _find_tastes(sentence)
    return tuple(dict.fromkeys(found))


def _split_sentences(said: str) -> Iterator[str]:
    """Yield the sentences of a text, without questions."""
    start = 0
    for end in [*_SENTENCE_ENDS.finditer(said), None]:
        sentence = said[start : end.start() if end else len(said)]
        start = end.end() if end else len(said)
        if not (end and "?" in end[0] and _QUESTION.match(sentence)):
            yield sentence


def _find_name(said: str) -> Iterator[Fact]:
    for pattern in (_NAMED, _CALLED):
        for found in pattern.finditer(said):
            first = found["first"]
            last = found.groupdict().get("last") or ""
            if normalize_fact_value(first) in _NOT_A_NAME or len(first) < 2:
                continue
            # The pattern ignores case, so that the second word counts only with a capital letter.
            name = f"{first} {last}" if last[:1].isupper() else first
            yield Fact(MemoryKey.NAME, name if name != name.lower() else name.title())
            return


def parse_birthday(text: str, *, day_first: bool = True) -> str | None:
    """Return the day of a date without a year as `MM-DD`, or None if it is not clear.

    Of two numbers up to 12, the first is the day if `day_first` is True; otherwise they are not
    clear.
    """
    found = _DATE.search(normalize_fact_value(text))
    if found is None:
        return None
    if found["a"]:
        day = int(found["a"])
        month = int(found["b"])
        if not day_first and day <= 12 and month <= 12 and day != month:
            return None
        if month > 12:
            return _valid_day(month=day, day=month)
    else:
        day = int(found["day"] or found["day_last"])
        month = _MONTHS[found["month"] or found["month_first"]]
    return _valid_day(month=month, day=day)


def _valid_day(*, month: int, day: int) -> str | None:
    valid = 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]
    return f"{month:02}-{day:02}" if valid else None


def _find_birthday(said: str) -> Iterator[Fact]:
    plain = normalize_fact_value(said)
    for found in _BORN.finditer(plain):
        rest = plain[found.end() :]
        if _DATE.match(rest) and (day := parse_birthday(rest, day_first=not found["english"])):
            yield Fact(MemoryKey.BIRTHDAY, day)
            return


def _find_pet(said: str) -> Iterator[Fact]:
    for found in _PET.finditer(said):
        yield Fact(MemoryKey.PET, f"{found['name'].title()} ({_ANIMALS[found['animal'].lower()]})")


def _find_tastes(sentence: str) -> Iterator[Fact]:
    for found in _DISLIKES.finditer(sentence):
        for item in _split_items(sentence[found.end() :]):
            yield Fact(MemoryKey.DISLIKE, item)
    for found in _LIKES.finditer(sentence):
        for item in _split_items(sentence[found.end() :]):
            yield Fact(MemoryKey.LIKE, item)
    for found in _PRACTISES.finditer(sentence):
        begin = "playing " if found["play"] else _DEFINITE[found["article"].lower()]
        for item in _split_items(sentence[found.end() :])[:1]:
            yield Fact(MemoryKey.LIKE, f"{begin}{item}")


def _split_items(rest: str) -> list[str]:
    """Return the objects of a verb: up to the next clause, without those about the creator."""
    stop = _STOPS.search(rest)
    found = []
    for part in _ITEMS.split(rest[: stop.start()] if stop else rest)[:MAX_ITEMS]:
        item = _TAIL.sub("", part.strip(" '\"-"))
        plain = normalize_fact_value(item)
        words = len(plain.split())
        if not item or words > MAX_WORDS or len(plain) < 3 or _ABOUT_US.search(plain):
            break
        found.append(item)
    return found
