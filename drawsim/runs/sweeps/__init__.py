"""Several runs of one command, in other processes and on other machines."""
