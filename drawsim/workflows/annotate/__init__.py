"""Annotating: the app, its accounts, and what comes in and out of its store."""
