"""NATS JetStream, over which machines tell one another of work; it keeps nothing that counts."""
