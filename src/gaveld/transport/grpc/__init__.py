"""The gRPC surface: server, interceptors, servicers, converters, errors and health."""
