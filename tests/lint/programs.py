# SPDX-License-Identifier: Apache-2.0
"""The rules of `make lint` that ask another program: clang-format and
shellcheck. A program that is missing is a finding, not a rule left out."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import rules

# The format differs between versions; Debian 12 has this one.
CLANG_FORMAT_VERSION = "14"


def clang_format():
    """The program's name and None, or None and what is wrong."""
    asked = [os.environ.get("CLANG_FORMAT", ""),
             f"clang-format-{CLANG_FORMAT_VERSION}", "clang-format"]
    for name in asked:
        if name and shutil.which(name):
            out = subprocess.run([name, "--version"], check=True,
                                 stdout=subprocess.PIPE).stdout.decode()
            if re.search(rf"version {CLANG_FORMAT_VERSION}\.", out):
                return name, None
    return None, (f"clang-format {CLANG_FORMAT_VERSION} is not installed: "
                  "packaging/dependencies build lint")


def first_difference(old, new):
    pairs = enumerate(zip(old.split("\n") + [None], new.split("\n") + [None]))
    return next((n + 1 for n, (a, b) in pairs if a != b), 1)


def format_one(program, path, text):
    done = subprocess.run([program, f"--assume-filename={path}"],
                          input=text.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        return path, 1, done.stderr.decode().strip()
    new = done.stdout.decode(errors="replace")
    if new != text:
        return path, first_difference(text, new), "run `make format`"
    return None


def rule_format(tree):
    """C files look as clang-format leaves them."""
    program, problem = clang_format()
    if problem:
        return [(".clang-format", 1, problem)]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda item: format_one(program, *item),
                         [item for item in tree.items()
                          if rules.is_c(item[0])])
        return [finding for finding in found if finding]


def rule_shellcheck(tree):
    """shellcheck has nothing to say about any shell script."""
    scripts = {}
    for path, text in tree.items():
        shell = re.match(r"#!\S*(?:/env )?.*\b(sh|bash|dash)\b", text)
        if shell:
            scripts[path] = (shell.group(1), text)
    if not scripts:
        return []
    if not shutil.which("shellcheck"):
        return [("tests/lint/lint", 1, "shellcheck is not installed: "
                 "packaging/dependencies build lint")]
    found = []
    for path, (shell, text) in scripts.items():
        out = subprocess.run(["shellcheck", "-f", "gcc", "-s", shell, "-"],
                             input=text.encode(), stdout=subprocess.PIPE,
                             check=False).stdout.decode()
        for line in out.splitlines():
            match = re.match(r"-:(\d+):\d+: (.*)", line)
            if match:
                found.append((path, int(match.group(1)), match.group(2)))
    return found


ALL = [rule_format, rule_shellcheck]
