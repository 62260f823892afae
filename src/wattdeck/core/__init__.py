"""The engine: settings, feeds, control, export. Nothing here knows a system or Textual."""
