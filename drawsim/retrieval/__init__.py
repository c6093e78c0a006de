"""From embeddings to ranked lists and metrics."""
