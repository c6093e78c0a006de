"""The report of near-identical images."""
