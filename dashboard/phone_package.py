"""`/phone/task/<task>/package`: everything of an open task in one file, for whoever posts from a computer.

Each file in it is decided anew by the workers, as a single one is (`channels.saving`): one refusal and no byte leaves.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from channels import saving, tasks
from channels.saving import Wish
from channels.states import SaveState
from channels.tasks import Task
from dashboard import entry, files, packing, phone, session
from dashboard.session import Viewer
from foundation.errors import GreenroomError, NotFound, Unavailable

LOOK_SECONDS, LOOKS = 0.2, 125
"""As long as a wish is answered at all (`saving.WAITED_FOR`), less a moment."""

CHUNK = 1 << 20


async def package(request: Request) -> Response:
    """The package of an open task, if the workers say yes to each of its files now; else why not."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    try:
        who = await run_in_threadpool(phone.viewer, request)
        task_id = UUID(request.path_params["task"])
        wishes = await run_in_threadpool(_want, who, task_id)
    except ValueError:
        return phone.refused_page(request, NotFound("handover.unknown"))
    except NotFound as error:
        return phone.refused_page(request, error)
    except GreenroomError as refused:
        return await run_in_threadpool(phone.told, request, who, task_id, refused)
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_SECONDS)
        answers = await run_in_threadpool(_answered, who, wishes)
        if all(one.state is not SaveState.ASKED for one in answers):
            break
    return await run_in_threadpool(_serve, request, who, task_id, answers)


def _want(who: Viewer, task_id: UUID) -> Mapping[str, UUID]:
    with session.tenant()(who.tenant_id, who.actor) as scope:
        hand = phone.hand_of(scope, who)
        if not packing.packable(tasks.task(scope, task_id, creators=hand.creators)):
            raise NotFound("handover.unknown")
        return saving.want_all(scope, task_id, creators=hand.creators)


def _answered(who: Viewer, wishes: Mapping[str, UUID]) -> list[Wish]:
    with session.tenant()(who.tenant_id, who.actor) as scope:
        return [saving.wish(scope, one) for one in wishes.values()]


def _serve(request: Request, who: Viewer, task_id: UUID, answers: list[Wish]) -> Response:
    try:
        for one in answers:
            if one.reason is not None:
                raise Unavailable(one.reason.code, **one.reason.params)
        if any(one.state is SaveState.ASKED for one in answers):
            raise Unavailable("phone.check_slow")
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = phone.hand_of(scope, who)
            task = tasks.task(scope, task_id, creators=hand.creators)
            for one in answers:  # all of them or none: a refusal undoes the others
                saving.take(scope, one.id)
        out = _packed(who, task, hand)
    except GreenroomError as refused:
        return phone.told(request, who, task_id, refused)
    size = out.seek(0, 2)
    out.seek(0)
    headers = {**phone.NO_STORE, **files.SAFE, "content-length": str(size)}
    headers["content-disposition"] = f'attachment; filename="{packing.file_name(task)}"'
    return StreamingResponse(_chunks(out), headers=headers, media_type="application/zip")


def _packed(who: Viewer, task: Task, hand: phone.Hand) -> IO[bytes]:
    """On the disk, not in memory: films are large."""
    out = tempfile.TemporaryFile()  # noqa: SIM115  closed when the last chunk has left
    try:
        packing.pack(task, hand.voice, out, data_of=lambda sha256: files.store().get(who.tenant_id, sha256))
    except BaseException:
        out.close()
        raise
    return out


def _chunks(out: IO[bytes]) -> Iterator[bytes]:
    with out:
        while chunk := out.read(CHUNK):
            yield chunk


ROUTES = [Route("/phone/task/{task}/package", package, methods=["POST"])]
