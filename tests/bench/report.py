"""What was seen, as tables: a line on the terminal, and docs/benchmarks.md with its plots."""

from processes import ROOT


def figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def best_rival(seen: dict) -> dict | None:
    rivals = [each for each in seen["servers"][1:] if not each["floor"] and each["median"]]
    if not rivals:
        return None
    return (max if seen["more_is_better"] else min)(rivals, key=lambda each: each["median"])


def verdict(seen: dict) -> str:
    """Our figure as a part of the best rival's, and whether the goal is met."""
    ours, best = seen["servers"][0], best_rival(seen)
    if not ours["median"] or not best:
        return ""
    ratio = ours["median"] / best["median"]
    if most := seen.get("most"):
        return f"{ratio:.2f} of {best['name']}, goal ≤ {figure(most)} {seen['unit']}: {'met' if ours['median'] <= most else 'MISSED'}"
    met = ratio >= seen["goal"] if seen["more_is_better"] else ratio <= seen["goal"]
    sign = "≥" if seen["more_is_better"] else "≤"
    return f"{ratio:.2f} of {best['name']}, goal {sign} {seen['goal']:.2g}: {'met' if met else 'MISSED'}"


def spread(server: dict) -> str:
    return f"{figure(server['values'][0])}–{figure(server['values'][-1])}"


def show_line(seen: dict) -> None:
    print(f"\n{seen['line']}: {seen['title']} ({seen['unit']})")
    for server in seen["servers"]:
        if not server["median"]:
            print(f"  {server['name']:22} failed")
            continue
        beside = ", ".join(f"{key} {figure(value)}" for key, value in server["beside"].items())
        runs = f"{len(server['values'])} runs"
        if server["disturbed"]:
            runs += f", {server['disturbed']} of them disturbed"
        if server["left_out"]:
            runs += f", {server['left_out']} disturbed left out"
        print(f"  {server['name']:22} {figure(server['median']):>9}  ({spread(server)}; {runs})  {beside}")
    print(f"  {verdict(seen)}", flush=True)


def write_report(lines: list[dict]) -> None:
    rows = ["| line | ours | rivals | floor | runs | verdict |", "|---|---|---|---|---|---|"]
    for seen in lines:
        ours = seen["servers"][0]
        rivals = ", ".join(f"{each['name']} {each['version']}: {figure(each['median'])}" for each in seen["servers"][1:] if not each["floor"] and each["median"])
        floor = ", ".join(figure(each["median"]) for each in seen["servers"] if each["floor"] and each["median"])
        runs = f"{len(ours['values'])}, {ours['disturbed']} disturbed" if ours["disturbed"] else f"{len(ours['values'])}"
        rows.append(f"| `{seen['line']}`: {seen['title']} ({seen['unit']}) | {figure(ours['median']) if ours['median'] else 'failed'} "
                    f"| {rivals} | {floor} | {runs} | {verdict(seen)} |")
    (ROOT / "docs/benchmarks.md").write_text(HEAD + "\n".join(rows) + "\n")
    (ROOT / "docs/benchmarks.svg").write_text(plot(lines))


HEAD = """# Benchmarks

Written by `tests/bench/run --report` from the last runs of each line. Figures are medians, CPU time of the server's processes for each
unit of work unless said otherwise; *disturbed* runs are those in which others had more than a twentieth of the server's core.
[performance.md](performance.md) says what was tried and what explains a figure.

![Our cost as a part of the best rival's](benchmarks.svg)

"""

ROW, LEFT, WIDTH = 22, 210, 400  # of the plot, in pixels; WIDTH is as much as the best rival


def plot(lines: list[dict]) -> str:
    """Our cost as a part of the best rival's: a bar a line, and a mark where the goal is."""
    parts = []
    for seen in lines:
        ours, best = seen["servers"][0]["median"], best_rival(seen)
        if not ours or not best:
            continue
        cost, goal = ours / best["median"], seen["goal"]
        if seen["more_is_better"]:
            cost, goal = 1 / cost, 1 / goal
        y = ROW * (len(parts) + 1)
        colour = "#2a7" if cost <= goal else "#c73"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{seen["line"]}</text>'
                     f'<rect x="{LEFT}" y="{y + 2}" width="{min(1.4, cost) * WIDTH:.0f}" height="14" fill="{colour}"/>'
                     f'<path d="M{LEFT + goal * WIDTH:.0f} {y}v18" stroke="#000"/>'
                     f'<text x="{LEFT + min(1.4, cost) * WIDTH + 6:.0f}" y="{y + 13}">{cost:.2f}</text>')
    height = ROW * (len(parts) + 2)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + int(WIDTH * 1.4) + 60}" height="{height}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#fff"/><text x="{LEFT}" y="14">our cost, the best rival\'s being 1 (grey line); black: the goal</text>'
            f'<path d="M{LEFT + WIDTH} {ROW}V{height}" stroke="#999"/>{"".join(parts)}</svg>\n')
