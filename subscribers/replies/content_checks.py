"""Checks of a persona before it is saved: sizes, languages, and texts that no bot may send.

A model reads all texts of a character, so one text about a minor makes it inadmissible.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from foundation.db.database import Scope
from foundation.errors import BadInput, Refused, about_input
from foundation.i18n.translation import LANGUAGES
from gate.contract.reasons import Reason
from gate.surfaces.contents import SurfaceDecision
from gate.surfaces.decisions import judge_contents
from gate.surfaces.model_texts import model_content
from gate.surfaces.profiles import profile_content
from subscribers.replies import reply_checks
from subscribers.replies.persona import PersonaVersion, fill_placeholders

MAX_LENGTHS = {
    "name": 60,
    "card": 8000,
    "voice": 2000,
    "greeting": 600,
    "suggestions": 4000,
}
"""Maximum number of characters of each text."""

MAX_EXAMPLES = 8
MAX_EXAMPLE_LENGTH = 1000
MAX_RULES = 30
MAX_RULE_LENGTH = 300
MAX_LORE_ENTRIES = 200
MAX_LORE_KEYS = 20
MAX_KEY_LENGTH = 80
MAX_LORE_LENGTH = 2000


_REFUSALS = {
    Reason.PROHIBITED_CATEGORY: "gate.character_prohibited",
    Reason.PROHIBITED_MINOR: "gate.character_minor",
    Reason.LIKENESS_REAL_PERSON: "never.named",
    Reason.LINK_UNREGISTERED: "persona.has_link",
}
"""The message of each reason, the most serious first."""


def check_persona(scope: Scope, persona: PersonaVersion) -> None:
    """Raise BadInput for a persona that is incomplete or too long, and Refused for texts that no
    model may read, a name that no page may show, or answers that no bot may send."""
    check_persona_size(persona)
    answers = (persona.greeting, *(one.answer for one in persona.examples))
    filled = (fill_placeholders(text, persona.name) for text in answers)
    if any(reply_checks.find_reply_faults(text, instructions="") for text in filled if text):
        raise Refused("persona.bad_answer")
    texts = model_content("model.persona", persona_texts(persona))
    name, character = judge_contents(scope, [profile_content(name=persona.name), texts])
    _require_admissible(character)
    if not name.is_allowed:
        raise Refused(name.main_reason.code)


def check_character(scope: Scope, persona: PersonaVersion) -> None:
    """Raise Refused for a character that no model may read, without the checks of a saved one."""
    texts = model_content("model.persona", persona_texts(persona))
    _require_admissible(*judge_contents(scope, [texts]))


def check_card_texts(scope: Scope, texts: Iterable[str]) -> None:
    """Raise Refused for the texts of an imported card, used or not. Links are accepted: authors
    sign their cards with them, and the persona that is made of the card must contain none."""
    (decision,) = judge_contents(scope, [model_content("model.persona", texts)])
    if set(decision.reasons) != {Reason.LINK_UNREGISTERED}:
        _require_admissible(decision)


def _require_admissible(decision: SurfaceDecision) -> None:
    refusal = decision.refusal_code(_REFUSALS)
    if refusal:
        raise Refused(refusal)


def _check_rules(lines: Sequence[str]) -> None:
    if len(lines) > MAX_RULES:
        raise BadInput("persona.too_many_rules", most=MAX_RULES)
    if any(len(line) > MAX_RULE_LENGTH for line in lines):
        raise BadInput("persona.long_rule", most=MAX_RULE_LENGTH)


def check_persona_size(persona: PersonaVersion) -> None:
    """Raise BadInput for a persona that is incomplete or too long; the message names the field."""
    if not persona.name.strip():
        raise BadInput("persona.no_name").about("name")
    if not persona.languages or set(persona.languages) - set(LANGUAGES):
        raise BadInput("persona.bad_languages").about("languages")
    for field, most in MAX_LENGTHS.items():
        if len(getattr(persona, field)) > most:
            raise BadInput(f"persona.long_{field}", most=most).about(field)
    if len(persona.examples) > MAX_EXAMPLES:
        raise BadInput("persona.too_many_examples", most=MAX_EXAMPLES).about("examples")
    for example in persona.examples:
        if not (example.fan.strip() and example.answer.strip()):
            raise BadInput("persona.half_example").about("examples")
        if max(len(example.fan), len(example.answer)) > MAX_EXAMPLE_LENGTH:
            raise BadInput("persona.long_example", most=MAX_EXAMPLE_LENGTH).about("examples")
    for field, lines in (("rules", persona.rules), ("forbidden", persona.forbidden)):
        with about_input(field):
            _check_rules(lines)
    if len(persona.lorebook) > MAX_LORE_ENTRIES:
        raise BadInput("persona.too_many_entries", most=MAX_LORE_ENTRIES)


def persona_texts(persona: PersonaVersion) -> tuple[str, ...]:
    """Return all texts of a persona."""
    return tuple(
        text for text in _walk_texts(getattr(persona, one.name) for one in fields(persona))
    )


def _walk_texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from _walk_texts(value)
        elif hasattr(value, "__dataclass_fields__"):
            yield from _walk_texts(vars(value).values())
