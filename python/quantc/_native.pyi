from collections.abc import Sequence
from typing import Any

MAX_TENSORS: int

class Library:
    def __init__(
        self,
        path: str,
        name: str,
        inputs: Sequence[tuple[str, tuple[int, ...]]],
        outputs: Sequence[tuple[str, tuple[int, ...]] | tuple[str, tuple[int, ...], str]],
        counters: int = 0,
    ) -> None: ...
    def __call__(self, *inputs: Any) -> Any: ...
    def clipped(self, reset: bool = False) -> list[int]: ...
