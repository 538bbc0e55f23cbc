"""Releases of own pictures with a passkey, under an opened policy and under the closed default
policy, and their link on Approvals."""

import os
from pathlib import Path

import pytest

from foundation.db.database import OpenScope
from gate.contract.units import Rating
from gate.decision import own_release_rules
from gate.reviews import own_releases
from gate.reviews.own_releases import OwnReleaseRequested
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.browser.test_every_page import axe
from tests.browser.virtual_authenticator import add_virtual_authenticator
from tests.conftest import Cluster
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import hold, word
from tests.gate import policy_releases
from tests.gate.own_release_builders import Author, add_author, build_open_release

PICTURES = os.environ.get("GREENROOM_PICTURES", "")


def look(visitor: Visitor, name: str) -> None:
    assert page_faults(visitor) == []
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"own-{name}.png")


def comes_in(visitor: Visitor, url: str, one: Author) -> None:
    """Sign in as the author and add a passkey on this device."""
    with one.world.scope() as scope:
        secret = sessions.create_sign_in_link(scope, one.world.ann)
    visitor.go(f"{url}/auth/link/{secret}")
    visitor.press(word("dashboard.enter", "en"))
    visitor.rest()
    visitor.go(f"{url}/auth/passkeys")
    visitor.type(word("passkey.name", "en"), "Laptop")
    visitor.press(word("passkey.add", "en"))
    visitor.shows(word("passkey.told_added", "en"))


def test_author_confirms_their_own_picture(
    tenant: OpenScope,
    cluster: Cluster,
    chromium: Chromium,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "GREENROOM_GATE__POLICY_KEYS", policy_releases.TRUSTED
    )  # the dashboard process must trust these keys too
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with (
        policy_releases.trusting(cluster),
        serving(cluster.url("greenroom_pages", "house"), *folders) as (url, _),
    ):
        closed = add_author(tenant)
        policy_releases.install_rules(
            tenant,
            build_open_release("2026.12.01-1")
            .with_signature(policy_releases.ANN)
            .with_signature(policy_releases.BOB)
            .to_bytes(),
        )
        one = add_author(tenant)
        with chromium.visitor(390, language="en") as visitor:
            add_virtual_authenticator(visitor)
            comes_in(visitor, url, one)
            visitor.go(f"{url}/auth/confirm/own/{closed.digest}")
            visitor.shows(word("review.unknown", "en")[:20])  # a picture of another agency
            visitor.go(f"{url}/auth/confirm/own/{one.digest}")
            look(visitor, "ready")
            visitor.press(word("own.confirm", "en"))
            visitor.page.wait_for_url("**/approvals")
            with one.world.scope(one.actor) as scope:
                (wish,) = scope.run("SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind "
                                    "= 'own.release'",
                                    t=one.world.tenant_id)  # fmt: skip
            own_releases.handle_own_release(
                OwnReleaseRequested(one.world.tenant_id, wish.subject_id, one.digest, one.actor),
                tenant=tenant,
            )
            visitor.go(f"{url}/auth/confirm/own/{one.digest}")
            visitor.shows(word("own.lack.soon", "en"))
            look(visitor, "signed")
            visitor.press(word("own.withdraw", "en"))
            visitor.shows(word("own.ending", "en"))
    with one.world.scope(one.actor) as scope:
        assert scope.run("SELECT count(*) FROM own_releases").scalar() == 1


def test_default_policy_lists_the_missing_conditions(
    tenant: OpenScope,
    cluster: Cluster,
    chromium: Chromium,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    one = add_author(tenant, seen=False)
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    door = serving(cluster.url("greenroom_pages", "house"), *folders)
    with door as (url, _), chromium.visitor(1280, language="en") as visitor:
        add_virtual_authenticator(visitor)
        comes_in(visitor, url, one)
        visitor.go(f"{url}/auth/confirm/own/{one.digest}")
        for lack in (
            own_release_rules.MissingCondition.COUNTRY,
            own_release_rules.MissingCondition.SEEN,
        ):
            visitor.shows(word(f"own.lack.{lack}", "en"))
        look(visitor, "closed")
        assert word("own.confirm", "en") not in visitor.text()


def check_missing_conditions(visitor: Visitor, language: str) -> None:
    """Follow the link to the author's own release, which lists its missing conditions."""
    visitor.page.get_by_role("link", name=word("own.link", language)).click()
    visitor.shows(word("own.missing", language))
    for lack in (
        own_release_rules.MissingCondition.HOLDER,
        own_release_rules.MissingCondition.PERSON,
        own_release_rules.MissingCondition.WORDS,
    ):
        visitor.shows(word(f"own.lack.{lack}", language))
    visitor.shows(word("passkey.none", language))
    assert word("own.confirm", language) not in visitor.text()
    look(visitor, "lacks")


@pytest.mark.parametrize("opened", [False, True])
def test_author_sees_who_decides_and_missing_conditions(
    tenant: OpenScope,
    cluster: Cluster,
    chromium: Chromium,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    *,
    opened: bool,
) -> None:
    """With the closed default policy only the review by another member is offered; with an opened
    policy the release lists its missing conditions."""
    monkeypatch.setenv("GREENROOM_GATE__POLICY_KEYS", policy_releases.TRUSTED)
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with (
        policy_releases.trusting(cluster),
        serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log),
    ):
        if opened:
            policy_releases.install_rules(
                tenant,
                build_open_release("2026.12.01-1")
                .with_signature(policy_releases.ANN)
                .with_signature(policy_releases.BOB)
                .to_bytes(),
            )
        who, language = (
            create_agency(tenant, language="fr" if opened else "en"),
            "fr" if opened else "en",
        )
        with who.scope() as scope:
            scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :c", c=who.creator_id)
        door = Door(url, log, tenant)
        hold(who, "Ce soir NUDITY-MARKER-A", media=(picture(door, who, rating=Rating.G),))
        cookies = f"{door.cookie(who, Role.MANAGER)} at {url}"
        with chromium.visitor(
            390 if opened else 1280, language=language, cookies=cookies
        ) as visitor:
            visitor.go(f"{url}/approvals")
            visitor.rest()
            visitor.press(word("approvals.look", language))
            visitor.shows(word("approvals.own", language))
            visitor.rest()
            assert axe(visitor) == []
            assert visitor.overflow <= 0
            if PICTURES:
                visitor.picture(Path(PICTURES) / f"own-approvals-{language}.png")
            assert visitor.button(word("approvals.allow", language)).is_disabled(), (
                "authors cannot allow their own work"
            )
            assert (word("own.link", language) in visitor.text()) == opened
            if not opened:
                return
            check_missing_conditions(visitor, language)
            visitor.page.locator('a[href="/approvals"]').first.click()
            visitor.page.wait_for_url("**/approvals")
            visitor.rest()
