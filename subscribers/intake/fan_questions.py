"""Questions of fans that code answers: the packs on sale, delivery, discounts and support. Pure.

The patterns are for normalized text. They are few and strict: a message that matches none is
answered by the model or a member.
"""

import re

from subscribers.replies.shop_answers import Question

MAX_QUESTION_LENGTH = 140
"""Longer messages contain more than the question."""

_CATALOG = (
    r"what (?:do you|are you|you) sell\w*",
    r"what (?:packs|sets|content|pictures|photos) (?:do you|are you|can i) "
    r"(?:have|sell\w*|offer\w*|buy)",
    r"(?:your|the|any) (?:price list|prices?|catalog(?:ue)?|menu|rates?)",
    r"price ?list",
    r"what (?:can|could) i buy",
    r"(?:list|show)(?: me)? (?:of |all )?(?:your|the) packs",
    r"how much (?:is|are|does|do|for) (?:it|they|that|this|your|the|a|one)\b.*",
    r"(?:tu|vous) vend(?:s|ez) quoi",
    r"qu'est[- ]ce que (?:tu|vous) (?:vends|vendez|proposes|proposez)",
    r"que (?:vends|vendez|proposes|proposez)[- ](?:tu|vous)",
    r"quels? (?:sont|est) (?:tes|vos|les|ton|votre|le) (?:prix|tarifs?|packs?|offres)",
    r"(?:tes|vos) (?:prix|tarifs?|packs)",
    r"(?:le|ton|votre|la) (?:catalogue|liste (?:des|de tes|de vos) (?:packs|prix))",
    r"liste des (?:packs|prix)",
    r"c'est combien",
    r"combien (?:ca coute|coutent?|est[- ]ce que ca coute|pour (?:un|les|le|tes|vos))\b.*",
    r"(?:que|qu'est[- ]ce que) (?:je peux|puis[- ]je|peut[- ]on|on peut) acheter",
)
_DISCOUNTS = (
    r"discounts?",
    r"promo(?:tion)?s?",
    r"coupons?",
    r"cheaper",
    r"(?:lower|better) price",
    r"for free",
    r"reductions?",
    r"remises?",
    r"code promo",
    r"moins cher",
    r"rabais",
    r"ristournes?",
    r"gratuit\w*",
)
_DELIVERY = (
    r"(?:how|when|where) (?:do|will|would|can) i (?:get|receive|find|see|open) "
    r"(?:it|them|my (?:packs?|pictures|photos|purchases?)|the (?:packs?|pictures|photos))",
    r"(?:how|when) (?:does|will|is|are) (?:the )?(?:delivery|it|pack|packs) "
    r"(?:work|delivered|arrive\w*|sent)",
    r"how does (?:delivery|buying|it) work",
    r"what happens (?:after|when|once) i (?:pay|buy)",
    r"(?:quand|comment|ou) (?:est[- ]ce que )?(?:je|j')(?: ?(?:vais|le|la|les|l'))? ?"
    r"(?:recois|recevoir|recevrai|recupere|recuperer|ouvre|ouvrir|trouve|trouver)\b.*",
    r"(?:comment|quand) (?:se passe la livraison|c'est livre|ca arrive|sont livres)",
    r"(?:la |les )?(?:livraison|delai)s?",
    r"(?:il|que) se passe[- ]?t?[- ]?(?:il)? (?:quoi )?(?:apres|quand je) "
    r"(?:le )?(?:paiement|paie|paye)",
)
_SUPPORT = (
    r"customer (?:service|support)",
    r"(?:contact|reach) (?:the )?(?:support|team)",
    r"how (?:do|can) i contact (?:you|someone|the team|support)",
    r"who (?:do|can|should) i contact",
    r"(?:problem|issue|trouble) with (?:my|a|the) (?:payment|order|purchase)",
    r"service client",
    r"(?:contacter|joindre) (?:le support|l'equipe|le service)",
    r"comment (?:je peux |puis[- ]je )?(?:vous|te) (?:contacter|joindre)",
    r"(?:probleme|souci) (?:avec|de|sur) (?:mon|ma|un|le|la) (?:paiement|commande|achat)",
)


def _compile_patterns(patterns: tuple[str, ...]) -> "re.Pattern[str]":
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b")


_QUESTIONS: tuple[tuple[Question, "re.Pattern[str]"], ...] = (
    ("support", _compile_patterns(_SUPPORT)),
    ("discounts", _compile_patterns(_DISCOUNTS)),
    ("delivery", _compile_patterns(_DELIVERY)),
    ("catalog", _compile_patterns(_CATALOG)),
)


_ASKS = re.compile(
    r"\W*(?:what|how|when|where|who|which|can|could|do|does|is|are|any|give|show|send|list|i want"
    r"|i would like|i'd like|que|qu'|quel|quand|comment|ou |combien|tu |vous |est-ce|c'est|y a"
    r"|il y a|as-tu|avez-vous|peux|pouvez|je veux|je voudrais|j'aimerais|donne|montre|envoie|fais)"
)
MAX_BARE_WORDS = 4
"""Messages with at most this number of words are questions even without the form of one."""


def classify_question(plain: str) -> Question | None:
    """Return the question that a normalized message asks, or None."""
    if len(plain) > MAX_QUESTION_LENGTH:
        return None
    if not ("?" in plain or _ASKS.match(plain) or len(plain.split()) <= MAX_BARE_WORDS):
        return None
    return next((about for about, pattern in _QUESTIONS if pattern.search(plain)), None)
