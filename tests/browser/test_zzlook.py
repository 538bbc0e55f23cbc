import os, time
from pathlib import Path
import pytest
from tenants.agencies.rights import Role
from tests.browser.demo_dashboard import seeded

OUT = Path("/tmp/q43sales-look")
OUT.mkdir(exist_ok=True)


@pytest.fixture
def demo(cluster, tenant, tmp_path):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    with seeded(cluster, tenant, home, elsewhere) as made:
        yield made


def test_look(demo, chromium):
    for role, lang, width, dark in [
        (Role.OWNER, "en", 1440, False),
        (Role.OWNER, "fr", 390, False),
        (Role.ACCOUNTANT, "fr", 1440, True),
    ]:
        with chromium.visitor(
            width, language=lang, dark=dark, cookies=demo.session(role, lang)
        ) as v:
            for name, path in [("orders", "/shop?view=orders"), ("insights", "/insights")]:
                v.go(demo.url + path)
                t = time.time()
                v.rest()
                print(name, time.time() - t)
                v.page.wait_for_timeout(1500)
                v.picture(OUT / f"{name}-{role}-{lang}-{width}.png")
            v.go(demo.url + "/shop?view=orders")
            v.rest()
            b = v.page.locator(".gr-rows tbody button")
            print("rows", v.page.locator(".gr-rows tbody tr").count(), b.count())
            if b.count():
                b.first.click()
                v.page.wait_for_timeout(1500)
                v.rest()
                v.picture(OUT / f"open-{role}-{lang}-{width}.png")
            h = v.page.locator(".gr-rows thead button").last
            h.click()
            v.page.wait_for_timeout(1000)
            v.rest()
            print(
                "sorted",
                v.page.locator("[aria-sort]").inner_text(),
                v.run("document.activeElement.outerHTML.slice(0,80)"),
            )
            print(v.complaints)
    print(demo.troubles())
