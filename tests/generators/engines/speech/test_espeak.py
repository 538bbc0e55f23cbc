"""Speech: the contract, the confined program, normalized loudness, and the real program if it is
installed."""

import io
import re
import shutil
import subprocess
import wave
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from foundation.errors import BadInput, GreenroomError
from foundation.ops import clock
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.containers import mp4
from generators.contract.engines import (
    EngineError,
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    OriginLabel,
    UnusableAnswer,
)
from generators.contract.speech import MAX_CHARACTERS, AudioForm, SpeechJob
from generators.engines.speech import audio_output
from generators.engines.speech.espeak import Espeak
from tests.generators.fake_espeak import write_fake_espeak as program

WORDS = "Bonjour à tous, voici ma nouvelle série de photos du jardin."


def loudness(data: bytes, folder: Path) -> float:
    """Return the integrated loudness in LUFS, measured by FFmpeg's EBU R128 filter."""
    (folder / "measured").write_bytes(data)
    asked = [
        get_ffmpeg_exe(),
        "-hide_banner",
        "-nostats",
        "-i",
        "measured",
        "-af",
        "ebur128",
        "-f",
        "null",
        "-",
    ]
    told = subprocess.run(
        asked, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    ).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", told)[-1])


def code(raised: "pytest.ExceptionInfo[GreenroomError]") -> str:
    return raised.value.message.code


@pytest.mark.parametrize("level", [150, 2000, 30000])
def test_every_text_has_the_same_loudness(tmp_path: Path, level: int) -> None:
    said = Espeak(program(tmp_path, level=level)).synthesize(SpeechJob(WORDS))
    assert loudness(said.data, tmp_path) == pytest.approx(audio_output.LUFS, abs=1.0)
    assert said.mime == "audio/mp4"
    assert said.seconds == pytest.approx(0.06 * len(WORDS.encode()) + audio_output.TAIL, abs=0.3)
    assert mp4.inspect_mp4(said.data, name="a").sound


def test_very_short_speech_has_the_target_loudness(tmp_path: Path) -> None:
    said = Espeak(program(tmp_path)).synthesize(SpeechJob("Oui"))
    assert loudness(said.data, tmp_path) == pytest.approx(audio_output.LUFS, abs=2.0)


def test_speech_is_available_as_wave(tmp_path: Path) -> None:
    said = Espeak(program(tmp_path)).synthesize(SpeechJob(WORDS, form="wav"))
    assert said.mime == "audio/wav"
    with wave.open(io.BytesIO(said.data)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 48000)
    assert loudness(said.data, tmp_path) == pytest.approx(audio_output.LUFS, abs=1.0)


def test_speech_records_engine_voice_and_placeholder_label(tmp_path: Path) -> None:
    said = Espeak(program(tmp_path)).synthesize(SpeechJob(WORDS, language="en"))
    assert (said.engine, said.voice.id, said.label) == (
        "espeak-ng",
        "en-gb",
        OriginLabel.PLACEHOLDER,
    )
    assert said.characters == len(WORDS)
    assert said.voice.licence.name == "GPL-3.0-or-later"
    assert WORDS not in repr(SpeechJob(WORDS))


def test_lines_without_a_voice_are_ignored(tmp_path: Path) -> None:
    assert [voice.id for voice in Espeak(program(tmp_path)).list_voices()] == ["en-gb", "fr-fr"]


def test_text_is_passed_by_file_and_never_as_argument(tmp_path: Path) -> None:
    kept = tmp_path / "heard"
    before = f"open({str(kept)!r}, 'w').write(words + repr(given) + repr(dict(os.environ)))"
    hostile = "--help; $(touch x) [[h@loU]] \x1b[31m\x00 é"
    Espeak(program(tmp_path, before=before)).synthesize(SpeechJob(hostile))
    heard = kept.read_text()
    words = heard.split("['-v'")[0]
    assert words.startswith("--help; $(touch x) [ [h@loU]]")
    assert "\x1b" not in words
    assert "\x00" not in words
    assert "touch" not in heard.split("['-v'")[1]
    assert "PATH" not in heard


def test_hanging_program_is_stopped(tmp_path: Path) -> None:
    began = clock.monotonic()
    with pytest.raises(EngineUnreachable) as raised:
        Espeak(program(tmp_path, before="import time; time.sleep(60)"), seconds=1.0).synthesize(
            SpeechJob(WORDS)
        )
    assert code(raised) == "engine.program_slow"
    assert clock.monotonic() - began < 10


@pytest.mark.parametrize("before", ["print(words, file=sys.stderr); sys.exit(3)", "sys.exit(0)"])
def test_failing_program_raises_without_its_output(tmp_path: Path, before: str) -> None:
    with pytest.raises(EngineError) as raised:
        Espeak(program(tmp_path, before=before)).synthesize(SpeechJob(WORDS))
    assert code(raised) == "engine.program_failed"
    assert "Bonjour" not in str(raised.value)


def test_invalid_or_silent_audio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableAnswer) as raised:
        Espeak(program(tmp_path, level=0)).synthesize(SpeechJob(WORDS))
    assert code(raised) == "engine.speech_silent"
    text = "open(options['-w'], 'w').write('#EXTM3U http://127.0.0.1:9/x'); sys.exit(0)"
    with pytest.raises(UnusableAnswer) as raised:
        Espeak(program(tmp_path, before=text)).synthesize(SpeechJob(WORDS))
    assert code(raised) == "engine.answer_invalid"


def test_unknown_voice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing) as raised:
        Espeak(program(tmp_path)).synthesize(SpeechJob(WORDS, voice="zz"))
    assert code(raised) == "engine.no_voice"


@pytest.mark.parametrize("text", ["", "  \n", "...", "\x00"])
def test_text_without_speech_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        SpeechJob(text)


def test_text_beyond_the_limit_is_refused() -> None:
    assert SpeechJob("a" * MAX_CHARACTERS).clean_text
    with pytest.raises(JobTooLarge):
        SpeechJob("a" * (MAX_CHARACTERS + 1))


def test_missing_program_gives_no_engine_and_a_clear_error(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "espeak-ng")
    without = GeneratorsSettings(espeak_program=nowhere, pico_voices=False)
    assert registry.load_speech_engines(without) == ()
    with pytest.raises(EngineMissing) as raised:
        Espeak(nowhere).list_voices()
    assert code(raised) == "engine.no_program"
    there = registry.load_speech_engines(
        GeneratorsSettings(espeak_program=program(tmp_path), pico_voices=False)
    )
    assert [engine.name for engine in there] == ["espeak-ng"]


@pytest.mark.parametrize("form", ["m4a", "wav"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_real_program_produces_speech(tmp_path: Path, form: AudioForm, language: str) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    said = Espeak("espeak-ng").synthesize(SpeechJob(WORDS, language=language, form=form))
    assert 2 < said.seconds < 10
    assert said.voice.id == {"fr": "fr-fr", "en": "en-gb"}[language]
    assert loudness(said.data, tmp_path) == pytest.approx(audio_output.LUFS, abs=1.0)
