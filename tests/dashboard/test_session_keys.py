"""Keys of widgets and of values in the session: two modules never use one key for two things."""

import ast
import importlib
from collections import defaultdict
from pathlib import Path

import dashboard

ROOT = Path(dashboard.__file__).parent


def _named_keys(path: Path) -> dict[str, str]:
    """Return the keys of a module's constants, such as `compose:media`, by the constant's name."""
    named = {
        target.id
        for statement in ast.parse(path.read_text("utf-8")).body
        if isinstance(statement, ast.Assign)
        for each in statement.targets
        for target in ast.walk(each)
        if isinstance(target, ast.Name)
    }
    module = importlib.import_module(".".join(path.relative_to(ROOT.parent).with_suffix("").parts))
    values = {name: getattr(module, name) for name in named}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and ":" in value.strip(":") and " " not in value
    }


def test_no_two_constants_hold_the_same_session_key() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for path in ROOT.rglob("*.py"):
        if path.name in ("app.py", "__main__.py"):
            continue
        for name, key in _named_keys(path).items():
            homes[key].add(f"{path.relative_to(ROOT)}: {name}")
    assert len(homes) > 100
    assert {key: used for key, used in homes.items() if len(used) > 1} == {}
