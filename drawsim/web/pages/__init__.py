"""The pages that people work on."""
