"""`greenroom create-connector`: the skeleton of a package with a new connector."""

from importlib.resources import files
from pathlib import Path
from string import Template

from connectors.registry import loader, plugins
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from workers.terminal.output import translate

SCAFFOLD_FILES = files("workers.cli.platforms") / "scaffold_files"
SCAFFOLD_PATHS = {
    "pyproject.toml": "pyproject.toml.txt",
    "rows.yaml": "rows.yaml.txt",
    "${platform}_greenroom/__init__.py": "",
    "${platform}_greenroom/connector.py": "connector.py.txt",
    "${platform}_greenroom/locale/en.po": "en.po.txt",
    "${platform}_greenroom/locale/fr.po": "fr.po.txt",
    "tests/${platform}_fake.py": "fake.py.txt",
    "tests/test_${platform}.py": "test.py.txt",
}
"""Path in the package -> template, or an empty name for an empty file."""


def scaffold_files(platform: str) -> dict[str, str]:
    """Return the files of the package for a platform, by path. Raises BadInput for a name that is
    not allowed."""
    ours = sorted(loader.load_builtin_connectors())
    if not plugins.is_name_free(platform, ours):
        raise BadInput("cli.new.name", name=platform, known=", ".join(ours))
    words = platform.split("_")
    said = {
        "platform": platform,
        "host": "-".join(filter(None, words)),
        "Class": "".join(map(str.capitalize, words)),
        "Title": " ".join(filter(None, words)).capitalize(),
    }
    return {
        Template(place).substitute(said): _fill_template(source, said)
        for place, source in SCAFFOLD_PATHS.items()
    }


def _fill_template(source: str, said: dict[str, str]) -> str:
    if not source:
        return ""
    text = Template((SCAFFOLD_FILES / source).read_text("utf-8")).substitute(said)
    return _sort_imports(text) if source.endswith(".py.txt") else text


def _sort_imports(text: str) -> str:
    """Sort each block of imports: the position of the package's own import depends on its name."""
    blocks = text.split("\n\n")
    return "\n\n".join(
        "\n".join(sorted(one.split("\n"), key=_import_sort_key)) if _is_import_block(one) else one
        for one in blocks
    )


def _is_import_block(block: str) -> bool:
    return all(line.startswith(("import ", "from ")) for line in block.strip("\n").split("\n"))


def _import_sort_key(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line.partition(" ")[2].partition(" ")[0].lower()


def write_scaffold(platform: str, folder: Path | None) -> str:
    """Write the package and return the next steps. Raises BadInput for a name that is not allowed,
    Conflict for a folder with files."""
    package = scaffold_files(platform)
    where = Path(f"connector-{platform.replace('_', '-')}") if folder is None else folder
    try:
        if where.exists() and (not where.is_dir() or any(where.iterdir())):
            raise Conflict("cli.new.not_empty", folder=str(where))
        for place, text in package.items():
            (where / place).parent.mkdir(parents=True, exist_ok=True)
            (where / place).write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(
            "cli.new.unwritable", folder=str(where), detail=error.strerror or "-"
        ) from error
    module = f"{platform}_greenroom/connector"
    said = [
        Message("cli.new.written", {"name": platform, "folder": str(where), "files": len(package)}),
        Message("cli.new.next", {"name": platform, "folder": str(where), "module": module}),
    ]
    return "\n\n".join(map(translate, said))
