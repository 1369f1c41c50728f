# SPDX-License-Identifier: Apache-2.0
"""The rules of `make lint` that need no other program.

A rule takes the tree, a dict of path to text, and gives findings: tuples of
path, line and what is wrong. It reads no file and prints nothing, so that the
self-test can hand it bad samples.
"""
import re
from collections import namedtuple

COLUMNS = 80
FUNCTION_LINES = 80
FILE_LINES = 600
PARAMETERS = 5

Function = namedtuple("Function", "name line length parameters callback")


def is_c(path):
    return path.endswith((".c", ".h"))


def is_script(path, text):
    return path.endswith((".py", ".sh")) or text.startswith("#!")


def numbered(text):
    return enumerate(text.split("\n"), 1)


def blank(match):
    """As many spaces and line ends as the match has characters."""
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The text with comments and the insides of strings blanked out."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    keep = re.compile(r"#\s*include")

    def replace(match):
        start = text.rfind("\n", 0, match.start()) + 1
        if match.group()[0] == '"' and keep.match(text, start):
            return match.group()
        return blank(match)

    return re.sub(pattern, replace, text, flags=re.DOTALL)


def count_parameters(header):
    """Commas outside of inner brackets, in the last outer bracket pair."""
    depth, commas, content = 0, 0, ""
    for char in header[header.index("("):]:
        depth += char == "("
        depth -= char == ")"
        if depth == 0:
            break
        commas += depth == 1 and char == ","
        content += char
    return 0 if content.strip("( \n") in ("", "void") else commas + 1


def is_callback(header):
    """A static function that ends in `void *`: a library asks for its form."""
    return header.startswith("static") and \
        re.search(r",\s*void \*\w+\)\s*$", header)


def functions(text):
    """Function definitions. With the braces of .clang-format, and only for
    functions, `{` and `}` stand alone at the begin of a line."""
    lines = code_of(text).split("\n")
    for number, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        top = number
        while top > 0 and re.match(r"[^#\s}{]|\s+\S", lines[top - 1]) and \
                not lines[top - 1].rstrip().endswith((";", "}")):
            top -= 1
        header = "\n".join(lines[top:number])
        name = re.search(r"(\w+)\s*\(", header)
        end = number
        while end < len(lines) - 1 and lines[end].rstrip() != "}":
            end += 1
        if name:
            yield Function(name.group(1), top + 1, end - top + 1,
                           count_parameters(header), is_callback(header))


def rule_columns(tree):
    """No line of code is longer than 80 columns."""
    for path, text in tree.items():
        if is_c(path) or is_script(path, text):
            for number, line in numbered(text):
                if len(line.expandtabs(8)) > COLUMNS:
                    yield path, number, f"{len(line)} columns, not over 80"


def rule_white_space(tree):
    """No white space at line ends, a line end at the end, no tabs in C."""
    for path, text in tree.items():
        if not (is_c(path) or is_script(path, text) or path == "Makefile"):
            continue
        for number, line in numbered(text):
            if line != line.rstrip():
                yield path, number, "white space at the end of the line"
            if is_c(path) and "\t" in line:
                yield path, number, "a tab"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield path, text.count("\n"), "the file ends in one line end"


def rule_size(tree):
    """Functions of 80 lines, 5 parameters; files of 600 lines at most."""
    for path, text in tree.items():
        if not is_c(path):
            continue
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield path, lines, f"{lines} lines, not over {FILE_LINES}"
        for f in functions(text):
            if f.length > FUNCTION_LINES:
                yield path, f.line, (f"{f.name}: {f.length} lines, not over "
                                     f"{FUNCTION_LINES}")
            if f.parameters > PARAMETERS and not f.callback:
                yield path, f.line, (f"{f.name}: {f.parameters} parameters, "
                                     f"not over {PARAMETERS}")


BANNED = {
    "strcpy strcat stpcpy sprintf vsprintf gets": "no bound on the output",
    "strncpy strncat": "leaves text without its end, or pads",
    "strtok": "hidden state; cut slices",
    "atoi atol atoll atof": "no sign of an error; parse and check",
    "gmtime localtime ctime asctime": "shared buffer; use the _r form",
    "rand srand random drand48": "use random_bytes",
    "tmpnam tempnam mktemp": "a race; use mkstemp or mkdtemp",
    "system popen": "a shell; use posix_spawn",
    "alloca": "no bound on the stack",
    "setjmp longjmp": "return an error",
}

SLEEP = re.compile(r"(?<![\w.>])(u|nano|clock_nano)?sleep\s*\(")


def rule_banned_calls(tree):
    """Calls that have a safe form are not made."""
    why = {name: reason for names, reason in BANNED.items()
           for name in names.split()}
    # A declaration, `static void gets(...)`, is no call either, but bad too.
    call = re.compile(r"(?<![\w.>])(" + "|".join(why) + r")\s*\(")
    for path, text in tree.items():
        if not is_c(path):
            continue
        for number, line in numbered(code_of(text)):
            for match in call.finditer(line):
                name = match.group(1)
                yield path, number, f"{name}: {why[name]}"
            if SLEEP.search(line) and not path.startswith("tests/bench/"):
                yield path, number, "a sleep: poll a condition to a deadline"
            if re.search(r"\bNDEBUG\b", line):
                yield path, number, "NDEBUG: asserts stay on"


def rule_typedef(tree):
    """typedef only for callbacks; structs are spelled out."""
    for path, text in tree.items():
        if is_c(path):
            for match in re.finditer(r"^typedef\b[^;{]*[;{]",
                                     code_of(text), re.MULTILINE):
                if "(*" not in match.group() and \
                        not re.search(r"\w\s*\(", match.group()):
                    yield (path, text.count("\n", 0, match.start()) + 1,
                           "typedef of something that is no function")


def rule_opening(tree):
    """SPDX line first; C files then say what they are in a comment."""
    spdx = "SPDX-License-Identifier: Apache-2.0"
    for path, text in tree.items():
        code = is_c(path) or is_script(path, text) or \
            re.search(r"(^|/)(Makefile|Dockerfile)$|\.(js|mjs|css|tsx?)$",
                      path)
        if not code or not text:
            continue
        lines = text.split("\n") + ["", ""]
        first = 1 if lines[0].startswith("#!") else 0
        if spdx not in lines[first]:
            yield path, first + 1, f"does not begin with `{spdx}`"
        elif is_c(path) and not lines[1].startswith("/*"):
            yield path, 2, "does not say in a comment what the file is"


def rule_guard(tree):
    """A header's guard is made from its name."""
    for path, text in tree.items():
        if path.endswith(".h") and path.startswith(("include/", "src/")):
            name = re.sub(r"\W", "_", re.sub(r"^(include|src)/", "", path))
            name = name.upper()
            if not name.startswith("XR_"):
                name = "XR_" + name
            if f"#ifndef {name}\n#define {name}\n" not in text:
                yield path, 1, f"has no guard {name}"


ALL = [rule_columns, rule_white_space, rule_size, rule_banned_calls,
       rule_typedef, rule_opening, rule_guard]
