"""`/phone/task/<task>/package`: all files of a manual task in one archive, for posting from a
computer.

Workers decide on each file again, as for single downloads (`channels.manual_tasks.file_downloads`).
If one file is refused, nothing is sent.
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

from channels.manual_tasks import file_downloads, tasks
from channels.manual_tasks.file_downloads import FileDownload
from channels.manual_tasks.states import FileDownloadState
from channels.manual_tasks.tasks import ManualTask
from dashboard.media import library_files
from dashboard.phone import task_archive
from dashboard.phone import tasks as phone
from dashboard.phone.phone_page import (
    PRIVATE_NO_STORE,
    PhoneVisit,
    load_visit,
    refusal_page,
    require_viewer,
)
from dashboard.shell import session
from dashboard.shell.plain_pages import is_cross_site, plain_page
from dashboard.shell.session import Viewer
from foundation.errors import GreenroomError, NotFound, Unavailable

LOOK_SECONDS = 0.2
LOOKS = 125
"""Number of polls: slightly less than the lifetime of a request
(`file_downloads.DECISION_TIMEOUT`)."""

CHUNK = 1 << 20


async def download_package(request: Request) -> Response:
    """Serve the archive of an open task if the workers permit all of its files, or show
    the reason."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    try:
        who = await run_in_threadpool(require_viewer, request)
        task_id = UUID(request.path_params["task"])
        wishes = await run_in_threadpool(_request_downloads, who, task_id)
    except ValueError:
        return refusal_page(request, NotFound("handover.unknown"))
    except NotFound as error:
        return refusal_page(request, error)
    except GreenroomError as refused:
        return await run_in_threadpool(phone.task_page_with_error, request, who, task_id, refused)
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_SECONDS)
        answers = await run_in_threadpool(_load_downloads, who, wishes)
        if all(one.state is not FileDownloadState.ASKED for one in answers):
            break
    return await run_in_threadpool(_serve_archive, request, who, task_id, answers)


def _request_downloads(who: Viewer, task_id: UUID) -> Mapping[str, UUID]:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        hand = load_visit(scope, who)
        if not task_archive.can_package(tasks.get_task(scope, task_id, creators=hand.creators)):
            raise NotFound("handover.unknown")
        return file_downloads.request_all_files(scope, task_id, creators=hand.creators)


def _load_downloads(who: Viewer, wishes: Mapping[str, UUID]) -> list[FileDownload]:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        return [file_downloads.get_download(scope, one) for one in wishes.values()]


def _serve_archive(
    request: Request, who: Viewer, task_id: UUID, answers: list[FileDownload]
) -> Response:
    try:
        for one in answers:
            if one.reason is not None:
                raise Unavailable(one.reason.code, **one.reason.params)
        if any(one.state is FileDownloadState.ASKED for one in answers):
            raise Unavailable("phone.check_slow")
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            task = tasks.get_task(scope, task_id, creators=hand.creators)
            for one in answers:  # all or none: an error rolls back the other claims
                file_downloads.claim_download(scope, one.id)
        out = _write_archive(who, task, hand)
    except GreenroomError as refused:
        return phone.task_page_with_error(request, who, task_id, refused)
    size = out.seek(0, 2)
    out.seek(0)
    headers = {**PRIVATE_NO_STORE, **library_files.SAFE_HEADERS, "content-length": str(size)}
    headers["content-disposition"] = (
        f'attachment; filename="{task_archive.package_file_name(task)}"'
    )
    return StreamingResponse(_read_chunks(out), headers=headers, media_type="application/zip")


def _write_archive(who: Viewer, task: ManualTask, hand: PhoneVisit) -> IO[bytes]:
    """Write the archive to disk instead of memory, because videos are large."""
    out = tempfile.TemporaryFile()  # noqa: SIM115  closed after the last chunk was sent
    try:
        task_archive.write_package(
            task,
            hand.localizer,
            out,
            data_of=lambda sha256: library_files.object_store().get(who.tenant_id, sha256),
        )
    except BaseException:
        out.close()
        raise
    return out


def _read_chunks(out: IO[bytes]) -> Iterator[bytes]:
    with out:
        while chunk := out.read(CHUNK):
            yield chunk


ROUTES = [Route("/phone/task/{task}/package", download_package, methods=["POST"])]
