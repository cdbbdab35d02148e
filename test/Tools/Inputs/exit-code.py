"""Run a command that must end with one exit code, in a bounded time: exit-code.py CODE COMMAND...

Its output goes on; a crash, a hang and any other code fail.
"""

import subprocess
import sys

SECONDS = 20  # "within seconds", on a loaded machine

wanted, command = int(sys.argv[1]), sys.argv[2:]
try:
    code = subprocess.run(command, check=False, timeout=SECONDS).returncode
except subprocess.TimeoutExpired:
    sys.exit(f"{command} did not end within {SECONDS} s")
if code != wanted:
    sys.exit(f"{command} ended with exit code {code}, not {wanted}")
