"""The server: the contract over gRPC, live watches, and the dispatcher that keeps the engine going."""
