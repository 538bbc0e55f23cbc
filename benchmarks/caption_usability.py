"""Captions of a default installation: their duration and the share that is usable.

Forty briefs, twenty in English and twenty in French, are written as by “Write with AI”: by the text
engine that `make up` installs, with its deadline, and by templates where it does not write. For
comparison, the bundled model writes one caption for each brief, which the product does not use.
Usable is defined by `generators.text.output_checks.find_caption_fault`, which finds neither
invented words nor nonsense: the figure of the model is an upper bound.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.text_overhead import running_text_server
from foundation.ids import derived_uuid, uuid7
from foundation.ops.clock import monotonic, wall_now
from foundation.ops.settings import GeneratorsSettings
from gate.surfaces.model_texts import shipped_text_judge
from generators import registry
from generators.contract.engines import EngineError, PromptMessage, TextEngine, TextJob
from generators.engines.text.embedded import EmbeddedEngine
from generators.text import output_checks
from generators.text.deadlines import DeadlineEngine
from schedules.suggestions.captions import prompts, templates
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.prompts import CaptionFailure
from schedules.suggestions.shared.text_rules import TextRules

MAX_CAPTION = 240
_SYSTEM = {
    "en": "You write a caption of one or two sentences for the picture described. Tone: {tone}.",
    "fr": "Tu écris une légende d'une ou deux phrases pour la photo décrite. Ton : {tone}.",
}


@dataclass(frozen=True)
class Brief:
    """A topic, an alt text and a tone."""

    language: str
    topic: str
    picture: str
    tone: str


_ENGLISH = (
    ("Morning run by the river, 5 km before breakfast", "A woman running along a river", "playful"),
    ("New red dress for the summer party", "A red dress on a hanger by a window", "elegant"),
    ("Sunday pancakes with blueberries", "A stack of pancakes on a blue plate", "warm"),
    ("Back at the gym after two weeks off", "Dumbbells on a gym floor", "direct"),
    ("Sunset at the beach with my dog", "A dog on a beach at sunset", "plain, warm"),
    ("Behind the scenes of today's studio shoot", "A studio with a white backdrop", "curious"),
    ("Rainy afternoon, book and tea", "An open book and a cup of tea on a sofa", "calm"),
    ("First snow in the mountains", "A snowy mountain path", "poetic"),
    ("I finally repainted the kitchen green", "A green kitchen wall and a paint roller", "funny"),
    ("Which haircut should I try next?", "", "playful"),
    ("Vinyl night: three jazz records", "Three records on a wooden table", "cool"),
    ("City lights from the rooftop", "A city at night from a rooftop", "dreamy"),
    ("Making lemon soap at home", "Bars of yellow soap drying on a tray", "friendly"),
    ("My cat stole my chair again", "A grey cat asleep on an office chair", "funny"),
    ("A new tattoo design, a small fern", "A drawing of a fern on paper", "plain"),
    ("Road trip through the desert", "A road through a desert at noon", "adventurous"),
    ("Yoga in the garden", "A yoga mat on grass", "calm"),
    ("Vintage camera from the flea market", "An old film camera on a table", "nostalgic"),
    ("Thank you for all the messages this week", "", "warm"),
    ("Lavender field at dawn", "Rows of lavender at dawn", "poetic"),
)
_FRENCH = (
    ("Course du matin au bord de la rivière", "Une femme court le long d'une rivière", "joueur"),
    ("Nouvelle robe rouge pour la fête de l'été", "Une robe rouge sur un cintre", "élégant"),
    ("Crêpes du dimanche aux myrtilles", "Une pile de crêpes sur une assiette", "chaleureux"),
    ("Retour à la salle après deux semaines de pause", "Des haltères sur le sol", "direct"),
    ("Coucher de soleil à la plage avec mon chien", "Un chien sur une plage", "simple"),
    ("Les coulisses de la séance photo du jour", "Un studio avec un fond blanc", "curieux"),
    ("Après-midi de pluie, livre et thé", "Un livre et une tasse de thé sur un canapé", "calme"),
    ("Première neige en montagne", "Un chemin de montagne enneigé", "poétique"),
    ("J'ai enfin repeint la cuisine en vert", "Un mur vert et un rouleau de peinture", "drôle"),
    ("Quelle coupe de cheveux essayer ensuite ?", "", "joueur"),
    ("Soirée vinyles : trois disques de jazz", "Trois disques sur une table en bois", "cool"),
    ("Les lumières de la ville depuis le toit", "Une ville la nuit vue d'un toit", "rêveur"),
    ("Fabrication de savon au citron à la maison", "Des savons jaunes sur un plateau", "amical"),
    ("Mon chat a encore volé ma chaise", "Un chat gris endormi sur une chaise", "drôle"),
    ("Un nouveau dessin de tatouage, une fougère", "Le dessin d'une fougère", "simple"),
    ("Road trip à travers le désert", "Une route dans le désert à midi", "aventurier"),
    ("Yoga dans le jardin", "Un tapis de yoga sur l'herbe", "calme"),
    ("Appareil photo trouvé à la brocante", "Un vieil appareil sur une table", "nostalgique"),
    ("Merci pour tous vos messages cette semaine", "", "chaleureux"),
    ("Champ de lavande à l'aube", "Des rangées de lavande à l'aube", "poétique"),
)
BRIEFS = tuple(
    Brief(language, *brief)
    for language, briefs in (("en", _ENGLISH), ("fr", _FRENCH))
    for brief in briefs
)

WriteCaption = Callable[[Brief, int], str | None]


def measure_captions() -> dict[str, float]:
    """Return durations in seconds and the share of usable captions, of the product and of the
    bundled model."""
    settings = GeneratorsSettings()
    engine = registry.load_text_engine(settings)
    found = _summarize("captions", measure_briefs(_product_writer(engine, settings), BRIEFS))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_text_server(Path(folder)) as url,
    ):
        model = EmbeddedEngine(url, "bundled", None, own=True)
        return found | _summarize("model", measure_briefs(_model_writer(model), BRIEFS))


def measure_briefs(
    write: WriteCaption, briefs: Sequence[Brief]
) -> Iterator[tuple[float, output_checks.Fault | None]]:
    """Yield the duration in seconds and the fault of each caption; a missing one is `cut`."""
    known: list[str] = []
    for number, brief in enumerate(briefs):
        began = monotonic()
        text = write(brief, number)
        seconds = monotonic() - began
        fault = output_checks.find_caption_fault(
            text or "",
            language=brief.language,
            topic=brief.topic,
            picture=brief.picture,
            most=MAX_CAPTION,
            known=known,
        )
        known.append(text or "")
        yield seconds, fault


def _summarize(
    name: str, measured: Iterator[tuple[float, output_checks.Fault | None]]
) -> dict[str, float]:
    rows = list(measured)
    cuts = quantiles([seconds for seconds, _ in rows], n=20)
    return {
        f"{name}_p50_s": cuts[9],
        f"{name}_p95_s": cuts[18],
        f"{name}_usable": sum(fault is None for _, fault in rows) / len(rows),
    }


def _product_writer(engine: TextEngine, settings: GeneratorsSettings) -> WriteCaption:
    """Return a function that writes a set as `CaptionKind` does, and returns its caption."""
    within = DeadlineEngine(engine, settings.caption_seconds)
    judge = shipped_text_judge("model.suggestion", wall_now())

    def write(brief: Brief, number: int) -> str | None:
        wish = CaptionSetBrief(
            uuid7(), brief.topic, brief.language, brief.tone, picture=brief.picture
        )
        rules = TextRules(brief.language, judge, sources=(brief.topic,))
        seed = derived_uuid("captions", str(number)).int % 2**30
        found = prompts.write_caption_set(within, wish, "Mia", rules, seed=seed)
        if isinstance(found, CaptionFailure):
            found = templates.write_template_set(wish, rules, templates.SET_STYLE, number=number)
        return next((one.text for one in found if one.field == "caption"), None)

    return write


def _model_writer(engine: TextEngine) -> WriteCaption:
    """Return a function that asks the model for a caption, and returns its tidied text."""

    def write(brief: Brief, number: int) -> str | None:
        system = _SYSTEM[brief.language].format(tone=brief.tone)
        about = ". ".join(filter(None, (brief.topic, brief.picture)))
        job = TextJob(
            system, (PromptMessage("user", about),), number, brief.language, max_tokens=90
        )
        try:
            return output_checks.checked_text(engine.write(job).text, [system, about])
        except EngineError:
            return None

    return write
