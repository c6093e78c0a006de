"""Losses on the cosines between drawings and artworks."""
