"""The ways in: gRPC, and the plain HTTP of metrics and probes. Converts and never judges."""
