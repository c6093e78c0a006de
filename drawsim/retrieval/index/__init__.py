"""An index on disk: built, changed, searched exactly or approximately, filtered."""
