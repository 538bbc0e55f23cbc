"""Temporary."""
import json, time, os
from pathlib import Path
from tests.browser.demo_dashboard import seeded
from tests.dashboard.conftest import serving
from tenants.agencies.rights import Role
from foundation.i18n.translation import LANGUAGES

def test_serve(cluster, tenant, tmp_path_factory):
    home, elsewhere = tmp_path_factory.mktemp("h"), tmp_path_factory.mktemp("e")
    with seeded(cluster, tenant, home, elsewhere) as demo:
        first = True
        stop, restart = Path("/tmp/h44pages.stop"), Path("/tmp/h44pages.restart")
        url = demo.url
        while not stop.exists():
            with serving(cluster.url("greenroom_pages", "house"), home, elsewhere) as (url, log):
                cookies = {f"{r}-{l}": demo.session(r, l).split(" at ")[0] for r in (Role.OWNER, Role.CREATOR) for l in LANGUAGES}
                Path("/tmp/h44pages-demo.json").write_text(json.dumps({"url": url, "cookies": cookies, "log": str(log), "owner_db": cluster.url("greenroom_owner", "house")}))
                restart.unlink(missing_ok=True)
                while not stop.exists() and not restart.exists():
                    time.sleep(0.5)
        stop.unlink()
