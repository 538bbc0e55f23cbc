"""Which runs belong together on one device: those of the same weights, so that what is loaded is used before others."""

from collections.abc import Iterable


def group(model: str, *, engine: str = "", adapters: Iterable[str] = ()) -> str:
    """The outbox's `group_key` of a run: engine, model and the set of adapters (LoRAs), in any order of these.

    Empty names are the installation's own engine and its own model, which are a group as well. The number format of the
    weights is the engine's business and is no part of it.
    """
    return "|".join([engine, model, *sorted(set(adapters))])


def kin(group: str) -> str:
    """How the groups of the same model begin, ended by `|`: other adapters take a moment, another model far more."""
    return "".join(f"{part}|" for part in group.split("|")[:2])
