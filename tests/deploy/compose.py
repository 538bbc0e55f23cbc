"""docker-compose.yml for tests: its services and its variables."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>[^}]*)\}")


@dataclass(frozen=True)
class Compose:
    """The file, its text and its parsed content."""

    text: str

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The content with aliases and merges resolved, variables not replaced."""
        found: dict[str, Any] = yaml.safe_load(self.text)
        return found

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """The services by name."""
        found: dict[str, dict[str, Any]] = self.tree["services"]
        return found

    @property
    def ours(self) -> dict[str, dict[str, Any]]:
        """The services that run our image."""
        return {
            name: one
            for name, one in self.services.items()
            if one["image"].startswith("greenroom:")
        }

    @property
    def variables(self) -> dict[str, str]:
        """The variables with their modifier: `:?…` is required, `:-…` has a default."""
        return {found["name"]: found["rest"] for found in VARIABLE.finditer(self.text)}

    def filled(self, given: dict[str, str]) -> dict[str, Any]:
        """Return the content with every variable replaced, as compose does. Fails for a required
        variable that is not given."""

        def value(found: re.Match[str]) -> str:
            name, rest = found["name"], found["rest"]
            if given.get(name):
                return given[name]
            assert rest.startswith(":-"), f"{name} is not given"
            return rest[2:]

        def walk(node: Any) -> Any:
            if isinstance(node, dict):
                return {key: walk(part) for key, part in node.items()}
            if isinstance(node, list):
                return [walk(part) for part in node]
            return VARIABLE.sub(value, node) if isinstance(node, str) else node

        tree: dict[str, Any] = walk(self.tree)
        return tree


def compose() -> Compose:
    """Return the file of this repository."""
    return Compose((ROOT / "docker-compose.yml").read_text("utf-8"))
