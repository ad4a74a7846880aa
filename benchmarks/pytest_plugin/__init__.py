"""pytest --benchmark-only: options, session, replay clock."""
