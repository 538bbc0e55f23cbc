"""FFmpeg as a process: the one decoder and encoder of films and sound, kept in a box of its own.

The program is the one inside imageio-ffmpeg; it is run, never linked (it is under the GPL). It gets
a folder, a list of arguments and no environment: it opens no address and no file but those named,
is stopped with all it started when its time is up, and cannot take more memory or disk than it is
given. No shell is ever asked.
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
"""What may be opened at all: no playlists, no lists of files, no pictures but those that move."""

_PICTURES = "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,mpeg4,gif,apng,webp,webp_anim"
_CAMERA_PICTURES = "prores,mjpeg,dnxhd,apv,h263"
_SOUNDS = "aac,opus,libopus,vorbis,mp3float,mp3,alac,ac3,eac3,flac,amrnb,amrwb"
_PLAIN_SOUNDS = (
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_u8,pcm_s8,"
    "pcm_alaw,pcm_mulaw,adpcm_ima_qt"
)
DECODERS = f"{_PICTURES},{_CAMERA_PICTURES},{_SOUNDS},{_PLAIN_SOUNDS},mov_text,webvtt,subrip"

SPEECH_FORMATS = {"wav": "pcm_s16le", "mp3": "mp3float,mp3"}
"""What engines of speech hand over, and what decodes it."""

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
"""What FFmpeg says of a codec that is not in `DECODERS`, and of one that it does not know."""


def is_available() -> bool:
    """Whether the program is on this machine."""
    try:
        return Path(get_ffmpeg_exe()).exists()
    except RuntimeError:
        return False


def input_arguments(file: str, demuxer: str) -> tuple[str, ...]:
    """The arguments that open `file` (in the run's folder) as that format, whatever its bytes would
    suggest."""
    return ("-threads", _THREADS, *_INPUT, "-f", demuxer, "-i", f"file:{file}")


def speech_input_arguments(file: str, demuxer: str) -> tuple[str, ...]:
    """The arguments that open what an engine of speech made (a key of `SPOKEN`), and nothing
    else."""
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
    """Run to the end. Raises as `reading` does."""
    with read_output(arguments, folder=folder, seconds=seconds, name=name) as out:
        out.read()


@contextmanager
def read_output(
    arguments: Sequence[str], *, folder: Path, seconds: float, name: str
) -> Iterator[IO[bytes]]:
    """Run, and read what it writes to its standard output; `seconds` of wall clock, and of work on
    each of two cores.

    Raises BadInput `film.too_slow` when the time is up, `film.codec` for a codec that is not read
    and `film.corrupt` when it gave up, all naming the `file`; Unavailable when the disk is full or
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
    """Run, and hand it what it reads as `pipe:0`; it ends with the block. Raises as `reading` does,
    also where it gave up before everything was written."""
    with _run_process(arguments, folder=folder, seconds=seconds, name=name, fed=True) as process:
        if process.stdin is None:
            raise Unavailable("film.no_decoder")
        with (
            suppress(BrokenPipeError),
            process.stdin as taken,
        ):  # why it reads no more, its own end says
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
        # our own words; no name of a person's file is among them
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
    """Return the log of the last run in this folder, from its beginning."""
    with (folder / _LOG).open("rb") as log:
        return log.read(_LOG_HEAD).decode("utf-8", "replace")
