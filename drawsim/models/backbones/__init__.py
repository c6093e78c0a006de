"""Networks that turn pixels into vectors, each with its own preprocessing."""
