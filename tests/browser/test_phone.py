"""The phone pages in a real browser with a width of 390 pixels: content, actions, copying, and no
third-party requests."""

import os
from pathlib import Path

import pytest

from schedules.posts.states import DeliveryState
from tenants.auth import sessions
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.channels import manual_task_builders
from tests.channels.manual_task_builders import LINK
from tests.conftest import wait_until
from tests.dashboard.phone.conftest import (  # noqa: F401  fixtures
    address,
    at_work,
    create_due_task,
    home,
    lea,
    running,
    sandbox,
    services,
)
from tests.schedules.builders import SandboxAgency

LOOKED_AT = os.environ.get("GREENROOM_PICTURES", "")
"""Folder for pictures to review."""


def press(visitor: Visitor, text: str) -> None:
    """Tap the visible button with the text `text`."""
    visitor.button(text).tap()


def look(visitor: Visitor, name: str) -> None:
    assert page_faults(visitor) == []
    if LOOKED_AT:
        visitor.picture(Path(LOOKED_AT) / f"phone_{name}.png")


def come_in(visitor: Visitor, lea: SandboxAgency, address: str) -> None:  # noqa: F811  fixtures
    with lea.scope() as scope:
        secret = sessions.create_sign_in_link(scope, lea.manager)
    visitor.go(f"{address}/phone/in/{secret}")
    look(visitor, "in")
    press(visitor, "Associer")
    visitor.shows("Tâches manuelles")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_manual_task_is_completed_on_a_phone(
    chromium: Chromium,
    lea: SandboxAgency,  # noqa: F811  a fixture
    address: str,  # noqa: F811  a fixture
    dark: bool,
) -> None:
    body = "Premier café dehors, lumière douce ☕️\nLa suite ce soir. https://example.test/suite"
    with lea.scope() as scope:
        from gate.contract.units import Rating
        from gate.reviews import link_targets

        link_targets.register_link_target(
            scope, lea.creator_id, "https://example.test/suite", rating=Rating.G, adult=False
        )
    delivery, _ = create_due_task(lea, pictures=2, body=body)
    name = "dark" if dark else "light"
    with chromium.visitor(390, 844, dark=dark) as visitor, at_work(lea):
        come_in(visitor, lea, address)
        look(visitor, f"list_{name}")
        visitor.page.locator("a.card").first.tap()
        visitor.shows("Commencer la tâche")
        look(visitor, f"shut_{name}")
        press(visitor, "Commencer la tâche")
        visitor.shows("Copier la légende")
        look(visitor, f"open_{name}")
        press(visitor, "Enregistrer")
        visitor.until("() => !document.querySelector('form[data-save] button').disabled")
        press(visitor, "Copier la légende")
        visitor.shows("Copié")
        press(visitor, "Marquer comme publié")
        visitor.shows("Collez l’URL")
        look(visitor, f"told_{name}")
        visitor.page.locator("input[name=link]").fill(LINK)
        press(visitor, "Marquer comme publié")
        wait_until(lambda: lea.state(delivery) == DeliveryState.PUBLISHED, 60)
        visitor.shows("Publiée")
        look(visitor, f"done_{name}")
        assert [one for one in visitor.complaints if "422" not in one] == []
        assert visitor.hosts == {address.removeprefix("http://")}
    assert lea.state(delivery) == DeliveryState.PUBLISHED
    assert [step for step, _ in manual_task_builders.list_permits(lea)] == ["hand_over", "save"]


def test_pairing_code_and_refusal_are_accessible(
    chromium: Chromium,
    lea: SandboxAgency,  # noqa: F811  a fixture
    address: str,  # noqa: F811  a fixture
) -> None:
    _, place = create_due_task(lea)
    with chromium.visitor(390, 844) as visitor:
        come_in(visitor, lea, address)
        visitor.go(f"{address}/phone/pair")
        press(visitor, "Afficher le code")
        visitor.page.wait_for_selector(".code svg")
        look(visitor, "pair")
        visitor.go(address + place)
        press(visitor, "Commencer la tâche")
        visitor.shows("Enregistrer")
        press(visitor, "Enregistrer")  # The workers are not running.
        visitor.shows("plus long que d’habitude")
        look(visitor, "refused")
