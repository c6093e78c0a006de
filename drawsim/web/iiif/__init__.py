"""The app's pictures, pairs and annotations as other tools ask for them: by IIIF."""
