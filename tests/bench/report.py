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
    rows = ["| line | ours | rivals | floor | verdict |", "|---|---|---|---|---|"]
    for seen in lines:
        ours = seen["servers"][0]
        rivals = ", ".join(f"{each['name']} {figure(each['median'])}" for each in seen["servers"][1:] if not each["floor"] and each["median"])
        floor = ", ".join(figure(each["median"]) for each in seen["servers"] if each["floor"] and each["median"])
        rows.append(f"| {seen['title']} ({seen['unit']}) | {figure(ours['median']) if ours['median'] else 'failed'} | {rivals} | {floor} | {verdict(seen)} |")
    (ROOT / "docs/benchmarks.md").write_text("# Benchmarks\n\n" + "\n".join(rows) + "\n")
