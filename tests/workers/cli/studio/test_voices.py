"""The voices available, as shown by the doctor and the command."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from foundation.ops.settings import GeneratorsSettings, Settings
from tests.generators.fake_espeak import write_fake_espeak
from workers.cli.studio import voices as voice_table
from workers.cli.studio.commands import voices
from workers.doctor.engines import _check_speech_engines
from workers.doctor.findings import FindingLevel


def says(program: str) -> list[tuple[FindingLevel, str]]:
    settings = Settings(generators=GeneratorsSettings(espeak_program=program, pico_voices=False))
    return [(one.level, one.message.code) for one in _check_speech_engines(settings)]


def test_doctor_reports_the_kind_of_voice(tmp_path: Path) -> None:
    assert says("") == [(FindingLevel.WARN, "doctor.no_voices")]
    assert says(write_fake_espeak(tmp_path)) == [(FindingLevel.WARN, "doctor.voices_marked")]
    (tmp_path / "espeak-ng").write_text("#!/bin/sh\nexit 1\n")
    assert says(str(tmp_path / "espeak-ng")) == [(FindingLevel.ERROR, "engine.program_failed")]


def test_command_lists_each_voice_with_its_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    monkeypatch.setenv("GREENROOM_GENERATORS__PICO_VOICES", "false")
    monkeypatch.setenv("GREENROOM_GENERATORS__ESPEAK_PROGRAM", write_fake_espeak(tmp_path))
    line = typer.Typer()
    line.command()(voices)
    told = CliRunner().invoke(line, ["fr", "--json"])
    (found,) = json.loads(told.stdout)
    assert (found["voice"], found["label"], found["licence"]) == (
        "fr-fr",
        "placeholder",
        "GPL-3.0-or-later",
    )
    shown = voice_table.render_voices(
        voice_table.voice_rows(
            GeneratorsSettings(espeak_program=write_fake_espeak(tmp_path), pico_voices=False)
        )
    )
    assert len(shown.splitlines()) == 3
    assert "GPL-3.0-or-later" in shown
    assert "klingon" in voice_table.render_voices([], "klingon")
