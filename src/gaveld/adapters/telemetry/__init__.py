"""What operators see of the server: Prometheus metrics, the loop's lag, OpenTelemetry traces."""
