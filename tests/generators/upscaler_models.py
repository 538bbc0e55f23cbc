"""Small upscaling models for tests: ESRGAN with random weights in both namings, and one in ONNX."""

from pathlib import Path
from typing import Any

from onnx import TensorProto, checker, helper, save

from generators.engines.text.langchain import load_attribute

WIDE, GROWN = 8, 4


def write_esrgan_model(
    file: Path, *, blocks: int = 2, doublings: int = 1, old: bool = False, seed: int = 0
) -> Path:
    """Write a model in the layout of ESRGAN, narrow enough to run in milliseconds."""
    load_attribute("torch", "manual_seed")(seed)
    randn = load_attribute("torch", "randn")
    state: dict[str, Any] = {}

    def conv(name: str, taken: int, given: int, scale: float = 0.2) -> None:
        state[f"{name}.weight"] = randn(given, taken, 3, 3) * scale / taken**0.5
        state[f"{name}.bias"] = randn(given) * 0.02

    conv("model.0" if old else "conv_first", 3, WIDE)
    for block in range(blocks):
        for part in (1, 2, 3):
            for at in range(1, 6):
                where = (
                    f"model.1.sub.{block}.RDB{part}.conv{at}.0"
                    if old
                    else f"body.{block}.rdb{part}.conv{at}"
                )
                conv(where, WIDE + (at - 1) * GROWN, GROWN if at < 5 else WIDE)
    conv(f"model.1.sub.{blocks}" if old else "conv_body", WIDE, WIDE)
    for at in range(doublings):
        conv(f"model.{3 + 3 * at}" if old else f"conv_up{at + 1}", WIDE, WIDE)
    last = 3 * doublings + 2
    conv(f"model.{last}" if old else "conv_hr", WIDE, WIDE)
    conv(f"model.{last + 2}" if old else "conv_last", WIDE, 3)
    state[f"model.{last + 2}.bias" if old else "conv_last.bias"] += 0.5
    file.parent.mkdir(parents=True, exist_ok=True)
    load_attribute("safetensors.torch", "save_file")(state, file)
    return file


def write_onnx_model(
    file: Path, *, factor: int = 2, side: int | str = "open", colours: int = 3
) -> Path:
    """Write a model that enlarges every pixel to a square of `factor` pixels."""
    edges: list[Any] = [side, side] if isinstance(side, int) else ["high", "wide"]
    out: list[Any] = [side * factor] * 2 if isinstance(side, int) else ["higher", "wider"]
    entry = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, colours, *edges])
    told = helper.make_tensor_value_info("larger", TensorProto.FLOAT, [1, colours, *out])
    scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, factor, factor])
    node = helper.make_node("Resize", ["picture", "", "scales"], ["larger"], mode="nearest")
    graph = helper.make_graph([node], "larger", [entry], [told], [scales])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(made)
    save(made, str(file))
    return file
