"""What all reports are made of: pages, charts, figures, thumbnails, sheets, PDF."""
