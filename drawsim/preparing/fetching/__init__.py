"""Files of other people's servers, asked for politely."""
