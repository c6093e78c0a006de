"""drawsim: find the artworks that children's drawings echo."""

__version__ = "0.1.0"
