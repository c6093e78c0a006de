"""From pictures to embeddings: backbones, layout, adaptation, and the engine that embeds."""
