"""What operators may ask, and what the engine does about it. Every command is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.model.command import Answer, Command

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine


def obey(engine: Engine, command: Command) -> None:
    """Do what the command says, or answer why not."""
    engine.emit(Answer(engine.now_ns, command.id, False, f"{command.verb} is not known"))
