#!/usr/bin/env python3
"""Draws docs/performance/*.svg from docs/performance/growth.json, which benches/growth.sh writes.

    benches/plot.py [growth.json [folder]]

Needs nothing but Python's own library. The pictures have no background and use the reader's own fonts, so that they can be read
on light and on dark pages.
"""

import json
import math
import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 44, 76
COLOURS = ["#2f81f7", "#d9730d", "#1a9c5b", "#a05cd6"]
STYLE = """
  text { font-family: system-ui, sans-serif; font-size: 12px; fill: #6e7781; }
  .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: #8b949e; stroke-opacity: 0.3; stroke-width: 1; }
  .axis { stroke: #8b949e; stroke-width: 1; }
  @media (prefers-color-scheme: dark) { text { fill: #a5afba; } }
"""


def short(value):
    """A number as a person writes it on an axis."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.10g}{letter}"
    return f"{value:.10g}"


def ceiling(value):
    """The smallest of 1, 2, 2.5, 5 times a power of ten, times up to ten steps, that holds the value; and its step."""
    if value <= 0:
        return 1.0, 0.25
    power = 10 ** math.floor(math.log10(value))
    for step in (0.1, 0.2, 0.25, 0.5, 1, 2):
        if value <= step * power * 6:
            return math.ceil(value / (step * power) - 1e-9) * step * power, step * power
    raise ValueError(value)


class Chart:
    """Lines over places of the horizontal axis; each point a median with the smallest and the largest of its rounds."""

    def __init__(self, title, horizontal, vertical, places, even=True):
        self.title, self.horizontal, self.vertical = title, horizontal, vertical
        self.places, self.even, self.lines = places, even, []

    def line(self, name, points):
        """`points` has (median, lowest, highest) for each place, or None where nothing was measured."""
        self.lines.append((name, points))

    def x(self, index):
        inside = WIDTH - LEFT - RIGHT - 40
        if self.even or max(self.places) == min(self.places):
            share = index / max(1, len(self.places) - 1)
        else:
            share = (self.places[index] - min(self.places)) / (max(self.places) - min(self.places))
        return LEFT + 20 + share * inside

    def svg(self):
        highest = max(point[2] for _, points in self.lines for point in points if point)
        top, step = ceiling(highest)

        def y(value):
            return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">',
            f"<title>{escape(self.title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="{LEFT}" y="22">{escape(self.title)}</text>',
        ]
        for number in range(round(top / step) + 1):
            value = number * step
            out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
            out.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{short(value)}</text>')
        out.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
        for index, place in enumerate(self.places):
            out.append(f'<text x="{self.x(index):.1f}" y="{y(0) + 18:.1f}" text-anchor="middle">{short(place)}</text>')
        out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{y(0) + 36:.1f}" text-anchor="middle">{escape(self.horizontal)}</text>')
        middle = (TOP + HEIGHT - BOTTOM) / 2
        out.append(f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">{escape(self.vertical)}</text>')
        legend = LEFT
        for (name, points), colour in zip(self.lines, COLOURS):
            there = [(self.x(index), point) for index, point in enumerate(points) if point]
            path = " ".join(f"{x:.1f},{y(point[0]):.1f}" for x, point in there)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for x, (median, low, high) in there:
                out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="{colour}" stroke-width="1.5"/>')
                out.append(f'<circle cx="{x:.1f}" cy="{y(median):.1f}" r="3.5" fill="{colour}"/>')
            out.append(f'<circle cx="{legend + 5}" cy="{HEIGHT - 16}" r="5" fill="{colour}"/>')
            out.append(f'<text x="{legend + 15}" y="{HEIGHT - 12}">{escape(name)}</text>')
            legend += 34 + 7 * len(name)
        out.append("</svg>")
        return "\n".join(out) + "\n"


def figure(row, name):
    """One figure of a row as a point."""
    value = row.get(name)
    return value and (value["median"], value["lowest"], value["highest"])


def rates(rows, place, title, horizontal, names, even=True, vertical="per second"):
    chart = Chart(title, horizontal, vertical, [row[place] for row in rows], even)
    for name, label in names:
        chart.line(label, [figure(row, name) for row in rows])
    return chart


def charts(growth):
    """The name of each picture and the chart in it."""
    both = [("batch100", "events/s in batches of 100"), ("single", "requests/s with one event")]
    if rows := growth.get("stored"):
        yield "stored", rates(rows, "events", "Rate by stored events", "events stored", both, even=False)
        ratios = [("batch100_ratio", "batches of 100"), ("single_ratio", "one event")]
        yield "stored-ratio", rates(
            rows, "events", "Rate by stored events, against an empty server in the same minute", "events stored", ratios, False, "ratio"
        )
        reads = [("timeline", "timeline, page of 100"), ("contact", "contact"), ("stats", "stats")]
        yield "reads", rates(rows, "events", "Reads by stored events", "events stored", reads, False, "milliseconds, median (to p99)")
    if rows := growth.get("connections"):
        yield "connections", rates(rows, "connections", "Rate by connections", "connections", both)
        late = [("single_p50", "median"), ("single_p99", "p99")]
        yield "latency", rates(
            rows, "connections", "Latency of one event by connections, at full load", "connections", late, vertical="milliseconds"
        )
    if rows := growth.get("datasources"):
        yield "datasources", rates(rows, "datasources", "Rate by datasources", "datasources written to at once", both)
    if rows := growth.get("keys"):
        yield "keys", rates(rows, "keys", "Rate by live keys", "live keys, used in turn", both)


def main(arguments):
    source = Path(arguments[0] if arguments else Path(__file__).parent.parent / "docs/performance/growth.json")
    folder = Path(arguments[1]) if len(arguments) > 1 else source.parent
    growth = json.loads(source.read_text(encoding="utf-8"))
    for name, chart in charts(growth):
        path = folder / f"{name}.svg"
        path.write_text(chart.svg(), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
