"""The report's plots, as SVG."""

from figures import FLAT, best_rival, growths

ROW, LEFT, WIDTH = 22, 210, 400  # of the bars, in pixels; WIDTH is as much as the best rival
STEP, TALL, MARGIN = 130, 220, 60  # of the growth
COLOURS = ("#27a", "#2a7", "#c73", "#93a", "#777")


def bars(lines: list[dict]) -> str:
    """Our cost as a part of the best rival's: a bar a line, and a mark where the goal is."""
    parts = []
    for seen in lines:
        ours, best = seen["servers"][0]["median"], best_rival(seen)
        if not ours or not best or seen.get("grows"):
            continue
        cost, goal = ours / best["median"], seen["goal"]
        if seen.get("most"):
            goal = seen["most"] / best["median"]
        if seen["more_is_better"]:
            cost, goal = 1 / cost, 1 / goal
        y = ROW * (len(parts) + 1)
        colour = "#2a7" if cost <= goal else "#c73"
        shown = min(1.4, cost) * WIDTH
        mark = f'<path d="M{LEFT + goal * WIDTH:.0f} {y}v18" stroke="#000"/>' if goal <= 1.4 else ""
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{seen["line"]}</text>'
                     f'<rect x="{LEFT}" y="{y + 2}" width="{shown:.0f}" height="14" fill="{colour}"/>{mark}'
                     f'<text x="{LEFT + shown + 6:.0f}" y="{y + 13}">{cost:.2f}</text>')
    height = ROW * (len(parts) + 2)
    return svg(LEFT + int(WIDTH * 1.4) + 60, height,
               f'<text x="{LEFT}" y="14">our cost, the best rival\'s being 1 (grey line); black: the goal</text>'
               f'<path d="M{LEFT + WIDTH} {ROW}V{height}" stroke="#999"/>{"".join(parts)}')


def growth(lines: list[dict]) -> str:
    """Our cost of a unit as a part of that with the fewest: one curve a line; grey: as much as it may grow."""
    curves = [(seen, growths(seen)[0]) for seen in lines if seen.get("grows") and growths(seen) and len(growths(seen)[0]["costs"]) > 2]
    units = sorted({each for _seen, curve in curves for each in curve["costs"]})
    top = max([1.6, *(curve["most"] * 1.1 for _seen, curve in curves)])

    def at(unit: int, ratio: float) -> str:
        return f"{MARGIN + STEP * units.index(unit)} {MARGIN / 2 + TALL * (1 - ratio / top):.0f}"

    parts = [f'<text x="{MARGIN + STEP * i}" y="{TALL + MARGIN / 2 + 18:.0f}" text-anchor="middle">{unit:,}</text>' for i, unit in enumerate(units)]
    right = MARGIN + STEP * max(0, len(units) - 1)
    for i, (seen, curve) in enumerate(curves):
        first = next(iter(curve["costs"].values()))
        colour, y = COLOURS[i % len(COLOURS)], 40 + 18 * i
        path = "L".join(at(unit, cost / first) for unit, cost in curve["costs"].items())
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{right + 20}" y="{y}" fill="{colour}">{seen["line"]}: {curve["most"]:.2f}</text>')
    for ratio in (0, 1, FLAT):
        y = MARGIN / 2 + TALL * (1 - ratio / top)
        dashes = ' stroke-dasharray="4"' if ratio == FLAT else ""
        parts.append(f'<path d="M{MARGIN} {y:.0f}H{right}" stroke="#999"{dashes}/>'
                     f'<text x="{MARGIN - 8}" y="{y + 4:.0f}" text-anchor="end">{ratio}</text>')
    return svg(right + 190, TALL + MARGIN + 10,
               f'<text x="{MARGIN}" y="16">cost of a unit with so many flows or connections, with the fewest being 1</text>{"".join(parts)}')


def svg(width: int, height: int, drawn: str) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>\n')
