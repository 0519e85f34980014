"""Our services as REST: which they are, and the reference of them that people and programs read."""
