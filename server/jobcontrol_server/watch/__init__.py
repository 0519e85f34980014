"""Watching: one hub per process reads each changed job once and feeds all who watch it."""
