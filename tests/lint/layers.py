# SPDX-License-Identifier: Apache-2.0
"""The rules about who may include what: the lists of docs/ARCHITECTURE.md."""
import re

# Folder of src/ to the folders whose headers it may include, beside its own
# and base.
LAYERS = {
    "base": "",
    "model": "",
    "translate": "model",
    "input": "translate pipeline net model",
    "pipeline": "model",
    "sink": "pipeline aws net model",
    "proxy": "aws net",
    "local": "pipeline store net model",
    "store": "net",
    "lambda": "net",
    "aws": "net",
    "config": "",
    "net": "",
}
# What stands in src/ itself, and the subcommands, wire the folders together
# and see them all.
TOP = re.compile(r"src/(cmd/)?\w+\.[ch]")

# A header of include/xr belongs to the folder that has a .c file of the same
# name, or by this list.
OWNERS = {
    "slice": "base", "plain": "base", "span": "model", "options": "config",
    "otlp": "input", "input": "input", "translate": "translate", "cred": "aws",
    "print": "sink", "xray": "sink", "exporter": "sink", "store": "store",
    "lambda": "lambda",
}

# Third-party header to the only places that may include it.
THIRD_PARTY = {
    "event2/": "src/net/",
    "event.h": "src/net/",
    "nghttp2/": "src/net/",
    "zlib.h": "src/net/",
    "zstd.h": "src/net/",
    "curl/": "src/net/client.c",
    "yaml.h": "src/config/tree.c",
    "openssl/": "src/base/hash.c src/net/tls.c",
    "sqlite3.h": "src/store/db.c",
    "curses.h": "src/cmd/screen.c",
    "term.h": "src/cmd/screen.c",
    "jansson.h": "src/aws/ src/proxy/ src/sink/",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[>"]', re.MULTILINE)


def includes(text):
    """(line, bracket, name) of each include."""
    for match in INCLUDE.finditer(text):
        yield (text.count("\n", 0, match.start(2)) + 1, match.group(1),
               match.group(2))


def owner(tree, name):
    """The folder of src/ that include/xr/<name>.h belongs to, or None. Where
    several have a .c of that name, none does by itself."""
    if name in OWNERS:
        return OWNERS[name]
    if f"src/{name}.c" in tree:
        return "relay"
    found = [path.split("/")[1] for path in tree
             if re.fullmatch(rf"src/(?!cmd/)\w+/{name}\.c", path)]
    return found[0] if len(found) == 1 else None


def folder_of(tree, path):
    """The folder whose rules a file of src/ or include/xr/ obeys."""
    header = re.fullmatch(r"include/xr/(\w+)\.h", path)
    if header:
        return owner(tree, header.group(1))
    inside = re.match(r"src/(\w+)/", path)
    return inside.group(1) if inside else None


def included_folder(tree, path, bracket, name):
    """The folder that an include reaches into; None for a system header."""
    shared = re.fullmatch(r"xr/(\w+)\.h", name)
    if shared:
        return owner(tree, shared.group(1))
    if bracket == "<":
        return None
    if "/" in name:
        return name.split("/")[0]
    return path.split("/")[1]


def rule_layers(tree):
    """A folder includes only headers of the folders below it."""
    for path, text in tree.items():
        if not re.match(r"(src|include)/.*\.[ch]$", path) or \
                TOP.fullmatch(path):
            continue
        mine = folder_of(tree, path)
        for line, bracket, name in includes(text):
            if name.startswith("../"):
                yield path, line, f'"{name}" goes up; name its folder'
                continue
            if name.endswith("relay.h"):
                yield (path, line,
                       "only src/ itself and cmd/ include relay.h")
                continue
            theirs = included_folder(tree, path, bracket, name)
            if theirs is None or mine is None or mine == theirs:
                continue
            if mine not in LAYERS:
                yield path, line, f"folder {mine} has no row in LAYERS"
            elif "/" in name and not name.startswith("xr/"):
                yield path, line, f'"{name}" is private to {theirs}'
            elif theirs != "base" and theirs not in LAYERS[mine].split():
                yield path, line, f'{mine} may not include {theirs}: "{name}"'


def rule_third_party(tree):
    """Each third-party header appears in its one place."""
    for path, text in tree.items():
        if not re.match(r"(src|include)/.*\.[ch]$", path):
            continue
        for line, _, name in includes(text):
            for prefix, places in THIRD_PARTY.items():
                if name.startswith(prefix) and \
                        not path.startswith(tuple(places.split())):
                    yield path, line, f"<{name}> only in {places}"


def rule_contracts(tree):
    """A header is in include/xr if and only if another folder includes it."""
    used = {}
    for path, text in tree.items():
        if re.match(r"(src|include)/.*\.[ch]$", path):
            for _, _, name in includes(text):
                used.setdefault(name, set()).add(folder_of(tree, path))
    for path in tree:
        header = re.fullmatch(r"include/xr/(\w+)\.h", path)
        if not header:
            if re.match(r"include/", path):
                yield path, 1, "contracts live in include/xr/"
            continue
        mine = owner(tree, header.group(1))
        if mine is None:
            yield path, 1, ("no folder of src/ has one .c file of this name; "
                            "name its owner in tests/lint/layers.py")
        elif not used.get(f"xr/{header.group(1)}.h", set()) - {mine}:
            yield path, 1, f"no folder but {mine} includes it: move it there"


ALL = [rule_layers, rule_third_party, rule_contracts]
