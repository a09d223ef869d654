"""HTML pages that need nothing else: no script, no style sheet, no picture of another file.

They are well-formed XML, too, and follow the reader's choice of light or dark.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --fore: #1b1f24; --dim: #5c6670; --rule: #d8dee4;
  --a: #0b62c4; --b: #1a7f37; --c: #bc4c00; --bar: #d5e3f5; --mark: #8250df; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --fore: #e6ebf0; --dim: #9aa5b1;
  --rule: #333c46; --a: #6cb0ff; --b: #56d370; --c: #ff9d5c; --bar: #24364d; --mark: #c29bff; } }
body { background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif;
  max-width: 75rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h3 { font-size: 1.05rem; margin-bottom: 0.25rem; }
.dim, small, dt { color: var(--dim); } small { display: block; white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--rule); padding: 0.35rem 0.7rem; text-align: left;
  vertical-align: top; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; } dd { margin: 0; }
svg { width: 100%; height: auto; }
"""


def page(title: str, body: Iterable[str], style: str = "") -> str:
    """Return the whole page; ``body`` follows its heading, and ``style`` the styles of all."""
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>",
            "</head>\n<body>",
            f"<h1>{escape(title)}</h1>",
            *body,
            "</body>\n</html>\n",
        )
    )


def definitions(entries: Iterable[tuple[str, str]]) -> str:
    """Return a list of words and what is said of each."""
    inner = "".join(f"<dt>{escape(word)}</dt><dd>{escape(said)}</dd>" for word, said in entries)
    return f"<dl>{inner}</dl>"
