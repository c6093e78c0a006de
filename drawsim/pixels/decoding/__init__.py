"""What `pixels/decode.py` is made of: one file a kind of image, and what all of them need."""
