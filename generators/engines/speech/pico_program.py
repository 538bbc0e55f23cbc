"""The program of the Pico engine, run in a confined process and never imported.

It reads a text from standard input and writes its speech to a WAV file: 16 kHz, mono, 16 bit.
Arguments: the folder that contains the package py_nanotts, the voice, and the file.
"""

import importlib
import sys
import wave

RATE = 16_000


def write_speech(folder: str, voice: str, file: str) -> None:
    """Synthesize standard input to `file`."""
    sys.path.append(folder)
    nanotts = importlib.import_module("py_nanotts")
    text = sys.stdin.buffer.read().decode("utf-8")
    sound = nanotts.NanoTTS().speak(text, voice=voice)
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(sound)


if __name__ == "__main__":
    write_speech(*sys.argv[1:4])
