"""The included voices: a confined process speaks French and English, whatever the text contains."""

from pathlib import Path

import pytest

from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import EngineError, EngineMissing, OriginLabel, UnusableAnswer
from generators.contract.speech import MAX_CHARACTERS, SpeechJob
from generators.engines.speech import pico
from generators.engines.speech.pico import Pico
from tests.generators.engines.speech.test_espeak import loudness
from tests.generators.fake_nanotts import write_fake_nanotts

WORDS = "Bonjour à tous, voici ma nouvelle série de photos du jardin."


def test_voices_may_be_used_commercially(tmp_path: Path) -> None:
    voices = Pico(tmp_path).list_voices()
    assert [voice.id for voice in voices] == ["fr-FR", "en-GB", "en-US"]
    assert all(voice.licence.commercial and not voice.cloned for voice in voices)


def test_text_reaches_the_process_without_markup_or_environment(tmp_path: Path) -> None:
    kept = tmp_path / "heard"
    before = f"import os; open({str(kept)!r}, 'w').write(text + repr(sys.argv) + repr(os.environ))"
    engine = Pico(write_fake_nanotts(tmp_path, before=before))
    said = engine.synthesize(SpeechJob("<speed level='500'>; $(touch x) \x00 é", language="en"))
    heard = kept.read_text()
    assert heard.startswith(" speed level='500' ; $(touch x) é")
    assert "touch" not in heard.split("[", 1)[1], "no text in the arguments"
    assert "PATH" not in heard
    assert (said.voice.id, said.label) == ("en-GB", OriginLabel.NONE)


def test_failing_and_silent_synthesizers_are_reported(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        Pico(write_fake_nanotts(tmp_path, before="raise ValueError(text)")).synthesize(
            SpeechJob(WORDS)
        )
    assert raised.value.message.code == "engine.program_failed"
    assert "Bonjour" not in str(raised.value)
    silent = tmp_path / "silent"
    silent.mkdir()
    with pytest.raises(UnusableAnswer) as empty:
        Pico(write_fake_nanotts(silent, level=0)).synthesize(SpeechJob(WORDS))
    assert empty.value.message.code == "engine.speech_silent"


def test_unknown_voice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing):
        Pico(tmp_path).synthesize(SpeechJob(WORDS, voice="de-DE"))


def test_voices_are_offered_only_if_enabled() -> None:
    assert pico.load_engine(GeneratorsSettings()) is not None
    quiet = GeneratorsSettings(pico_voices=False, espeak_program="")
    assert registry.load_speech_engines(quiet) == ()


@pytest.mark.parametrize(("language", "voice"), [("fr", "fr-FR"), ("en", "en-GB")])
def test_default_installation_speaks(tmp_path: Path, language: str, voice: str) -> None:
    (engine,) = registry.load_speech_engines(GeneratorsSettings(espeak_program=""))
    said = engine.synthesize(SpeechJob(WORDS, language=language))
    assert (said.engine, said.voice.id) == ("pico", voice)
    assert 2 < said.seconds < 10
    assert loudness(said.data, tmp_path) == pytest.approx(-16.0, abs=1.0)


@pytest.mark.parametrize("text", ["mot " * (MAX_CHARACTERS // 4), "A" * 2000, "é€&\U0001f600 oui"])
def test_any_text_ends_with_speech_or_a_reason(text: str) -> None:
    (engine,) = registry.load_speech_engines(GeneratorsSettings(espeak_program=""))
    assert engine.synthesize(SpeechJob(text, form="wav")).seconds > 0.3
