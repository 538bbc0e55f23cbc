"""Text of subtitle tracks. It is not published with a video, but is rated with it."""

import re
from pathlib import Path

from foundation.errors import BadInput
from generators.containers.tracks import MediaTracks
from generators.media import ffmpeg

MAX_TEXTS = 8
MAX_LETTERS = 20_000
"""Maximum number of subtitle tracks, and of characters in all of them together: a video of ten
minutes has about 9,000 characters."""

_TIMES = re.compile(r"\d+|[\d:,.]+ --> [\d:,.]+.*")
_MARKUP = re.compile(r"<[^>]{0,80}>|\{\\[^}]{0,80}\}")


def read_subtitles(
    folder: Path, tracks: MediaTracks, *, name: str, seconds: float
) -> tuple[str, ...]:
    """Return the lines of all subtitle tracks of the file `in`, without times, markup and
    duplicates.

    Raises BadInput `film.too_wordy`, and `film.corrupt` for subtitles that are pictures.
    """
    if not tracks.texts:
        return ()
    if tracks.texts > MAX_TEXTS:
        raise BadInput("film.too_wordy", file=name)
    lines = dict[str, None]()
    for number in range(tracks.texts):
        kept = ("-map", f"0:s:{number}", "-c:s", "srt", "-f", "srt", f"{number}.srt")
        ffmpeg.run_ffmpeg(
            (*ffmpeg.input_arguments("in", tracks.demuxer), *kept),
            folder=folder,
            seconds=seconds,
            name=name,
        )
        said = (folder / f"{number}.srt").read_text("utf-8", "replace")
        lines |= dict.fromkeys(_clean_line(line) for line in said.splitlines())
    words = tuple(line for line in lines if line)
    if sum(map(len, words)) > MAX_LETTERS:
        raise BadInput("film.too_wordy", file=name)
    return words


def _clean_line(line: str) -> str:
    bare = line.strip("\ufeff \t")
    return "" if _TIMES.fullmatch(bare) else _MARKUP.sub("", bare).strip()
