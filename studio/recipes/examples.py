"""Prompt templates that are shipped as examples, in each language of the interface.

Their vocabulary is plain, so that every engine draws it, the bundled demo model included.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from studio.recipes.specs import RecipeSpec

EXAMPLES: Mapping[str, Sequence[RecipeSpec]] = MappingProxyType(
    {
        "en": (
            RecipeSpec(
                name="Morning outdoors",
                prompt="{place}, {hour}, {weather}, soft light",
                words={
                    "place": [
                        "a café terrace",
                        "a quiet beach",
                        "a forest path",
                        "the roofs of Paris",
                    ],
                    "hour": ["early morning", "late afternoon"],
                    "weather": ["clear sky", "light mist", "in the rain"],
                },
                variants=4,
            ),
            RecipeSpec(
                name="Coffee break",
                prompt="a cup of {drink} on {table}, {light}, seen from above",
                words={
                    "drink": ["coffee", "tea", "hot chocolate"],
                    "table": ["a wooden table", "a marble counter", "a garden table"],
                    "light": ["morning light", "window light", "warm evening light"],
                },
                variants=4,
                width=1200,
                height=1200,
            ),
            RecipeSpec(
                name="City walk",
                prompt="{street} in {city}, {hour}, {weather}, no people",
                words={
                    "street": ["a narrow street", "a bridge", "a market square"],
                    "city": ["Paris", "Lisbon", "Amsterdam", "Prague"],
                    "hour": ["at dawn", "at noon", "at night with street lights"],
                    "weather": ["clear sky", "after the rain", "light snow"],
                },
                variants=4,
                width=1080,
                height=1352,
            ),
            RecipeSpec(
                name="Desk and work in progress",
                prompt="a desk with {things}, {place}, {light}",
                words={
                    "things": [
                        "a camera and prints",
                        "a sketchbook and pencils",
                        "a laptop and notes",
                    ],
                    "place": ["next to a window", "in a small studio", "with green plants"],
                    "light": ["soft daylight", "lamp light in the evening"],
                },
                variants=3,
            ),
            RecipeSpec(
                name="Seasonal background",
                prompt="{season}, {motif}, calm colours, empty space for a text",
                words={
                    "season": ["spring", "summer", "autumn", "winter"],
                    "motif": ["flowers", "leaves", "a lake", "hills", "a garden"],
                },
                variants=4,
                width=1080,
                height=1920,
            ),
            RecipeSpec(
                name="Cosy evening",
                prompt="{room}, {detail}, {weather} outside, warm light",
                words={
                    "room": ["a living room", "a reading corner", "a kitchen"],
                    "detail": ["candles", "a fireplace", "books and a blanket"],
                    "weather": ["rain", "snow", "a starry sky"],
                },
                variants=3,
            ),
        ),
        "fr": (
            RecipeSpec(
                name="Matin dehors",
                prompt="{lieu}, {heure}, {temps}, lumière douce",
                words={
                    "lieu": [
                        "une terrasse de café",
                        "une plage",
                        "un chemin de forêt",
                        "les toits de Paris",
                    ],
                    "heure": ["le matin", "en fin de journée"],
                    "temps": ["ciel clair", "brume légère", "sous la pluie"],
                },
                variants=4,
            ),
            RecipeSpec(
                name="Pause café",
                prompt="une tasse de {boisson} sur {table}, {lumiere}, vue de dessus",
                words={
                    "boisson": ["café", "thé", "chocolat chaud"],
                    "table": [
                        "une table en bois",
                        "un comptoir en marbre",
                        "une table de jardin",
                    ],
                    "lumiere": [
                        "lumière du matin",
                        "lumière de fenêtre",
                        "lumière chaude du soir",
                    ],
                },
                variants=4,
                width=1200,
                height=1200,
            ),
            RecipeSpec(
                name="Promenade en ville",
                prompt="{rue} à {ville}, {heure}, {temps}, sans personne",
                words={
                    "rue": ["une ruelle", "un pont", "une place de marché"],
                    "ville": ["Paris", "Lisbonne", "Amsterdam", "Prague"],
                    "heure": ["à l’aube", "à midi", "la nuit, sous les réverbères"],
                    "temps": ["ciel clair", "après la pluie", "neige légère"],
                },
                variants=4,
                width=1080,
                height=1352,
            ),
            RecipeSpec(
                name="Bureau et coulisses",
                prompt="un bureau avec {objets}, {lieu}, {lumiere}",
                words={
                    "objets": [
                        "un appareil photo et des tirages",
                        "un carnet et des crayons",
                        "un ordinateur et des notes",
                    ],
                    "lieu": [
                        "près d’une fenêtre",
                        "dans un petit atelier",
                        "avec des plantes vertes",
                    ],
                    "lumiere": ["lumière du jour", "lumière d’une lampe le soir"],
                },
                variants=3,
            ),
            RecipeSpec(
                name="Fond de saison",
                prompt="{saison}, {motif}, couleurs calmes, espace vide pour un texte",
                words={
                    "saison": ["printemps", "été", "automne", "hiver"],
                    "motif": ["des fleurs", "des feuilles", "un lac", "des collines", "un jardin"],
                },
                variants=4,
                width=1080,
                height=1920,
            ),
            RecipeSpec(
                name="Soirée à la maison",
                prompt="{piece}, {detail}, {temps} dehors, lumière chaude",
                words={
                    "piece": ["un salon", "un coin lecture", "une cuisine"],
                    "detail": ["des bougies", "une cheminée", "des livres et un plaid"],
                    "temps": ["pluie", "neige", "ciel étoilé"],
                },
                variants=3,
            ),
        ),
    }
)
"""The examples by language; the first one is also the sample for a creator without templates."""


def list_examples(language: str) -> Sequence[RecipeSpec]:
    """Return the examples of a language, or the English ones if it has none."""
    return EXAMPLES.get(language, EXAMPLES["en"])


def describe_example(spec: RecipeSpec) -> str:
    """Return the prompt of an example with the first word of each list."""
    return spec.prompt.format(**{name: words[0] for name, words in spec.words.items()})
