"""Documents: their sizes, words and links, and the form of decision records."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

import pytest

from tests.architecture.rules.vocabulary import banned_words
from tests.architecture.tree import PACKAGES, ROOT, sources, texts

ADR_FOLDER = "docs/adr"
MAX_LINES: Mapping[str, int] = {
    "README.md": 150,
    "CHANGELOG.md": 160,
    "docs/roadmap.md": 60,
    "docs/architecture.md": 100,
    "docs/develop/add-a-platform.md": 150,
}
MAX_RELEASE_LINES = 60
MAX_RECORDS = 40
MAX_RECORD_LINES = 39
STATUS = re.compile(r"^Status: (Accepted|Superseded), \d{4}-\d{2}-\d{2}", re.MULTILINE)
CODE = re.compile(r"^Code: (.+?)\n\n", re.MULTILINE | re.DOTALL)
SECTIONS = ("## Context", "## Decision", "## Consequences")
SENTENCE_WORDS = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "has",
        "have",
        "may",
        "must",
        "can",
        "cannot",
        "does",
        "not",
        "asks",
        "goes",
        "leaves",
        "stands",
        "gives",
        "takes",
        "holds",
        "makes",
        "keeps",
        "who",
        "what",
        "which",
        "whoever",
        "that",
    ]
)
"""Words of a sentence: a title without them is a noun phrase."""

REFERENCE = re.compile(r"\bADR[ -]?0*(\d{1,4})\b|\badr/(\d{4})\b")
"""A decision record named in code or in a document."""

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_QUOTE = re.compile(r"“[^”]*”|«[^»]*»")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def documents() -> dict[str, str]:
    """Return path and text of every document for readers: Markdown files in the root and in docs/."""
    return {
        path: text
        for path, text in texts()
        if path.endswith(".md") and ("/" not in path or path.startswith("docs/"))
    }


def oversized(pages: Mapping[str, str], limits: Mapping[str, int]) -> list[str]:
    """Return the documents that are missing or have more lines than their limit."""
    return [
        f"{path}: {len(pages.get(path, '').splitlines())} lines, at most {limit}"
        for path, limit in limits.items()
        if path not in pages or len(pages[path].splitlines()) > limit
    ]


def release_sections(changelog: str) -> list[tuple[str, int]]:
    """Return the heading and the number of lines of each release, in the order of the file."""
    parts = re.split(r"^(?=## )", changelog, flags=re.MULTILINE)[1:]
    return [(part.splitlines()[0], len(part.rstrip().splitlines())) for part in parts]


def prose(text: str) -> str:
    """Return a document without code and without quotations."""
    return _QUOTE.sub(" ", _CODE.sub(" ", text))


def documents_with_banned_words(pages: Mapping[str, str]) -> list[str]:
    """Return each banned word of the documents with its document."""
    return [f"{path}: {word}" for path, text in pages.items() for word in banned_words(prose(text))]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document, as GitHub and MkDocs derive them from headings."""
    found = set()
    for heading in _HEADING.findall(_CODE.sub(lambda code: code[0].strip("`"), text)):
        words = re.sub(r"[^\w\s-]", "", heading.lower()).strip()
        found.add(re.sub(r"\s+", "-", words))
    return found


def broken_links(pages: Mapping[str, str]) -> list[str]:
    """Return the links of documents to a file or a heading that does not exist."""
    broken = []
    for path, text in pages.items():
        for target in _LINK.findall(_CODE.sub(" ", text)):
            name, _, anchor = target.partition("#")
            place = ROOT / PurePosixPath(path).parent / name
            exists = place.exists() if name else True
            if exists and anchor:
                exists = anchor in anchors(place.read_text("utf-8") if name else text)
            if not exists:
                broken.append(f"{path}: {target}")
    return broken


def records(pages: Mapping[str, str]) -> dict[str, str]:
    """Return the decision records among the documents, by path."""
    return {
        path: text
        for path, text in pages.items()
        if re.fullmatch(rf"{ADR_FOLDER}/\d{{4}}-[a-z0-9-]+\.md", path)
    }


def record_faults(path: str, text: str) -> list[str]:
    """Return what is wrong with the form of a decision record."""
    number = PurePosixPath(path).name[:4]
    title = text.splitlines()[0].removeprefix(f"# {number}: ")
    faults = []
    if not text.startswith(f"# {number}: "):
        faults.append("no title with its number")
    if SENTENCE_WORDS & set(title.lower().split()) or title.endswith("."):
        faults.append("its title is a sentence")
    if not STATUS.search(text):
        faults.append("no status with a date")
    faults += [f"no {section}" for section in SECTIONS if section not in text]
    code = CODE.search(text)
    named = re.findall(r"`([\w./-]+)`", code[1]) if code else []
    faults += [f"no code {name}" for name in named if not (ROOT / name).exists()]
    if not named:
        faults.append("it names no code")
    if len(text.splitlines()) > MAX_RECORD_LINES:
        faults.append(f"more than {MAX_RECORD_LINES} lines")
    return [f"{path}: {fault}" for fault in faults]


def references(files: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield file and number of each reference to a decision record."""
    for path, text in files:
        for match in REFERENCE.finditer(text):
            yield path, f"{int(match[1] or match[2]):04}"


def missing_references(
    files: Iterable[tuple[str, str]], numbers: Iterable[str]
) -> list[tuple[str, str]]:
    """Return file and number of each reference to a record that does not exist."""
    known = set(numbers)
    return [(path, number) for path, number in references(files) if number not in known]


def record_numbers() -> set[str]:
    return {PurePosixPath(path).name[:4] for path in records(documents())}


def test_documents_are_short() -> None:
    assert not oversized(documents(), MAX_LINES)


def test_first_release_is_short() -> None:
    sections = release_sections(documents()["CHANGELOG.md"])
    assert sections[0][0].startswith("## [0.1.0]")
    assert [lines for _, lines in sections if lines > MAX_RELEASE_LINES] == []


def test_planted_long_document_is_found() -> None:
    assert oversized({"README.md": "\n" * 151}, {"README.md": 150})
    assert oversized({}, {"README.md": 150})
    assert not oversized({"README.md": "\n" * 150}, {"README.md": 150})
    assert release_sections("# Changes\n\n## [0.2.0]\n\n- a\n\n## [0.1.0]\n- b\n") == [
        ("## [0.2.0]", 3),
        ("## [0.1.0]", 2),
    ]


def test_documents_use_the_words_of_the_field() -> None:
    assert not documents_with_banned_words(documents())


def test_planted_word_is_found() -> None:
    planted = {"docs/planted.md": "The post waits until\nsomebody says a yes, and the house"}
    assert len(documents_with_banned_words(planted)) == 3
    quoted = {"docs/planted.md": "The page shows “Nobody is here”. Run `whoever --anew`."}
    assert not documents_with_banned_words(quoted)


def test_links_lead_to_a_file_or_a_heading() -> None:
    assert not broken_links(documents())


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("[a](nowhere.md)", True),
        ("[a](docs/gate.md#no-such-heading)", True),
        ("[a](#the-title)", False),
        ("[a](docs/gate.md)", False),
        ("[a](https://example.test/nowhere)", False),
        ("`[a](nowhere.md)`", False),
    ],
)
def test_planted_link_is_judged(link: str, broken: bool) -> None:
    assert bool(broken_links({"PLANTED.md": f"# The title\n\n{link}\n"})) == broken


def packages_missing_from(picture: str) -> set[str]:
    """Return the packages that the picture of the architecture does not name."""
    return set(PACKAGES) - set(re.findall(r">(\w+)</text>", picture))


def test_picture_names_every_package() -> None:
    picture = (ROOT / "docs/packages.svg").read_text("utf-8")
    assert not packages_missing_from(picture)
    assert packages_missing_from(picture.replace(">gate<", "><")) == {"gate"}


def test_decision_records_are_few_and_short() -> None:
    found = records(documents())
    assert 0 < len(found) <= MAX_RECORDS
    assert [fault for path, text in found.items() for fault in record_faults(path, text)] == []
    others = {path for path in documents() if path.startswith(f"{ADR_FOLDER}/")} - found.keys()
    assert others == {f"{ADR_FOLDER}/README.md"}


def test_index_lists_every_record() -> None:
    index = documents()[f"{ADR_FOLDER}/README.md"]
    listed = set(re.findall(r"^\| \[(\d{4})\]", index, re.MULTILINE))
    assert listed == record_numbers()


RECORD = (
    "# 0009: Text model\n\nStatus: Accepted, 2026-11-20\n\nCode: `generators/text/`\n\n"
    "## Context\n\na\n\n## Decision\n\nb\n\n## Consequences\n\nc\n"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Text model", "The text model is English"),
        ("# 0009: ", "# "),
        ("Accepted, 2026-11-20", "accepted"),
        ("## Consequences", "Consequences:"),
        ("generators/text/", "generators/nowhere/"),
        ("Code: ", ""),
        ("a\n", "a\n" * 40),
    ],
)
def test_planted_record_is_refused(old: str, new: str) -> None:
    assert not record_faults("docs/adr/0009-text-model.md", RECORD)
    assert record_faults("docs/adr/0009-text-model.md", RECORD.replace(old, new, 1))


def test_documents_refer_to_records_that_exist() -> None:
    assert not missing_references(documents().items(), record_numbers())


def test_code_refers_to_records_that_exist() -> None:
    files = [
        *((source.path, source.text) for source in sources()),
        *((path, text) for path, text in texts() if path not in documents()),
    ]
    named = {
        path
        for path, _ in missing_references(files, record_numbers())
        if path != "tests/architecture/test_documents.py"
    }
    assert not named, sorted(named)


def test_planted_reference_is_found() -> None:
    planted = [("a.py", "see ADR 0002, docs/adr/0003 and ADR 9")]
    assert missing_references(planted, {"0002", "0003"}) == [("a.py", "0009")]
