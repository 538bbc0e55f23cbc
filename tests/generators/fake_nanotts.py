"""A fake package py_nanotts: it returns a tone whose length depends on the text.

It is imported by the engine's real program, in its real process.
"""

from pathlib import Path

PACKAGE = """
import math, struct, sys
options = {{"-w": sys.argv[3]}}

class NanoTTS:
    def speak(self, text, voice=None):
        words = text
        assert voice in ("fr-FR", "en-GB", "en-US"), voice
{before}
        count = int(16000 * 0.06 * max(len(text), 1))
        tone = (int({level} * math.sin(i * (0.05 + 0.02 * math.sin(i / 4000)))) for i in range(count))
        return b"".join(struct.pack("<h", value) for value in tone)
"""


def write_fake_nanotts(folder: Path, *, before: str = "pass", level: int = 2000) -> Path:
    """Write the package into `folder` and return its path.

    `before` is one line of Python that runs before a sound is made; `level` is its loudest sample.
    """
    package = folder / "py_nanotts"
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE.format(before=f"        {before}", level=level))
    return package
