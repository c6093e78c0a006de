"""Which artworks a drawing is told apart from."""
