# SPDX-License-Identifier: Apache-2.0
"""The report of scripts/papers: one file, nothing else is needed to read it."""
import html
import re

SURE = {
    "S": "read in the paper or the RFC itself",
    "S2": "read in a third party's extraction of the paper",
    "M": "recalled from memory",
    "M-hi": "recalled from memory, surely",
    "M-med": "recalled from memory, perhaps",
    "M-lo": "recalled from memory, hardly",
    "D": "computed from the formulas",
}

STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 1080px; padding: 0 1em; color: #222; }
h2 { margin-top: 2.5em; border-top: 1px solid #ccc; padding-top: 1em; }
table { border-collapse: collapse; margin: 1em 0; width: 100%; }
th, td { text-align: left; padding: .25em .6em; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.yes { color: #006b3c; font-weight: bold; } .no { color: #b00020; font-weight: bold; }
figure { margin: 1em 0; } figure svg { max-width: 100%; height: auto; } figcaption { color: #555; }
.differs { background: #fff7e0; padding: .6em 1em; border-left: 4px solid #e0a800; }
code { background: #f3f3f3; padding: 0 .2em; }
details { margin: .5em 0; } pre { background: #f6f6f6; padding: 1em; overflow-x: auto; }
"""


def number(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return html.escape(value)
    return f"{value:.4g}"


def allowed(gate):
    parts = []
    if "tolerance" in gate:
        parts.append(f"&plusmn;{gate['tolerance'] * 100:g} %")
    if "within" in gate:
        parts.append(f"&plusmn;{gate['within']:g}")
    if "least" in gate:
        parts.append(f"&ge; {gate['least']:g}")
    if "most" in gate:
        parts.append(f"&le; {gate['most']:g}")
    return ", ".join(parts)


def beside(real):
    """What real kernels had to say of the same gate."""
    if real is None:
        return ""
    if real.have is None:
        return f"<td>{html.escape(real.why)}</td>"
    spread = f"<br><small>{number(real.spread[0])} &ndash; {number(real.spread[1])}</small>" if real.runs > 1 else ""
    return f"<td class=n><b>{number(real.have)}</b>{spread}</td>"


def row(outcome, real):
    gate = outcome.gate
    spread = f"{number(outcome.spread[0])} &ndash; {number(outcome.spread[1])}" if outcome.spread and outcome.runs > 1 else ""
    known = f"<br><small>{html.escape(gate['known'])}</small>" if "known" in gate else ""
    return (f"<tr><td>{html.escape(gate['name'])}{known}</td><td class=n>{number(gate.get('theory'))}</td>"
            f"<td class=n>{number(gate.get('published'))}</td><td class=n><b>{number(outcome.have)}</b></td>"
            f"<td class=n>{spread}</td>{beside(real)}<td class=n>{outcome.runs}</td><td>{html.escape(gate.get('unit', ''))}</td>"
            f"<td>{allowed(gate)}</td><td class={'yes>holds' if outcome.holds else 'no>does not hold'}</td>"
            f"<td><span title='{html.escape(SURE[gate['certainty']])}'>{gate['certainty']}</span>"
            f" {html.escape(gate['source'])}{' ' + html.escape(outcome.why)}</td></tr>")


def inline(svg, mark):
    """A picture in the page: names in it must not be those of another one."""
    svg = svg[svg.index("<svg"):] if "<svg" in svg else ""
    svg = re.sub(r"\bid=(['\"])([^'\"]+)", rf"id=\g<1>{mark}\g<2>", svg)
    svg = re.sub(r"xlink:href=(['\"])#", rf"xlink:href=\g<1>#{mark}", svg)
    return re.sub(r"url\(#", f"url(#{mark}", svg)


def section(index, experiment, runs, outcomes, real, pictures):
    out = [f"<h2 id='{html.escape(experiment['id'])}'>{html.escape(experiment['title'])}</h2>",
           f"<p><b>{html.escape(experiment['paper'])}.</b> {html.escape(experiment.get('setup', ''))}"
           f" <code>papers/{html.escape(experiment['scenario'])}</code>, {len(runs)} runs.</p>"]
    out.append("<table><tr><th>what</th><th>theory</th><th>published</th><th>measured (median)</th><th>of all</th>"
               f"{'<th>real kernels</th>' if real else ''}<th>runs</th><th>unit</th><th>allowed</th><th></th><th>source</th></tr>")
    out += [row(outcome, real[i] if real else None) for i, outcome in enumerate(outcomes)]
    out.append("</table>")
    if "differs" in experiment:
        out.append(f"<p class=differs>{html.escape(experiment['differs'])}</p>")
    for k, (title, svg) in enumerate(pictures):
        out.append(f"<figure>{inline(svg, f'p{index}x{k}')}<figcaption>{html.escape(title)}</figcaption></figure>")
    return "\n".join(out)


def page(pages, readme):
    every = [o for _, _, outcomes, *_ in pages for o in outcomes]
    good, total, known = sum(o.holds for o in every), len(every), sum(not o.holds and "known" in o.gate for o in every)
    out = ["<!DOCTYPE html><html lang=en><meta charset=utf-8><title>plait: published results, again</title>",
           f"<style>{STYLE}</style><h1>Published results, again</h1>",
           f"<p>{good} of {total} gates hold; of the others {known} are known, and their sections say why. Each result is the median of all runs (seeds); theory is what the formulas give for the same "
           "set-up, published is what the paper has. Which of them the gate is about: theory, where there is one.</p>",
           "<p>How sure a figure is: " + "; ".join(f"<b>{k}</b> {html.escape(v)}" for k, v in SURE.items()) + ".</p>",
           "<table><tr><th>experiment</th><th>paper</th><th>gates</th></tr>"]
    for experiment, _, outcomes, *_ in pages:
        held = sum(o.holds for o in outcomes)
        out.append(f"<tr><td><a href='#{html.escape(experiment['id'])}'>{html.escape(experiment['title'])}</a></td>"
                   f"<td>{html.escape(experiment['paper'])}</td>"
                   f"<td class={'yes' if held == len(outcomes) else 'no'}>{held} of {len(outcomes)}</td></tr>")
    out.append("</table>")
    out += [section(i, *one) for i, one in enumerate(pages)]
    if readme:
        out.append(f"<h2>How this is made</h2><pre>{html.escape(readme)}</pre>")
    return "\n".join(out) + "\n</html>\n"
