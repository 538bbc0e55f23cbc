"""Output of speech engines: mono, 48 kHz, one loudness for all engines, and no metadata.

The loudness is -16 LUFS, as recommended for speech on phones
(https://www.aes.org/technical/documents/AESTD1004.pdf). It is measured as in EBU R128
(https://tech.ebu.ch/docs/r/r128.pdf) in a first pass and corrected in a second.
"""

import io
import json
import math
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from foundation.errors import BadInput
from generators.containers import mp4
from generators.containers.tracks import MAX_SECONDS
from generators.contract.engines import EngineError, UnusableAnswer
from generators.contract.speech import AudioForm
from generators.media import confined_processes, ffmpeg
from generators.video import video_files

LUFS = -16.0
PEAK = -1.5
RANGE = 11.0
"""Target loudness in LUFS, highest true peak in dBTP, and loudness range in LU."""

TAIL = 0.4
"""Seconds of silence at the end: one measuring block, without which the loudness of a single short
word cannot be measured."""

SPEECH_FILE = "said.wav"
"""Name of the file that a program writes in its working folder."""

LIMIT = 120.0
_RATE = "48000"
_BITS = "96000"
Mime = Literal["audio/mp4", "audio/wav"]


def run_speech_program(
    program: str,
    arguments: Sequence[str],
    *,
    told: str,
    seconds: float,
    engine: str,
    form: AudioForm,
) -> tuple[bytes, Mime, float]:
    """Run a program that reads the text from standard input and writes `SPEECH_FILE`; return its
    normalized audio.

    Raises the errors of `confined_processes.run_program` and `normalize_speech`, and EngineError if
    the program wrote no file.
    """
    with video_files.work_folder() as folder:
        confined_processes.run_program(
            program, arguments, folder=folder, seconds=seconds, told=told
        )
        made = folder / SPEECH_FILE
        if not made.is_file():
            raise EngineError("engine.program_failed", program=engine, status=0)
        raw = made.read_bytes()
    return normalize_speech(raw, "wav", engine=engine, form=form)


def normalize_speech(
    raw: bytes, demuxer: str, *, engine: str, form: AudioForm
) -> tuple[bytes, Mime, float]:
    """Return normalized audio, its media type, and its length in seconds.

    `demuxer` is the input format (a key of `ffmpeg.SPEECH_FORMATS`). Raises UnusableAnswer for
    silence or invalid audio, Unavailable if the disk is full.
    """
    with video_files.work_folder() as folder:
        (folder / "in").write_bytes(raw)
        opened = (
            *ffmpeg.speech_input_arguments("in", demuxer),
            *video_files.NO_METADATA_ARGUMENTS,
            "-vn",
            "-map",
            "0:a:0",
            "-t",
            str(MAX_SECONDS),
        )
        try:
            measured = _measure_loudness(folder, opened, engine)
            filters = (
                "-af",
                f"{_loudnorm_filter(measured)},aresample={_RATE}",
                "-ac",
                "1",
                "-ar",
                _RATE,
            )
            coded: tuple[str, ...] = ("-c:a", "pcm_s16le", "-f", "wav")
            if form == "m4a":
                coded = ("-c:a", "aac", "-b:a", _BITS, "-flags:a", "+bitexact", "-f", "ipod")
            ffmpeg.run_ffmpeg(
                (*opened, *filters, *coded, "out"), folder=folder, seconds=LIMIT, name=engine
            )
            data = (folder / "out").read_bytes()
            return (
                data,
                "audio/mp4" if form == "m4a" else "audio/wav",
                _audio_seconds(data, form, engine),
            )
        except BadInput as error:
            raise UnusableAnswer("engine.answer_invalid", engine=engine) from error


def _measure_loudness(folder: Path, opened: tuple[str, ...], engine: str) -> dict[str, float]:
    first = f"{_loudnorm_filter({})}:print_format=json:stats_file=stats"
    ffmpeg.run_ffmpeg(
        (*opened, "-af", first, "-f", "null", "-"), folder=folder, seconds=LIMIT, name=engine
    )
    try:
        told = json.loads((folder / "stats").read_text())
        names = {"measured_I": "input_i", "measured_TP": "input_tp", "measured_LRA": "input_lra"}
        found = {ours: float(told[theirs]) for ours, theirs in names.items()}
        found |= {
            "measured_thresh": float(told["input_thresh"]),
            "offset": float(told["target_offset"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableAnswer("engine.answer_invalid", engine=engine) from error
    if not math.isfinite(found["measured_I"]) or found["measured_I"] <= -70:
        raise UnusableAnswer("engine.speech_silent", engine=engine)
    return found


def _loudnorm_filter(measured: dict[str, float]) -> str:
    told = "".join(f":{name}={value:.2f}" for name, value in measured.items())
    return f"apad=pad_dur={TAIL},loudnorm=I={LUFS}:TP={PEAK}:LRA={RANGE}{told}"


def _audio_seconds(data: bytes, form: AudioForm, engine: str) -> float:
    if form == "m4a":
        return mp4.inspect_mp4(data, name=engine).seconds
    with wave.open(io.BytesIO(data)) as sound:
        return float(sound.getnframes() / sound.getframerate())
