"""Write arrays that are wrong in one way each: make-arrays.py FOLDER."""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rows = np.random.default_rng(0).random((40, 784), np.float32)
np.save(folder / "good.npy", rows)
np.save(folder / "narrow.npy", rows[:, :100])
np.save(folder / "none.npy", rows[:0])
np.save(folder / "rank1.npy", rows[0])
np.save(folder / "nan.npy", np.full((4, 784), np.nan, np.float32))
np.save(folder / "text.npy", np.array([["a"] * 784]))
np.save(folder / "object.npy", np.array([[{}] * 784], object), allow_pickle=True)
(folder / "cut.npy").write_bytes((folder / "good.npy").read_bytes()[:-100])
(folder / "head.npy").write_bytes((folder / "good.npy").read_bytes()[:20])
(folder / "empty.npy").write_bytes(b"")
special = rows[:6].copy()
special[0, :] = np.nan
special[1, ::2] = np.inf
special[2, ::3] = -np.inf
special[3, :] = 1e30
np.save(folder / "special.npy", special)
np.savez(folder / "named.npz", anything=rows)
