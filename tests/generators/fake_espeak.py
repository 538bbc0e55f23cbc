"""A fake espeak-ng that implements its command line: it lists voices and writes a sound.

It is a real executable, started like the real one; its sound is a tone whose length depends on the
text.
"""

import sys
from pathlib import Path

ESPEAK = """#!{python} -I
import math, os, struct, sys, wave
given = sys.argv[1:]
if given == ["--voices"]:
    print("Pty Language       Age/Gender VoiceName          File                 Other Languages")
    print(" 5  fr-fr           --/M      French_(France)    roa/fr               (fr 5)")
    print(" 2  en-gb           --/M      English_(Great_Britain) gmw/en          (en 2)")
    print(" 5  yo-x\\x1b[31m")
    sys.exit(0)
options = dict(zip(given[:-1:2], given[1:-1:2]))
assert given[-1] == "--stdin" and options["-b"] == "1", given
words = sys.stdin.buffer.read().decode("utf-8")
{before}
with wave.open(options["-w"], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(22050)
    count = int(22050 * 0.06 * max(len(words), 1))
    tone = (int({level} * math.sin(i * (0.05 + 0.02 * math.sin(i / 4000)))) for i in range(count))
    out.writeframes(b"".join(struct.pack("<h", value) for value in tone))
"""


def write_fake_espeak(folder: Path, *, before: str = "", level: int = 2000) -> str:
    """Return its path. `before` is Python that runs after it has read `words`; `level` is its
    loudest sample."""
    path = folder / "espeak-ng"
    path.write_text(ESPEAK.format(python=sys.executable, before=before, level=level))
    path.chmod(0o755)
    return str(path)
