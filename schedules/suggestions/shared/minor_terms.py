"""Detect mentions of minors in generated text, more strictly than the safety check. Pure.

False positives are acceptable because a model can write another text. The check before publishing
uses the term lists of the installation; these terms and ages are additional.
"""

import re
import unicodedata
from collections.abc import Sequence

from gate.text import text_rating
from gate.text.normalization import normalize_unicode
from gate.text.text_rating import MinorSignal

_UNITS = (
    r"ans?|years?|yrs?|y/?o|jahren?|jahrig\w*|anos|anios|anni|enne|jaar|jarige?|lat|letni\w*"
    r"|ani(?:sor)?|歳|才"
)
_AGE = re.compile(rf"(?<![\d.,])(?:[1-9]|1[0-7])[ -]?(?:{_UNITS})(?![a-z0-9])")
_YOUNG = re.compile(
    r"\b(?:teen(?:s|ager\w*|age)?|school ?(?:girl|boy)s?|under "
    r"?aged?|minors?|preteens?|lolitas?|jail ?bait|toddlers?"
    r"|child(?:ren)?|little "
    r"(?:girl|boy)s?|kids?|ados?|adolescent\w*|mineure?s?|lyceen\w*|collegien\w*|ecolier\w*"
    r"|enfants?|(?:petite|jeune) fille|fillette\w*|gamine?s?|kinder|minderjahrig\w*|jugendlich\w*"
    r"|schulerin\w*|menor(?:es)?|nin[ao]s?|adolescen\w*|colegiala\w*|minorenn\w*|bambin\w*"
    r"|ragazzin\w*|crianca\w*|menin[ao]s?|minderjarig\w*|tieners?|meisjes?|nieletni\w*"
    r"|nastolat\w*|dzieck\w*|dziewczynk\w*|minor[aei]?|copi[il]\w*|fetit\w*)\b"
)
_FAR = re.compile("未成年|少女|子供|子ども|こども|女子高生|中学生|小学生|高校生|幼女|ロリ")


def is_about_minor(texts: Sequence[str]) -> bool:
    """Return True if a text mentions a minor, an age under eighteen or content that is always
    prohibited."""
    found = text_rating.rate_texts(texts)
    if found.prohibited or found.contextual:
        return True
    return any(
        text_rating.detect_minor_statement(text) is not MinorSignal.NONE or _has_minor_term(text)
        for text in texts
    )


def _has_minor_term(text: str) -> bool:
    """Search terms and ages, ignoring case, accents and letter variants."""
    composed = normalize_unicode("NFKC", text.casefold())
    apart = normalize_unicode("NFKD", composed)
    seen = " ".join(
        "".join(one for one in apart if not unicodedata.combining(one)).replace("_", " ").split()
    )
    return bool(_AGE.search(seen) or _YOUNG.search(seen) or _FAR.search(composed))
