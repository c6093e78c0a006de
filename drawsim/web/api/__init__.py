"""What the pages ask for while people work: one file a subject, JSON but for pictures and exports.

An error is `{"error": "one line"}`.
"""

from drawsim.web.api import events, exports, groups, iiif, labels, pictures, searches, tasks

ROUTERS = (
    *(tasks.asking, tasks.changing, events.changing, searches.changing),
    *(labels.asking, groups.changing),
    *(pictures.asking, iiif.asking, exports.exporting),
)
"""All of it."""
