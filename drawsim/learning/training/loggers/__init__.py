"""Where scalars go besides the run folder's own tables, one logger a file."""
