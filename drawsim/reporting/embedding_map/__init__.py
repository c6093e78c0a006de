"""The map: drawings and artworks in one plane."""
