"""The annotation app: from ranked candidates to confirmed pairs."""
