"""The first owner of an installation: the setup link that a start prints while there is none."""

from foundation.db.database import Database
from foundation.errors import Conflict
from foundation.ops.settings import Settings
from tenants.auth import owner_setup
from tenants.scope import scope_opener


def setup_address(settings: Settings) -> dict[str, str]:
    """Return the address `setup` with a new setup link, or no address if an agency has an owner."""
    database = Database(settings.database.work_url.get_secret_value(), application="setup")
    try:
        secret = owner_setup.create_setup_link(scope_opener(database))
    except Conflict:
        return {}
    finally:
        database.close()
    return {"setup": owner_setup.setup_url(settings.dashboard.public_url, secret)}
