"""FFmpeg as a process: the one decoder and encoder of films and sound, kept in a box of its own.

The program is the one inside imageio-ffmpeg; it is run, never linked (it is under the GPL). It gets a folder, a list of
arguments and no environment: it opens no address and no file but those named, is stopped with all it started when its
time is up, and cannot take more memory or disk than it is given. No shell is ever asked.
"""

import errno
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from imageio_ffmpeg import get_ffmpeg_exe

from foundation.errors import BadInput, Unavailable

MOST_MEMORY, MOST_WRITTEN = 3 * 2**30, 256 * 2**20
"""Bytes of address space, and of one file."""

DEMUXERS = "mov,matroska,ogg"
"""What may be opened at all: no playlists, no lists of files, no pictures."""

_PICTURES = "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,mpeg4"
_SOUNDS = "aac,opus,libopus,vorbis,mp3float,mp3,alac"
DECODERS = f"{_PICTURES},{_SOUNDS},mov_text,webvtt,subrip"
_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-max_alloc", str(2**29))
_INPUT = ("-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS, "-codec_whitelist", DECODERS)
_LOG, _LOG_TAIL = "ffmpeg.log", 4_000
_FULL = os.strerror(errno.ENOSPC)
_THREADS = "2"


def there() -> bool:
    """Whether the program is on this machine."""
    try:
        return Path(get_ffmpeg_exe()).exists()
    except RuntimeError:
        return False


def source(file: str, demuxer: str) -> tuple[str, ...]:
    """The arguments that open `file` (in the run's folder) as that format, whatever its bytes would suggest."""
    return ("-threads", _THREADS, *_INPUT, "-f", demuxer, "-i", f"file:{file}")


def run(arguments: Sequence[str], *, folder: Path, seconds: float, name: str) -> None:
    """Run to the end. Raises as `reading` does."""
    with reading(arguments, folder=folder, seconds=seconds, name=name) as out:
        out.read()


@contextmanager
def reading(arguments: Sequence[str], *, folder: Path, seconds: float, name: str) -> Iterator[IO[bytes]]:
    """Run, and read what it writes to its standard output; `seconds` of wall clock, and of work on each of two cores.

    Raises BadInput `film.too_slow` when the time is up and `film.corrupt` when it gave up, both naming the `file`;
    Unavailable when the disk is full or the program cannot be started.
    """
    with (folder / _LOG).open("wb") as log:
        process = _start(arguments, folder, log, seconds)
    late = threading.Event()
    watch = threading.Timer(seconds, _stop, (process, late))
    watch.daemon = True
    watch.start()
    try:
        if process.stdout is None:
            raise Unavailable("film.no_decoder")
        yield process.stdout
        process.wait()
    finally:
        watch.cancel()
        _kill(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode != 0:
        raise _why(process.returncode, late.is_set(), folder, name)


def _start(arguments: Sequence[str], folder: Path, log: IO[bytes], seconds: float) -> "subprocess.Popen[bytes]":
    command = [get_ffmpeg_exe(), *_QUIET, *arguments]
    try:
        process = subprocess.Popen(  # noqa: S603  our own words; no name of a person's file is among them
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={},
            start_new_session=True,
        )
    except (OSError, RuntimeError) as error:
        raise Unavailable("film.no_decoder") from error
    work = int(seconds * int(_THREADS)) + 1
    limits = (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, work),
        (resource.RLIMIT_FSIZE, MOST_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    )
    with suppress(ProcessLookupError, PermissionError):  # over already: what it says of itself is read below
        for kind, most in limits:
            resource.prlimit(process.pid, kind, (most, most))
    return process


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it and all it started; one that has been waited for has no group any more."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _stop(process: "subprocess.Popen[bytes]", late: threading.Event) -> None:
    late.set()
    _kill(process)


def _why(status: int, late: bool, folder: Path, name: str) -> BadInput | Unavailable:
    said = (folder / _LOG).read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace")
    if _FULL in said:
        return Unavailable("storage.unwritable", detail=_FULL)
    if late or status == -signal.SIGXCPU:
        return BadInput("film.too_slow", file=name)
    return BadInput("film.corrupt", file=name)
