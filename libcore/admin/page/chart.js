// ---- charts: the last ten minutes as curves, drawn as SVG

const kSvg = "http://www.w3.org/2000/svg";
const kWidth = 600, kHeight = 100; // of the drawing's own coordinates, stretched to its place

function drawn(name, attributes, ...children) {
  const element = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// The next of 1, 2, 5, 10, …, so that the scale doesn't change with each point.
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= value * 0.999);
}

class Chart {
  constructor(title, unit, labels) {
    this.format = kUnits[unit];
    this.labels = labels;
    this.title = title;
    this.pointed = null; // the place that is pointed at
    this.numbers = labels.map(() => node("b", {}));
    const now = node("div", { class: "now" }, ...labels.map((label, i) =>
      node("div", { class: `s${i}` }, node("i", { "aria-hidden": "true" }), this.numbers[i], node("span", {}, label))));
    this.svg = drawn("svg", { viewBox: `0 0 ${kWidth} ${kHeight}`, preserveAspectRatio: "none", role: "img", tabindex: "0" });
    this.most = node("span", {});
    this.when = node("span", {});
    this.spoken = node("span", { class: "unseen", "aria-live": "polite" });
    this.figure = node("figure", {}, node("h3", {}, title), now, this.svg,
      node("div", { class: "axis" }, this.when, this.most), this.spoken);
    this.svg.addEventListener("pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      this.point(Math.round((event.clientX - box.left) / box.width * (this.times.length - 1)));
    });
    for (const event of ["pointerleave", "blur"]) this.svg.addEventListener(event, () => this.point(null));
    this.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.point((this.pointed ?? this.times.length - 1) + step);
      setText(this.spoken, `${this.when.textContent}: ` + this.labels.map((label, i) => `${this.numbers[i].textContent} ${label}`).join(", "));
    });
  }

  // `series`: a list of numbers or nulls each, as long as `times` (in milliseconds).
  show(times, series) {
    this.times = times;
    this.series = series;
    const highest = Math.max(0, ...series.flat().filter((value) => value !== null));
    const top = roundUp(highest);
    this.top = top;
    const x = (i) => times.length < 2 ? kWidth : i / (times.length - 1) * kWidth;
    const y = (value) => kHeight - value / top * (kHeight - 4) - 1;
    const parts = [0, .5, 1].map((part) => drawn("line", { class: "grid", x1: 0, x2: kWidth, y1: y(part * top), y2: y(part * top) }));
    series.forEach((values, which) => {
      const group = drawn("g", { class: `s${which}` });
      for (const run of runs(values)) {
        const line = run.map(([i, value]) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join("L");
        if (which === 0) group.append(drawn("path", { class: "area", d: `M${x(run[0][0])},${kHeight}L${line}L${x(run.at(-1)[0])},${kHeight}Z` }));
        group.append(drawn("path", { class: "curve", d: "M" + line }));
      }
      parts.push(group);
    });
    this.cursor = drawn("line", { class: "at", x1: 0, x2: 0, y1: 0, y2: kHeight, visibility: "hidden" });
    this.svg.replaceChildren(...parts, this.cursor);
    this.svg.setAttribute("aria-label", `${this.title}, the last ${duration((times.at(-1) - times[0]) / 1000 || 0)}: ` +
      this.labels.map((label, i) => `${label} ${this.format(last(series[i]))}`).join(", ") + `; highest ${this.format(highest)}`);
    this.x = x;
    this.point(this.pointed);
  }

  point(place) {
    if (!this.times?.length) return;
    this.pointed = place === null ? null : Math.max(0, Math.min(this.times.length - 1, place));
    this.numbers.forEach((element, i) => setText(element, this.format(this.pointed === null ? last(this.series[i]) : this.series[i][this.pointed])));
    this.cursor.setAttribute("visibility", this.pointed === null ? "hidden" : "visible");
    if (this.pointed !== null) for (const end of ["x1", "x2"]) this.cursor.setAttribute(end, this.x(this.pointed));
    setText(this.when, this.pointed === null ? duration((this.times.at(-1) - this.times[0]) / 1000) : clock(this.times[this.pointed]));
    setText(this.most, "to " + this.format(this.top));
  }
}

const last = (values) => values.findLast((value) => value !== null) ?? null;

// What lies between nulls, as [place, value].
function runs(values) {
  const found = [[]];
  values.forEach((value, i) => value === null ? found.push([]) : found.at(-1).push([i, value]));
  return found.filter((run) => run.length > 0);
}
