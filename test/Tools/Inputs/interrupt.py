"""Interrupt a compilation at many moments: interrupt.py COMMAND... -o FOLDER ...

After each, the output folder holds what it held before (nothing, or one whole earlier package), or the whole new
package, and nothing else. The moments are spread over the time that one undisturbed run takes.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

MOMENTS = 12
WHOLE = {"n.h", "n.json", "n.mlirbc", "n.o", "n.so"}

command = sys.argv[1:]
folder = Path(command[command.index("-o") + 1])


def names() -> set[str]:
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


start = time.monotonic()
subprocess.run(command, check=True)
whole_run = time.monotonic() - start
assert names() == WHOLE, names()
for file in folder.iterdir():
    file.unlink()
folder.rmdir()

interrupted = 0
for moment in range(MOMENTS):
    before = names()
    # A shell's background jobs ignore SIGINT, and their children with them; `env` undoes it.
    child = subprocess.Popen(["env", "--default-signal=INT", *command], stderr=subprocess.DEVNULL)
    time.sleep(whole_run * moment / MOMENTS)
    child.send_signal(signal.SIGINT)
    code = child.wait(timeout=60)
    assert code in (0, -signal.SIGINT, 128 + signal.SIGINT), code
    interrupted += code != 0
    assert names() in (before, WHOLE), (moment, names())
assert interrupted, "no run was interrupted"
