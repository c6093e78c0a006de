"""Results as files of IIIF that any web server can hand out."""
