"""What every command stands on: errors, files, progress, the machine, the command line."""
