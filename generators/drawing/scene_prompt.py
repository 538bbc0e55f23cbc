"""Parsing of scene prompts: known words for places, times, weather, seasons and colours, in English
and French."""

import re
import unicodedata
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from generators.drawing.canvas import Colour

_PLACES: dict[str, tuple[str, ...]] = {
    "beach": (
        "beach",
        "sea",
        "seaside",
        "ocean",
        "coast",
        "shore",
        "island",
        "palm",
        "waves",
        "plage",
        "mer",
        "ile",
    ),
    "city": (
        "city",
        "street",
        "skyline",
        "rooftop",
        "paris",
        "london",
        "tokyo",
        "downtown",
        "urban",
        "ville",
        "rue",
        "toits",
    ),
    "mountain": (
        "mountain",
        "mountains",
        "alps",
        "peak",
        "lake",
        "hike",
        "summit",
        "ski",
        "montagne",
        "alpes",
        "lac",
        "sommet",
    ),
    "forest": (
        "forest",
        "woods",
        "trees",
        "trail",
        "jungle",
        "park",
        "foret",
        "bois",
        "arbres",
        "sentier",
        "parc",
    ),
    "studio": (
        "studio",
        "backdrop",
        "interior",
        "bedroom",
        "loft",
        "indoor",
        "chambre",
        "atelier",
        "interieur",
    ),
    "cafe": (
        "cafe",
        "coffee",
        "bar",
        "restaurant",
        "terrace",
        "breakfast",
        "tea",
        "bistro",
        "terrasse",
        "bistrot",
    ),
    "desert": ("desert", "dune", "dunes", "sahara", "canyon", "cactus", "sable", "oasis"),
    "field": (
        "field",
        "meadow",
        "lavender",
        "provence",
        "countryside",
        "vineyard",
        "garden",
        "champ",
        "lavande",
        "jardin",
    ),
}
_HOURS: dict[str, tuple[str, ...]] = {
    "night": ("night", "midnight", "moon", "moonlight", "stars", "neon", "nuit", "lune", "etoiles"),
    "sunset": ("sunset", "golden", "evening", "dusk", "couchant", "soir", "doree", "crepuscule"),
    "dawn": ("dawn", "sunrise", "morning", "early", "aube", "matin", "lever"),
    "day": ("day", "noon", "midday", "afternoon", "sunny", "jour", "midi", "soleil"),
}
_WEATHER: dict[str, tuple[str, ...]] = {
    "mist": ("mist", "misty", "fog", "foggy", "haze", "brume", "brouillard"),
    "rain": ("rain", "rainy", "storm", "wet", "pluie", "orage"),
    "cloudy": ("cloud", "clouds", "cloudy", "overcast", "nuage", "nuages", "nuageux"),
    "clear": ("clear", "blue", "degage"),
}
_SEASONS: dict[str, tuple[str, ...]] = {
    "winter": ("winter", "snow", "snowy", "frost", "hiver", "neige"),
    "autumn": ("autumn", "fall", "october", "november", "automne"),
    "spring": ("spring", "blossom", "cherry", "april", "printemps", "fleurs"),
    "summer": ("summer", "july", "august", "ete"),
}
COLOURS: dict[str, Colour] = {
    "red": (205, 62, 58),
    "orange": (226, 128, 54),
    "yellow": (236, 190, 74),
    "green": (86, 142, 104),
    "teal": (48, 140, 142),
    "blue": (64, 108, 178),
    "purple": (128, 92, 168),
    "pink": (224, 128, 150),
    "white": (240, 236, 228),
    "black": (48, 46, 52),
    "beige": (206, 180, 148),
    "coral": (235, 122, 104),
}
_FRENCH_COLOURS = {
    "rouge": "red",
    "jaune": "yellow",
    "vert": "green",
    "bleu": "blue",
    "violet": "purple",
    "rose": "pink",
    "blanc": "white",
    "noir": "black",
    "verte": "green",
    "bleue": "blue",
    "blanche": "white",
    "noire": "black",
}

PLACES = tuple(_PLACES)
HOURS = tuple(_HOURS)
WEATHERS = tuple(_WEATHER)
SEASONS = tuple(_SEASONS)
SYNONYMS = _PLACES | _HOURS | _WEATHER | _SEASONS
"""The words for each meaning; they do not always include the name of the meaning."""

_NATURAL_HOURS = ("day", "sunset", "dawn", "day", "sunset")
_Word = TypeVar("_Word")


@dataclass(frozen=True)
class SceneSetting:
    """The setting of a scene. `known` are the recognized words of the prompt, in order."""

    place: str
    hour: str
    weather: str
    season: str
    accent: Colour
    known: tuple[str, ...] = ()


def prompt_words(prompt: str) -> list[str]:
    """Return the prompt's words in lower case without accents."""
    plain = unicodedata.normalize("NFKD", prompt.lower())
    return re.findall(r"[a-z]+", "".join(c for c in plain if not unicodedata.combining(c)))


def _first_match(found: list[str], table: dict[str, tuple[str, ...]]) -> str | None:
    """Return the entry whose word comes first in the prompt."""
    meanings = {word: entry for entry, synonyms in table.items() for word in synonyms}
    return next((meanings[word] for word in found if word in meanings), None)


def _choose_word(rng: np.random.Generator, options: tuple[_Word, ...]) -> _Word:
    return options[int(rng.integers(len(options)))]


def place_and_time(prompt: str) -> tuple[str | None, str | None]:
    """Return the place and time of day in a prompt, or None for each that it does not name."""
    found = prompt_words(prompt)
    return _first_match(found, _PLACES), _first_match(found, _HOURS)


def parse_scene_prompt(prompt: str, rng: np.random.Generator) -> SceneSetting:
    """Return the setting of a prompt. Anything the prompt does not specify is drawn from `rng`, so
    that it varies with the seed."""
    found = prompt_words(prompt)
    chance = (
        _choose_word(rng, PLACES),
        _choose_word(rng, _NATURAL_HOURS),
        _choose_word(rng, ("clear", "clear", "cloudy")),
    )
    colour = _choose_word(rng, ("coral", "teal", "yellow", "blue", "red", "pink"))
    asked = next(
        (
            _FRENCH_COLOURS.get(word, word)
            for word in found
            if _FRENCH_COLOURS.get(word, word) in COLOURS
        ),
        None,
    )
    tables = (_PLACES, _HOURS, _WEATHER, _SEASONS)
    every = {word for table in tables for synonyms in table.values() for word in synonyms}
    return SceneSetting(
        place=_first_match(found, _PLACES) or chance[0],
        hour=_first_match(found, _HOURS) or chance[1],
        weather=_first_match(found, _WEATHER) or chance[2],
        season=_first_match(found, _SEASONS) or "summer",
        accent=COLOURS[asked or colour],
        known=tuple(
            word for word in found if word in every or word in COLOURS or word in _FRENCH_COLOURS
        ),
    )
