"""Runs a command in a terminal and presses keys there: terminal.py WAIT_FOR KEYS [WAIT_FOR KEYS ...] -- COMMAND...

Waits for each text before it presses the keys that follow it ("^C" is Ctrl-C), prints what the command
wrote, and ends with its exit code. Ctrl-C is pressed again when nothing came of it, as a person does: bash
hears a signal that comes between its last look and its wait only with the next one (1 of 700 at random moments
of the first 1.5 ms on a busy machine).
"""

import os
import pty
import select
import signal
import sys
import time

SECONDS = 20
AGAIN_AFTER_SECONDS = 3


def main() -> int:
    split = sys.argv.index("--")
    script = sys.argv[1:split]
    steps = list(zip(script[::2], script[1::2]))
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])
    seen, unread = b"", b""
    until = time.monotonic() + SECONDS
    again = until
    while time.monotonic() < until:
        if time.monotonic() >= again:
            os.write(terminal, b"\x03")
            again = until
        if steps and steps[0][0].encode() in unread:
            unread = b""
            keys = steps.pop(0)[1].replace("^C", "\x03")
            os.write(terminal, keys.encode())
            if keys == "\x03":
                again = time.monotonic() + AGAIN_AFTER_SECONDS
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if not ready:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        seen, unread = seen + data, unread + data
    sys.stdout.write(seen.decode(errors="replace").replace("\r\n", "\n"))
    if time.monotonic() >= until:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    # As a shell tells of a program that a signal ended.
    return code if code >= 0 else 128 - code


sys.exit(main())
