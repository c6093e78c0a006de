"""Losses on the cosines between drawings and artworks, one a file; `base` has what they share.

Throughout, A is a drawing, P the artwork of its sample, C a negative, s a cosine and d = 1 - s.
"""
