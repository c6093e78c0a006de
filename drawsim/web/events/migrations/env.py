"""What Alembic runs for each command: the migrations, on the connection that was handed over."""

from __future__ import annotations

from alembic import context

from drawsim.web.events.tables import Base

if __name__ == "env_py":  # Alembic's name for it; imported as a module, it does nothing
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=Base.metadata
    )
    context.run_migrations()
