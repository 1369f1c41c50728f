# SPDX-License-Identifier: Apache-2.0
"""The snippets of a page of docs/, by language."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent.parent / "docs"


def snippets(page, language):
    """The texts between fences of that language, in the page's order."""
    text = (DOCS / page).read_text()
    found = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"no {language} in {page}"
    return found
