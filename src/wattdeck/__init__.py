"""Terminal dashboard and control deck for the systems an energy technician touches."""

__version__ = "0.1.0"
