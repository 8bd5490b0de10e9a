"""What runs add up to: medians, what is left out, who is ahead, and whether a goal is met. Plain values in, plain values out."""

import statistics

FLAT = 1.2  # what a unit may cost with many, as a part of what it costs with few


def summary(kept: list, disturbed: list) -> dict:
    """Of a server's runs. Where none was undisturbed, the disturbed ones count, and it is said."""
    counted = kept or disturbed
    values = sorted(sample.value for sample in counted)
    keys = counted[0].beside if counted else {}
    return {"values": values, "median": statistics.median(values) if values else None,
            "beside": {key: statistics.median(sample.beside[key] for sample in counted if key in sample.beside) for key in keys},
            "disturbed": 0 if kept else len(disturbed), "left_out": len(disturbed) if kept else 0}


def best_rival(seen: dict) -> dict | None:
    rivals = [each for each in seen["servers"][1:] if not each["floor"] and each["median"]]
    if not rivals:
        return None
    return (max if seen["more_is_better"] else min)(rivals, key=lambda each: each["median"])


def goals(seen: dict) -> list[tuple[str, bool]]:
    """What is said of each of a line's goals, and whether it is met. Empty where nothing could be compared."""
    if seen.get("grows"):
        return [(f"{growth['most']:.2f} of the first, goal ≤ {seen['goal']:.2g}", growth["most"] <= seen["goal"]) for growth in growths(seen)[:1]]
    ours, best = seen["servers"][0], best_rival(seen)
    if not ours["median"] or not best:
        return []
    ratio = ours["median"] / best["median"]
    said = [of_ratio(seen, ours, best, ratio)]
    limit, p50 = seen.get("p50_goal"), ours["beside"].get("p50 µs")
    if limit and p50 is not None:
        said.append((f"p50 {figure(p50)} µs, goal ≤ {figure(limit)}", p50 <= limit))
    return said


def of_ratio(seen: dict, ours: dict, best: dict, ratio: float) -> tuple[str, bool]:
    if most := seen.get("most"):
        return f"{ratio:.2f} of {best['name']}, goal ≤ {figure(most)} {seen['unit']}", ours["median"] <= most
    sign = "≥" if seen["more_is_better"] else "≤"
    return f"{ratio:.2f} of {best['name']}, goal {sign} {seen['goal']:.2g}", ratio >= seen["goal"] if seen["more_is_better"] else ratio <= seen["goal"]


def verdict(seen: dict) -> str:
    return "; ".join(f"{said}: {'met' if met else 'MISSED'}" for said, met in goals(seen))


def growths(seen: dict) -> list[dict]:
    """Of a line that grows: each server's costs by what grew, and the largest as a part of the first one. Ours first."""
    found: dict[str, dict] = {}
    for each in seen["servers"]:
        if each["median"]:
            found.setdefault(each["of"], {"server": each["of"], "costs": {}})["costs"][each["units"]] = each["median"]
    for growth in found.values():
        first, *later = growth["costs"].values()
        growth["most"] = max(later, default=first) / first
    return list(found.values())


def figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(server: dict) -> str:
    return f"{figure(server['values'][0])}–{figure(server['values'][-1])}"


def runs(server: dict) -> str:
    """How many count, and what became of others."""
    said = f"{len(server['values'])}"
    if server["disturbed"]:
        return f"{said}, all disturbed"
    return f"{said}, {server['left_out']} disturbed left out" if server["left_out"] else said
