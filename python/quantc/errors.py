"""What quantc raises and warns: messages that say what is wrong, where, and what to do."""

from __future__ import annotations

__all__ = ["QuantcError", "QuantcWarning"]


class QuantcError(Exception):
    """A model, data or a file that quantc cannot use.

    Attributes
    ----------
    where : str or None
        The node, row or file that the message is about.
    remedy : str or None
        What to do about it.
    exit_code : int or None
        How the compiler ended, where it was the compiler that refused: 1 for the model or the data, 2 for a wrong
        option, negative for a signal.
    """

    def __init__(
        self, message: str, *, where: str | None = None, remedy: str | None = None, exit_code: int | None = None
    ) -> None:
        text = message
        if where and where not in message:
            text = f"{where}: {text}"
        if remedy and remedy not in message:
            text = f"{text}; {remedy}"
        super().__init__(text)
        self.where = where
        self.remedy = remedy
        self.exit_code = exit_code


class QuantcWarning(UserWarning):
    """Something that the compiler did, and that the user may not expect."""
