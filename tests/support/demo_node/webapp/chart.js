// A small live chart: the last samples of one number.

const SAMPLES = 45;
const WIDTH = 120;
const HEIGHT = 40;
const SPACE_NAME = "http://www.w3.org/2000/svg";

export class Chart {
  // `least` is the smallest top of the scale, so that noise near zero looks small.
  constructor(svg, least) {
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    this.area = shape(svg, "chart-area");
    this.line = shape(svg, "chart-line");
    this.least = least;
    this.clear();
  }

  clear() {
    this.values = [];
    this.draw();
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > SAMPLES) this.values.shift();
    this.draw();
  }

  draw() {
    const top = Math.max(this.least, ...this.values) * 1.15;
    const step = WIDTH / (SAMPLES - 1);
    const first = WIDTH - (this.values.length - 1) * step;
    const points = this.values.map((value, index) =>
      `${(first + index * step).toFixed(2)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(2)}`);
    const enough = points.length > 1;
    this.line.setAttribute("d", enough ? `M${points.join("L")}` : "");
    this.area.setAttribute("d", enough ? `M${first.toFixed(2)} ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z` : "");
  }
}

function shape(svg, name) {
  const path = document.createElementNS(SPACE_NAME, "path");
  path.setAttribute("class", name);
  svg.append(path);
  return path;
}
