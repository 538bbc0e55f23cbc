"""Limits of the sandbox's surfaces, each modelled on a network, and the language of its pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.page_texts import PAGE_TEXTS


@dataclass(frozen=True)
class SurfaceRules:
    """Limits of a surface. `modelled_on` is the name of the network it imitates, which is always
    displayed together with *sandbox*."""

    modelled_on: str
    max_text: int
    max_media: int
    least_media: int = 0
    allows_adult: bool = True


SURFACES: Mapping[str, SurfaceRules] = {
    "post": SurfaceRules("", 4096, 10),
    "chat": SurfaceRules("", 4096, 10),
    "as_x": SurfaceRules("X", 280, 4),
    "as_instagram": SurfaceRules("Instagram", 2200, 10, least_media=1, allows_adult=False),
    "as_telegram": SurfaceRules("Telegram", 4096, 10),
    "as_fanvue": SurfaceRules("Fanvue", 5000, 10),
}


def page_texts(accepted: str) -> tuple[str, Mapping[str, str]]:
    """Return the language and the texts for an Accept-Language header: English if it comes first,
    otherwise French."""
    language = "en" if accepted.strip().lower().startswith("en") else "fr"
    return language, PAGE_TEXTS[language]
