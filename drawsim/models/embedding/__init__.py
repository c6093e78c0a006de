"""Embedding any number of images: read, compiled, kept by content, never twice."""
