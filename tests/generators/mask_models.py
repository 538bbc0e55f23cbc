"""Small models for tests that separate subject and background: light pixels are subject."""

from pathlib import Path
from typing import Any

from onnx import TensorProto, checker, helper, save


def write_mask_model(
    file: Path, *, edge: int | str = 32, channels: int = 3, above: float | None = None
) -> Path:
    """Write a model that returns the brightness of each prepared pixel, or whether it exceeds
    `above`."""
    sides: list[Any] = [edge, edge] if isinstance(edge, int) else ["high", "wide"]
    entry = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, channels, *sides])
    told = helper.make_tensor_value_info("told", TensorProto.FLOAT, [1, 1, *sides])
    nodes = [helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1], keepdims=1)]
    known = []
    if above is None:
        nodes.append(helper.make_node("Identity", ["mean"], ["told"]))
    else:
        known.append(helper.make_tensor("above", TensorProto.FLOAT, [], [above]))
        nodes.append(helper.make_node("Greater", ["mean", "above"], ["lighter"]))
        nodes.append(helper.make_node("Cast", ["lighter"], ["told"], to=TensorProto.FLOAT))
    graph = helper.make_graph(nodes, "light", [entry], [told], known)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(made)
    save(made, str(file))
    return file
