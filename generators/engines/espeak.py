"""Speech by espeak-ng, a synthesiser that sounds like a machine: it stands where no real voice is, and says so.

The program is run, never linked (it is under the GPL); it is told the text by its standard input.
https://github.com/espeak-ng/espeak-ng/blob/master/src/espeak-ng.1.ronn
"""

import shutil

from foundation.settings import GeneratorsSettings
from generators import films, programs, voicing
from generators.contract import Label
from generators.speech import Licence, SpeechEngine, SpeechJob, Spoken, Voice, choose

SECONDS = 60.0
WORDS_A_MINUTE = 155
LICENCE = Licence("GPL-3.0-or-later", "espeak-ng", "https://github.com/espeak-ng/espeak-ng", commercial=True)
"""Of the program; what it says is under none."""

_PREFERRED = ("fr-fr", "en-gb", "en-us")


def offer(settings: GeneratorsSettings) -> SpeechEngine | None:
    """The engine where the program is installed, else None."""
    return Espeak(settings.espeak_program) if shutil.which(settings.espeak_program) is not None else None


class Espeak:
    """The program of that name or path."""

    name = "espeak-ng"
    label = Label.PLACEHOLDER
    bills = False

    def __init__(self, program: str, *, seconds: float = SECONDS) -> None:
        self._program, self._seconds = program, seconds

    def voices(self) -> tuple[Voice, ...]:
        """The voices it lists, French and English first. Raises EngineError."""
        with films.workplace() as folder:
            listed = programs.run(self._program, ("--voices",), folder=folder, seconds=self._seconds)
        found = [voice for line in listed.splitlines()[1:] if (voice := _voice(line)) is not None]
        return tuple(sorted(found, key=lambda one: (one.id not in _PREFERRED, one.id)))

    def say(self, job: SpeechJob) -> Spoken:
        """Say the text. Raises EngineError; EngineMissing for a voice it does not list."""
        voice = choose(self, self.voices(), job)
        words = job.spoken.replace("[[", "[ [")  # two brackets would begin sounds in its own alphabet
        asked = ("-v", voice.id, "-s", str(WORDS_A_MINUTE), "-b", "1", "-w", voicing.SAID, "--stdin")
        data, mime, seconds = voicing.by_program(
            self._program, asked, told=words, seconds=self._seconds, engine=self.name, form=job.form
        )
        return Spoken(
            data=data,
            mime=mime,
            seconds=seconds,
            engine=self.name,
            model=self.name,
            voice=voice,
            label=self.label,
            characters=len(job.spoken),
            seed=job.seed,
            parameters={"words_a_minute": WORDS_A_MINUTE},
        )


def _voice(line: str) -> Voice | None:
    """A line of the list: priority, language, age and gender, name, file, other languages."""
    parts = line.split()
    if len(parts) < 5 or not parts[0].isdigit() or parts[1].startswith("-"):
        return None
    return Voice(parts[1], parts[3].replace("_", " "), parts[1], LICENCE)
