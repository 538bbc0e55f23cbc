"""Piper by its command line: a test program that implements it, and the licences of its voices."""

import json
import sys
from pathlib import Path

import pytest

from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import EngineError, EngineMissing, OriginLabel
from generators.contract.speech import SpeechJob
from generators.engines.speech import audio_output
from generators.engines.speech.piper import Piper
from tests.generators.engines.speech.test_espeak import WORDS, loudness

PROGRAM = """#!{python} -I
import json, math, struct, sys, wave
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert open(options["--model"], "rb").read() == b"weights", options
rate = json.load(open(options["--config"]))["audio"]["sample_rate"]
words = sys.stdin.read()
assert words.endswith("\\n") and words.count("\\n") == 1
with wave.open(options["--output_file"], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(rate)
    tone = (int(3000 * math.sin(i * 0.06)) for i in range(int(rate * 0.05 * len(words))))
    out.writeframes(b"".join(struct.pack("<h", value) for value in tone))
"""


def program(folder: Path) -> str:
    path = folder / "piper"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


def a_voice(
    folder: Path, name: str = "fr_FR-siwis-medium", *, card: str = "* License: CC BY 4.0"
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(b"weights")
    config = {"audio": {"sample_rate": 22050}, "language": {"code": name[:5]}}
    (folder / f"{name}.onnx.json").write_text(json.dumps(config))
    (folder / f"{name}.MODEL_CARD").write_text(
        f"# Model card\n\n* URL: https://example.org/data\n{card}\n"
    )
    return folder


def test_speech_uses_a_voice_of_the_folder(tmp_path: Path) -> None:
    voices = a_voice(a_voice(tmp_path / "voices"), "en_GB-alan-low")
    said = Piper(program(tmp_path), voices).synthesize(
        SpeechJob(WORDS + "\nEncore.", language="fr")
    )
    assert (said.voice.id, said.label, said.engine) == (
        "fr_FR-siwis-medium",
        OriginLabel.NONE,
        "piper",
    )
    assert loudness(said.data, tmp_path) == pytest.approx(audio_output.LUFS, abs=1.0)


@pytest.mark.parametrize(
    ("card", "name", "commercial"),
    [
        ("* License: CC BY 4.0", "CC BY 4.0", True),
        ("* License: CC BY-SA 4.0", "CC BY-SA 4.0", True),
        ("License: public domain", "public domain", True),
        ("* License: CC BY-NC-SA 4.0", "CC BY-NC-SA 4.0", False),
        (
            "* Licence: Non-commercial use, MIT for the code",
            "Non-commercial use, MIT for the code",
            False,
        ),
        ("* License: See URL", "See URL", None),
        ("", "unsaid", None),
    ],
)
def test_licence_is_read_from_the_model_card(
    tmp_path: Path, card: str, name: str, commercial: bool | None
) -> None:
    (voice,) = Piper("piper", a_voice(tmp_path / "voices", card=card)).list_voices()
    assert (voice.licence.name, voice.licence.commercial) == (name, commercial)
    assert voice.licence.source == "https://example.org/data"


def test_incomplete_or_unsafe_voice_files_are_ignored(tmp_path: Path) -> None:
    voices = a_voice(tmp_path / "voices")
    (voices / "alone.onnx").write_bytes(b"weights")
    (voices / "--help me.onnx").write_bytes(b"weights")
    (voices / "--help me.onnx.json").write_text("{}")
    (voices / "link.onnx").symlink_to("/etc/passwd")
    (voices / "link.onnx.json").write_text("{}")
    (voices / "en_US-odd.onnx").write_bytes(b"weights")
    (voices / "en_US-odd.onnx.json").write_text("[not json")
    assert [voice.language for voice in Piper("piper", voices).list_voices()] == ["en-us", "fr-fr"]
    with pytest.raises(EngineError):
        Piper(program(tmp_path), voices).synthesize(SpeechJob(WORDS, voice="en_US-odd"))


def test_unusable_folder_is_reported(tmp_path: Path) -> None:
    empty = str(tmp_path)
    for settings, code in (
        (
            GeneratorsSettings(piper_voices=empty, piper_program=program(tmp_path)),
            "engine.no_voices",
        ),
        (
            GeneratorsSettings(piper_voices=empty, piper_program=str(tmp_path / "none")),
            "engine.no_program",
        ),
    ):
        with pytest.raises(EngineMissing) as raised:
            registry.load_speech_engines(settings)
        assert raised.value.message.code == code
    ready = GeneratorsSettings(
        piper_voices=str(a_voice(tmp_path / "v")), piper_program=program(tmp_path)
    )
    assert registry.load_speech_engines(ready)[0].name == "piper"
