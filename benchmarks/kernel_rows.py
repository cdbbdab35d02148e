"""The rows of Kernels.def, as Python reads them, and what multiplies in each one's loop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "include/quantc/Kernels/Kernels.def"
KERNEL = re.compile(r"^KERNEL\((\w+),\s*(\w+),\s*(\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(\d+),", re.MULTILINE)
GROUPED = re.compile(
    r"^GROUPED\((\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(\d+),", re.MULTILINE
)
GROUP_CHANNELS = 64  # inputs of 4-bit weights that share a multiplier
X86_ISAS = ("sse41", "avx2", "avxvnni", "avx512bw", "avx512vnni", "amx")
GROUP = 4  # inputs that most instructions take for one lane
TILE_INPUTS = 64  # of one row of a tile register
SCALABLE_ISAS = ("sve", "svei8mm")
SCALABLE_ACCUMULATORS = 16  # of a whole tile of scalable vectors (lib/Kernels/KernelSteps.cpp)

# By instruction set, storage and width of the sums: the instruction in assembly, and what one of it multiplies.
INSTRUCTIONS: dict[tuple[str, str, int], tuple[str, int]] = {
    ("sse41", "S16", 32): (r"\bpmaddwd\b", 8),
    ("sse41", "F32", 32): (r"\bmulps\b", 4),
    ("sse41", "U8", 16): (r"\bpmaddubsw\b", 16),
    ("avx2", "S16", 32): (r"\bvpmaddwd\b.*%ymm", 16),
    ("avx2", "U8", 16): (r"\bvpmaddubsw\b.*%ymm", 32),
    ("avx2", "F32", 32): (r"\bvmulps\b.*%ymm", 8),
    ("avxvnni", "U8", 32): (r"\bvpdpbusd\b.*%ymm", 32),
    ("avxvnni", "S16", 32): (r"\bvpdpwssd\b.*%ymm", 16),
    ("avxvnni", "F32", 32): (r"\bvmulps\b.*%ymm", 8),
    ("avx512bw", "S16", 32): (r"\bvpmaddwd\b.*%zmm", 32),
    ("avx512bw", "U8", 16): (r"\bvpmaddubsw\b.*%zmm", 64),
    ("avx512bw", "F32", 32): (r"\bvmulps\b.*%zmm", 16),
    ("avx512vnni", "U8", 32): (r"\bvpdpbusd\b.*%zmm", 64),
    ("avx512vnni", "S16", 32): (r"\bvpdpwssd\b.*%zmm", 32),
    ("avx512vnni", "F32", 32): (r"\bvmulps\b.*%zmm", 16),
    ("amx", "U8", 32): (r"\btdpbusd\b", 16 * 16 * 64),
    ("amx", "F32", 32): (r"\bvmulps\b.*%zmm", 16),
    ("neon", "S8", 16): (r"\bsm(?:ul|la)l2?\b", 8),
    ("dotprod", "S8", 32): (r"\bsdot\b", 16),
    ("i8mm", "U8", 32): (r"\busmmla\s+v", 32),
    ("sve", "S8", 32): (r"\bsdot\s+z", 16),
    ("svei8mm", "U8", 32): (r"\busmmla\s+z", 32),
    **{(isa, "S16", 32): (r"\bsmlal2?\b", 4) for isa in ("neon", "dotprod", "i8mm", "sve", "svei8mm")},
    **{(isa, "F32", 32): (r"\bfmul\b.*\.4s", 4) for isa in ("neon", "dotprod", "i8mm", "sve", "svei8mm")},
}

# Of rows of 4-bit weights, by instruction set.
GROUPED_INSTRUCTIONS: dict[str, tuple[str, int]] = {
    "portable": ("", 4),
    "sse41": (r"\bpmaddubsw\b", 16),
    "avx2": (r"\bvpmaddubsw\b.*%ymm", 32),
    "avxvnni": (r"\bvpdpbusd\b.*%ymm", 32),
    "avx512bw": (r"\bvpmaddubsw\b.*%zmm", 64),
    "avx512vnni": (r"\bvpdpbusd\b.*%zmm", 64),
    "amx": (r"\bvpdpbusd\b.*%zmm", 64),
    "neon": (r"\bsmlal2?\b", 8),
    "dotprod": (r"\bsdot\b", 16),
    "i8mm": (r"\b(?:us|su)dot\b", 16),
    "sve": (r"\bsmlal2?\b", 8),
    "svei8mm": (r"\b(?:us|su)dot\b", 16),
}


@dataclass(frozen=True)
class Row:
    """A row of Kernels.def."""

    name: str
    isa: str
    lhs: str
    mr: int
    nr: int
    kr: int
    lanes: int
    sum_bits: int
    rhs: str = ""  # how 4-bit weights are stored
    grouped: int = 0  # inputs that an instruction takes for a lane of them

    def __str__(self) -> str:
        """Give the name, which is what tests are called."""
        return self.name

    @property
    def is_x86(self) -> bool:
        """Whether its instructions are x86's."""
        return self.isa in X86_ISAS

    @property
    def is_scalable(self) -> bool:
        """Whether its vectors are as long as the CPU has them."""
        return self.isa in SCALABLE_ISAS and self.lhs not in ("F32", "S16") and not self.rhs

    @property
    def takes_lists(self) -> bool:
        """Whether its panels can list the groups that are not zero."""
        takes_groups = self.kr <= GROUP or (self.sum_bits == 16 and self.lhs == "U8")
        return self.lhs != "F32" and not self.is_scalable and not self.rhs and takes_groups

    @property
    def _form(self) -> tuple[str, int]:
        if self.rhs:
            return GROUPED_INSTRUCTIONS[self.isa]
        # AMX's CPUs have AVX512-VNNI too, and small layers keep to it.
        isa = "avx512vnni" if self.isa == "amx" and self.kr < TILE_INPUTS else self.isa
        if self.isa == "i8mm" and self.kr == GROUP:
            return r"\busdot\b", 16
        return INSTRUCTIONS[isa, self.lhs, self.sum_bits]

    @property
    def instruction(self) -> str:
        """What multiplies, as a regular expression."""
        return self._form[0]

    @property
    def macs(self) -> int:
        """Multiply-adds of one step of a whole tile; of a scalable row, with vectors of 128 bits.

        Of 4-bit weights, of the two halves of a vector of bytes.
        """
        if self.rhs:
            return 2 * self.grouped * self.mr * self.nr
        return self.kr * (SCALABLE_ACCUMULATORS * self.lanes if self.is_scalable else self.mr * self.nr)

    @property
    def products(self) -> int:
        """Vector products of one step of a whole tile."""
        return self.macs // self._form[1]

    @property
    def has_reference(self) -> bool:
        """Whether its operands are those of the loops written by hand: bytes by bytes."""
        return "8s8s" in self.name and not self.rhs


def kernel_rows() -> list[Row]:
    """Read the table."""
    text = TABLE.read_text()
    rows = [
        Row(name, isa, lhs, int(mr), int(nr), int(kr), int(lanes), int(bits))
        for name, isa, lhs, mr, nr, kr, lanes, bits in KERNEL.findall(text)
    ]
    if len(rows) != text.count("\nKERNEL("):
        raise RuntimeError(f"{TABLE} has rows that this cannot read")
    grouped = [
        Row(name, isa, lhs, int(mr), int(nr), GROUP_CHANNELS, int(lanes), int(bits), rhs, int(inputs))
        for name, isa, lhs, rhs, mr, nr, inputs, lanes, bits in GROUPED.findall(text)
    ]
    if len(grouped) != text.count("\nGROUPED("):
        raise RuntimeError(f"{TABLE} has rows of 4-bit weights that this cannot read")
    return rows + grouped
