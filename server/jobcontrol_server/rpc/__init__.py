"""The gRPC face of the server: servicers, interceptors, the error table, encoders to protobuf."""
