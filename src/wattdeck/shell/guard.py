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
        from wattdeck.core.language import tr
        from wattdeck.shell.words import EXIT_INTERNAL, say

        logging.getLogger("wattdeck").exception("internal error")
        what = f"{type(error).__name__}: {error}"
        say(tr("internal error ({what}). Please report it; --log-file keeps the details.", what=what))
        return EXIT_INTERNAL
