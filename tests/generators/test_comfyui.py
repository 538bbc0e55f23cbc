"""ComfyUI: each picture is asked for once, whatever is lost on the way, and nobody else's is stopped."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.settings import GeneratorsSettings
from generators import registry
from generators.contract import EngineMissing, EngineUnreachable, JobTooLarge, Label, Served
from generators.engines.comfyui import TRIES, ComfyUI
from generators.engines.workflows import read
from tests.fakes.comfyui import MODELS, FakeComfy, Fault, serving, workflow
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
    return ComfyUI(comfy.url, read(saved()), deadline=0.5)


def test_the_registry_offers_it_where_its_address_is_set(comfy: FakeComfy, saved: Callable[..., str]) -> None:
    found = registry.image_engine(GeneratorsSettings(comfyui_url=comfy.url, comfyui_workflow=saved()))
    assert (found.name, found.model) == ("comfyui", MODELS[0])
    with pytest.raises(EngineMissing, match="workflow_missing"):
        registry.image_engine(GeneratorsSettings(comfyui_url=comfy.url, comfyui_workflow="/nowhere.json"))


def test_the_doctor_can_ask_whether_it_is_there(comfy: FakeComfy, engine: ComfyUI) -> None:
    assert isinstance(engine, Served)
    engine.check()
    comfy.fail("/queue", Fault(status=502))
    with pytest.raises(EngineUnreachable, match="server_refused"):
        engine.check()


def test_what_is_asked_stands_in_the_marked_nodes(comfy: FakeComfy, engine: ComfyUI) -> None:
    picture = engine.draw(an_image_job(prompt="a café", negative="blur", seed=7, width=64, height=128))
    graph = comfy.history[comfy.made[0]]["prompt"][2]
    assert graph["3"]["inputs"]["text"] == "a café"
    assert graph["4"]["inputs"]["text"] == "blur"
    assert graph["6"]["inputs"]["seed"] == 7
    assert (graph["5"]["inputs"]["width"], graph["5"]["inputs"]["height"]) == (64, 128)
    assert (picture.width, picture.height, picture.mime, picture.label) == (64, 128, "image/png", Label.NONE)
    assert picture.parameters["adapters"] == MODELS[1]


def retitled(title: str) -> dict[str, Any]:
    """The stock sampler, which takes seed, steps, guidance and strength at once."""
    graph = workflow()
    graph["6"]["_meta"]["title"] = title
    graph["6"]["inputs"]["denoise"] = 0.5
    return graph


def test_one_node_takes_as_much_as_its_title_lists(comfy: FakeComfy, saved: Callable[..., str]) -> None:
    found = read(saved(retitled("seed,Steps , guidance, strength")))
    picture = ComfyUI(comfy.url, found, deadline=0.5).draw(an_image_job(seed=7, steps=33, guidance=4.5))
    given = comfy.history[comfy.made[0]]["prompt"][2]["6"]["inputs"]
    assert (given["seed"], given["steps"], given["cfg"], given["denoise"]) == (7, 33, 4.5, 1.0)
    assert (picture.parameters["steps"], picture.parameters["guidance"]) == (33, 4.5)
    assert found.untaken(negative=True) == ()


def test_what_no_title_takes_is_told(saved: Callable[..., str]) -> None:
    graph = {one: told for one, told in workflow().items() if one not in "45"}
    assert read(saved(graph)).untaken(negative=True) == ("size", "steps", "guidance", "negative")
    assert read(saved(graph)).untaken(negative=False) == ("size", "steps", "guidance")


@pytest.mark.parametrize("title", ["seed, seed", "seed, prompt", "seed, steps, step", "seed,", "my seed, steps"])
def test_a_list_of_marks_names_inputs_that_are_there(saved: Callable[..., str], title: str) -> None:
    with pytest.raises(EngineMissing, match="workflow_mark"):
        read(saved(retitled(title)))


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
    first = ComfyUI(comfy.url, read(saved()), seconds=0.0)
    graph, key = first._workflow.asked(an_image_job())
    first._send(graph, key)  # and dies here
    comfy.keeps_going = True
    picture = ComfyUI(comfy.url, read(saved())).draw(an_image_job())
    assert picture.data
    assert (len(comfy.sent), len(comfy.made)) == (1, 1)
    ComfyUI(comfy.url, read(saved())).draw(an_image_job())  # what is made is taken, not made again
    assert len(comfy.made) == 1


def test_a_restart_that_forgets_the_queue_is_asked_again(comfy: FakeComfy, engine: ComfyUI) -> None:
    comfy.steps = 3

    def restarts(done: int, _total: int) -> None:
        if not done and len(comfy.sent) == 1:
            comfy.restart()

    assert engine.draw(an_image_job(), restarts).data
    assert len(comfy.sent) == 2
    assert len(comfy.made) == 1


def test_a_server_that_forgets_every_time_is_told_as_away(comfy: FakeComfy, engine: ComfyUI) -> None:
    with pytest.raises(EngineUnreachable, match="job_lost"):
        engine.draw(an_image_job(), lambda _done, _total: comfy.restart())
    assert len(comfy.sent) == TRIES


@pytest.mark.parametrize("path", ["/prompt", "/queue"])
@pytest.mark.parametrize("fault", [Fault(status=503), Fault(broken=True), Fault(hang=True)], ids=repr)
def test_a_fault_is_said_and_the_next_try_doubles_nothing(
    comfy: FakeComfy, engine: ComfyUI, path: str, fault: Fault
) -> None:
    comfy.fail(path, fault)
    try:
        engine.draw(an_image_job())
    except EngineUnreachable:
        engine.draw(an_image_job())
    assert len(comfy.made) == 1


def test_a_listener_that_raises_stops_this_picture_and_no_other(comfy: FakeComfy, engine: ComfyUI) -> None:
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


def test_what_was_interrupted_or_lost_its_file_is_made_anew(comfy: FakeComfy, engine: ComfyUI) -> None:
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


def test_a_picture_that_takes_too_long_is_given_up_and_taken_out(comfy: FakeComfy, saved: Callable[..., str]) -> None:
    comfy.keeps_going = False
    with pytest.raises(EngineUnreachable, match="too_slow"):
        ComfyUI(comfy.url, read(saved()), seconds=0.3).draw(an_image_job())
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


def test_a_model_that_is_not_there_names_the_node(comfy: FakeComfy, saved: Callable[..., str]) -> None:
    graph = workflow()
    graph["1"]["inputs"]["ckpt_name"] = "gone.safetensors"
    with pytest.raises(EngineMissing) as raised:
        ComfyUI(comfy.url, read(saved(graph))).draw(an_image_job())
    assert raised.value.message.params["what"] == "CheckpointLoaderSimple"


def test_a_workflow_that_saves_nothing_is_said(comfy: FakeComfy, saved: Callable[..., str]) -> None:
    graph = workflow()
    graph["7"]["class_type"] = "PreviewImage"
    with pytest.raises(EngineMissing, match="workflow_nothing"):
        ComfyUI(comfy.url, read(saved(graph))).draw(an_image_job())


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
def test_an_unfit_workflow_says_what_it_lacks(saved: Callable[..., str], graph: Any, code: str) -> None:
    with pytest.raises(EngineMissing, match=code):
        read(saved(graph))
