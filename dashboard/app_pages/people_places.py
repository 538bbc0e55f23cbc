"""Places a permission may name, as people call them: whole platforms, and single places on them."""

from dashboard.frame import Page
from foundation.words import LANGUAGES, catalogue


def platforms() -> list[str]:
    """Every platform people know by a name."""
    return sorted(code.partition(".")[2] for code in catalogue(LANGUAGES[0]) if code.startswith("platform."))


def name(page: Page, surface: str) -> str:
    """A place as people call it; a platform alone is every place on it."""
    known = catalogue(page.voice.language)
    codes = (f"place.{surface}" if "." in surface else "", f"platform.{surface.partition('.')[0]}")
    return next((page.word(code) for code in codes if code in known), surface)


def names(page: Page, surfaces: tuple[str, ...]) -> str:
    """Several of them."""
    return ", ".join(name(page, one) for one in surfaces)
