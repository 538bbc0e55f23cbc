"""ComfyUI workflows in API format. The nodes that receive values of a job are found by their
titles.

A node titled `prompt`, `negative`, `seed`, `size`, `steps`, `guidance` or `strength`
(case-insensitive) receives that value; a title can list several names separated by commas. Only
`prompt` and `seed` are required. `init`, `mask`, `pose` and `reference` to `reference 4` receive
pictures. `Export (API)` writes titles under `_meta`.

A graph that loads a picture cannot run without one, so each combination of inputs has a separate
workflow: `portrait.json` for prompts alone, and any `portrait.<suffix>.json` beside it. The inputs
are defined by the titles in a workflow, not by its file name.
"""

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations, cycle
from pathlib import Path
from typing import Any
from uuid import UUID

from foundation.canonical_json import canonical_json
from generators.contract.engines import EngineMissing, ImageJob

INPUTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "prompt": (("text", "prompt", "value"),),
    "negative": (("text", "prompt", "value"),),
    "seed": (("seed", "noise_seed", "value"),),
    "size": (("width",), ("height",)),
    "steps": (("steps", "value"),),
    "guidance": (("cfg", "guidance", "value"),),
    "strength": (("denoise", "strength", "value"),),
    "init": (("image",),),
    "mask": (("image",),),
    "pose": (("image",),),
    "pose weight": (("strength", "weight", "value"),),
    "reference": (("image",),),
    "reference 2": (("image",),),
    "reference 3": (("image",),),
    "reference 4": (("image",),),
    "look weight": (("weight", "strength", "value"),),
}
"""Node inputs set for each title. For each value, the first of these names that the node has is
used."""

REFERENCES = ("reference", "reference 2", "reference 3", "reference 4")
NEED_OF: Mapping[str, str] = {
    "init": "init",
    "mask": "mask",
    "pose": "pose",
    **dict.fromkeys(REFERENCES, "references"),
}
"""The input of `ImageJob.needed_inputs` for each title that takes a picture."""

NEEDED = ("prompt", "seed")
MODELS = ("ckpt_name", "unet_name", "model_name")
ADAPTERS = ("lora_name",)
MAX_BYTES = 2**20


@dataclass(frozen=True)
class ComfyWorkflow:
    """A graph and its marks, the titles that receive values: (node, input) pairs by mark, in the
    order of `INPUTS`."""

    name: str
    graph: Mapping[str, Any]
    marks: Mapping[str, tuple[tuple[str, str], ...]]

    @property
    def model(self) -> str:
        """The weight file that the workflow loads, else the workflow's name."""
        return next(iter(self._input_files(MODELS)), self.name)

    @property
    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of the original graph."""
        return hashlib.sha256(canonical_json(self.graph)).hexdigest()[:16]

    @property
    def supported_inputs(self) -> frozenset[str]:
        """The inputs that the workflow requires besides the prompt."""
        return frozenset(NEED_OF[mark] for mark in self.marks if mark in NEED_OF)

    def picture_inputs(self, job: ImageJob) -> dict[str, bytes]:
        """Return the pictures of a job by mark. If there are fewer references than marks, they are
        repeated; surplus references are ignored."""
        own = {"init": job.init, "mask": job.mask, "pose": job.pose}
        places = [mark for mark in REFERENCES if mark in self.marks]
        turns = dict(zip(places, cycle(job.references), strict=False))
        return {mark: data for mark, data in (own | turns).items() if mark in self.marks}

    def build_graph(self, job: ImageJob, files: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        """Return the graph of a job and its key, a lower-case UUID that is the same for the same
        workflow and job.

        `files` maps marks to the names of the uploaded pictures.
        """
        wanted: dict[str, tuple[Any, ...]] = {mark: (name,) for mark, name in files.items()} | {
            "prompt": (job.prompt,),
            "negative": (job.negative,),
            "seed": (job.seed,),
            "size": (job.width, job.height),
            "steps": (job.steps,),
            "guidance": (job.guidance,),
            "strength": (job.strength if job.init else 1.0,),
            "pose weight": (job.pose_weight,),
            "look weight": (job.reference_weight,),
        }
        graph = deepcopy(dict(self.graph))
        for mark, places in self.marks.items():
            for (node, name), value in zip(places, wanted[mark], strict=True):
                graph[node]["inputs"][name] = value
        return graph, str(
            UUID(bytes=hashlib.sha256(canonical_json(graph)).digest()[:16], version=4)
        )

    def ignored_inputs(self, *, negative: bool) -> tuple[str, ...]:
        """Return the recipe values that no node receives, for which the workflow's values apply.
        `negative` is True if recipes have a negative prompt."""
        said = ("size", "steps", "guidance", *(["negative"] if negative else []))
        return tuple(mark for mark in said if mark not in self.marks)

    def parameters(self, job: ImageJob) -> dict[str, str | int | float]:
        """Return the parameters that reproduce the picture: the workflow, its adapters, and the
        values of its marks."""
        given: dict[str, str | int | float] = {
            "workflow": self.digest,
            "adapters": ", ".join(self._input_files(ADAPTERS)),
        }
        if "steps" in self.marks:
            given["steps"] = job.steps
        if "guidance" in self.marks:
            given["guidance"] = job.guidance
        if "strength" in self.marks and job.init:
            given["strength"] = job.strength
        if "references" in self.supported_inputs:
            given["references"] = min(
                len(job.references), sum(mark in self.marks for mark in REFERENCES)
            )
        return given

    def _input_files(self, names: tuple[str, ...]) -> list[str]:
        inputs = [node["inputs"] for node in self.graph.values()]
        return [
            str(one[name]) for one in inputs for name in names if isinstance(one.get(name), str)
        ]


def read_workflow(path: str) -> ComfyWorkflow:
    """Read a workflow file. Raises EngineMissing with the reason."""
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        graph = json.loads(file.read_text("utf-8"))
        if not isinstance(graph, dict) or not graph:
            raise ValueError("no graph")
        if not all(
            isinstance(one, dict) and isinstance(one.get("inputs"), dict) for one in graph.values()
        ):
            raise ValueError("no API format")
    except (OSError, ValueError, RecursionError) as error:
        raise EngineMissing("engine.workflow_missing", path=path or "-") from error
    return ComfyWorkflow(file.stem, graph, _parse_marks(graph))


def read_workflows(path: str) -> tuple[ComfyWorkflow, ...]:
    """Read the workflow for prompts alone, and the workflows beside it that accept pictures, by
    name.

    Raises EngineMissing for an unusable workflow, a first workflow that requires pictures, and two
    workflows with the same inputs.
    """
    first = read_workflow(path)
    others = sorted(Path(path).parent.glob(f"{first.name}.*.json"))
    found = (first, *(read_workflow(str(other)) for other in others))
    if first.supported_inputs:
        raise EngineMissing("engine.workflow_pictures", path=path)
    for one, other in combinations(found, 2):
        if one.supported_inputs == other.supported_inputs:
            raise EngineMissing("engine.workflow_twice", one=one.name, other=other.name)
    return found


def _parse_marks(graph: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for node, told in graph.items():
        meta = told.get("_meta")
        title = str(meta.get("title") or "").lower() if isinstance(meta, dict) else ""
        marks = [one.strip() for one in title.split(",")]
        if not set(marks) <= INPUTS.keys():
            continue  # A title of the author, not a mark.
        for mark in marks:
            names = [
                next((name for name in known if name in told["inputs"]), "")
                for known in INPUTS[mark]
            ]
            if mark in found or not all(names):
                raise EngineMissing("engine.workflow_mark", mark=mark)
            found[mark] = tuple((node, name) for name in names)
    for mark in NEEDED:
        if mark not in found:
            raise EngineMissing("engine.workflow_mark", mark=mark)
    return found
