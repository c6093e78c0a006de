"""Documents of IIIF (Presentation 3, Image 3): the same for files that are written and the app."""
