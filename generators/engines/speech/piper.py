"""Speech from Piper, whose voices are files in a folder: `<voice>.onnx` and `<voice>.onnx.json`.

The program runs as a process and is not linked. Each voice has a separate licence in the MODEL_CARD
beside it: https://github.com/rhasspy/piper/blob/master/VOICES.md
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from foundation.i18n.web_addresses import list_web_addresses
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineMissing, OriginLabel
from generators.contract.speech import (
    EngineVoice,
    GeneratedSpeech,
    SpeechEngine,
    SpeechJob,
    VoiceLicence,
    pick_voice,
)
from generators.engines.speech import audio_output

SECONDS = 180.0
MAX_CARD = 64 * 2**10
MAX_CONFIG = 2**20
MAX_ADDRESS = 200
"""Maximum number of characters of a licence's address."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LICENCE = re.compile(r"^[\s*#-]*licen[cs]e\s*:\s*(.{1,120})$", re.IGNORECASE | re.MULTILINE)
_NO_MONEY = re.compile(r"non-?\s?commercial|\bby-nc|\bnc\b|research only", re.IGNORECASE)
_MONEY = re.compile(
    r"public domain|\bcc0|\bcc[ -]by[ -]?(sa[ -])?\d|\bmit\b|apache|\bbsd", re.IGNORECASE
)
UNSAID = "unsaid"


def load_engine(settings: GeneratorsSettings) -> SpeechEngine | None:
    """Return the engine if a folder is configured, else None. Raises EngineMissing if there are no
    voices or the program is not installed."""
    if not settings.piper_voices:
        return None
    engine = Piper(settings.piper_program, Path(settings.piper_voices))
    if shutil.which(settings.piper_program) is None:
        raise EngineMissing("engine.no_program", program=Path(settings.piper_program).name)
    if not engine.list_voices():
        raise EngineMissing("engine.no_voices", folder=settings.piper_voices)
    return engine


@dataclass(frozen=True)
class _Files:
    model: Path
    config: Path


class Piper:
    """The program and a folder of voices."""

    name = "piper"
    label = OriginLabel.NONE
    bills = False

    def __init__(self, program: str, folder: Path, *, seconds: float = SECONDS) -> None:
        self._program = program
        self._folder = folder
        self._seconds = seconds

    def list_voices(self) -> tuple[EngineVoice, ...]:
        """Return the voices that have both files; symbolic links are ignored."""
        return tuple(_read_voice(files) for _, files in sorted(self._list_voice_files().items()))

    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        """Speak the text. Raises EngineError, and EngineMissing for a voice that is not in the
        folder."""
        voice = pick_voice(self, self.list_voices(), job)
        files = self._list_voice_files()[voice.id]
        asked = (
            "--model",
            str(files.model),
            "--config",
            str(files.config),
            "--output_file",
            audio_output.SPEECH_FILE,
        )
        data, mime, seconds = audio_output.run_speech_program(
            self._program,
            asked,
            told=job.clean_text + "\n",
            seconds=self._seconds,
            engine=self.name,
            form=job.form,
        )
        return GeneratedSpeech(
            data=data,
            mime=mime,
            seconds=seconds,
            engine=self.name,
            model=voice.id,
            voice=voice,
            label=self.label,
            characters=len(job.clean_text),
            seed=job.seed,
        )

    def _list_voice_files(self) -> dict[str, _Files]:
        pairs = (
            _Files(path, path.with_name(path.name + ".json"))
            for path in self._folder.resolve().glob("*.onnx")
        )
        return {
            files.model.stem: files
            for files in pairs
            if _ID.fullmatch(files.model.stem)
            and all(_is_regular_file(path) for path in (files.model, files.config))
        }


def _is_regular_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _read_voice(files: _Files) -> EngineVoice:
    """Return the voice that its files describe. The files are untrusted and may be incomplete."""
    try:
        told = json.loads(_read_head(files.config, MAX_CONFIG))
        language = str(told["language"]["code"]).replace("_", "-").lower()[:12]
        said = str(told.get("license") or told.get("licence") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        language = files.model.stem[:5].replace("_", "-").lower()
        said = ""
    cards = (files.model.with_suffix(".MODEL_CARD"), files.model.with_name("MODEL_CARD"))
    card = next((_read_head(path, MAX_CARD) for path in cards if _is_regular_file(path)), "")
    return EngineVoice(files.model.stem, files.model.stem, language, _parse_licence(said, card))


def _read_head(path: Path, most: int) -> str:
    with path.open("rb") as file:
        return file.read(most).decode("utf-8", "replace")


def _parse_licence(said: str, card: str) -> VoiceLicence:
    """Return the licence in the voice's config file, else in its card. `commercial` is True only if
    the text clearly allows it."""
    found = _LICENCE.search(card)
    name = "".join(c for c in (said or (found[1] if found else "")) if c.isprintable()).strip()[
        :120
    ]
    address = next(iter(list_web_addresses(card)), "")
    commercial = None
    if _NO_MONEY.search(name):
        commercial = False
    elif _MONEY.search(name):
        commercial = True
    return VoiceLicence(
        name or UNSAID,
        "voice author",
        address[:MAX_ADDRESS] or "MODEL_CARD",
        commercial,
    )
