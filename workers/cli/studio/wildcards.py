"""Changes to wildcards from `greenroom generation`: save from a file, rename, archive."""

from pathlib import Path
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from studio.recipes import wildcard_renames, wildcards
from studio.recipes.wildcards import WildcardVersion
from tenants.agencies import queries
from workers.cli.studio.recipe_runs import open_creator_scope
from workers.terminal.output import translate

MAX_BYTES = 256 * 1024
"""Maximum size of a file of values in bytes."""


def save_wildcard(creator: str, name: str, file: Path, *, everybody: bool, agency: str) -> str:
    """Create a wildcard from a file, or save a new version. Raises BadInput, NotFound."""
    words, weights = wildcards.parse_wildcard_lines(_read_text(file))
    name, said = wildcards.parse_wildcard(name, {"words": words, "weights": weights})
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        seen = _list_creator_ids(scope)
        owner = None if everybody else creator_id
        known = _find_wildcard(scope, creator_id, name, everybody=everybody)
        if known is None:
            wildcards.create_wildcard(scope, seen, name, said, creator_id=owner)
        else:
            wildcards.change_wildcard(scope, seen, known.id, said)
    return translate(Message("studio.list_kept", {"name": name}))


def rename_wildcard_by_name(
    creator: str, name: str, new: str, *, everybody: bool, agency: str
) -> str:
    """Rename a wildcard and update its recipes. Raises as
    `wildcard_renames.rename_wildcard_and_recipes`."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        known = _get_wildcard(scope, creator_id, name, everybody=everybody)
        wanted, _said = wildcards.parse_wildcard(
            new, {"words": known.said.words, "weights": known.said.weights}
        )
        _, changed = wildcard_renames.rename_wildcard_and_recipes(
            scope, _list_creator_ids(scope), known.id, wanted
        )
    if not changed:
        return translate(Message("studio.list_kept", {"name": wanted}))
    return translate(
        Message("studio.list_renamed", {"name": wanted, "recipes": ", ".join(changed)[:200]})
    )


def archive_wildcard_by_name(creator: str, name: str, *, everybody: bool, agency: str) -> str:
    """Archive a wildcard. Raises NotFound, and Conflict while a recipe uses it."""
    with open_creator_scope(creator, agency) as (scope, creator_id, _):
        known = _get_wildcard(scope, creator_id, name, everybody=everybody)
        wildcards.archive_wildcard(scope, _list_creator_ids(scope), known.id)
    return translate(Message("studio.list_retired", {"name": name}))


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as opened_file:
            raw = opened_file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise BadInput("list.invalid", where=file.name[:60])
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise BadInput("list.invalid", where=file.name[:60]) from error


def _find_wildcard(
    scope: Scope, creator_id: UUID, name: str, *, everybody: bool
) -> WildcardVersion | None:
    owner = None if everybody else creator_id
    known = wildcards.list_wildcards(scope, [creator_id])
    return next((one for one in known if (one.name, one.creator_id) == (name, owner)), None)


def _get_wildcard(scope: Scope, creator_id: UUID, name: str, *, everybody: bool) -> WildcardVersion:
    found = _find_wildcard(scope, creator_id, name, everybody=everybody)
    if found is None:
        raise NotFound("list.unknown")
    return found


def _list_creator_ids(scope: Scope) -> list[UUID]:
    """Return every creator of the agency: the operator at the terminal works for all of them."""
    return [one.id for one in queries.list_creators(scope)]
