"""The Textual app and what its screens share."""
