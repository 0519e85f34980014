"""Redis: doorbells (pub/sub) and tickets (RQ). Nothing here is needed for correctness; all of it may be lost."""
