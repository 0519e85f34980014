"""What one gRPC connection carries at most: the same for the server and for the gateway, its client."""

MOST_MESSAGE_BYTES = 16 << 20
#: Room for the head of an HTTP request as metadata, with what HTTP/2 counts for each entry.
MOST_METADATA_BYTES = 24 << 10
#: Calls at once.
MOST_CALLS = 10_000
