"""Packages as an installer writes them to a folder, and cleared caches as in a new process."""

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path

from connectors.registry import plugins
from foundation.i18n import translation

EXAMPLE = Path(__file__).parents[2] / "examples" / "connector-acme"


def install_package(
    folder: Path, package: str, entries: Mapping[str, Mapping[str, str]], code: str = ""
) -> Path:
    """Install a package with one module of the same name. Return the folder of the module."""
    module = folder / package.replace("-", "_")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text(code, "utf-8")
    _tell(folder, package, entries)
    return module


def install_example(folder: Path) -> Path:
    """Install the example connector as its `pyproject.toml` describes it."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    shutil.copytree(
        EXAMPLE / "acme_greenroom",
        folder / "acme_greenroom",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    _tell(folder, project["name"], project["entry-points"])
    return folder / "acme_greenroom"


def _tell(folder: Path, package: str, entries: Mapping[str, Mapping[str, str]]) -> None:
    about = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [
        line
        for group, named in entries.items()
        for line in (f"[{group}]", *map(" = ".join, named.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines))


def clear_plugin_caches() -> None:
    """Clear the plugin caches, as in a process that has just started."""
    plugins.load_plugins.cache_clear()
    translation.load_catalogue.cache_clear()
    translation._third_party_platforms.cache_clear()
