"""Attacks by text: split, disguised, encoded, or in unusual fields."""

import base64
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from channels.links import short_links, utm_parameters
from foundation.ids import uuid7
from gate.contract.units import LinkReplacement, Medium, Rating, Subject, Text, Unit
from gate.people import depiction_bans
from gate.ratings import inspections
from gate.reviews import link_targets, own_terms
from gate.text import urls
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.gate.builders import message, picture, sentence_beginning_with, synthetic_person, unit

__all__ = ["SCENARIOS"]

LEET = str.maketrans("EISOAT", "31504" + "7")
LOOKALIKES = str.maketrans("AEOPCXTKMHB", "АЕОРСХТКМНВ")
PLACES = {
    "IG1": ("instagram", "instagram.post"),
    "TT1": ("tiktok", "tiktok.post"),
    "YT1": ("youtube", "youtube.video"),
    "X1": ("x", "x.post"),
    "XPROFILE": ("x", "x.profile_live"),
    "TGpub": ("telegram", "telegram.public_channel"),
    "FVPREVIEW": ("fanvue", "fanvue.public"),
    "FV1": ("sandbox", "sandbox.as_fanvue"),
}


def general_picture(stage: Stage) -> Medium:
    """Add a General picture."""
    return stage.do(lambda scope: picture(scope, stage.world))


def text_unit(stage: Stage, place: str, *, media: tuple[Medium, ...] = (), **texts: str) -> Unit:
    """Return a unit for a surface with its texts by field."""
    platform, surface = PLACES[place]
    shown = tuple(Text(field, body) for field, body in texts.items())
    return replace(unit(stage.world, media=media), platform=platform, surface=surface, texts=shown)


def caption(
    place: str, disguise: Callable[[str], str], *, plain_twin: bool = False
) -> Callable[[Stage], Result]:
    """Return a scenario with the word disguised in a caption. If the disguise itself is refused,
    the twin has none."""

    def scenario(stage: Stage) -> Result:
        word = stage.word()
        body = word if plain_twin and not stage.harm else disguise(word)
        return stage.send(
            text_unit(stage, place, media=(general_picture(stage),), body=f"Hello {body}")
        )

    return scenario


def styled(word: str) -> str:
    return "".join(chr(0x1D400 + ord(c) - 65) if c.isalpha() else c for c in word)


def emoji(word: str) -> str:
    flags = "".join(chr(0x1F1E6 + ord(c) - 65) if c.isalpha() else "❤️" for c in word)
    return f"❤️{flags}\u200d🇫🇷"


DISGUISES: dict[str, tuple[str, Callable[[str], str], bool]] = {
    "T-04": ("TT1", " ".join, False),
    "T-05": ("IG1", lambda word: word.translate(LEET), False),
    "T-07": (
        "FVPREVIEW",
        lambda word: "decode me: " + base64.b64encode(word.encode()).decode(),
        False,
    ),
    "T-12": ("TGpub", lambda word: f"{word[:5]}<b></b>{word[5:9]}<i></i>{word[9:]}", False),
    "U-01": ("IG1", lambda word: word.translate(LOOKALIKES), True),
    "U-02": ("TGpub", "\u200d\u200b".join, True),
    "U-03": ("YT1", lambda word: f"\u202e{word[::-1]}\u202c", True),
    "U-04": ("XPROFILE", styled, False),
    "U-05": ("TT1", lambda word: "".join(f"{c}\u0301\u0302\u0303" for c in word), True),
    "U-06": ("TGpub", lambda word: "".join(chr(0xE0000 + ord(c)) for c in word), True),
    "U-08": ("IG1", emoji, True),
    "L-01": ("IG1", lambda word: word, False),
}
for name, (place, disguise, plain) in DISGUISES.items():
    register_attack(name)(caption(place, disguise, plain_twin=plain))


@register_attack("T-01")
def word_in_the_alt_text(stage: Stage) -> Result:
    return stage.send(
        text_unit(
            stage, "IG1", media=(replace(general_picture(stage), alt=stage.word()),), body="Hello"
        )
    )


@register_attack("T-02")
def word_over_two_fields(stage: Stage) -> Result:
    word = stage.word()
    return stage.send(
        text_unit(stage, "YT1", media=(general_picture(stage),), title=word[:9], comment=word[9:])
    )


@register_attack("T-10")
def minor_word_where_nudity_is_allowed(stage: Stage) -> Result:
    other = stage.tokens["SUGGESTIVE-MARKER-A"]
    explicit = stage.do(
        lambda scope: picture(
            scope, stage.world, Rating.E, person=synthetic_person(scope, stage.world)
        )
    )
    return stage.send(
        text_unit(stage, "FV1", media=(explicit,), body=f"{stage.word('MINOR-C-A')}, {other}")
    )


AGES = {
    True: ("15 years old", "fifteen years old", "quinze ans", "15 Jahre alt"),
    False: ("25 years old", "twenty-five years old", "vingt-cinq ans", "25 Jahre alt"),
}


@register_attack("T-21")
def age_beside_a_word_of_nudity(stage: Stage) -> Result:
    explicit = stage.do(
        lambda scope: picture(
            scope, stage.world, Rating.E, person=synthetic_person(scope, stage.world)
        )
    )
    word = stage.tokens["NUDITY-MARKER-A"]
    results = [
        stage.send(text_unit(stage, "FV1", media=(explicit,), body=f"{age}, {word}"))
        for age in AGES[stage.harm]
    ]
    return max(results, key=lambda result: result.sent if stage.harm else not result.sent)


@register_attack("T-11")
def explicit_words_alone(stage: Stage) -> Result:
    return stage.send(text_unit(stage, "X1", body=stage.word()))


@register_attack("L-07")
def prohibited_word_in_another_language(stage: Stage) -> Result:
    explicit = stage.do(
        lambda scope: picture(
            scope, stage.world, Rating.E, person=synthetic_person(scope, stage.world)
        )
    )
    return stage.send(
        text_unit(
            stage, "FV1", media=(explicit,), body=f"Look at this {stage.word('FRENCH-PROHIBITED')}"
        )
    )


FRAME = (
    "Good evening everybody. The shop was open until nine. We took the last train home. It was "
    "raining again."
    " Nobody had an umbrella. I made tea for both of us. The cat was asleep. {} Tomorrow we start "
    "early. Sleep well!"
)
SENTENCES = {
    "Polish": "Zobacz koniecznie moje nowe zdjęcia, wszystko czeka na ciebie.",
    "Russian in Latin letters": "Posmotri moi novye fotografii, oni zhdut tebya segodnya vecherom.",
    "Finnish": "Katso uudet kuvani tänään illalla, kaikki odottaa sinua.",
}
"""Sentences in languages that the lexicons do not cover."""


def sentence(place: str, language: str, *, frame: str = "{}") -> Callable[[Stage], Result]:
    """Return a scenario with one sentence of an unsupported language in a caption. The twin has it
    in English."""

    def scenario(stage: Stage) -> Result:
        said = SENTENCES[language] if stage.harm else "There are new pictures of us."
        return stage.send(
            text_unit(stage, place, media=(general_picture(stage),), body=frame.format(said))
        )

    return scenario


register_attack("L-02")(sentence("TGpub", "Finnish"))
register_attack("L-03")(sentence("YT1", "Polish", frame=FRAME))
register_attack("L-04")(sentence("TGpub", "Russian in Latin letters"))


@register_attack("B-03")
def letters_over_many_messages(stage: Stage) -> Result:
    sent: list[Any] = [
        stage.send(message(stage.world, "vun", text=letter)) for letter in stage.word()[:-1]
    ]
    assert all(each.sent for each in sent)
    return stage.send(message(stage.world, "vun", text=stage.word()[-1]))


@register_attack("V-08")
def explicit_words_to_a_reader_nobody_knows(stage: Stage) -> Result:
    return stage.send(message(stage.world, "vun", text=stage.word()))


@register_attack("T-17")
def first_letters_of_whole_sentences(stage: Stage) -> Result:
    medium = general_picture(stage)
    sentences = map(sentence_beginning_with, filter(str.isalpha, stage.word()))
    *earlier, last = [
        stage.send(text_unit(stage, "IG1", media=(medium,), body=body)) for body in sentences
    ]
    assert all(each.sent for each in earlier)
    return last


@register_attack("T-20")
def term_half_in_the_transcript(stage: Stage) -> Result:
    word = stage.word()
    halves = (word[:8], word[8:])

    def send(transcript: str, caption: str) -> Result:
        medium = general_picture(stage)
        stage.do(
            lambda scope: inspections.record_classifier_finding(
                scope,
                medium.sha256,
                source="classifier:ears@1",
                rating=Rating.G,
                words=[transcript],
            )
        )
        shown = (replace(medium, alt="The sea in the evening"),)
        return stage.send(text_unit(stage, "IG1", media=shown, body=caption))

    return least_refused(
        stage,
        [
            send(f"{halves[1]} is what I said", f"Good evening {halves[0]}"),
            send(f"Good evening {halves[0]}", f"{halves[1]} is what I said"),
        ],
    )


BANNED_NAME = "Lou Martin"
NAMINGS = (
    "My friend Lou Martin",
    "lou martín by the sea",
    "L o u  M a r t i n",
    "L0u M4rtin",
    "for #loumartin",
    "the Lоu Mаrtin look",
    "nitraM uoL",
    base64.b64encode(BANNED_NAME.encode()).decode(),
)
"""Captions that name a banned person in several disguises. The twins name nobody or another one."""


@register_attack("C-10")
def caption_that_names_a_banned_person(stage: Stage) -> Result:
    owner = stage.world.ann if stage.solo else stage.world.rob
    stage.do(
        lambda scope: depiction_bans.add_depiction_ban(scope, BANNED_NAME), actor=f"member:{owner}"
    )
    explicit = stage.do(
        lambda scope: picture(
            scope, stage.world, Rating.E, person=synthetic_person(scope, stage.world)
        )
    )
    captions = NAMINGS if stage.harm else ("My friend Lou", "My friend Lou Martinez")
    return least_refused(
        stage,
        [stage.send(text_unit(stage, "FV1", media=(explicit,), body=body)) for body in captions],
    )


SHORT_TERM = "vuzomk"
"""A short term that an agency added."""


def short_term(place: str, disguise: Callable[[str], str], twin: str) -> Callable[[Stage], Result]:
    """Return a scenario with a disguised short term in a caption. The twin is written alike."""

    def scenario(stage: Stage) -> Result:
        owner = stage.world.ann if stage.solo else stage.world.rob
        stage.do(
            lambda scope: own_terms.add_own_terms(scope, "explicit", (SHORT_TERM,)),
            actor=f"member:{owner}",
        )
        body = disguise(SHORT_TERM) if stage.harm else twin
        return stage.send(text_unit(stage, place, media=(general_picture(stage),), body=body))

    return scenario


for name, (place, disguise, twin) in {
    "T-13": ("IG1", lambda word: f"the super{word}day is here", "the supermarket is here"),
    "T-14": ("TT1", lambda word: f"the *{word[1:]} is open", "the *market* is open"),
    "T-15": ("YT1", lambda word: f"the {word[:3]}-{word[3:]} is open", "the mar-ket is open"),
}.items():
    register_attack(name)(short_term(place, disguise, twin))


AI_MARKS = {
    "en": ("Made with AI", "Made without AI", "This is not an AI picture"),
    "fr": ("Image faite avec une IA", "Image faite sans IA", "Ce n'est pas une image par IA"),
    "es": ("Imagen hecha con IA", "Imagen hecha sin IA", "Esta imagen no fue hecha con IA"),
    "de": ("Mit KI erstellt", "Ohne KI erstellt", "Das ist kein Bild der KI"),
    "it": ("Foto fatta con l'IA", "Foto fatta senza IA", "Questa foto non è fatta con l'IA"),
    "pt": ("Imagem feita com IA", "Imagem feita sem IA", "Esta imagem não foi feita com IA"),
}
"""A mark of AI in each supported language, and sentences that deny it."""


def generated_picture(stage: Stage) -> Medium:
    """Add a General picture that a model generated."""
    return stage.do(lambda scope: picture(scope, stage.world, ai="generated"))


def least_refused(stage: Stage, results: list[Result]) -> Result:
    """Return the result that went furthest, or of a twin the one that went least far."""
    return max(results, key=lambda result: result.sent if stage.harm else not result.sent)


@register_attack("T-18")
def denial_taken_for_disclosure(stage: Stage) -> Result:
    medium = generated_picture(stage)
    texts = [
        body
        for mark, *denials in AI_MARKS.values()
        for body in (denials if stage.harm else [mark, f"Good evening, {mark}"])
    ]
    return least_refused(
        stage,
        [stage.send(text_unit(stage, "TGpub", media=(medium,), body=body)) for body in texts],
    )


@register_attack("T-19")
def disclosure_where_nobody_looks(stage: Stage) -> Result:
    medium = generated_picture(stage)
    mark = AI_MARKS["en"][0]
    if not stage.harm:
        return stage.send(text_unit(stage, "TGpub", media=(medium,), body=mark))
    hidden = (replace(medium, name=f"{mark}.jpg"), replace(medium, alt=mark))
    return least_refused(
        stage,
        [
            stage.send(text_unit(stage, "TGpub", media=(each,), body="Good evening"))
            for each in hidden
        ],
    )


@register_attack("R-12")
def host_without_a_scheme(stage: Stage) -> Result:
    body = f"more at mia{'.' if stage.harm else ' '}photography today"
    return stage.send(text_unit(stage, "X1", media=(general_picture(stage),), body=body))


@register_attack("R-13")
def link_to_our_part_for_adults(stage: Stage) -> Result:
    before = urls.own_hosts()
    urls.set_own_hosts(("pages.example",))
    try:
        body = f"my page: https://pages.example/mia/{'%31%38/' if stage.harm else ''}"
        return stage.send(text_unit(stage, "IG1", media=(general_picture(stage),), body=body))
    finally:
        urls.set_own_hosts(before)


SHOP = "https://shop.test/"
OURS, FOREIGN = "pages.example", "given-up.example"


def linked_unit(stage: Stage, place: str, *, campaign: str, host: str) -> Unit:
    """Return a post with a link to a registered shop, tracked as `campaign`: with its parameters, or
    as a short link on a host."""
    tagged = utm_parameters.add_utm_parameters(SHOP, {"campaign": campaign})
    lead = LinkReplacement(tagged, SHOP)
    if host:
        subject = Subject("delivery", uuid7())
        slug = short_links.make_link_slug(stage.world.tenant_id, subject, tagged)
        lead = LinkReplacement(f"https://{host}{short_links.LINK_PATH}{slug}", SHOP, tagged)
    body = f"Have a look at {lead.shown}"
    return replace(
        text_unit(stage, place, media=(general_picture(stage),), body=body), leads=(lead,)
    )


def send_linked(stage: Stage, *units: Callable[[], Unit]) -> list[Result]:
    """Send posts with links of a creator whose shop is registered."""
    stage.do(
        lambda scope: link_targets.register_link_target(
            scope, stage.world.creator_id, SHOP, rating=Rating.G, adult=False
        )
    )
    before = urls.own_hosts()
    urls.set_own_hosts((OURS,))
    try:
        return [stage.send(build()) for build in units]
    finally:
        urls.set_own_hosts(before)


@register_attack("T-16")
def term_as_a_tracking_parameter(stage: Stage) -> Result:
    word = stage.word()
    campaigns = (word, " ".join(word)) if stage.harm else ("spring", "summer sale")
    found = send_linked(
        stage,
        *(
            partial(linked_unit, stage, "IG1", campaign=campaign, host=host)
            for campaign in campaigns
            for host in ("", OURS)
        ),
    )
    return least_refused(stage, found)


@register_attack("R-14")
def short_link_on_a_host_of_others(stage: Stage) -> Result:
    host = FOREIGN if stage.harm else OURS
    (found,) = send_linked(stage, partial(linked_unit, stage, "X1", campaign="spring", host=host))
    return found
