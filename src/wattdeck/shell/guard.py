"""What can go wrong in a command, turned into words and an exit code. Loads nothing until something does."""

from __future__ import annotations

import logging
from collections.abc import Callable

from wattdeck.core.errors import WattdeckError


def guarded(work: Callable[[], int]) -> int:
    """Do the work of a command and return its exit code; no traceback reaches the person."""
    try:
        return work()
    except KeyboardInterrupt:
        from wattdeck.shell.words import EXIT_INTERRUPTED

        return EXIT_INTERRUPTED
    except WattdeckError as error:
        from wattdeck.shell.words import code_of, say

        say(str(error))
        return code_of(error)
    except Exception as error:
        from wattdeck.shell.words import EXIT_INTERNAL, say

        logging.getLogger("wattdeck").exception("internal error")
        say(f"internal error ({type(error).__name__}: {error}). Please report it; --log-file keeps the details.")
        return EXIT_INTERNAL
