"""Model folders written as single-file checkpoints, with the weight names of the original programs.

The names are those that diffusers reads (`diffusers/loaders/single_file_utils.py`), mapped in
reverse.
"""

import json
import re
from pathlib import Path
from typing import Any

from generators.engines.text.langchain import load_attribute

_NET = [
    ("time_embedding.linear_1.", "time_embed.0."),
    ("time_embedding.linear_2.", "time_embed.2."),
    ("add_embedding.linear_1.", "label_emb.0.0."),
    ("add_embedding.linear_2.", "label_emb.0.2."),
    ("conv_in.", "input_blocks.0.0."),
    ("conv_norm_out.", "out.0."),
    ("conv_out.", "out.2."),
    ("mid_block.resnets.0.", "middle_block.0."),
    ("mid_block.attentions.0.", "middle_block.1."),
    ("mid_block.resnets.1.", "middle_block.2."),
]
_RES = [
    ("norm1.", "in_layers.0."),
    ("conv1.", "in_layers.2."),
    ("norm2.", "out_layers.0."),
    ("conv2.", "out_layers.3."),
    ("time_emb_proj.", "emb_layers.1."),
    ("conv_shortcut.", "skip_connection."),
]
_ATTENTION = [
    ("group_norm.", "norm."),
    ("to_q.", "q."),
    ("to_k.", "k."),
    ("to_v.", "v."),
    ("to_out.0.", "proj_out."),
]
_CLIP = [
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"layer_norm1\.", "ln_1."),
    (r"layer_norm2\.", "ln_2."),
    (r"mlp\.fc1\.", "mlp.c_fc."),
    (r"mlp\.fc2\.", "mlp.c_proj."),
    (r"self_attn\.out_proj\.", "attn.out_proj."),
]


def write_checkpoint(folder: Path, file: Path) -> Path:
    """Write the model of a folder as one file."""
    twice = (folder / "text_encoder_2").is_dir()
    state = {
        f"model.diffusion_model.{name}": each for name, each in _network(folder / "unet").items()
    }
    state |= {f"first_stage_model.{name}": each for name, each in _decoder(folder / "vae").items()}
    first = "conditioner.embedders.0.transformer." if twice else "cond_stage_model.transformer."
    state |= {first + name: each for name, each in _clip(folder / "text_encoder").items()}
    if twice:
        second = _open_clip(folder / "text_encoder_2")
        state |= {f"conditioner.embedders.1.model.{name}": each for name, each in second.items()}
    save = load_attribute("safetensors.torch", "save_file")
    file.parent.mkdir(parents=True, exist_ok=True)
    save({name: each.contiguous() for name, each in state.items()}, file)
    return file


def copy_layout(folder: Path, to: Path) -> Path:
    """Copy everything of a model folder except its weights."""
    for one in folder.rglob("*"):
        if one.is_file() and one.suffix != ".safetensors":
            there = to / one.relative_to(folder)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(one.read_bytes())
    return to


def _weights(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("*.safetensors")
    return dict(load_attribute("safetensors.torch", "load_file")(file))


def _renamed(name: str, names: list[tuple[str, str]]) -> str:
    for ours, theirs in names:
        name = name.replace(ours, theirs)
    return name


def _network(folder: Path) -> dict[str, Any]:
    config = json.loads((folder / "config.json").read_text())
    layers, ups = config["layers_per_block"] + 1, config["up_block_types"]

    def place(found: re.Match[str]) -> str:
        way, at, kind, which = found[1], int(found[2]), found[3], int(found[4])
        if way == "down":
            if kind == "downsamplers":
                return f"input_blocks.{layers * (at + 1)}.0.op."
            return f"input_blocks.{layers * at + which + 1}.{int(kind == 'attentions')}."
        if kind == "upsamplers":
            return f"output_blocks.{layers * at + layers - 1}.{1 + ('CrossAttn' in ups[at])}.conv."
        return f"output_blocks.{layers * at + which}.{int(kind == 'attentions')}."

    made: dict[str, Any] = {}
    for name, weight in _weights(folder).items():
        own = _renamed(name, _NET[:7]) if "_block" not in name else _renamed(name, _NET[7:])
        own = re.sub(
            r"^(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(?:conv\.(?=weight$|bias$))?", place, own
        )
        made[_renamed(own, _RES) if ".resnets." in name else own] = weight
    return made


def _decoder(folder: Path) -> dict[str, Any]:
    count = len(json.loads((folder / "config.json").read_text())["block_out_channels"])

    def block(found: re.Match[str]) -> str:
        at = int(found[2]) if found[1] == "down" else count - 1 - int(found[2])
        kind = {
            "resnets": f"block.{found[4]}.",
            "downsamplers": "downsample.",
            "upsamplers": "upsample.",
        }[found[3]]
        return f"{found[1]}.{at}.{kind}"

    made: dict[str, Any] = {}
    for name, weight in _weights(folder).items():
        own = re.sub(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.", block, name)
        own = re.sub(
            r"mid_block\.resnets\.(\d)\.", lambda found: f"mid.block_{int(found[1]) + 1}.", own
        )
        own = own.replace("conv_norm_out.", "norm_out.").replace("conv_shortcut.", "nin_shortcut.")
        if "mid_block.attentions." in own:
            own = _renamed(own.replace("mid_block.attentions.0.", "mid.attn_1."), _ATTENTION)
        flat = "mid_block.attentions." in name and weight.ndim == 2
        made[own] = weight[..., None, None] if flat else weight
    return made


def _clip(folder: Path) -> dict[str, Any]:
    found = _weights(folder)
    return {
        name if name.startswith("text_model.") else f"text_model.{name}": each
        for name, each in found.items()
    }


def _open_clip(folder: Path) -> dict[str, Any]:
    joined = load_attribute("torch", "cat")
    found = _clip(folder) | {"text_projection.weight": _weights(folder)["text_projection.weight"]}
    made: dict[str, Any] = {"text_projection": found.pop("text_projection.weight").T}
    found.pop("text_model.text_projection.weight", None)
    for name, weight in found.items():
        own = name
        for ours, theirs in _CLIP:
            own = re.sub(ours, theirs, own)
        if ".self_attn." not in own:
            made[own] = weight
        elif ".q_proj." in own:
            parts = [found[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            made[own.replace("self_attn.q_proj.", "attn.in_proj_")] = joined(parts)
    return made
