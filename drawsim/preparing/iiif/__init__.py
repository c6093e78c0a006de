"""Pictures and what is known of them, as museums publish them by IIIF."""
