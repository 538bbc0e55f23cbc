"""Accessibility checks of rendered pages, measured in the browser."""

from pathlib import Path
from typing import Any

from tests.browser.chromium import Visitor

CONTRAST = """
(() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith('color(') ?
    [m[0]*255, m[1]*255, m[2]*255, m.length > 3 ? m[3] : 1] : [m[0], m[1], m[2], m.length > 3 ? \
m[3] : 1]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i]*a[3] + b[i]*(1 - a[3])).concat(1);
  const back = e => { let layers = []; for (; e; e = e.parentElement) { const s = \
getComputedStyle(e);
    if (s.backgroundImage !== 'none') return null; layers.push(parse(s.backgroundColor)); }
    return layers.reverse().reduce((b, l) => over(l, b), [255, 255, 255, 1]); };
  const linear = v => v <= 0.03928 ? v/12.92 : ((v + 0.055)/1.055)**2.4;
  const light = c => { const f = c.slice(0, 3).map(v => linear(v/255));
    return 0.2126*f[0] + 0.7152*f[1] + 0.0722*f[2]; };
  const bad = [];
  for (const e of document.querySelectorAll('ROOT *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const box = e.getBoundingClientRect();
    if (!own || !box.width || !box.height || box.right < 0 || ['STYLE', \
'SCRIPT'].includes(e.tagName)) continue;
    const b = back(e); if (!b) continue;
    const s = getComputedStyle(e), f = over(parse(s.color), b), [x, y] = [light(f), light(b)];
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05), big = parseFloat(s.fontSize) \
>= 24;
    if (ratio < (big ? 3 : 4.5)) bad.push([e.textContent.trim().slice(0, 40), ratio.toFixed(2), \
s.color, b.join()]);
  }
  return bad;
})()
"""

NAMES = """
(() => [...document.querySelectorAll('ROOT a, ROOT button, ROOT img, ROOT video, ROOT \
audio')].filter(e => {
  const said = e.getAttribute('aria-label') || e.textContent.trim() || e.getAttribute('alt')
    || [...e.querySelectorAll('img')].map(i => i.alt).join('');
  return !said; }).map(e => e.outerHTML.slice(0, 120)))()
"""

TARGETS = """
(() => [...document.querySelectorAll('ROOT a, ROOT button')].filter(e => {
  const b = e.getBoundingClientRect();
  return b.width && b.right > 0 && getComputedStyle(e).display !== 'inline' && (b.height < 24 || \
b.width < 24); })
  .map(e => e.outerHTML.slice(0, 120)))()
"""


def page_faults(visitor: Visitor, root: str = "body") -> list[Any]:
    """Return violations of WCAG 2.2: contrast (1.4.3), accessible names (4.1.2), target size
    (2.5.8), reflow (1.4.10) and page language (3.1.1)."""
    visitor.page.wait_for_load_state()
    found: list[Any] = []
    for question in (CONTRAST, NAMES, TARGETS):
        found += visitor.run(question.replace("ROOT", root))
    if visitor.overflow > 0:
        found.append(f"{visitor.overflow} px wider than the window")
    if not visitor.run("document.documentElement.lang"):
        found.append("no language")
    return found


def error_lines(log: Path) -> list[str]:
    """Return the lines of a process log that report an error."""
    marks = ('"level": "error"', '"level": "critical"', "Traceback (most recent call last)")
    return [
        line for line in log.read_text("utf-8").splitlines() if any(mark in line for mark in marks)
    ]
