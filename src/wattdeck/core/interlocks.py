"""The preconditions that stop a command, one small rule each (control.md). Pure: no I/O, no state.

All of them are evaluated at select time and again, with fresh facts, at operate time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from wattdeck.core.command import CLOSED, OPEN, RELAY, Policy, Refusal, shown_name, value_words
from wattdeck.core.errors import Cause
from wattdeck.core.language import later, tr
from wattdeck.core.link import link_word
from wattdeck.core.operable import Facts, Sibling
from wattdeck.core.reading import Link, SourceId
from wattdeck.core.situation import Situation
from wattdeck.core.text import clean

FUTURE_TOLERANCE_S = 5.0
HOUR_S = 3600.0


def first_refusal(situation: Situation) -> Refusal | None:
    """The first rule that stops the command, if any."""
    for rule in REFUSING:
        if (refusal := rule(situation)) is not None:
            return refusal
    return None


def replayed() -> Refusal:
    """Rule 1: what is on show was long ago, and nobody is at the other end."""
    sentence = tr("This is a replay of a recording: nothing can be commanded. Leave it and open the live app.")
    return Refusal(Cause.BLOCKED_BY_MODE, sentence)


def mode(situation: Situation) -> Refusal | None:
    """Rule 1: read-only unless the deck and the source allow control."""
    return mode_of(situation.request.source, situation.policy, read_only=situation.read_only)


def mode_of(source: SourceId, policy: Policy, *, read_only: bool) -> Refusal | None:
    """Rule 1, for any command of a source."""
    if read_only:
        return Refusal(
            Cause.BLOCKED_BY_MODE,
            tr("The deck runs read-only. Start it without --read-only (and without read_only = true) to command."),
        )
    if not policy.control:
        return Refusal(
            Cause.BLOCKED_BY_MODE,
            tr("{source} is read-only. Set control = true for it in the configuration to command it.", source=source),
        )
    return None


def demo_only(situation: Situation) -> Refusal | None:
    """Rule 3: the demo commands simulators only, and nothing else commands an embedded simulator."""
    if situation.demo == situation.facts.demo:
        return None
    if situation.demo:
        sentence = tr(
            "{source} is a real host; the demo commands simulators only. Leave the demo first.",
            source=situation.request.source,
        )
    else:
        sentence = tr(
            "{source} is an embedded simulator. Start `wattdeck demo` to command it.", source=situation.request.source
        )
    return Refusal(Cause.BLOCKED_BY_MODE, sentence)


def known_target(situation: Situation) -> Refusal | None:
    """Rule 6: an absolute target the source knows."""
    if situation.request.wanted in situation.wanted_values:
        return None
    known = ", ".join(situation.wanted_values) or tr("nothing")
    return Refusal(
        Cause.INVALID_POSITION,
        tr(
            "{wanted} cannot be asked for. Ask for one of: {known}.",
            wanted=repr(clean(situation.request.wanted, 40)),
            known=known,
        ),
    )


def offered_by_the_device(situation: Situation) -> Refusal | None:
    """Rule 12: never the main relay, an always-on circuit, an unmapped space, or what users may not control."""
    if situation.facts.why_not:
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, clean(situation.facts.why_not))
    if not situation.facts.controllable:
        return Refusal(
            Cause.NO_ACCESS_AUTHORITY,
            tr(
                "{source} does not let users control {name}. {advice}.",
                source=situation.request.source,
                name=situation.name,
                advice=tr(situation.facts.wording.not_offered),
            ),
        )
    return None


def lockout(situation: Situation) -> Refusal | None:
    """Rule 13: what the configuration locks out stays as it is, with the owner's reason."""
    own, lockouts = Sibling(situation.facts.object_id, situation.facts.name), situation.policy.lockouts
    locked = next((each for each in (own, *situation.facts.moves_with) if each.object_id in lockouts), None)
    if locked is None:
        return None
    entry = lockouts[locked.object_id]
    since = tr(" since {since}", since=entry.since.isoformat()) if entry.since else ""
    return Refusal(
        Cause.BLOCKED_BY_INTERLOCKING,
        tr(
            "{name} is locked out by {owner}{since}: {reason}. Ask the owner to take the lockout out "
            "of the configuration.",
            name=shown_name(locked),
            owner=clean(entry.owner),
            since=since,
            reason=clean(entry.reason),
        ),
    )


def link_is_live(situation: Situation) -> Refusal | None:
    """Rule 10: no command on a link that is not live, nor before two good polls in a row."""
    link, polls = situation.facts.link, situation.facts.good_polls
    if link is not Link.LIVE:
        sentence = tr(
            "The link to {source} is {link}. Wait until it is live again.",
            source=situation.request.source,
            link=link_word(link),
        )
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)
    needed = situation.facts.good_polls_needed
    if polls < needed:
        sentence = tr(
            "{source} has answered {polls} of {needed} polls since it was connected. Wait for the next one.",
            source=situation.request.source,
            polls=polls,
            needed=needed,
        )
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)
    return None


def fresh(situation: Situation) -> Refusal | None:
    """Rule 10: the last good sample is not older than max(3 x interval, 5 s)."""
    taken_at, limit_s = situation.facts.heard_at or situation.facts.taken_at, max(3 * situation.facts.interval_s, 5.0)
    if taken_at is None:
        return Refusal(
            Cause.BLOCKED_BY_INTERLOCKING, tr("{name} was never read. Wait for a reading.", name=situation.name)
        )
    age_s = (situation.now - taken_at).total_seconds()
    if age_s > limit_s:
        sentence = tr(
            "The last reading of {name} is {age_s} s old, more than {limit_s} s. Wait for a new one.",
            name=situation.name,
            age_s=f"{age_s:.0f}",
            limit_s=f"{limit_s:.0f}",
        )
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)
    if age_s < -FUTURE_TOLERANCE_S:
        sentence = tr("The last reading of {name} lies in the future. Check this machine's clock.", name=situation.name)
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)
    return None


def position_known(situation: Situation) -> Refusal | None:
    """Rule 6: a relay is commanded from a state that was shown, so its state must be known."""
    if situation.request.kind == RELAY and situation.facts.state not in (OPEN, CLOSED):
        return Refusal(
            Cause.INVALID_POSITION,
            tr("The present position of {name} is not known. Wait until the panel reports it.", name=situation.name),
        )
    return None


def position_reached(situation: Situation) -> Refusal | None:
    """Rule 6: an absolute target that is already reached needs no command, unless something else is under way."""
    facts, kind, wanted = situation.facts, situation.request.kind, situation.request.wanted
    if facts.state != wanted:
        return None
    if facts.target not in ("", wanted):
        sentence = tr(
            "{name} still is {wanted}, but somebody has asked for {target}. See first what comes of that.",
            name=situation.name,
            wanted=value_words(facts, kind, wanted),
            target=value_words(facts, kind, facts.target),
        )
        return Refusal(Cause.COMMAND_ALREADY_IN_EXECUTION, sentence)
    return Refusal(
        Cause.POSITION_REACHED,
        tr(
            "{name} is already {wanted}. There is nothing to do.",
            name=situation.name,
            wanted=value_words(facts, kind, wanted),
        ),
    )


def motor_has_rested(situation: Situation) -> Refusal | None:
    """Rule 14: no CLOSE of a motor or compressor within its rest time after an OPEN."""
    if not situation.closes or not situation.is_among(situation.policy.motors):
        return None
    if situation.last_open is None:
        return None
    remaining_s = situation.policy.motor_rest_s - situation.since_s(situation.last_open)
    if remaining_s <= 0:
        return None
    return Refusal(
        Cause.BLOCKED_BY_INTERLOCKING,
        tr(
            "{name} is a motor and was opened a short while ago. It can be closed in {time}.",
            name=situation.name,
            time=_minutes(remaining_s),
        ),
    )


def operations_left(situation: Situation) -> Refusal | None:
    """Rule 14: at most N operations of one object per hour."""
    allowed = situation.policy.max_operations_per_hour
    recent = [moment for moment in situation.operations if situation.since_s(moment) < HOUR_S]
    if len(recent) < allowed:
        return None
    remaining_s = HOUR_S - situation.since_s(recent[-allowed])
    return Refusal(
        Cause.BLOCKED_BY_INTERLOCKING,
        tr(
            "{name} has been operated {count} times in the last hour, the most allowed is {allowed}. "
            "The next operation is possible in {time}.",
            name=situation.name,
            count=len(recent),
            allowed=allowed,
            time=_minutes(remaining_s),
        ),
    )


def grid_is_up(situation: Situation) -> Refusal | None:
    """Rule 16: without the grid nothing is closed, unless the source allows it and a reason is given."""
    if not situation.closes or situation.facts.grid_up is not False:
        return None
    if not situation.policy.grid_off_override:
        sentence = tr("The grid is off; closing circuits would drain the battery. Wait until the grid is back.")
    elif not situation.request.reason.strip():
        sentence = tr("The grid is off. Give a reason to close {name} all the same.", name=situation.name)
    else:
        return None
    return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)


def changed(before: Facts, now: Facts | None) -> Refusal | None:
    """Rules 5 and 11: what ends a selection when it differs from what was shown."""
    name = shown_name(before)
    if now is None:
        return Refusal(
            Cause.OBJECT_NOT_SELECTED, tr("{name} is no longer there. Look at the list and select again.", name=name)
        )
    if now.link is not Link.LIVE:
        return Refusal(
            Cause.ABORTION_BY_COMMUNICATION_LOSS,
            tr("The link to {source} was lost. Select again when it is live.", source=before.source),
        )
    differences: tuple[tuple[str, str | bool, str | bool], ...] = (
        (later("the equipment's identity"), before.identity, now.identity),
        (later("the protocol"), before.protocol, now.protocol),
        (later("the name"), before.name, now.name),
        (later("the present state"), before.state, now.state),
        (later("user control"), before.controllable, now.controllable),
        (later("what forbids a command"), before.why_not, now.why_not),
        (later("what moves with it"), _listed(before.moves_with), _listed(now.moves_with)),
    )
    for what, old, new in differences:
        if old != new:
            return Refusal(
                Cause.OBJECT_NOT_SELECTED,
                tr(
                    "{name}: {what} changed from {old} to {new}. Look again and select again.",
                    name=name,
                    what=tr(what),
                    old=_words(old),
                    new=_words(new),
                ),
            )
    return None


def _listed(siblings: Sequence[Sibling]) -> str:
    return ", ".join(sorted(map(shown_name, siblings)))


def _words(value: str | bool) -> str:
    if isinstance(value, bool):
        return tr("allowed") if value else tr("not allowed")
    return f"'{clean(value, 80)}'" if value else tr("nothing")


def _minutes(seconds: float) -> str:
    """A waiting time for a person, rounded up: `2 min 05 s`, `40 s`."""
    whole = timedelta(seconds=int(seconds) + (seconds % 1 > 0))
    minutes, rest = divmod(int(whole.total_seconds()), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


REFUSING: tuple[Callable[[Situation], Refusal | None], ...] = (
    mode,
    demo_only,
    known_target,
    offered_by_the_device,
    lockout,
    link_is_live,
    fresh,
    position_known,
    position_reached,
    motor_has_rested,
    operations_left,
    grid_is_up,
)
