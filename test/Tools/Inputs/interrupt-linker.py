"""Interrupt a compilation while its linker runs: interrupt-linker.py COMMAND... -o FOLDER ...

Only the compiler gets the signal, as from `kill`. It must end the linker, which would write its output later, and leave
nothing.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LINKER = """#!{python}
import os, sys, time
with open("linker.new", "w") as file:
    file.write(str(os.getpid()))
os.rename("linker.new", "linker.pid")
time.sleep(60)
with open(sys.argv[sys.argv.index("-o") + 1], "w") as file:
    file.write("late")
"""

command = sys.argv[1:]
folder = Path(command[command.index("-o") + 1])
linker, number = Path("linker").absolute(), Path("linker.pid")
linker.write_text(LINKER.format(python=sys.executable))
linker.chmod(0o755)

for sent in (signal.SIGINT, signal.SIGTERM):
    number.unlink(missing_ok=True)
    child = subprocess.Popen(
        ["env", "--default-signal", *command], env=os.environ | {"QUANTC_LLD": str(linker)}, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while not number.exists():
        assert child.poll() is None and time.monotonic() < end, "the linker was not started"
        time.sleep(0.01)
    child.send_signal(sent)
    assert child.wait(timeout=30) in (-sent, 128 + sent), child.returncode
    try:
        os.kill(int(number.read_text()), 0)
    except ProcessLookupError:
        pass
    else:
        raise AssertionError("the linker lives on")
    assert not folder.exists() or not list(folder.iterdir()), list(folder.iterdir())
