"""ComfyUI: each picture is requested once despite lost responses, and jobs of others are never
stopped."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    Lora,
    OriginLabel,
    ServedEngine,
)
from generators.engines.images.comfyui import TRIES, ComfyUI
from generators.engines.images.workflows import read_workflow, read_workflows
from generators.local_models import gpu_sharing
from tests.fakes.generators import ollama
from tests.fakes.generators.comfyui import MODELS, FakeComfy, Fault, loading, serving, workflow
from tests.generators.builders import an_image_job


@pytest.fixture
def comfy() -> Iterator[FakeComfy]:
    with serving() as state:
        yield state


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., str]:
    def save(graph: Any = None, name: str = "portrait.json") -> str:
        file = tmp_path / name
        file.write_text(json.dumps(workflow() if graph is None else graph), "utf-8")
        return str(file)

    return save


@pytest.fixture
def engine(comfy: FakeComfy, saved: Callable[..., str]) -> ComfyUI:
    return ComfyUI(comfy.url, read_workflow(saved()), deadline=0.5)


def test_registry_offers_comfyui_if_address_and_workflow_are_set(
    comfy: FakeComfy, saved: Callable[..., str]
) -> None:
    found = registry.load_image_engine(
        GeneratorsSettings(comfyui_url=comfy.url, comfyui_workflow=saved())
    )
    assert (found.name, found.model) == ("comfyui", MODELS[0])
    with pytest.raises(EngineMissing, match="workflow_missing"):
        registry.load_image_engine(
            GeneratorsSettings(comfyui_url=comfy.url, comfyui_workflow="/nowhere.json")
        )


def test_check_reports_a_failing_server(comfy: FakeComfy, engine: ComfyUI) -> None:
    assert isinstance(engine, ServedEngine)
    engine.check()
    comfy.fail("/queue", Fault(status=502))
    with pytest.raises(EngineUnreachable, match="server_refused"):
        engine.check()


def test_shared_gpu_is_freed_by_other_engines(comfy: FakeComfy) -> None:
    all_of_it = {"unload_models": True, "free_memory": True}
    with ollama.serving() as texts:
        texts.models.append("llava")
        texts.loaded.update({"llama3.2": 1, "llava": 2, "of-somebody-else": 1})
        known = GeneratorsSettings(
            ollama_url=texts.url, ollama_vision_model="llava", comfyui_url=comfy.url
        )
        gpu_sharing.free_gpu(known, "diffusion")
        shared = known.model_copy(update={"card_shared": True})
        for engine in ("replicate", "placeholder"):
            gpu_sharing.free_gpu(shared, engine)
        assert (len(texts.loaded), comfy.freed) == (3, [])
        gpu_sharing.free_gpu(shared, "comfyui")
        assert (list(texts.loaded), comfy.freed) == (["of-somebody-else"], [])
        gpu_sharing.free_gpu(shared, "diffusion")
        assert (len(texts.asked), comfy.freed) == (2, [all_of_it]), (
            "none of our models is loaded any more"
        )
        texts.loaded["llava"] = 3
        gpu_sharing.free_gpu(shared, "ollama")
        assert ("llava" in texts.loaded, comfy.freed) == (True, [all_of_it] * 2), (
            "it is now the vision model's turn"
        )
        comfy.fail("/free", Fault(status=500))
        gpu_sharing.free_gpu(shared, "diffusion")
    gpu_sharing.free_gpu(shared, "diffusion")  # the server is down: the picture is attempted anyway
    assert comfy.freed[-1] == all_of_it


def test_job_values_fill_the_marked_nodes(comfy: FakeComfy, engine: ComfyUI) -> None:
    picture = engine.draw(
        an_image_job(prompt="a café", negative="blur", seed=7, width=64, height=128)
    )
    graph = comfy.history[comfy.made[0]]["prompt"][2]
    assert graph["3"]["inputs"]["text"] == "a café"
    assert graph["4"]["inputs"]["text"] == "blur"
    assert graph["6"]["inputs"]["seed"] == 7
    assert (graph["5"]["inputs"]["width"], graph["5"]["inputs"]["height"]) == (64, 128)
    assert (picture.width, picture.height, picture.mime, picture.label) == (
        64,
        128,
        "image/png",
        OriginLabel.NONE,
    )
    assert picture.parameters["adapters"] == MODELS[1]


def retitled(title: str) -> dict[str, Any]:
    """Return a workflow with the stock sampler, which takes seed, steps, guidance and strength in
    one node."""
    graph = workflow()
    graph["6"]["_meta"]["title"] = title
    graph["6"]["inputs"]["denoise"] = 0.5
    return graph


def test_one_node_takes_every_input_in_its_title(
    comfy: FakeComfy, saved: Callable[..., str]
) -> None:
    found = read_workflow(saved(retitled("seed,Steps , guidance, strength")))
    picture = ComfyUI(comfy.url, found, deadline=0.5).draw(
        an_image_job(seed=7, steps=33, guidance=4.5)
    )
    given = comfy.history[comfy.made[0]]["prompt"][2]["6"]["inputs"]
    assert (given["seed"], given["steps"], given["cfg"], given["denoise"]) == (7, 33, 4.5, 1.0)
    assert (picture.parameters["steps"], picture.parameters["guidance"]) == (33, 4.5)
    assert found.ignored_inputs(negative=True) == ()


def test_inputs_without_a_marked_node_are_listed(saved: Callable[..., str]) -> None:
    graph = {one: told for one, told in workflow().items() if one not in "45"}
    assert read_workflow(saved(graph)).ignored_inputs(negative=True) == (
        "size",
        "steps",
        "guidance",
        "negative",
    )
    assert read_workflow(saved(graph)).ignored_inputs(negative=False) == (
        "size",
        "steps",
        "guidance",
    )


@pytest.mark.parametrize(
    "title", ["seed, seed", "seed, prompt", "seed, steps, step", "seed,", "my seed, steps"]
)
def test_title_with_unknown_or_repeated_mark_is_refused(
    saved: Callable[..., str], title: str
) -> None:
    with pytest.raises(EngineMissing, match="workflow_mark"):
        read_workflow(saved(retitled(title)))


@pytest.mark.parametrize("mints", [False, True], ids=["ours", "minted"])
def test_response_lost_after_acceptance_makes_no_second_picture(
    comfy: FakeComfy, engine: ComfyUI, mints: bool
) -> None:
    comfy.mints = mints
    comfy.fail("/prompt", Fault(reset_after=True))
    engine.draw(an_image_job())
    assert (len(comfy.sent), len(comfy.made)) == (1, 1)


@pytest.mark.parametrize("mints", [False, True], ids=["ours", "minted"])
def test_restarted_worker_resumes_the_queued_picture(
    comfy: FakeComfy, saved: Callable[..., str], mints: bool
) -> None:
    comfy.mints = mints
    comfy.keeps_going = False
    first = ComfyUI(comfy.url, read_workflow(saved()), seconds=0.0)
    graph, key = read_workflow(saved()).build_graph(an_image_job(), {})
    first._queue_prompt(graph, key)  # the worker dies after this request
    comfy.keeps_going = True
    picture = ComfyUI(comfy.url, read_workflow(saved())).draw(an_image_job())
    assert picture.data
    assert (len(comfy.sent), len(comfy.made)) == (1, 1)
    ComfyUI(comfy.url, read_workflow(saved())).draw(
        an_image_job()
    )  # the finished picture is fetched, not generated again
    assert len(comfy.made) == 1


def test_job_lost_in_a_server_restart_is_queued_again(comfy: FakeComfy, engine: ComfyUI) -> None:
    comfy.steps = 3

    def restarts(done: int, _total: int) -> None:
        if not done and len(comfy.sent) == 1:
            comfy.restart()

    assert engine.draw(an_image_job(), restarts).data
    assert len(comfy.sent) == 2
    assert len(comfy.made) == 1


def test_server_that_loses_every_job_counts_as_unreachable(
    comfy: FakeComfy, engine: ComfyUI
) -> None:
    with pytest.raises(EngineUnreachable, match="job_lost"):
        engine.draw(an_image_job(), lambda _done, _total: comfy.restart())
    assert len(comfy.sent) == TRIES


@pytest.mark.parametrize("path", ["/prompt", "/queue"])
@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(broken=True), Fault(hang=True)], ids=repr
)
def test_retry_after_a_fault_makes_no_second_picture(
    comfy: FakeComfy, engine: ComfyUI, path: str, fault: Fault
) -> None:
    comfy.fail(path, fault)
    try:
        engine.draw(an_image_job())
    except EngineUnreachable:
        engine.draw(an_image_job())
    assert len(comfy.made) == 1


def test_raising_listener_stops_only_its_own_picture(comfy: FakeComfy, engine: ComfyUI) -> None:
    class Stopped(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        if comfy.sent:
            raise Stopped

    comfy.keeps_going = False
    with pytest.raises(Stopped):
        engine.draw(an_image_job(), stop)
    assert comfy.stopped == comfy.sent
    assert not comfy.pending
    comfy.running.append([9, "somebody-else", workflow(), {}, []])
    with pytest.raises(Stopped):
        engine.draw(an_image_job(seed=8), stop)
    assert "somebody-else" not in comfy.stopped
    assert comfy.running


def test_interrupted_or_deleted_picture_is_generated_again(
    comfy: FakeComfy, engine: ComfyUI
) -> None:
    class Stopped(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        if comfy.running:
            raise Stopped

    comfy.steps = 9
    with pytest.raises(Stopped):
        engine.draw(an_image_job(), stop)
    assert len(comfy.stopped) == 1
    comfy.steps = 1
    assert engine.draw(an_image_job()).data
    comfy.files.clear()
    with pytest.raises(EngineUnreachable):
        engine.draw(an_image_job())
    assert engine.draw(an_image_job()).data
    assert len(comfy.made) == 2


def test_slow_picture_times_out_and_is_cancelled(
    comfy: FakeComfy, saved: Callable[..., str]
) -> None:
    comfy.keeps_going = False
    with pytest.raises(EngineUnreachable, match="too_slow"):
        ComfyUI(comfy.url, read_workflow(saved()), seconds=0.3).draw(an_image_job())
    assert comfy.stopped == comfy.sent


@pytest.mark.parametrize(
    ("ends", "error", "code"),
    [
        ("CUDA out of memory. Tried to allocate", JobTooLarge, "server_memory"),
        ("mat1 and mat2 shapes cannot be multiplied", EngineMissing, "workflow_failed"),
    ],
)
def test_server_error_maps_to_an_engine_error(
    comfy: FakeComfy, engine: ComfyUI, ends: str, error: type[Exception], code: str
) -> None:
    comfy.ends = ends
    with pytest.raises(error, match=code):
        engine.draw(an_image_job())


def test_missing_model_error_names_the_node(comfy: FakeComfy, saved: Callable[..., str]) -> None:
    graph = workflow()
    graph["1"]["inputs"]["ckpt_name"] = "gone.safetensors"
    with pytest.raises(EngineMissing) as raised:
        ComfyUI(comfy.url, read_workflow(saved(graph))).draw(an_image_job())
    assert raised.value.message.params["what"] == "CheckpointLoaderSimple"


def test_workflow_without_a_saved_output_is_refused(
    comfy: FakeComfy, saved: Callable[..., str]
) -> None:
    graph = workflow()
    graph["7"]["class_type"] = "PreviewImage"
    with pytest.raises(EngineMissing, match="workflow_nothing"):
        ComfyUI(comfy.url, read_workflow(saved(graph))).draw(an_image_job())


@pytest.mark.parametrize(
    ("graph", "code"),
    [
        ([], "workflow_missing"),
        ({}, "workflow_missing"),
        ({"nodes": [], "links": []}, "workflow_missing"),
        ({"1": {"class_type": "SaveImage"}}, "workflow_missing"),
        ({one: told for one, told in workflow().items() if one != "3"}, "workflow_mark"),
        ({**workflow(), "9": workflow()["6"]}, "workflow_mark"),
        ({**workflow(), "6": {**workflow()["6"], "inputs": {"steps": 20}}}, "workflow_mark"),
    ],
)
def test_unusable_workflow_is_refused_with_its_reason(
    saved: Callable[..., str], graph: Any, code: str
) -> None:
    with pytest.raises(EngineMissing, match=code):
        read_workflow(saved(graph))


@pytest.fixture
def looking(comfy: FakeComfy, saved: Callable[..., str]) -> ComfyUI:
    """An engine with workflows for text, variations, regions, poses, and references of two
    pictures."""
    first = saved()
    for name, titles in (
        ("change", ["init"]),
        ("part", ["init", "mask"]),
        ("posture", ["pose"]),
        ("look", ["reference", "reference 2"]),
    ):
        saved(loading(*titles), f"portrait.{name}.json")
    return ComfyUI(comfy.url, *read_workflows(first), deadline=0.5)


def plain(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, shade, shade)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("asks", "nodes"),
    [
        ({}, []),
        ({"init": plain(1), "strength": 0.3}, ["20"]),
        ({"init": plain(1), "mask": plain(2)}, ["20", "21"]),
        ({"pose": plain(3), "pose_weight": 0.7}, ["20"]),
        ({"references": (plain(4),), "reference_weight": 0.4}, ["20", "21"]),
        ({"references": (plain(4), plain(5), plain(6))}, ["20", "21"]),
    ],
)
def test_each_job_uses_the_workflow_for_its_pictures(
    comfy: FakeComfy, looking: ComfyUI, asks: dict[str, Any], nodes: list[str]
) -> None:
    assert looking.does == {"init", "mask", "pose", "references"}
    job = an_image_job(**asks)
    looking.draw(job)
    graph = comfy.history[comfy.made[0]]["prompt"][2]
    own = [job.init, job.mask, job.pose, *job.references]
    given = [one for one in own if one] * (2 if len(job.references) == 1 else 1)
    loaded = [comfy.inputs[graph[node]["inputs"]["image"]] for node in nodes]
    assert loaded == given[: len(nodes)]
    if nodes:
        assert (graph["30"]["inputs"]["weight"], graph["31"]["inputs"]["strength"]) == (
            job.reference_weight,
            job.pose_weight,
        )


def test_unsupported_combination_is_refused_before_any_upload(
    comfy: FakeComfy, looking: ComfyUI
) -> None:
    with pytest.raises(EngineMissing, match="cannot_together"):
        looking.draw(an_image_job(init=plain(1), references=(plain(2),)))
    with pytest.raises(EngineMissing, match="cannot_loras"):
        looking.draw(an_image_job(loras=(Lora("look"),)))
    assert (comfy.sent, comfy.inputs) == ([], {})


@pytest.mark.parametrize(
    "fault", [Fault(hang=True), Fault(reset_after=True), Fault(status=500), Fault(broken=True)]
)
def test_failed_upload_is_repeated_without_a_duplicate(
    comfy: FakeComfy, looking: ComfyUI, fault: Fault
) -> None:
    job = an_image_job(pose=plain(3))
    comfy.fail("/upload/image", fault)
    with pytest.raises(EngineUnreachable):
        looking.draw(job)
    assert comfy.sent == []
    looking.draw(job)
    looking.draw(job)
    assert (len(comfy.inputs), len(comfy.made)) == (1, 1)  # the same bytes are stored as one file


def test_ambiguous_workflows_are_refused(saved: Callable[..., str]) -> None:
    first = saved()
    saved(loading("pose"), "portrait.a.json")
    saved(loading("pose"), "portrait.b.json")
    with pytest.raises(EngineMissing, match="workflow_twice"):
        read_workflows(first)
    with pytest.raises(EngineMissing, match="workflow_pictures"):
        read_workflows(saved(loading("pose"), "alone.json"))


@pytest.mark.parametrize(
    "history",
    [
        '{"%s": {"outputs": [1]}}',
        '{"%s": {"outputs": {"9": {"images": 7}}}}',
        '{"%s": {"outputs": {"9": {"images": ["a.png", null]}}}}',
        '{"%s": {"status": {"status_str": "error", "messages": 7}}}',
        "[" * 200_000,
    ],
)
def test_malformed_history_raises_an_engine_error(
    comfy: FakeComfy, saved: Callable[..., str], history: str
) -> None:
    engine = ComfyUI(comfy.url, read_workflow(saved()), seconds=0.0, deadline=0.5)
    _, key = read_workflow(saved()).build_graph(an_image_job(), {})
    said = history % key if "%s" in history else history
    comfy.fail("/history", Fault(status=200, body="{}"))
    comfy.fail(f"/history/{key}", *[Fault(status=200, body=said)] * 9)
    with pytest.raises((EngineMissing, EngineUnreachable)):
        engine.draw(an_image_job())


@pytest.mark.parametrize(
    "queue", ['{"queue_running": 7}', '{"queue_pending": {"a": 1}, "queue_running": [null]}']
)
def test_malformed_queue_raises_an_engine_error(
    comfy: FakeComfy, engine: ComfyUI, queue: str
) -> None:
    comfy.fail("/queue", *[Fault(status=200, body=queue)] * 3)
    with pytest.raises(EngineUnreachable, match="answer_broken_off"):
        engine.draw(an_image_job())
    assert comfy.sent == []
