"""What was judged: history, agreement, audit, export."""
