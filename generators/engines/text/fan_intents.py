"""Intents in a fan's message: patterns for lower-case text without accents, of which the first
match counts.

They are deliberately few and simple: a message without a match is passed to a member instead of
being guessed.
"""

import re
import unicodedata

_ALARM = (
    r"suicid\w*",
    r"kill myself",
    r"end my life",
    r"en finir",
    r"me tuer",
    r"mineure?s?",
    r"underage",
    r"(?:1[0-7]|[5-9]) (?:ans|years old)",
)
_WHO = (
    r"are you (?:real|human|her|an? (?:real )?(?:human|person|woman|ai|bot|robot))",
    r"(?:real|human) person",
    r"is (?:this|that) (?:a bot|really you|an? ai)",
    r"(?:t'?es|tu es|vous etes|etes[- ]vous|es[- ]tu|c'?est) (?:vraie?|reelle?|humaine?|vraiment "
    r"(?:toi|vous))",
    r"(?:t'?es|tu es|vous etes|etes[- ]vous|es[- ]tu|c'?est) une? (?:bot|robot|ia|vraie|humaine?)",
    r"une? (?:vraie? )?(?:humaine?|robot)",
    r"(?:a|un) (?:bot|robot|chatbot)",
    r"intelligence artificielle",
    r"une ia",
)
_PERSON = (
    r"(?:speak|talk) (?:to|with) (?:someone|somebody|an? (?:real )?(?:human|person))",
    r"parler (?:a|avec) (?:quelqu'?un|une? (?:vraie? )?(?:personne|humaine?))",
)
_MEMORY = (
    r"(?:do you|you) (?:still )?remember(?: (?:me|my|us|what i|who i|that i|anything about me)\b.*"
    r"|\s*\W*$)",
    r"(?:do you|you) (?:still )?know (?:my name|who i am|what i (?:like|love|told))",
    r"what(?:'?s| is) my name",
    r"what do you (?:know|remember) about me",
    r"what (?:did i tell you|do i like)",
    r"(?:tu te souviens|te souviens[- ]tu|vous vous souvenez|vous souvenez[- ]vous|tu te rappelles"
    r"|te rappelles[- ]tu|vous vous rappelez|tu t'en souviens)(?: (?:encore )?(?:de (?:moi|mon|ma"
    r"|mes|ce que)|mon|ma|ce que|qui je|comment je)\b.*|\s*\W*$)",
    r"(?:tu sais|vous savez|sais[- ]tu) (?:encore )?(?:comment je m'appelle|mon (?:pre)?nom"
    r"|ce que j'aime|qui je suis)",
    r"(?:c'est quoi|quel est) mon (?:pre)?nom",
    r"(?:qu'est[- ]ce que|que) (?:tu sais|sais[- ]tu|vous savez|savez[- ]vous) (?:de|sur) moi",
)
"""Questions about what the fan said before."""

_INTRODUCES = (r"my name is", r"my name's", r"je m'appelle", r"mon prenom est", r"moi,? c'est")
_UPSET = (
    r"refund\w*",
    r"scam\w*",
    r"fraud\w*",
    r"chargeback\w*",
    r"rip ?off",
    r"complain\w*",
    r"rembours\w*",
    r"arnaque\w*",
    r"escroqu\w*",
    r"plainte",
    r"honteux",
)
_WANTS = (
    r"buy",
    r"purchase",
    r"packs?",
    r"photos?",
    r"pictures?",
    r"pics?",
    r"show me",
    r"what do you (?:sell|have)",
    r"new set",
    r"achet\w*",
    r"voir (?:plus|tes|vos|d'?autres)",
    r"montre\w*",
    r"proposez?",
    r"nouvelles? (?:series?|images?)",
)
_THANKS = (r"thanks?", r"thx", r"merci")
_PRAISE = (
    r"beautiful",
    r"gorgeous",
    r"love (?:it|this|your)",
    r"amazing",
    r"stunning",
    r"magnifiques?",
    r"superbes?",
    r"belles?",
    r"jolie?s?",
    r"j'?adore",
    r"sublimes?",
)
_HELLO = (
    r"hi",
    r"hello",
    r"hey",
    r"good (?:morning|evening)",
    r"bonjour",
    r"bonsoir",
    r"salut",
    r"coucou",
)


def _words_pattern(options: tuple[str, ...]) -> str:
    return r"\b(?:" + "|".join(options) + r")\b"


INTENT_PATTERNS: tuple[tuple[str, str], ...] = (
    ("unsafe", _words_pattern(_ALARM)),
    ("asked", r"^/human\b|" + _words_pattern(_PERSON)),
    ("truth", _words_pattern(_WHO)),
    ("upset", _words_pattern(_UPSET)),
    ("memory", r"\b(?:" + "|".join(_MEMORY) + ")"),
    ("introduction", _words_pattern(_INTRODUCES)),
    ("offer", _words_pattern(_WANTS)),
    ("thanks", _words_pattern(_THANKS)),
    ("compliment", _words_pattern(_PRAISE)),
    ("greeting", r"^\W*" + _words_pattern(_HELLO)),
    ("question", r"\?\s*$"),
)

_BUYING = re.compile(_words_pattern(_WANTS))


def has_buying_intent(text: str) -> bool:
    """Return True if a fan's message asks for pictures, packs or the shop."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return bool(_BUYING.search("".join(sign for sign in plain if not unicodedata.combining(sign))))
