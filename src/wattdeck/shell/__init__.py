"""What the commands of the shell share. Systems' own groups build on it; it knows no system."""
