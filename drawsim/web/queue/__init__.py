"""Who judges what next, and what is found for it."""
