"""The report of a collection: counts, samples, pairs, problems."""
