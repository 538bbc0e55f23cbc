"""Speech from SVOX Pico, a compact synthesizer whose voices the package py-nanotts contains.

The package is located, not imported: it reads any text in native code, so it runs in a confined
process (`pico_program`). https://android.googlesource.com/platform/external/svox
"""

import importlib.util
import sys
from pathlib import Path

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

SECONDS = 60.0
LICENCE = VoiceLicence(
    "Apache-2.0",
    "SVOX AG",
    "https://android.googlesource.com/platform/external/svox",
    commercial=True,
)
_PACKAGE = "py_nanotts"
_PROGRAM = Path(__file__).with_name("pico_program.py")
_VOICES = {"fr-FR": "Pico, French", "en-GB": "Pico, British", "en-US": "Pico, American"}
"""Voices in the languages of the product; the first of a language is its default."""

_MARKUP = str.maketrans({"<": " ", ">": " ", "\\": " "})
"""The synthesizer would read angle brackets as markup that changes its speed."""


def load_engine(settings: GeneratorsSettings) -> SpeechEngine | None:
    """Return the engine if the package is installed and `pico_voices` is set, else None."""
    folder = _package_folder() if settings.pico_voices else None
    return Pico(folder) if folder is not None else None


def _package_folder() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(folders))) if folders else None


class Pico:
    """The synthesizer in the folder of its package."""

    name = "pico"
    label = OriginLabel.NONE
    bills = False

    def __init__(self, folder: Path, *, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds

    def list_voices(self) -> tuple[EngineVoice, ...]:
        """Return the voices."""
        return tuple(
            EngineVoice(voice, name, voice.lower(), LICENCE) for voice, name in _VOICES.items()
        )

    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        """Speak the text. Raises EngineError, and EngineMissing for an unknown voice."""
        voice = pick_voice(self, self.list_voices(), job)
        data, mime, seconds = audio_output.run_speech_program(
            sys.executable,
            ("-I", str(_PROGRAM), str(self._folder.parent), voice.id, audio_output.SPEECH_FILE),
            told=job.clean_text.translate(_MARKUP),
            seconds=self._seconds,
            engine=self.name,
            form=job.form,
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
        )
