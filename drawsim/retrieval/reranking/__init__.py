"""A second look at ranked lists."""
