# SPDX-License-Identifier: Apache-2.0
"""Which sockets listen here, as the kernel tells it."""

import ipaddress

LISTEN = "0A"


def listening():
    """Texts such as "udp 127.0.0.1:2000"; "*" is any address."""
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"/proc/net/{name}", encoding="ascii") as f:
            for line in f.readlines()[1:]:
                words = line.split()
                if name.startswith("tcp") and words[3] != LISTEN:
                    continue
                found.add(f"{name[:3]} {_address(words[1])}")
    return found


def _address(text):
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    ip = ipaddress.ip_address(raw)
    if ip.is_unspecified:
        return f"*:{int(port, 16)}"
    return (
        f"[{ip}]:{int(port, 16)}"
        if ip.version == 6
        else f"{ip}:{int(port, 16)}"
    )
