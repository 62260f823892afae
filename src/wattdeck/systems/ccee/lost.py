"""A create whose answer was lost: was the migration created or not? (ccee.md 7, 11.10)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattdeck.core.clock import Clock
from wattdeck.core.language import tr
from wattdeck.systems.ccee.drafts import normal
from wattdeck.systems.ccee.errors import CceeError, again
from wattdeck.systems.ccee.models import Migration, MigrationDraft

if TYPE_CHECKING:
    from wattdeck.systems.ccee.client import CceeClient

LOOKS = 2
SECOND_LOOK_S = 2.0
"""What the server was still busy with may show up that much later."""


async def created_after_all(client: CceeClient, draft: MigrationDraft, error: CceeError, clock: Clock) -> Migration:
    """The migration that a lost answer was about, found by listing its unit.

    Raises:
        CceeError: the lost answer's own error, saying what the look brought.
    """
    for look in range(LOOKS):
        if look:
            await clock.sleep(SECOND_LOOK_S)
        try:
            found = await _like(client, normal(draft))
        except CceeError as listing:
            more = tr("the unit could not be listed either ({reason}), so nobody knows whether it was created",
                      reason=listing)  # fmt: skip
            raise again(error, more) from listing
        if found is not None:
            return found
    more = tr("the unit was listed since and has no such migration; look once more before creating it again")
    raise again(error, more) from error


async def _like(client: CceeClient, draft: MigrationDraft) -> Migration | None:
    """The active migration of the draft's unit, month, utility and profile."""
    month, profile_code = draft.reference_month, draft.retailer_profile_code
    wanted = (draft.consumer_unit_code, month, draft.utility_agent_code, profile_code)
    listed = client.list_migrations(month, month, profile_code, consumer_unit_code=draft.consumer_unit_code)
    try:
        async for each in listed:
            place = (
                each.consumer_unit_code,
                each.reference_month,
                each.utility_agent_code,
                each.retailer_profile_code,
            )
            if place == wanted and each.active:
                return each
    finally:
        await listed.aclose()
    return None
