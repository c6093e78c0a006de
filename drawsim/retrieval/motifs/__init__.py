"""Groups of drawings that share a motif: no gallery, no labels, embeddings and local matches."""
