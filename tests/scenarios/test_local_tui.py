# SPDX-License-Identifier: Apache-2.0
"""`xray-relay tui` in an emulated terminal: what is seen, what keys do, and
how the terminal is left."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from harness.documents import segment
from harness.ports import free_port
from harness.relay import BINARY, NO_ACCOUNT
from harness.terminal import Terminal

CTRL_X = "\x18"
ESC = "\x1b"
REVERSED_LIST = "Traces, newest first"
EAST = "\u6ce8\u6587"  # two characters, four columns


@pytest.fixture
def tui():
    """Starts it against a local mode; `words` are its arguments."""
    started = []

    def start(relay, *words, env=(), **size):
        address = f"127.0.0.1:{relay.tcp_port}"
        argv = [BINARY, "tui", "-t", address, *words]
        started.append(Terminal(argv, env, **size))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def put(relay, *documents):
    for i in range(0, len(documents), 50):
        answer = relay.put(*documents[i : i + 50])
        assert json.loads(answer.body)["UnprocessedTraceSegments"] == []
    return [json.loads(document)["trace_id"] for document in documents]


def request(method, url, status):
    return {
        "request": {"method": method, "url": url},
        "response": {"status": status},
    }


def shop(ago=0.0, took=0.4, status=200, path="/orders/1", **more):
    """A trace of a shop that asks its stock."""
    start = time.time() - ago - took
    stock = {
        "id": os.urandom(8).hex(),
        "name": "stock",
        "namespace": "remote",
        "start_time": start + took / 4,
        "end_time": start + took / 2,
        "http": request("GET", "http://stock.internal/7", 200),
    }
    return segment(
        name="shop",
        start_time=start,
        end_time=start + took,
        http=request("POST", f"http://shop.example{path}", status),
        fault=status >= 500,
        subsegments=[stock],
        annotations={"order": "4711"},
        metadata={"default": {"basket": ["tea", "milk"]}},
        **more,
    )


def test_panes_show_a_trace_and_its_details(local, tui):
    ids = put(local, shop(ago=9), shop(status=502, path="/pay"))
    terminal = tui(local)
    terminal.sees("live", "2 traces", "1 of 2", f"Trace {ids[1]}: 3 spans")
    terminal.sees_line("POST /pay", "502", "shop \u25b8 stock")
    terminal.press("j")
    terminal.sees(f"Trace {ids[0]}: 3 spans", "took: 400ms")
    terminal.sees_line("  stock  ", "\u2588")
    terminal.press("\rj")
    terminal.sees("kind: subsegment", "namespace: remote", "took: 100ms")
    terminal.press("k\rG")
    terminal.sees("metadata", "basket", "- milk")
    terminal.press(ESC + "h")
    terminal.sees("\u25b8 shop ")
    terminal.misses("  stock  ")
    terminal.press("l")
    terminal.sees("\u25be shop ", "  stock  ")


def test_a_filter_is_applied_or_its_fault_is_shown(local, tui):
    put(local, *(shop(path=f"/good/{i}") for i in range(3)))
    put(local, shop(status=500, path="/bad"))
    terminal = tui(local)
    terminal.sees("of 4", "/good/1")
    terminal.press("/fault AND AND\r")
    terminal.sees("filter, column 11: ")
    column = len("/ fault AND ")
    terminal.until(lambda _: terminal.screen.cursor.x == column, "its column")
    terminal.sees("of 4")
    terminal.press("\x0b\x7f\x7f\x7f\x7f\r")
    terminal.sees("/ fault\n", "of 1", "/bad")
    terminal.misses("/good")
    # What comes is filtered, too.
    put(local, shop(path="/good/4"), shop(status=503, path="/worse"))
    terminal.sees("/worse", "of 2")
    terminal.misses("/good")
    terminal.press("/\x15" + ESC)
    terminal.sees("/ fault\n")
    terminal.press("/\x15\r")
    terminal.sees("no filter", "of 6")


def test_more_pages_are_asked_for_as_one_scrolls(local, tui):
    put(local, *(shop(ago=i, path=f"/n/{i}") for i in range(450)))
    terminal = tui(local)
    terminal.sees("1 of ", "450 traces", "/n/0 ")

    def at_the_end(shown):
        terminal.press("G")
        return "450 of 450 \u2500" in shown

    terminal.until(at_the_end, "the last page")
    terminal.sees("/n/449")
    terminal.press("gg")
    terminal.sees("1 of 450", "/n/0 ")


def test_the_list_is_sorted(local, tui):
    put(
        local,
        shop(ago=1, took=0.2, path="/newest"),
        shop(ago=5, took=3, path="/longest"),
        shop(ago=9, took=0.1, path="/worst", status=503),
    )
    terminal = tui(local)

    def order(*paths):
        def in_order(shown):
            found = [shown.find(path) for path in paths]
            return -1 not in found and found == sorted(found)

        terminal.until(in_order, f"order {paths}")

    order("newest first", "/newest", "/longest", "/worst")
    terminal.press("s")
    order("longest first", "/longest", "/newest", "/worst")
    terminal.press("s")
    order("worst first", "/worst", "/newest", "/longest")


def test_traces_come_live_and_wait_while_it_is_paused(local, tui):
    terminal = tui(local)
    terminal.sees("no traces yet", "live")
    put(local, shop(path="/one"))
    terminal.sees("/one", "1 of 1")
    terminal.press("p")
    terminal.sees("paused")
    put(local, shop(path="/two"))
    terminal.until(re.compile("paused, [1-9]").search, "what was missed")
    terminal.misses("/two")
    terminal.press("p")
    terminal.sees("/two", "of 2", "live")


def test_the_map_shows_who_calls_whom(local, tui):
    put(local, shop(), shop(status=500))
    terminal = tui(local)
    terminal.sees("1 of 2")
    terminal.press("m")
    terminal.sees("Service map of 2 traces", "requests")
    counts = re.compile(r"\u21b3 shop .* 2 +1 +0 +0 +\S+ +\S+$", re.MULTILINE)
    terminal.until(counts.search, "requests, faults, errors and throttles")
    terminal.press("j")
    terminal.sees("calls\n", "2 calls, 0 faults", "is called by")
    terminal.press("j\r")
    terminal.sees('/ service("stock")', "of 2")
    terminal.press("gm")
    terminal.sees("Service map of 2 traces")
    terminal.press("gt")
    terminal.sees(REVERSED_LIST)


def test_nothing_in_a_name_is_obeyed(local, tui):
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31mred\u202etxt"
    put(local, shop(ago=9, path="/hostile", user=hostile))
    put(local, segment(name=f"{EAST}\x1b[8mhidden"))
    terminal = tui(local)
    terminal.sees(f"{EAST}", "\\x1b[8mhidden", "/hostile")
    terminal.press("j")
    terminal.sees("user: \\x1b]0;owned\\x07\\x1b[2J\\u009b31mred", "\\u202e")
    terminal.press("q")
    terminal.wait()
    assert terminal.screen.title == ""
    for bytes_ in (b"\x1b]0", b"\x1b[8m", b"\xc2\x9b", b"\xe2\x80\xae"):
        assert bytes_ not in terminal.written


def test_clear_asks_first(local, tui):
    put(local, shop(), shop(status=500))
    terminal = tui(local, "fault")
    terminal.sees("1 of 1", "/ fault")
    terminal.press(CTRL_X)
    terminal.sees("Delete all traces", "f: those of the filter")
    terminal.press("n")
    terminal.sees("nothing was deleted", "1 of 1")
    terminal.press(CTRL_X)
    terminal.sees("Delete all traces")
    terminal.press("f")
    terminal.sees("no trace matches the filter", "1 traces")
    terminal.press(CTRL_X)
    terminal.sees("Delete all traces")
    terminal.press("y")
    terminal.sees(" 0 traces")


def test_the_screen_follows_its_size(local, tui):
    put(local, shop())
    terminal = tui(local)
    terminal.sees(REVERSED_LIST, "Details", "? help")
    terminal.resize(50, 15)
    terminal.until(
        lambda shown: "Details" not in shown and REVERSED_LIST in shown,
        "one pane",
    )
    terminal.press("\t")
    terminal.sees("Trace 1-")
    terminal.resize(140, 45)
    terminal.sees(REVERSED_LIST, "Details", "? help")
    assert "? help" in terminal.screen.display[44]
    terminal.resize(3, 2)
    terminal.press("q")
    assert terminal.wait() == 0


def is_as_before(terminal):
    """Modes as they were, the first screen shown again, with its cursor."""
    written = terminal.written
    shown = written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l")
    left = written.rfind(b"\x1b[?1049l") > written.rfind(b"\x1b[?1049h")
    return shown and left and terminal.echoes()


def test_the_terminal_is_left_as_it_was(local, tui):
    terminal = tui(local)
    terminal.sees("no traces yet")
    terminal.press("?")
    terminal.sees("Keys (any of them leaves this)", "PgUp PgDn")
    terminal.press("q")
    terminal.sees("no traces yet")
    terminal.press("q")
    assert terminal.wait() == 0
    assert is_as_before(terminal)


@pytest.mark.parametrize(
    "signo", [signal.SIGTERM, signal.SIGINT, signal.SIGABRT, signal.SIGSEGV]
)
def test_a_signal_ends_it_well(local, tui, signo):
    terminal = tui(local)
    terminal.sees("no traces yet")
    assert not terminal.echoes()
    os.kill(terminal.pid, signo)
    assert terminal.wait() == -signo
    assert is_as_before(terminal)


def test_a_lost_server_is_connected_again(local, tui):
    put(local, shop(path="/before"))
    terminal = tui(local)
    terminal.sees("/before", "live")
    local.stop()
    terminal.sees("connection lost, trying again", "/before")
    local.start_local()
    terminal.sees("live", "no traces yet")
    put(local, shop(path="/after"))
    terminal.sees("/after")


def test_without_colour(local, tui):
    put(local, shop(status=500))
    terminal = tui(local, env={"NO_COLOR": "1"})
    terminal.sees("1 of 1")
    terminal.press("q")
    terminal.wait()
    assert b"\x1b[31m" not in terminal.written


def test_where_nobody_listens_the_file_is_read(make_relay, tui, tmp_path):
    store = str(tmp_path / "traces.db")
    relay = make_relay(env=NO_ACCOUNT).start_local(store=store)
    put(relay, shop(path="/kept"))
    relay.stop()
    terminal = tui(relay, "--store", store)
    terminal.sees("/kept", "not live", "the store's file")
    terminal.press(CTRL_X)
    terminal.sees("only a running local mode deletes")
    terminal.press("q")
    assert terminal.wait() == 0


def run_without_terminal(*words, env=()):
    return subprocess.run(
        [BINARY, "tui", *words],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **dict(env)},
    )


def test_it_says_what_it_needs(local, tui, tmp_path):
    done = run_without_terminal()
    assert done.returncode == 1
    assert "needs a terminal" in done.stderr
    terminal = tui(local, env={"TERM": "nonesuch"})
    assert terminal.wait() == 1
    terminal.sees('the terminal "nonesuch" is unknown')
    nowhere = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    local.tcp_port = free_port()
    terminal = tui(local, env=nowhere)
    assert terminal.wait() == 1
    terminal.sees("start `xray-relay local`")


def test_tab_completes_the_filter(local, tui):
    put(local, shop(path="/one"))
    put(local, segment(name="other", annotations={"order": "4712"}))
    terminal = tui(local)
    terminal.sees("of 2")
    terminal.press("/faul\t")
    terminal.sees("/ fault\n", "Tab: fault")
    # Where the cursor is, and one after the other, round about.
    terminal.press("\x15 AND ok\x01faul\t")
    terminal.sees("/ fault AND ok\n")
    terminal.press('\x15service("ot\t')
    terminal.sees('/ service("other"')
    terminal.press("\x15annotation.order = \t")
    terminal.sees('/ annotation.order = "471')
    first = terminal.until(
        lambda shown: re.search(r'order = "(471\d)"', shown), "a value"
    ).group(1)
    second = {"4711": "4712", "4712": "4711"}[first]
    terminal.press("\t")
    terminal.sees(f'/ annotation.order = "{second}"')
    terminal.press("\t")
    terminal.sees(f'/ annotation.order = "{first}"')
    # What is typed ends it; what is in the box is applied.
    terminal.press(" ")
    terminal.misses("Tab: \"")
    terminal.press("\r")
    terminal.sees("1 of 1")


def test_links_to_other_traces_are_shown(local, tui):
    (sent,) = put(local, shop(ago=5, path="/sends", id="00000000000000aa"))
    link = {"trace_id": sent, "id": "00000000000000aa"}
    (taken,) = put(local, segment(name="worker", links=[link]))
    terminal = tui(local)
    terminal.sees("of 2")
    terminal.press("gg")
    terminal.sees(f"Trace {taken}: 1 spans", "other traces", f"to: {sent}")
    terminal.sees_line("  worker \u21c4")
    terminal.press("j")
    terminal.sees(f"Trace {sent}: 3 spans", "other traces", f"from: {taken}")
    terminal.sees_line("\u25be shop \u21c4")
    # Of the chosen span alone.
    terminal.press("\rj")
    terminal.misses("other traces")
