"""Every error of hedgerow, as one tree, named by who must act.

    Error
    ├── ConfigError      the operator corrects a file, an option or the data; nothing was done
    ├── VenueError
    │   ├── Transient    wait and try again (timeout before sending, rate limit, maintenance)
    │   ├── Refused      the venue said no; this order is finished
    │   └── Unanswered   sent, no reply: reconcile before anything else on that instrument
    ├── Mismatch         book and venue disagree beyond half a lot: stop, show both, ask
    └── StoreError       the journal or the history cannot be written: stop at once

A broken invariant is an ``assert``: it crashes, and the journal restarts us.
"""

from __future__ import annotations


class Error(Exception):
    """Root of all errors that hedgerow raises on purpose; ``exit_code`` ends the command line."""

    exit_code = 1


class ConfigError(Error):
    """A file, an option or a data set that the operator must correct.

    ``where`` names the file, line, key or option; ``fix`` says what would be accepted.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", fix: str = "") -> None:
        self.message, self.where, self.fix = message, where, fix
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The error as a person reads it: where, what, and the fix."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}. {self.fix}" if self.fix else text


class VenueError(Error):
    """An exchange did not do what was asked."""


class Transient(VenueError):
    """Nothing was sent, or nothing was done: wait and try again."""


class Refused(VenueError):
    """The venue said no; this order is finished."""


class Unanswered(VenueError):
    """Sent without a reply: neither accepted nor refused until it is looked up."""


class Mismatch(Error):
    """Book and venue disagree by more than half a lot."""

    exit_code = 3


class StoreError(Error):
    """A store cannot be read or written; nothing is sent unwritten."""

    exit_code = 4
