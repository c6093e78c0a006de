"""Which artworks a drawing is told apart from: miners, one a file; `base` has what they share."""
