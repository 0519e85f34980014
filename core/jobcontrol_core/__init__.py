"""The engine shared by servers and workers: the rules, the truth in SQL, and the doorbells in Redis."""
