"""What a person writes at the terminal of the words that recipes share."""

from pathlib import Path
from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from studio import list_lines, list_names, word_lists
from studio.word_lists import Listed
from tenants import reads as tenant_reads
from workers.making_asking import opened
from workers.terminal import sentence

MOST_BYTES = 256 * 1024


def write(creator: str, name: str, file: Path, *, everybody: bool, agency: str) -> str:
    """Write a list out of a file, or the next version of one. Raises BadInput, NotFound."""
    words, weights = list_lines.read(_text(file))
    name, said = word_lists.read(name, {"words": words, "weights": weights})
    with opened(creator, agency) as (scope, creator_id, _):
        seen, owner = _all(scope), None if everybody else creator_id
        known = _find(scope, creator_id, name, everybody=everybody)
        if known is None:
            word_lists.make(scope, seen, name, said, creator_id=owner)
        else:
            word_lists.change(scope, seen, known.id, said)
    return sentence(Message("studio.list_kept", {"name": name}))


def rename(creator: str, name: str, new: str, *, everybody: bool, agency: str) -> str:
    """Give a list another name. Raises as `list_names.rename`."""
    with opened(creator, agency) as (scope, creator_id, _):
        known = _there(scope, creator_id, name, everybody=everybody)
        wanted, _said = word_lists.read(new, {"words": known.said.words, "weights": known.said.weights})
        _, changed = list_names.rename(scope, _all(scope), known.id, wanted)
    if not changed:
        return sentence(Message("studio.list_kept", {"name": wanted}))
    return sentence(Message("studio.list_renamed", {"name": wanted, "recipes": ", ".join(changed)[:200]}))


def put_away(creator: str, name: str, *, everybody: bool, agency: str) -> str:
    """Offer a list no more. Raises NotFound, and Conflict while a recipe draws from it."""
    with opened(creator, agency) as (scope, creator_id, _):
        known = _there(scope, creator_id, name, everybody=everybody)
        word_lists.retire(scope, _all(scope), known.id)
    return sentence(Message("studio.list_retired", {"name": name}))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened_file:
            raw = opened_file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise BadInput("list.invalid", where=file.name[:60])
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise BadInput("list.invalid", where=file.name[:60]) from error


def _find(scope: Scope, creator_id: UUID, name: str, *, everybody: bool) -> Listed | None:
    owner = None if everybody else creator_id
    known = word_lists.known(scope, [creator_id])
    return next((one for one in known if (one.name, one.creator_id) == (name, owner)), None)


def _there(scope: Scope, creator_id: UUID, name: str, *, everybody: bool) -> Listed:
    found = _find(scope, creator_id, name, everybody=everybody)
    if found is None:
        raise NotFound("list.unknown")
    return found


def _all(scope: Scope) -> list[UUID]:
    """Who is at the terminal of the machine works for all."""
    return [one.id for one in tenant_reads.creators(scope)]
