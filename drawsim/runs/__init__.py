"""The run: what was done, under which settings, and what it left behind."""
