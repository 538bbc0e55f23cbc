"""A safe subset of YAML for user input.

Times remain text, duplicate keys are errors, and no tags are executed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from foundation.errors import BadInput

_PREFIX = "tag:yaml.org,2002:"
_STRING = f"{_PREFIX}str"
_NUMBER = f"{_PREFIX}int"
_NOTHING = f"{_PREFIX}null"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters other than newline and tab, some of which PostgreSQL rejects."""


MAX_DEPTH = 64
MAX_NODES = 20_000
"""Maximum values of a text: 24 lists of 200 weighted words are 15,000.

Each value takes the parser about 50 µs, and each open bracket slows down the rest.
"""


class _Excess(yaml.YAMLError):
    """The text is nested too deeply or has too many values."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Loader(yaml.SafeLoader):
    """Loads plain scalars as text, except integers and null: `10:00` is not a number and `no` is
    not a boolean."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._count = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose a node. Raises _Excess beyond the limits."""
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH:
            raise _Excess("yaml.too_deep")
        if self._count > MAX_NODES:
            raise _Excess("yaml.too_long")
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(_NUMBER, re.compile(rf"^{_WHOLE.pattern}$"), list("-+0123456789"))
_Loader.add_implicit_resolver(_NOTHING, re.compile(r"^(?:~|null|)$"), ["~", "n", ""])


@dataclass(frozen=True)
class YamlDocument:
    """The parsed value (texts, integers, None, lists and mappings) and the line of each part."""

    value: object
    root: Node | None

    def line_of(self, where: Sequence[str | int]) -> int:
        """Return the line, from 1, of the part at a path of keys and indexes.

        If it is absent, return the line of its nearest ancestor.
        """
        node = self.root
        line = 1
        for step in (None, *where):
            node = node if step is None else _child_node(node, step)
            if node is None:
                break
            line = int(node.start_mark.line) + 1
        return line


def parse_yaml(text: str, *, file: str) -> YamlDocument:
    """Parse a text as YAML. Raises BadInput with the file and the line."""
    try:
        root = yaml.compose(text, _Loader)
        return YamlDocument(_Reading(file).value(root) if root is not None else None, root)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadInput("yaml.not_yaml", file=file, line=line) from error
    except _Excess as error:
        if error.code == "yaml.too_deep":
            raise BadInput("yaml.too_deep", file=file) from error
        raise BadInput("yaml.too_long", file=file, most=MAX_NODES) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise BadInput("yaml.not_yaml", file=file, line=mark.line + 1 if mark else 1) from error
    except RecursionError as error:
        raise BadInput("yaml.too_deep", file=file) from error


class _Reading:
    """Converts nodes to values, each node once: aliases are cheap and cycles are detected."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._known: dict[int, object] = {}
        self._open: set[int] = set()

    def value(self, node: Node) -> object:
        """Return the value of a node. Raises BadInput."""
        if id(node) in self._known:
            return self._known[id(node)]
        if id(node) in self._open:
            raise BadInput("yaml.too_deep", file=self._file)
        self._open.add(id(node))
        found = self._known[id(node)] = self._read_node(node)
        self._open.discard(id(node))
        return found

    def _read_node(self, node: Node) -> object:
        if isinstance(node, MappingNode) and node.tag == f"{_PREFIX}map":
            return self._read_mapping(node)
        if isinstance(node, SequenceNode) and node.tag == f"{_PREFIX}seq":
            return [self.value(one) for one in node.value]
        if isinstance(node, ScalarNode):
            return self._read_scalar(node)
        raise self._build_error("yaml.not_plain", node)

    def _read_mapping(self, node: MappingNode) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise self._build_error("yaml.not_plain", key)
            if key.value in found:
                raise BadInput(
                    "yaml.key_twice", file=self._file, line=_line_of_node(key), key=key.value[:60]
                )
            self._read_scalar(key)
            found[key.value] = self.value(value)
        return found

    def _read_scalar(self, node: ScalarNode) -> object:
        text = str(node.value)
        if _UNPRINTABLE.search(text):
            raise self._build_error("yaml.unprintable", node)
        match node.tag:
            case tag if tag == _STRING:
                return text
            case tag if tag == _NUMBER and _WHOLE.fullmatch(text):
                return int(text)
            case tag if tag == _NOTHING:
                return None
            case _:
                raise self._build_error("yaml.not_plain", node)

    def _build_error(self, code: str, node: Node) -> BadInput:
        return BadInput(code, file=self._file, line=_line_of_node(node))


def _line_of_node(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _child_node(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        return next(
            (value for key, value in node.value if getattr(key, "value", None) == step), None
        )
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: Node = node.value[step]
        return found
    return None
