"""Limits on YAML documents that expand to much more than their size."""

from collections.abc import Callable

import pytest

from foundation.errors import BadInput
from foundation.safe_yaml import MAX_DEPTH, MAX_NODES, parse_yaml

SHAPES: dict[str, tuple[Callable[[int], str], str]] = {
    "lists in lists": (lambda n: "[" * n + "]" * n, "yaml.too_deep"),
    "mappings in mappings": (lambda n: "{a: " * n + "1" + "}" * n, "yaml.too_deep"),
    "indented": (lambda n: "\n".join(" " * level + "a:" for level in range(n)), "yaml.too_deep"),
    "dashes": (lambda n: "- " * n + "x", "yaml.too_deep"),
    "empty mappings": (lambda n: "[" + "{}," * n + "]", "yaml.too_long"),
    "keys": (lambda n: "".join(f"k{one}:\n" for one in range(n)), "yaml.too_long"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_deep_or_long_document_is_rejected(name: str) -> None:
    build, code = SHAPES[name]
    most = MAX_DEPTH if code == "yaml.too_deep" else MAX_NODES
    assert parse_yaml(build(8), file="x.yaml").value is not None
    with pytest.raises(BadInput) as refused:
        parse_yaml(build(most + 2), file="x.yaml")
    assert refused.value.message.code == code


def test_nested_aliases_are_expanded_once() -> None:
    text = "a0: &a0 [x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    value = parse_yaml(text, file="x.yaml").value
    assert isinstance(value, dict)
    assert value["a2"][0] is value["a1"]
