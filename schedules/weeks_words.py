"""Words for a proposed post: a model's where one is there and they are fit, else the brief's own, as they stand."""

from generators import text_guard
from generators.contract import EngineError, Label, TextEngine, TextJob, Turn
from schedules.weeks_brief import Brief, forbidden

LONGEST = 240
"""Characters of what a model writes; a link comes after it, and both fit the shortest places we post to."""

_SYSTEM = {
    "fr": (
        "Tu écris un message d'une à trois phrases pour les réseaux sociaux de {creator}. Ton : {tone}."
        " Tu ne parles que du sujet donné, tu n'inventes ni fait, ni date. Ni hashtag, ni prix, ni lien."
    ),
    "en": (
        "You write a message of one to three sentences for the social accounts of {creator}. Tone: {tone}."
        " You speak of the given topic alone and invent neither facts nor dates. No hashtag, no price, no link."
    ),
}
_TONE = {"fr": "simple, chaleureux", "en": "plain, warm"}
_ASK = {"fr": "Sujet : {topic}\nBut : {goal}", "en": "Topic: {topic}\nGoal: {goal}"}


def own(topic: str, goal: str, link: str) -> str:
    """The brief's own words for a post: the topic as somebody wrote it, and the link; pure."""
    return "\n\n".join(filter(None, (topic or goal, link)))


def modelled(engine: TextEngine, brief: Brief, creator: str, topic: str, *, seed: int) -> str | None:
    """What a model writes about a topic, with the link; None where no model is there, or its words are not fit.

    Words that a creator never uses make them unfit.
    """
    language = brief.language
    if language not in engine.languages:
        return None
    system = _SYSTEM[language].format(creator=creator, tone=brief.tone or _TONE[language])
    asked = _ASK[language].format(topic=topic or brief.goal, goal=brief.goal)
    job = TextJob(system=system, turns=(Turn("user", asked),), seed=seed, language=language, max_tokens=120)
    try:
        written = engine.write(job)
    except EngineError:
        return None
    if written.label == Label.TEMPLATE:
        return None
    text = text_guard.fit(written.text, [system], longest=LONGEST)
    if text is None or forbidden(text, brief.forbidden) is not None:
        return None
    return own(text, "", brief.link)
