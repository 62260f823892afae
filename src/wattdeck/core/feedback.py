"""Sending once, and reading back what came of it (control.md rules 19 and 20)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import anyio

from wattdeck.core.clock import Clock
from wattdeck.core.command import OPEN, RELAY, Limits, Outcome, Request, State, shown_name, value_words
from wattdeck.core.errors import AuthError, Busy, Cause, SourceError, StatusError, Unreachable, UsageError
from wattdeck.core.language import tr
from wattdeck.core.operable import Facts, Operable
from wattdeck.core.text import clean

STATE_CHARS = 160
"""Of a state in a sentence: a record's is longer than a relay's."""


class Reply(StrEnum):
    """How the other side took a command."""

    ACKED = "acked"
    REFUSED = "refused"
    """A definite no: nothing was switched."""
    NOT_SENT = "not-sent"
    """No connection was made."""
    FAULT = "fault"
    """A server error: it may or may not have acted."""
    SILENT = "silent"
    """No whole answer in time: it may or may not have acted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from the one sending."""

    reply: Reply
    words: str = ""
    cause: Cause = Cause.NONE
    sent: bool = True
    """False: nothing left this side."""


async def send_once(operable: Operable, request: Request, limits: Limits) -> Answer:
    """Send the command exactly once, whatever happens, and say how it was taken."""
    try:
        with anyio.fail_after(limits.send_s):
            await operable.send(request.kind, request.object_id, request.wanted)
    except UsageError as error:
        # Found wrong on this side, before anything left it.
        return Answer(Reply.REFUSED, error_words(error), Cause.INVALID_POSITION, sent=False)
    except AuthError as error:
        return Answer(Reply.REFUSED, error_words(error), Cause.NO_ACCESS_AUTHORITY)
    except StatusError as error:
        # 408 is a time-out in another coat; a 5xx, or 502-504 from something between, may come after the act.
        if 400 <= error.status_code < 500 and error.status_code != 408:
            cause = Cause.INVALID_POSITION if error.status_code == 422 else Cause.NO_ACCESS_AUTHORITY
            return Answer(Reply.REFUSED, error_words(error), cause)
        silent = error.status_code == 408 or isinstance(error, Busy)
        return Answer(Reply.SILENT if silent else Reply.FAULT, error_words(error))
    except Unreachable as error:
        return Answer(Reply.NOT_SENT, error_words(error), Cause.ABORTION_BY_COMMUNICATION_LOSS, sent=False)
    except TimeoutError:
        return Answer(Reply.SILENT, tr("no answer within {seconds} s", seconds=f"{limits.send_s:g}"))
    except Exception as error:
        # Whatever went wrong, the command may be out: only reading back can tell.
        return Answer(Reply.SILENT, error_words(error))
    return Answer(Reply.ACKED)


class Feedback:
    """Reads one object back until it is clear what a command did to it."""

    def __init__(self, operable: Operable, request: Request, before: Facts, clock: Clock, limits: Limits) -> None:
        self._operable = operable
        self._request = request
        self._before = before
        self._clock = clock
        self._limits = limits
        self._last: Facts | None = None
        self._last_read_failed = True
        self._run = 0
        self._saw_wanted = False
        self._problem = tr("it was not read")

    async def watch(self, answer: Answer) -> Outcome:
        """Poll until the result is certain or the feedback time is over."""
        limits, start = self._limits, self._clock.monotonic()
        window_s, last_s = self._windows(answer)
        reached_s: float | None = None
        while True:
            await self._look()
            elapsed_s = self._clock.monotonic() - start
            if self._steady() and self._shows_wanted():
                reached_s = elapsed_s if reached_s is None else reached_s
                over = elapsed_s >= min(reached_s + limits.fast_s, max(last_s, limits.feedback_s))
                if over or self._power_is_off():
                    return self._confirmed()
            elif self._saw_wanted and self._steady() and self._shows_initial():
                return self._returned()
            elif elapsed_s >= (last_s if self._shows_wanted() or self._last_read_failed else window_s):
                return self._verdict(answer)
            await self._clock.sleep(limits.poll_s if elapsed_s < limits.fast_s else limits.slow_poll_s)

    def _windows(self, answer: Answer) -> tuple[float, float]:
        """Seconds until a report of the wanted value is late, and until what is under way then is waited for."""
        limits, own_s = self._limits, self._before.feedback_s
        if own_s is not None:
            # A lost connection is no silence, and power may take its time after an OPEN that was reported late.
            return own_s, own_s + limits.fast_s
        of_value = answer.reply is Reply.FAULT and self._request.kind != RELAY
        window_s = limits.failed_write_s if of_value else limits.feedback_s
        return window_s, window_s

    async def last_look(self) -> Outcome:
        """Read once, quickly, because the session is ending; then say what is known."""
        with anyio.move_on_after(self._limits.last_look_s):
            await self._look()
        return self._verdict(Answer(Reply.SILENT, tr("the session ended before the result was read back")))

    def not_switched(self, answer: Answer) -> Outcome:
        """The outcome of a definite no."""
        name, source, words = shown_name(self._before), self._request.source, self._before.wording
        if answer.reply is Reply.NOT_SENT:
            sentence = tr(
                "{source} could not be reached ({answer}). Nothing was sent. Check the link and try again.",
                source=source,
                answer=answer.words,
            )
        else:
            sentence = tr(
                "{source} refused the command ({answer}). {unchanged}: {name} is as it was. {advice}.",
                source=source,
                answer=answer.words,
                unchanged=tr(words.unchanged),
                name=name,
                advice=tr(words.advice),
            )
        return Outcome(State.FAILED, answer.cause, sentence, self._before, sent=answer.sent)

    async def _look(self) -> None:
        """One bounded read; a failed one only leaves its reason."""
        request, facts = self._request, None
        try:
            with anyio.fail_after(self._limits.read_s):
                facts = await self._operable.read_back(request.kind, request.object_id)
        except TimeoutError:
            self._problem = tr("no answer within {seconds} s", seconds=f"{self._limits.read_s:g}")
        except Exception as error:
            self._problem = error_words(error)
        else:
            if facts is None:
                self._problem = tr("it is no longer there")
            elif facts.identity != self._before.identity:
                self._problem = tr("other equipment answered: {identity}", identity=clean(facts.identity, 80))
                facts = None
        self._last_read_failed = facts is None
        if facts is None:
            return
        same = self._last is not None and self._last.state == facts.state
        self._run = self._run + 1 if same else 1
        self._last = facts
        self._saw_wanted = self._saw_wanted or self._shows_wanted()

    def _steady(self) -> bool:
        return self._run >= self._limits.steady_reads

    def _shows_wanted(self) -> bool:
        return self._last is not None and self._last.state == self._request.wanted

    def _shows_initial(self) -> bool:
        return self._last is not None and self._last.state == self._before.state

    def _opens(self) -> bool:
        return self._request.kind == RELAY and self._request.wanted == OPEN

    def _power_is_off(self) -> bool:
        """True when an OPEN shows in the power too; for other commands power says nothing."""
        if not self._opens():
            return True
        power_w = None if self._last is None else self._last.power_w
        return power_w is not None and abs(power_w) < self._limits.off_below_w

    def _words_of(self, state: str) -> str:
        return value_words(self._before, self._request.kind, state, STATE_CHARS)

    def _confirmed(self) -> Outcome:
        name, wanted = shown_name(self._before), self._words_of(self._request.wanted)
        sentence = tr(
            "{name} is {wanted}, as read back from {source}.", name=name, wanted=wanted, source=self._request.source
        )
        alarm = ""
        if not self._power_is_off():
            power_w = None if self._last is None else self._last.power_w
            flow = tr("its power is not known")
            if power_w is not None:
                flow = tr("power still flows ({power} W)", power=f"{power_w:.0f}")
            alarm = tr(
                "{name} is opened by report, {flow}. The relay may be welded or the wiring not as "
                "mapped: treat the circuit as live and check it at the panel.",
                name=name,
                flow=flow,
            )
        return Outcome(State.CONFIRMED, Cause.NONE, sentence, self._last, alarm)

    def _returned(self) -> Outcome:
        name, before, words = shown_name(self._before), self._words_of(self._before.state), self._before.wording
        sentence = tr(
            "{name} went to {wanted} and came back to {before}. {came_back}: {look} before trying again.",
            name=name,
            wanted=self._words_of(self._request.wanted),
            before=before,
            came_back=tr(words.came_back),
            look=tr(words.look),
        )
        sentence += self._held()
        return Outcome(State.FAILED, Cause.SWITCH_RETURNED, sentence, self._last, sentence)

    def _held(self) -> str:
        """Who holds the object, as a sentence to go on with; empty if not known."""
        who = "" if self._last is None else clean(self._last.requester, 80)
        return " " + tr("Moved last or held by: {who}.", who=who) if who else ""

    def _verdict(self, answer: Answer) -> Outcome:
        """What can be said when the time is over."""
        if self._shows_wanted():
            return self._confirmed()
        name, source, words = shown_name(self._before), self._request.source, self._before.wording
        what = f" ({answer.words})" if answer.words else ""
        if self._last is None or self._last_read_failed:
            sentence = tr(
                "The command to {name} was sent{what} and could not be read back ({problem}). {unknown}: "
                "{look}. It is not sent again.",
                name=name,
                what=what,
                problem=self._problem,
                unknown=tr(words.unknown),
                look=tr(words.look),
            )
            return Outcome(State.UNKNOWN, Cause.ABORTION_BY_COMMUNICATION_LOSS, sentence, self._last, sentence)
        now = self._words_of(self._last.state)
        if self._shows_initial() and answer.reply is Reply.FAULT:
            sentence = tr(
                "{source} answered with a fault{what} and {name} still is {now}: {unsupported}. The old value stands.",
                source=source,
                what=what,
                name=name,
                now=now,
                unsupported=tr(words.unsupported),
            )
            return Outcome(State.FAILED, Cause.NONE, sentence, self._last)
        if self._shows_initial():
            sentence = tr(
                "The command to {name} was sent{what}; it still reads {now} and may yet change. It is "
                "not sent again: watch it, and {look} before trying once more.",
                name=name,
                what=what,
                now=now,
                look=tr(words.look),
            )
            silence = f" {tr(words.silence)}" if words.silence and answer.reply is Reply.ACKED else ""
            sentence += silence + self._held()
            return Outcome(State.UNKNOWN, Cause.TIME_LIMIT_OVER, sentence, self._last, sentence)
        sentence = tr(
            "{name} reads {now}, neither as before nor as wanted ({wanted}). {look} before trying again.",
            name=name,
            now=now,
            wanted=self._words_of(self._request.wanted),
            look=tr(words.look).capitalize(),
        )
        sentence += self._held()
        answered = answer.reply is not Reply.SILENT and self._before.feedback_s is None
        definite = answered and self._last.state != "unknown"
        state = State.FAILED if definite else State.UNKNOWN
        return Outcome(state, Cause.NOT_EXPECTED_FINAL_POSITION, sentence, self._last, sentence)


def error_words(error: Exception) -> str:
    """An error's words without a closing stop, to stand in brackets."""
    words = clean(str(error), 300).rstrip(". ")
    if isinstance(error, (SourceError, UsageError)) and words:
        return words
    if isinstance(error, TimeoutError):
        return tr("no answer in time")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
