"""FFmpeg as a confined process: the only decoder and encoder of videos and audio.

The program is that of imageio-ffmpeg; it runs as a process and is not linked, because it is under
the GPL. It receives a folder and arguments but no environment, opens only the named files and no
URL, and is killed with its children after its time limit. Memory and disk are limited. No shell is
used.
"""

import errno
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from imageio_ffmpeg import get_ffmpeg_exe

from foundation.errors import BadInput, Unavailable
from generators.media.confined_processes import kill_process_group, limit_resources

DEMUXERS = "mov,matroska,ogg,gif,apng,webp_anim"
"""Allowed input formats. Playlists and file lists are not allowed; the only picture formats are
animated ones."""

_PICTURES = "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,mpeg4,gif,apng,webp,webp_anim"
_CAMERA_PICTURES = "prores,mjpeg,dnxhd,apv,h263"
_SOUNDS = "aac,opus,libopus,vorbis,mp3float,mp3,alac,ac3,eac3,flac,amrnb,amrwb"
_PLAIN_SOUNDS = (
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_u8,pcm_s8,"
    "pcm_alaw,pcm_mulaw,adpcm_ima_qt"
)
DECODERS = f"{_PICTURES},{_CAMERA_PICTURES},{_SOUNDS},{_PLAIN_SOUNDS},mov_text,webvtt,subrip"

SPEECH_FORMATS = {"wav": "pcm_s16le", "mp3": "mp3float,mp3"}
"""Output formats of speech engines, and their decoders."""

_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-max_alloc", str(2**29))
_INPUT = (
    "-protocol_whitelist",
    "file,pipe",
    "-format_whitelist",
    DEMUXERS,
    "-codec_whitelist",
    DECODERS,
)
_LOG = "ffmpeg.log"
_LOG_TAIL = 4_000
_LOG_HEAD = 64_000
_FULL = os.strerror(errno.ENOSPC)
_THREADS = "2"
_UNREAD = re.compile(r"Codec \((\w+)\) not on whitelist|/(\w+) @ \w+\] Decoding requested, but no ")
"""FFmpeg's messages about a codec outside `DECODERS`, and about an unknown one."""


def is_available() -> bool:
    """Return True if the program is installed."""
    try:
        return Path(get_ffmpeg_exe()).exists()
    except RuntimeError:
        return False


def input_arguments(file: str, demuxer: str) -> tuple[str, ...]:
    """Return the arguments that open `file` (in the run's folder) in this format, regardless of its
    content."""
    return ("-threads", _THREADS, *_INPUT, "-f", demuxer, "-i", f"file:{file}")


def speech_input_arguments(file: str, demuxer: str) -> tuple[str, ...]:
    """Return the arguments that open a speech engine's output (a key of `SPEECH_FORMATS`) and
    nothing else."""
    lists = (
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        demuxer,
        "-codec_whitelist",
        SPEECH_FORMATS[demuxer],
    )
    return ("-threads", _THREADS, *lists, "-f", demuxer, "-i", f"file:{file}")


def run_ffmpeg(arguments: Sequence[str], *, folder: Path, seconds: float, name: str) -> None:
    """Run FFmpeg until it ends. Raises the errors of `read_output`."""
    with read_output(arguments, folder=folder, seconds=seconds, name=name) as out:
        out.read()


@contextmanager
def read_output(
    arguments: Sequence[str], *, folder: Path, seconds: float, name: str
) -> Iterator[IO[bytes]]:
    """Run FFmpeg and yield its standard output. `seconds` limits the wall-clock time, and the CPU
    time on each of two cores.

    Raises BadInput `film.too_slow` after the time limit, `film.codec` for an unsupported codec, and
    `film.corrupt` if FFmpeg fails, all with the `file`. Raises Unavailable if the disk is full or
    the program cannot be started.
    """
    with _run_process(arguments, folder=folder, seconds=seconds, name=name) as process:
        if process.stdout is None:
            raise Unavailable("film.no_decoder")
        yield process.stdout


@contextmanager
def write_input(
    arguments: Sequence[str], *, folder: Path, seconds: float, name: str
) -> Iterator[IO[bytes]]:
    """Run FFmpeg and yield its standard input (`pipe:0`), closed at the end of the block. Raises
    the errors of `read_output`, also if FFmpeg ends before all input is written."""
    with _run_process(arguments, folder=folder, seconds=seconds, name=name, fed=True) as process:
        if process.stdin is None:
            raise Unavailable("film.no_decoder")
        # A broken pipe is ignored: the exit status explains it.
        with suppress(BrokenPipeError), process.stdin as taken:
            yield taken


@contextmanager
def _run_process(
    arguments: Sequence[str], *, folder: Path, seconds: float, name: str, fed: bool = False
) -> "Iterator[subprocess.Popen[bytes]]":
    with (folder / _LOG).open("wb") as log:
        process = _start_process(arguments, folder, log, seconds, fed=fed)
    late = threading.Event()
    watch = threading.Timer(seconds, _stop_late_process, (process, late))
    watch.daemon = True
    watch.start()
    try:
        yield process
        process.wait()
    finally:
        watch.cancel()
        kill_process_group(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
    if process.returncode != 0:
        raise _process_error(process.returncode, late.is_set(), folder, name)


def _start_process(
    arguments: Sequence[str], folder: Path, log: IO[bytes], seconds: float, *, fed: bool
) -> "subprocess.Popen[bytes]":
    command = [get_ffmpeg_exe(), *_QUIET, *arguments]
    try:
        # Only our own arguments, without a user's file name.
        process = subprocess.Popen(  # noqa: S603  see above
            command,
            cwd=folder,
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if fed else subprocess.PIPE,
            stderr=log,
            env={},
            start_new_session=True,
        )
    except (OSError, RuntimeError) as error:
        raise Unavailable("film.no_decoder") from error
    limit_resources(process, seconds, threads=int(_THREADS))
    return process


def _stop_late_process(process: "subprocess.Popen[bytes]", late: threading.Event) -> None:
    late.set()
    kill_process_group(process)


def _process_error(status: int, late: bool, folder: Path, name: str) -> BadInput | Unavailable:
    said = (folder / _LOG).read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace")
    if _FULL in said:
        return Unavailable("storage.unwritable", detail=_FULL)
    if late or status == -signal.SIGXCPU:
        return BadInput("film.too_slow", file=name)
    if unread := _UNREAD.search(said):
        return BadInput("film.codec", file=name, codec=unread[1] or unread[2])
    return BadInput("film.corrupt", file=name)


def read_log(folder: Path) -> str:
    """Return the start of the log of the last run in this folder."""
    with (folder / _LOG).open("rb") as log:
        return log.read(_LOG_HEAD).decode("utf-8", "replace")
