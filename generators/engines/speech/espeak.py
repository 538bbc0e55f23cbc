"""Speech from espeak-ng, a synthesizer with a machine-like voice: a placeholder for installations
without a real voice, labelled as one.

The program runs as a process and is not linked, because it is under the GPL. It reads the text from
standard input. https://github.com/espeak-ng/espeak-ng/blob/master/src/espeak-ng.1.ronn
"""

import shutil

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import OriginLabel
from generators.contract.speech import (
    EngineVoice,
    GeneratedSpeech,
    SpeechEngine,
    SpeechJob,
    VoiceLicence,
    pick_voice,
)
from generators.engines.speech import audio_output
from generators.media import confined_processes
from generators.video import video_files

SECONDS = 60.0
WORDS_A_MINUTE = 155
LICENCE = VoiceLicence(
    "GPL-3.0-or-later", "espeak-ng", "https://github.com/espeak-ng/espeak-ng", commercial=True
)
"""Licence of the program; the speech it generates is not subject to it."""

_PREFERRED = ("fr-fr", "en-gb", "en-us")


def load_engine(settings: GeneratorsSettings) -> SpeechEngine | None:
    """Return the engine if the program is installed, else None."""
    return (
        Espeak(settings.espeak_program)
        if shutil.which(settings.espeak_program) is not None
        else None
    )


class Espeak:
    """The engine that runs the program with this name or path."""

    name = "espeak-ng"
    label = OriginLabel.PLACEHOLDER
    bills = False

    def __init__(self, program: str, *, seconds: float = SECONDS) -> None:
        self._program = program
        self._seconds = seconds

    def list_voices(self) -> tuple[EngineVoice, ...]:
        """Return the program's voices, French and English first. Raises EngineError."""
        with video_files.work_folder() as folder:
            listed = confined_processes.run_program(
                self._program, ("--voices",), folder=folder, seconds=self._seconds
            )
        found = [
            voice
            for line in listed.splitlines()[1:]
            if (voice := _parse_voice_line(line)) is not None
        ]
        return tuple(sorted(found, key=lambda one: (one.id not in _PREFERRED, one.id)))

    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        """Speak the text. Raises EngineError, and EngineMissing for an unknown voice."""
        voice = pick_voice(self, self.list_voices(), job)
        # Two brackets would start phoneme notation.
        words = job.clean_text.replace("[[", "[ [")
        asked = (
            "-v",
            voice.id,
            "-s",
            str(WORDS_A_MINUTE),
            "-b",
            "1",
            "-w",
            audio_output.SPEECH_FILE,
            "--stdin",
        )
        data, mime, seconds = audio_output.run_speech_program(
            self._program, asked, told=words, seconds=self._seconds, engine=self.name, form=job.form
        )
        return GeneratedSpeech(
            data=data,
            mime=mime,
            seconds=seconds,
            engine=self.name,
            model=self.name,
            voice=voice,
            label=self.label,
            characters=len(job.clean_text),
            seed=job.seed,
            parameters={"words_a_minute": WORDS_A_MINUTE},
        )


def _parse_voice_line(line: str) -> EngineVoice | None:
    """Parse a line of the list: priority, language, age and gender, name, file, other languages."""
    parts = line.split()
    if len(parts) < 5 or not parts[0].isdigit() or parts[1].startswith("-"):
        return None
    return EngineVoice(parts[1], parts[3].replace("_", " "), parts[1], LICENCE)
