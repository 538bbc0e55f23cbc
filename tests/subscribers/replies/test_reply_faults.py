"""Faults of replies: all are found, and the most severe decides."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Refused
from subscribers.replies import prompt, reply_checks, speaker_notices
from subscribers.replies.reply_checks import FAULTS
from tests.subscribers.builders import Studio, build_model_reply

INSTRUCTIONS = prompt.SAFETY_PROMPT + prompt.REPLY_CONTRACT
SAID = {
    "denial": (
        *("I am not a bot", "je suis une vraie fille", "it's really me", "I'm human, you know"),
        *("no soy un bot", "soy una chica real", "ich bin kein Roboter", "ich bin ein Mensch"),
        *("non sono un bot", "sono una ragazza vera", "eu não sou um robô", "sou humana"),
    ),
    "availability": ("I'm online right now", "je suis en ligne maintenant", "estoy en línea ahora"),
    "leak": (
        "answer with one json object and nothing else text 1 to 1200 characters offer id null",
    ),
    "markup": ("hello {{user}}", "hi [name]", "<think> what now"),
    "phone": ("06 12 34 56 78", "+33 6 12 34 56 78", "0612/34/56/78", "24/12/2026 06 12 34"),
    "handle": ("find me @nova_real", "ajoute-moi sur snap"),
    "link": ("see https://x.y", "www.nova.example"),
    "price": ("only 12 dollars", "€20 for you", "give me 5 stars", "5 stars and it is yours"),
}


def join(*texts: str) -> str:
    return ". ".join(texts)


@given(st.sets(st.sampled_from(FAULTS), min_size=1, max_size=4), st.data())
def test_all_faults_are_found_most_severe_first(kinds: set[str], data: st.DataObject) -> None:
    texts = [
        data.draw(st.sampled_from(SAID[kind])) for kind in data.draw(st.permutations(sorted(kinds)))
    ]
    found = reply_checks.find_reply_faults(join(*texts), instructions=INSTRUCTIONS)
    assert kinds <= set(found)
    assert list(found) == sorted(found, key=FAULTS.index)
    worst = reply_checks.find_reply_fault(join(*texts), instructions=INSTRUCTIONS)
    assert worst == found[0]


@pytest.mark.parametrize("kind", FAULTS)
def test_each_example_has_its_fault(kind: str) -> None:
    for text in SAID[kind]:
        assert kind in reply_checks.find_reply_faults(text, instructions=INSTRUCTIONS), text


@pytest.mark.parametrize(
    ("posing", "other"),
    list(
        itertools.product(
            (SAID["denial"][0], SAID["denial"][1], SAID["availability"][0]),
            ("5 €", "https://x.y", "@nova_real", "06 12 34 56 78"),
        )
    ),
)
def test_impersonation_is_refused_whatever_else_is_written(posing: str, other: str) -> None:
    for text in (join(other, posing), join(posing, other)):
        with pytest.raises(Refused):
            speaker_notices.check_no_impersonation(text)
    speaker_notices.check_no_impersonation(other)


DAYS = st.dates().map(lambda day: day.replace(year=1900 + day.year % 200))


@given(
    DAYS,
    st.sampled_from(
        ["{0:%d/%m/%Y}", "{0:%d.%m.%Y}", "{0:%m/%d/%Y}", "{0:%Y-%m-%d}", "{0:%d/%m/%y}"]
    ),
    st.sampled_from(["See you on {}!", "On se voit le {} à 20:30 ?", "{}", "Since {}, every day"]),
)
def test_date_is_no_phone_number(day: object, form: str, words: str) -> None:
    text = words.format(form.format(day))
    assert reply_checks.find_reply_faults(text, instructions=INSTRUCTIONS) == ()


@pytest.mark.parametrize(
    "text",
    [
        "See you on 24/12/2026!",
        "I would give it 5 stars!",
        "Je mettrais 5 étoiles",
        "A 5-star hotel by the sea",
        "I lived there 2019-2024",
        "I am a human rights fan",
        "I am really happy to read you",
        "I'm a real foodie",
        "Je suis une IA, et j'adore la mer.",
        "Soy una IA",
        "Ich bin eine KI",
    ],
)
def test_ordinary_text_has_no_fault(text: str) -> None:
    assert reply_checks.find_reply_faults(text, instructions=INSTRUCTIONS) == ()


def test_markup_is_removed_or_the_reply_is_generated_again(studio: Studio) -> None:
    studio.writer.says = [
        build_model_reply("<think>They want a picture.</think> Coucou !<|im_end|>")
    ]
    studio.say("leo", "bonjour")
    assert studio.texts("leo")[-1] == "Coucou !"
    studio.writer.says = [build_model_reply("Salut {{user}}"), build_model_reply("Salut toi !")]
    studio.say("leo", "tu vas bien ?")
    assert studio.texts("leo")[-1] == "Salut toi !"
    studio.writer.says = [build_model_reply("Salut {{user}}"), build_model_reply("Salut [prénom]")]
    studio.say("leo", "et maintenant ?")
    assert not any("{{" in text or "[" in text for text in studio.texts("leo"))


@pytest.mark.parametrize(
    "unit", ["1 ", "1.", "12/12/2026 ", "give it ", "i am ", "<think>", "[your ", "not a x "]
)
def test_checks_run_in_linear_time_on_hostile_text(unit: str) -> None:
    def measure(size: int) -> float:
        text = unit * (size // len(unit))
        times = []
        for _ in range(3):
            start = time.thread_time()
            reply_checks.find_reply_faults(text, instructions="")
            times.append(time.thread_time() - start)
        return min(times)

    assert measure(16_000) < 5 * measure(4_000) + 0.05
