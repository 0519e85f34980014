"""Workers: a supervisor, its processes, the runner of steps, and the journal that commits their outcomes."""
