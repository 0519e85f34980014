"""REST for annotated gRPC services: google.api.http obeyed to the letter. It knows no service by name."""
