"""The f32 values that --evaluate-main prints, as the i32 of the same bits, one a line."""

import re
import struct
import sys

text = sys.stdin.read()
for value in re.findall(r"[-+]?(?:nan|inf|\d[\d.e+-]*)", text.rsplit(": ", 1)[1]):
    print(struct.unpack("<i", struct.pack("<f", float(value)))[0])
