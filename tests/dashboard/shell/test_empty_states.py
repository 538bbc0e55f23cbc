"""Empty states: a sentence and a button, for members who may press it."""

import pytest

from dashboard.shell.empty_states import EMPTY_ACTIONS, empty_action, set_reader
from dashboard.shell.navigation import PAGES
from dashboard.shell.widgets import render_template
from foundation.i18n.translation import LANGUAGES, load_catalogue
from tenants.agencies.rights import Role, has_right


@pytest.mark.parametrize("role", list(Role))
def test_button_leads_to_a_page_that_the_member_may_open(role: Role) -> None:
    pages = {f"/{one.name}": one for one in PAGES}
    set_reader(role)
    for code, action in EMPTY_ACTIONS.items():
        page = pages[action.href.partition("?")[0]]
        drawn = render_template("shell/templates/empty.html", code=code, word=str)
        assert (empty_action(code) is not None) == (f'href="{action.href}"' in drawn)
        if empty_action(code) is not None:
            assert any(has_right(role, right) for right in page.rights)


def test_every_empty_state_has_a_sentence_and_a_label() -> None:
    for language in LANGUAGES:
        texts = load_catalogue(language)
        for code, action in EMPTY_ACTIONS.items():
            assert texts[code]
            assert texts[action.label]
    set_reader(Role.OWNER)
    assert empty_action("approvals.nothing") is None
