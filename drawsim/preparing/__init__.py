"""From scans, museum tables and manifests to a collection: one file a step."""
