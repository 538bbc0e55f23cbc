"""The help of each page: a text in both languages and a document that exists."""

import pytest

from dashboard.shell.help import DOCUMENTS, document_url
from dashboard.shell.navigation import PAGES
from foundation.i18n.translation import LANGUAGES, load_catalogue
from tests.architecture.tree import ROOT


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_a_help_text(language: str) -> None:
    texts = load_catalogue(language)
    for row in PAGES:
        lines = texts[f"help.page.{row.name}"].splitlines()
        assert 3 <= len(lines) <= 5, row.name
        assert all(line.endswith(".") for line in lines), row.name


def test_every_page_has_a_document_that_exists() -> None:
    assert set(DOCUMENTS) == {row.name for row in PAGES}
    for path in DOCUMENTS.values():
        assert (ROOT / "docs" / f"{path}.md").is_file(), path


def test_help_links_only_to_the_site_of_the_installation() -> None:
    assert document_url("shop", "https://docs.example/") == (
        "https://docs.example/guides/first-sale/"
    )
    assert document_url("shop", "") == ""
