"""ComfyUI: each picture is asked for once, whatever is lost on the way, and nobody else's is
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


def test_the_registry_offers_it_where_its_address_is_set(
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


def test_the_doctor_can_ask_whether_it_is_there(comfy: FakeComfy, engine: ComfyUI) -> None:
    assert isinstance(engine, ServedEngine)
    engine.check()
    comfy.fail("/queue", Fault(status=502))
    with pytest.raises(EngineUnreachable, match="server_refused"):
        engine.check()


def test_others_let_go_of_a_card_that_is_shared_and_only_then(comfy: FakeComfy) -> None:
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
            "nothing of ours is loaded there any more"
        )
        texts.loaded["llava"] = 3
        gpu_sharing.free_gpu(shared, "ollama")
        assert ("llava" in texts.loaded, comfy.freed) == (True, [all_of_it] * 2), (
            "it looks at a picture now"
        )
        comfy.fail("/free", Fault(status=500))
        gpu_sharing.free_gpu(shared, "diffusion")
    gpu_sharing.free_gpu(shared, "diffusion")  # nobody answers: the picture is tried all the same
    assert comfy.freed[-1] == all_of_it


def test_what_is_asked_stands_in_the_marked_nodes(comfy: FakeComfy, engine: ComfyUI) -> None:
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
    """The stock sampler, which takes seed, steps, guidance and strength at once."""
    graph = workflow()
    graph["6"]["_meta"]["title"] = title
    graph["6"]["inputs"]["denoise"] = 0.5
    return graph


def test_one_node_takes_as_much_as_its_title_lists(
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


def test_what_no_title_takes_is_told(saved: Callable[..., str]) -> None:
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
def test_a_list_of_marks_names_inputs_that_are_there(saved: Callable[..., str], title: str) -> None:
    with pytest.raises(EngineMissing, match="workflow_mark"):
        read_workflow(saved(retitled(title)))


@pytest.mark.parametrize("mints", [False, True], ids=["ours", "minted"])
def test_an_answer_lost_after_acceptance_makes_no_second_picture(
    comfy: FakeComfy, engine: ComfyUI, mints: bool
) -> None:
    comfy.mints = mints
    comfy.fail("/prompt", Fault(reset_after=True))
    engine.draw(an_image_job())
    assert (len(comfy.sent), len(comfy.made)) == (1, 1)


@pytest.mark.parametrize("mints", [False, True], ids=["ours", "minted"])
def test_who_dies_while_it_waits_takes_up_the_same_picture(
    comfy: FakeComfy, saved: Callable[..., str], mints: bool
) -> None:
    comfy.mints = mints
    comfy.keeps_going = False
    first = ComfyUI(comfy.url, read_workflow(saved()), seconds=0.0)
    graph, key = read_workflow(saved()).build_graph(an_image_job(), {})
    first._queue_prompt(graph, key)  # and dies here
    comfy.keeps_going = True
    picture = ComfyUI(comfy.url, read_workflow(saved())).draw(an_image_job())
    assert picture.data
    assert (len(comfy.sent), len(comfy.made)) == (1, 1)
    ComfyUI(comfy.url, read_workflow(saved())).draw(
        an_image_job()
    )  # what is made is taken, not made again
    assert len(comfy.made) == 1


def test_a_restart_that_forgets_the_queue_is_asked_again(comfy: FakeComfy, engine: ComfyUI) -> None:
    comfy.steps = 3

    def restarts(done: int, _total: int) -> None:
        if not done and len(comfy.sent) == 1:
            comfy.restart()

    assert engine.draw(an_image_job(), restarts).data
    assert len(comfy.sent) == 2
    assert len(comfy.made) == 1


def test_a_server_that_forgets_every_time_is_told_as_away(
    comfy: FakeComfy, engine: ComfyUI
) -> None:
    with pytest.raises(EngineUnreachable, match="job_lost"):
        engine.draw(an_image_job(), lambda _done, _total: comfy.restart())
    assert len(comfy.sent) == TRIES


@pytest.mark.parametrize("path", ["/prompt", "/queue"])
@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(broken=True), Fault(hang=True)], ids=repr
)
def test_a_fault_is_said_and_the_next_try_doubles_nothing(
    comfy: FakeComfy, engine: ComfyUI, path: str, fault: Fault
) -> None:
    comfy.fail(path, fault)
    try:
        engine.draw(an_image_job())
    except EngineUnreachable:
        engine.draw(an_image_job())
    assert len(comfy.made) == 1


def test_a_listener_that_raises_stops_this_picture_and_no_other(
    comfy: FakeComfy, engine: ComfyUI
) -> None:
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


def test_what_was_interrupted_or_lost_its_file_is_made_anew(
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


def test_a_picture_that_takes_too_long_is_given_up_and_taken_out(
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
def test_what_the_server_could_not_do_is_said(
    comfy: FakeComfy, engine: ComfyUI, ends: str, error: type[Exception], code: str
) -> None:
    comfy.ends = ends
    with pytest.raises(error, match=code):
        engine.draw(an_image_job())


def test_a_model_that_is_not_there_names_the_node(
    comfy: FakeComfy, saved: Callable[..., str]
) -> None:
    graph = workflow()
    graph["1"]["inputs"]["ckpt_name"] = "gone.safetensors"
    with pytest.raises(EngineMissing) as raised:
        ComfyUI(comfy.url, read_workflow(saved(graph))).draw(an_image_job())
    assert raised.value.message.params["what"] == "CheckpointLoaderSimple"


def test_a_workflow_that_saves_nothing_is_said(comfy: FakeComfy, saved: Callable[..., str]) -> None:
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
def test_an_unfit_workflow_says_what_it_lacks(
    saved: Callable[..., str], graph: Any, code: str
) -> None:
    with pytest.raises(EngineMissing, match=code):
        read_workflow(saved(graph))


@pytest.fixture
def looking(comfy: FakeComfy, saved: Callable[..., str]) -> ComfyUI:
    """Workflows for words, variations, parts, postures, and looks of two pictures."""
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
def test_each_job_has_the_workflow_that_takes_its_pictures(
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


def test_what_no_workflow_takes_at_once_is_refused_before_anything_is_sent(
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
def test_a_picture_that_may_not_have_arrived_is_laid_there_again(
    comfy: FakeComfy, looking: ComfyUI, fault: Fault
) -> None:
    job = an_image_job(pose=plain(3))
    comfy.fail("/upload/image", fault)
    with pytest.raises(EngineUnreachable):
        looking.draw(job)
    assert comfy.sent == []
    looking.draw(job)
    looking.draw(job)
    assert (len(comfy.inputs), len(comfy.made)) == (1, 1)  # the same bytes are the same picture


def test_workflows_that_cannot_be_told_apart_are_said(saved: Callable[..., str]) -> None:
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
def test_an_answer_of_another_shape_is_an_engine_error(
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
def test_a_queue_of_another_shape_is_an_engine_error(
    comfy: FakeComfy, engine: ComfyUI, queue: str
) -> None:
    comfy.fail("/queue", *[Fault(status=200, body=queue)] * 3)
    with pytest.raises(EngineUnreachable, match="answer_broken_off"):
        engine.draw(an_image_job())
    assert comfy.sent == []
