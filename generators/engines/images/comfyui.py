"""Pictures by a ComfyUI server, from a workflow of the user's own in API format.

Nothing is guessed about the workflow: nodes are marked by their titles
(`generators/engines/images/workflows.py`). The server keeps queue and history in memory and no key
against doubles, so each picture has an id that follows from what is asked, and is looked for before
it is sent: https://docs.comfy.org/development/comfyui-server/comms_routes
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from foundation.errors import BadInput
from foundation.http.http_client import (
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
    encode_multipart,
)
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import GeneratorsSettings
from generators.containers import still_images
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    ImageEngine,
    ImageJob,
    JobTooLarge,
    OriginLabel,
    Progress,
    UnusableAnswer,
    check_inputs_supported,
    ignore_progress,
)
from generators.engines.images.workflows import ComfyWorkflow, read_workflows

OURS = "greenroom"
"""In `extra_data`: builds that mint an id of their own are asked by it."""

TRIES = 3
"""How often a picture is sent that a restarted server has forgotten."""

FIRST_LOOK = 0.2
MAX_POLL_SECONDS = 2.0
MAX_WAIT_SECONDS = 1800.0
"""Seconds a picture may take, its time in the server's queue included."""

_MEMORY = ("OutOfMemory", "out of memory")
_WAITS = "waits"
_RUNS = "runs"
_OVER = "over"
_GONE = "gone"


def load_engine(settings: GeneratorsSettings) -> ImageEngine | None:
    """The engine of the server in the settings, None without one. Raises EngineMissing for an unfit
    workflow."""
    if not settings.comfyui_url:
        return None
    return ComfyUI(settings.comfyui_url, *read_workflows(settings.comfyui_workflow))


@dataclass(frozen=True)
class _Place:
    """Where a picture is: waiting, running, over with what came of it, or nowhere; `id` is the
    server's."""

    state: str
    id: str = ""
    came: Mapping[str, Any] | None = None


class ComfyUI:
    """One server; a workflow for words alone, and others for what is made of pictures."""

    name = "comfyui"

    def __init__(
        self,
        url: str,
        workflow: ComfyWorkflow,
        *others: ComfyWorkflow,
        seconds: float = MAX_WAIT_SECONDS,
        deadline: float = 30.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._workflows = (workflow, *others)
        self.does = frozenset(need for one in others for need in one.supported_inputs)
        self._seconds = seconds
        self._deadline = deadline
        self._client = HttpClient(max_connections=2)
        self.model = workflow.model

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Have the server make the picture, or take the one it made of this very job before.

        Raises EngineMissing (the workflow or a model is not there), JobTooLarge (no memory),
        EngineUnreachable (away, too slow, it forgot thrice), AnswerUnusable; what `progress` raises
        stops the picture there too.
        """
        check_inputs_supported(self, job)
        if job.model and job.model != self.model:
            raise EngineMissing("engine.model_missing", model=job.model, engine=self.name)
        workflow = self._select_workflow(job)
        pictures = {
            mark: (_upload_name(data), data) for mark, data in workflow.picture_inputs(job).items()
        }
        graph, key = workflow.build_graph(
            job, {mark: f"{OURS}/{name}" for mark, (name, _) in pictures.items()}
        )
        place = self._find_job(key)
        if _is_failed(place):
            place = self._delete_from_history(place)
        try:
            if place.state is _GONE:
                for name, data in dict(pictures.values()).items():
                    self._upload_picture(name, data)
            place = self._wait_for_picture(graph, key, place, lambda: progress(0, 1))
        except (EngineMissing, EngineUnreachable, JobTooLarge):
            raise
        except BaseException:
            self._cancel_job(key)
            raise
        data = self._download_output(place)
        progress(1, 1)
        return self._build_picture(job, workflow, data)

    def _select_workflow(self, job: ImageJob) -> ComfyWorkflow:
        """The workflow that takes just what the job brings. Raises EngineMissing where none takes
        all of it at once."""
        found = next(
            (one for one in self._workflows if one.supported_inputs == job.needed_inputs), None
        )
        if found is None:
            raise EngineMissing("engine.cannot_together", engine=self.name)
        return found

    def _upload_picture(self, name: str, data: bytes) -> None:
        """Lay a picture there for a graph to load. Its name follows from its bytes, so that once
        more changes nothing. https://docs.comfy.org/development/comfyui-server/comms_routes"""
        fields = {"type": "input", "subfolder": OURS, "overwrite": "true"}
        kind, body = encode_multipart(fields, {"image": (name, data, "application/octet-stream")})
        headers = {"content-type": kind}
        reply = self._send_or_raise(
            HttpRequest("POST", f"{self._url}/upload/image", headers, body, deadline=self._deadline)
        )
        told = self._parse_reply(reply)
        if (told.get("name"), told.get("subfolder")) != (name, OURS):
            raise EngineUnreachable("engine.answer_broken_off", engine=self.name)

    def check(self) -> None:
        """Ask the server for its queue. Raises EngineUnreachable."""
        self._get_json("/queue")

    def _wait_for_picture(
        self, graph: Mapping[str, Any], key: str, place: _Place, heard: Callable[[], None]
    ) -> _Place:
        until = monotonic() + self._seconds
        look = FIRST_LOOK
        sent = 0
        heard()
        while place.state is not _OVER:
            heard()
            if place.state is _GONE:
                if sent == TRIES:
                    raise EngineUnreachable("engine.job_lost", engine=self.name, url=self._url)
                sent += 1
                self._queue_prompt(graph, key)
                look = FIRST_LOOK
            if monotonic() > until:
                self._cancel_job(key)
                raise EngineUnreachable(
                    "engine.too_slow", engine=self.name, minutes=round(self._seconds / 60)
                )
            sleep(look)
            look = min(look * 1.5, MAX_POLL_SECONDS)
            place = self._find_job(key)
        return place

    def _queue_prompt(self, graph: Mapping[str, Any], key: str) -> None:
        """Queue the picture. A lost answer is no answer: the next look finds it, or finds that it
        is not there."""
        asked = {"prompt": graph, "prompt_id": key, "client_id": key, "extra_data": {OURS: key}}
        reply = self._send_json("POST", "/prompt", asked)
        if isinstance(reply, ResponseLost):
            return
        if reply.status == 400:
            raise EngineMissing(
                "engine.workflow_refused", engine=self.name, what=_failing_node(reply)
            )
        if reply.status != 200:
            raise EngineUnreachable("engine.server_refused", engine=self.name, status=reply.status)

    def _find_job(self, key: str) -> _Place:
        """Where the picture of this key is: in the history by its id, in the queue, in the history
        by our mark."""
        direct = self._get_json(f"/history/{quote(key)}").get(key)
        if direct is not None:
            return _finished_job(key, direct)
        queue = self._get_json("/queue")
        for state, listed in ((_RUNS, "queue_running"), (_WAITS, "queue_pending")):
            for entry in self._queue_entries(queue, listed):
                if _is_ours(entry, key):
                    return _Place(state, str(entry[1]))
        for native, entry in self._get_json("/history?max_items=64").items():
            if isinstance(entry, dict) and _is_ours(entry.get("prompt"), key):
                return _finished_job(native, entry)
        return _Place(_GONE)

    def _queue_entries(self, queue: Mapping[str, Any], listed: str) -> list[Any]:
        found = queue.get(listed) or []
        if not isinstance(found, list):
            raise EngineUnreachable("engine.answer_broken_off", engine=self.name)
        return found

    def _cancel_job(self, key: str) -> None:
        """Take the picture out of the queue, or interrupt it where it is the one that runs; no
        other is touched."""
        try:
            place = self._find_job(key)
            if place.state is _WAITS:
                self._send_json("POST", "/queue", {"delete": [place.id]})
            elif place.state is _RUNS:
                self._send_json("POST", "/interrupt", {"prompt_id": place.id})
        except EngineUnreachable:
            return  # it is away: what runs there ends by itself

    def _delete_from_history(self, place: _Place) -> _Place:
        """What ended badly before, or was interrupted, is no answer to who asks again: it leaves
        the history."""
        self._send_json("POST", "/history", {"delete": [place.id]})
        return _Place(_GONE)

    def _download_output(self, place: _Place) -> bytes:
        """The first picture the workflow saved. Raises what the server said went wrong."""
        came = place.came or {}
        if _is_failed(place):
            raise _workflow_error(self.name, came["status"])
        for image in _list_output_images(came.get("outputs")):
            if image.get("type") == "output":
                named = {
                    name: str(image.get(name) or "") for name in ("filename", "subfolder", "type")
                }
                reply = self._send_json("GET", f"/view?{urlencode(named)}")
                if isinstance(reply, HttpResponse) and reply.status == 200:
                    return reply.body
                self._delete_from_history(
                    place
                )  # somebody took the file away: the next try makes it again
                raise EngineUnreachable("engine.answer_broken_off", engine=self.name)
        raise EngineMissing("engine.workflow_nothing", engine=self.name)

    def _build_picture(
        self, job: ImageJob, workflow: ComfyWorkflow, data: bytes
    ) -> GeneratedPicture:
        try:
            found = still_images.inspect_picture(data, name=self.name)
        except BadInput as error:
            raise UnusableAnswer("engine.answer_invalid", engine=self.name) from error
        return GeneratedPicture(
            data=data,
            mime=f"image/{found.kind.lower()}",
            width=found.width,
            height=found.height,
            engine=self.name,
            model=workflow.model,
            label=OriginLabel.NONE,
            seed=job.seed,
            prompt=job.prompt,
            parameters={"negative": job.negative, **workflow.parameters(job)},
        )

    def _get_json(self, path: str) -> dict[str, Any]:
        return self._parse_reply(self._send_json("GET", path))

    def _parse_reply(self, reply: HttpResponse | ResponseLost) -> dict[str, Any]:
        if isinstance(reply, ResponseLost):
            raise EngineUnreachable("engine.server_down", engine=self.name, url=self._url)
        if reply.status != 200:
            raise EngineUnreachable("engine.server_refused", engine=self.name, status=reply.status)
        told = reply.json_body()
        if not isinstance(told, dict):
            raise EngineUnreachable("engine.answer_broken_off", engine=self.name)
        return told

    def _send_json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> HttpResponse | ResponseLost:
        headers = {"content-type": "application/json"} if body is not None else {}
        data = json.dumps(body).encode() if body is not None else b""
        return self._send_or_raise(
            HttpRequest(method, self._url + path, headers, data, deadline=self._deadline)
        )

    def _send_or_raise(self, request: HttpRequest) -> HttpResponse | ResponseLost:
        reply = self._client.send(request)
        if isinstance(reply, RequestNotSent):
            raise EngineUnreachable("engine.server_down", engine=self.name, url=self._url)
        return reply


def _upload_name(data: bytes) -> str:
    """What a picture is called at the server: it follows from its bytes. Raises BadInput for what
    is no picture."""
    kind = still_images.inspect_picture(data, name="picture").kind.lower()
    return f"{hashlib.sha256(data).hexdigest()[:32]}.{kind}"


def _is_ours(entry: Any, key: str) -> bool:
    """Whether an entry of queue or history, `[number, id, graph, extra data, outputs]`, is the
    picture of this key."""
    if not isinstance(entry, list) or len(entry) < 4:
        return False
    return bool(entry[1] == key or (isinstance(entry[3], dict) and entry[3].get(OURS) == key))


def _as_list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _list_output_images(outputs: Any) -> list[dict[str, Any]]:
    """What the nodes of a graph saved; what is none of it is left aside."""
    nodes = (
        [one for one in outputs.values() if isinstance(one, dict)]
        if isinstance(outputs, dict)
        else []
    )
    return [
        image for node in nodes for image in _as_list(node.get("images")) if isinstance(image, dict)
    ]


def _finished_job(native: str, entry: Any) -> _Place:
    return _Place(_OVER, native, entry if isinstance(entry, dict) else {})


def _is_failed(place: _Place) -> bool:
    status = (place.came or {}).get("status")
    return isinstance(status, dict) and status.get("status_str") == "error"


def _failing_node(reply: HttpResponse) -> str:
    """The first node a server found at fault, by its class; its words are not repeated."""
    try:
        errors = reply.json_body()["node_errors"]
        return str(next(iter(errors.values()))["class_type"])[:60]
    except (KeyError, TypeError, AttributeError, StopIteration):
        return "?"


def _workflow_error(engine: str, status: Mapping[str, Any]) -> EngineMissing | JobTooLarge:
    told = str(status.get("messages"))
    if any(sign in told for sign in _MEMORY):
        return JobTooLarge("engine.server_memory", engine=engine)
    node = next(
        (
            str(one[1].get("node_type"))
            for one in _as_list(status.get("messages"))
            if isinstance(one, list)
            and len(one) == 2
            and one[0] == "execution_error"
            and isinstance(one[1], dict)
        ),
        "?",
    )
    return EngineMissing("engine.workflow_failed", engine=engine, what=node[:60])
