"""The ZIP archive of a manual task, for posting from a computer.

The archive of a task always has the same bytes: files in order, one fixed time, no compression.
File names are generated.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import IO, Any

from channels.manual_tasks.tasks import ManualTask, TaskFile
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.widgets import render_template
from foundation.errors import Unavailable

MAX_PACKAGE_BYTES = 1024**3
"""Maximum total bytes of the files in an archive. Larger tasks are downloaded file by file."""

SCHEMA = 1
_MADE = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP file can store."""

_ENDINGS: Mapping[str, str] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
}


def can_package(task: ManualTask) -> bool:
    """Return True if a task has files and they fit in an archive."""
    return bool(task.files) and sum(file.size for file in task.files) <= MAX_PACKAGE_BYTES


def package_file_name(task: ManualTask) -> str:
    """Return the file name of the archive."""
    return f"greenroom-{task.id}.zip"


def write_package(
    task: ManualTask, voice: MemberLocalizer, out: IO[bytes], *, data_of: Callable[[str], bytes]
) -> None:
    """Write the archive of a task to `out`. `data_of` returns the bytes of a digest. Raises
    Unavailable if a file differs from the approved one."""
    names = {
        place: f"media/{place:02d}{_ENDINGS.get(file.mime, '')}"
        for place, file in enumerate(task.files, start=1)
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        _add_archive_entry(archive, "caption.txt", task.caption.encode())
        _add_archive_entry(
            archive, "checklist.html", _render_checklist(task, voice, names).encode()
        )
        _add_archive_entry(archive, "manifest.json", _build_manifest(task, names))
        for place, file in enumerate(task.files, start=1):
            data = data_of(file.sha256)
            if hashlib.sha256(data).hexdigest() != file.sha256:
                raise Unavailable("phone.file_damaged")
            _add_archive_entry(archive, names[place], data)


def _add_archive_entry(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _MADE)
    # 3: Unix, so that the file mode applies.
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def _render_checklist(task: ManualTask, voice: MemberLocalizer, names: Mapping[int, str]) -> str:
    lines = [voice.text(f"check.{line}") for line in task.checklist]
    return render_template(
        "phone/templates/package.html",
        language=voice.language,
        voice=voice,
        task=task,
        lines=lines,
        names=list(names.values()),
    )


def _build_manifest(task: ManualTask, names: Mapping[int, str]) -> bytes:
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "task": str(task.id),
        "creator_id": str(task.creator_id),
        "site": task.site,
        "account": task.account,
        "planned_at": task.due_at.isoformat(),
        "title": task.title,
        "caption": task.caption,
        "links": list(task.links),
        "price_minor": task.price.minor if task.price is not None else None,
        "currency": task.price.currency if task.price is not None else None,
        "checks": list(task.checklist),
        "media": [
            _describe_file(names[place], file) for place, file in enumerate(task.files, start=1)
        ],
    }
    return (json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _describe_file(name: str, file: TaskFile) -> dict[str, str | int]:
    return {
        "file": name,
        "sha256": file.sha256,
        "mime": file.mime,
        "bytes": file.size,
        "alt": file.alt,
    }
