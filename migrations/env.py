"""Alembic's environment: the owner's login, and one transaction for the whole upgrade."""

from alembic import context
from sqlalchemy import create_engine

config = context.config
engine = create_engine(
    config.attributes["url"], connect_args={"application_name": "greenroom-migrations"}
)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
