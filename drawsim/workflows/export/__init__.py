"""What leads out of drawsim: documents that other tools show."""
