# SPDX-License-Identifier: Apache-2.0
"""The relay's own account: /metrics, the ledger line, and both balances."""

import re
from dataclasses import dataclass

SAMPLE = re.compile(r"(?P<name>[a-z_]+)(\{(?P<labels>[^}]*)\})? (?P<value>\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
ITEMS = re.compile(
    r"offered (\d+) = accepted (\d+) \+ rejected (\d+) \+ told to retry (\d+)"
    r" \+ dropped by the kernel (\d+)"
)
DOCUMENTS = re.compile(
    r"(\w+): made (\d+) = delivered (\d+) \+ refused (\d+) \+ dropped (\d+)"
    r" \+ pending (\d+)"
)


class Metrics:
    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            match = SAMPLE.fullmatch(line)
            assert match or line.startswith("#") or not line, line
            if match:
                labels = dict(LABEL.findall(match["labels"] or ""))
                self.samples.append(
                    (match["name"], labels, float(match["value"]))
                )

    def sum(self, name, **labels):
        """Over all samples of that name that carry these labels."""
        return int(
            sum(
                value
                for n, have, value in self.samples
                if n == name and labels.items() <= have.items()
            )
        )

    def items(self, outcome, **labels):
        return self.sum("xray_relay_items_total", outcome=outcome, **labels)

    def documents(self, outcome, **labels):
        return self.sum("xray_relay_documents_total", outcome=outcome, **labels)


@dataclass
class Items:
    offered: int
    accepted: int
    rejected: int
    retry: int
    kernel_dropped: int

    def holds(self):
        return self.offered == (
            self.accepted + self.rejected + self.retry + self.kernel_dropped
        )


@dataclass
class Documents:
    made: int
    delivered: int
    refused: int
    dropped: int
    pending: int

    def holds(self):
        return self.made == (
            self.delivered + self.refused + self.dropped + self.pending
        )


@dataclass
class Ledger:
    items: Items
    sinks: dict

    @staticmethod
    def parse(log):
        """The ledger on the log's last such line; None without one."""
        lines = [x for x in log.splitlines() if ITEMS.search(x)]
        if not lines:
            return None
        items = Items(*map(int, ITEMS.search(lines[-1]).groups()))
        sinks = {
            name: Documents(*map(int, numbers))
            for name, *numbers in DOCUMENTS.findall(lines[-1])
        }
        return Ledger(items, sinks)

    def check(self):
        assert self.items.holds(), self
        for documents in self.sinks.values():
            assert documents.holds(), self
            assert documents.pending == 0, self
