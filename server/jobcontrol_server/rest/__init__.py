"""Our services as REST: the gateway with what is ours, its reference, its hosting. It is a client of the server."""
