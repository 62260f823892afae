"""One folder per system; they never import each other."""
