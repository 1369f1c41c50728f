# SPDX-License-Identifier: Apache-2.0
"""A program in a terminal of its own: what it writes is shown by an emulator,
whose screen is looked at."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import pyte

SECONDS = 30
STEP_S = 0.02


class Screen(pyte.Screen):
    """With what xterm does and pyte does not: to scroll, to repeat."""

    before = " "

    def draw(self, data):
        super().draw(data)
        self.before = data[-1:] or self.before

    def scroll_up(self, count=1):
        self.at_the_top(self.delete_lines, count)

    def scroll_down(self, count=1):
        self.at_the_top(self.insert_lines, count)

    def repeat(self, count=1):
        self.draw(self.before * (count or 1))

    def at_the_top(self, change, count):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        change(count)
        self.cursor.x, self.cursor.y = x, y


class Stream(pyte.ByteStream):
    csi = {
        **pyte.ByteStream.csi,
        "S": "scroll_up",
        "T": "scroll_down",
        "b": "repeat",
    }
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


class Terminal:
    """argv runs in a pseudo terminal; `env` is added to the environment."""

    def __init__(self, argv, env=(), width=120, height=40):
        self.screen = Screen(width, height)
        self.stream = Stream(self.screen)
        self.written = b""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            whole = {**os.environ, "TERM": "xterm-256color", **dict(env)}
            termios.tcsetwinsize(0, (height, width))
            os.execve(argv[0], argv, whole)

    def read(self, seconds=STEP_S):
        """What has come, or comes in that time. False: the program ended."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.written += data
        self.stream.feed(data)
        return True

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def until(self, condition, what="a condition"):
        """Waits for condition(text of the screen), gives its value."""
        end = time.monotonic() + SECONDS
        while not (value := condition(self.text())):
            alive = self.read()
            assert alive and time.monotonic() < end, (
                f"not within {SECONDS} s: {what}; the screen shows\n"
                f"{self.text()}"
            )
        return value

    def sees(self, *texts):
        for text in texts:
            self.until(lambda shown, text=text: text in shown, repr(text))

    def misses(self, text):
        self.until(lambda shown: text not in shown, f"no {text!r}")

    def sees_line(self, *texts):
        """All of them in one line."""
        self.until(
            lambda shown: any(
                all(text in line for text in texts)
                for line in shown.split("\n")
            ),
            f"a line with {texts}",
        )

    def resize(self, width, height):
        self.screen.resize(height, width)
        fcntl.ioctl(
            self.fd,
            termios.TIOCSWINSZ,
            struct.pack("HHHH", height, width, 0, 0),
        )

    def echoes(self):
        """Whether it takes lines and shows what is typed, as for a shell."""
        modes = termios.tcgetattr(self.fd)[3]
        both = termios.ECHO | termios.ICANON
        return modes & both == both

    def wait(self):
        """Reads to the end; gives the status as os.waitstatus_to_exitcode."""
        end = time.monotonic() + SECONDS
        while self.status is None:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, f"it does not end: {self.text()}"
        while select.select([self.fd], [], [], 0)[0] and self.read():
            pass
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self.fd)
