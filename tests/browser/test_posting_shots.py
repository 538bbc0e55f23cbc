"""Temporary screenshots."""
from pathlib import Path
from foundation.ops.clock import monotonic
from tenants.agencies.rights import Role
from tests.browser.demo_dashboard import seeded

OUT = Path("/tmp/h44p/shots")

def test_shots(cluster, tenant, tmp_path_factory, chromium):
    OUT.mkdir(exist_ok=True)
    home, elsewhere = tmp_path_factory.mktemp("h"), tmp_path_factory.mktemp("e")
    began = monotonic()
    with seeded(cluster, tenant, home, elsewhere) as demo:
        (OUT / "seconds").write_text(str(monotonic() - began))
        for language in ("fr", "en"):
            cookie = demo.session(Role.OWNER, language).split(" at ")[0]
            for width in (1440, 390):
                with chromium.visitor(width) as visitor:
                    name, _, value = cookie.partition("=")
                    visitor.page.context.add_cookies([{"name": name, "value": value, "url": demo.url}])
                    for view in ("best_time", "experiments", "post_forecasts"):
                        extra = "&creator=nova" if view != "post_forecasts" else ""
                        began = monotonic()
                        visitor.go(f"{demo.url}/insights?view={view}{extra}")
                        visitor.rest()
                        with (OUT / "times").open("a") as file:
                            file.write(f"{language} {width} {view} {monotonic()-began:.2f} overflow {visitor.overflow()}\n")
                        visitor.page.screenshot(path=OUT / f"{view}-{language}-{width}.png", full_page=True)
