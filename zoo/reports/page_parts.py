"""Self-contained web pages: no script, nothing that is fetched, and every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from string import Template

# The policy forbids what the page does not need anyway, so that a mistake here cannot fetch or run anything
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 15px/1.5 sans-serif; color: #222; background: #fff; margin: 2em auto; max-width: 80em; padding: 0 1.5em; }
h1 { font-size: 1.6em; margin: 0 0 .2em; overflow-wrap: anywhere; }
h2 { font-size: 1.2em; margin: 2em 0 .5em; border-bottom: 1px solid #ddd; }
h3 { font-size: 1em; margin: 1.2em 0 .4em; overflow-wrap: anywhere; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: right; padding: .25em .65em; border-bottom: 1px solid #e5e5e5; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th { white-space: normal; }
th.text, td.text { text-align: left; }
td.text:last-child { white-space: normal; min-width: 10em; overflow-wrap: anywhere; }
tr.strong td { font-weight: bold; background: #eef3f8; }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 13px; line-height: 1.4; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(23em, 1fr)); gap: 1em; }
.wide figure { margin: 0 0 1em; }
.beside { display: flex; flex-wrap: wrap; gap: 0 3em; }
.matrix td, .matrix th { text-align: center; min-width: 5em; }
.matrix td small { color: #555; display: block; }
figure { margin: 0; }
figcaption { color: #555; font-size: .87em; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }
.verdict { padding: .7em 1em; border-left: 5px solid #228833; background: #f0f7f1; }
.verdict.loses { border-color: #bb5566; background: #fbf1f2; }
.note { color: #555; }
</style>
</head>
<body>
$body
</body>
</html>
""")


def page(title: str, body: str) -> str:
    """A whole page around ``body``, which is HTML; the title is text."""
    return _PAGE.substitute(title=escape(title), body=body)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, texts: Sequence[int], strong: Sequence[int] = ()
) -> str:
    """A table of texts; the columns ``texts`` stand left, others right, and the rows ``strong`` stand out."""

    def line(tag: str, cells: Sequence[str]) -> str:
        kinds = [' class="text"' if index in texts else "" for index in range(len(cells))]
        return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))

    kinds = {True: ' class="strong"', False: ""}
    body = "\n".join(f"<tr{kinds[index in strong]}>{line('td', row)}</tr>" for index, row in enumerate(rows))
    return f"<table>\n<thead><tr>{line('th', heads)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of text, of a class of the page's style."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"
