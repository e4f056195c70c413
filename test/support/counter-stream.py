"""Writes the numbers 0, 1, 2 … one a line, unprocessed, in writes of uneven size, until killed or `last`.

usage: counter-stream.py [last] [seconds to pause between writes]
"""
import os, random, sys, termios, time

last = int(sys.argv[1]) if len(sys.argv) > 1 else None
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
attributes = termios.tcgetattr(1)
attributes[1] &= ~termios.OPOST
termios.tcsetattr(1, termios.TCSANOW, attributes)
chance = random.Random(7)
at = 0
while last is None or at <= last:
    end = at + chance.randint(1, 400)
    if last is not None:
        end = min(end, last + 1)
    data = b"".join(b"%d\n" % number for number in range(at, end))
    while data:
        data = data[os.write(1, data):]
    at = end
    if pause:
        time.sleep(pause)
