"""Text encoded as tones, which the fake classifier decodes: sixteen tones for half a byte each,
after a lower one as start marker.

The encoding survives AAC and Opus. Any other sound decodes as no speech.
"""

import subprocess

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

RATE = 48_000
BEGIN, FIRST, STEP = 500.0, 900.0, 175.0
LONG, SHORT = 0.2, 0.05
"""Length of the start tone and of each following tone in seconds."""


def encode_tones(words: str) -> NDArray[np.float32]:
    """Return the samples of a text, from -1 to 1."""
    body = words.encode("ascii")
    data = bytes([len(body), *body, sum(body) % 256])
    nibbles = [half for byte in data for half in (byte >> 4, byte & 15)]
    parts = [_tone(BEGIN, LONG), *(_tone(FIRST + STEP * nibble, SHORT) for nibble in nibbles)]
    return np.concatenate(parts).astype(np.float32)


def _tone(pitch: float, seconds: float) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * RATE)) / RATE)


def decode_tones(data: bytes) -> str:
    """Return the text in a sound file, or ""."""
    command = [
        get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-i",
        "pipe:0",
        "-ac",
        "1",
        "-ar",
        str(RATE),
        "-f",
        "f32le",
        "-",
    ]
    raw = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    samples, window = np.frombuffer(raw, "<f4"), int(SHORT * RATE)
    starts = range(0, len(samples) - window, window // 10)
    lead = [at for at in starts if _pitch(samples[at : at + window]) == BEGIN]
    for first in lead[-4:]:
        words = _read(samples, first + window)
        if words is not None:
            return words
    return ""


def _read(samples: NDArray[np.float32], at: int) -> str | None:
    window = int(SHORT * RATE)
    places = range(at, len(samples) - window // 2, window)
    nibbles = [round((_pitch(samples[place : place + window]) - FIRST) / STEP) for place in places]
    data = bytes(
        (high & 15) << 4 | low & 15 for high, low in zip(nibbles[::2], nibbles[1::2], strict=False)
    )
    if not data or len(data) < data[0] + 2:
        return None
    body = data[1 : 1 + data[0]]
    return body.decode("ascii", "replace") if sum(body) % 256 == data[1 + data[0]] else None


def _pitch(part: NDArray[np.float32]) -> float:
    """Return the loudest tone of the encoding in a segment, or 0 for silence."""
    if len(part) < 100 or float(np.abs(part).max()) < 0.05:
        return 0.0
    middle = part[len(part) // 5 : -len(part) // 5]
    times = np.arange(len(middle)) / RATE
    pitches = [BEGIN, *(FIRST + STEP * nibble for nibble in range(16))]
    powers = [abs(np.exp(-2j * np.pi * pitch * times) @ middle) for pitch in pitches]
    return pitches[int(np.argmax(powers))]
