"""How loud a sound is, from its beginning to its end: what is drawn where there is no picture."""

from pathlib import Path

import numpy as np

from generators import ffmpeg

BARS, RATE = 96, 4000
"""Points it is told at, and samples a second it is measured with."""


def measured(folder: Path, *, name: str, seconds: float) -> tuple[float, ...]:
    """The loudness of the file `out` of the folder at `BARS` points, 0 to 1, the loudest of them 1."""
    plain = ("-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1")
    with ffmpeg.reading((*ffmpeg.source("out", "mov"), *plain), folder=folder, seconds=seconds, name=name) as out:
        samples = np.frombuffer(out.read(), dtype="<i2").astype(np.float32)
    if not samples.size:
        return ()
    power = [float(np.sqrt((part**2).mean())) for part in np.array_split(samples, BARS) if part.size]
    most = max(power) or 1.0
    return tuple(one / most for one in power)
