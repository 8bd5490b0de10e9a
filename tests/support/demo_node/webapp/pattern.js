// The camera's stand-in: a moving test pattern with a clock, so that a frozen or late picture shows.

const WIDTH = 960;
const HEIGHT = 540;
const FRAMES_PER_SECOND = 24;
const BARS = ["#f4f6fb", "#f7c948", "#2cc5e0", "#3ecf8e", "#c77dff", "#ff6b6b", "#5b6cff"];

export class TestPattern {
  constructor(canvas) {
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.timer = null;
    this.frame = 0;
    this.stream = null;
  }

  start(name) {
    this.stop();
    this.name = name;
    this.frame = 0;
    this.draw();
    this.stream = this.canvas.captureStream(FRAMES_PER_SECOND);
    // Not requestAnimationFrame: that stops where nobody looks.
    this.timer = setInterval(() => this.draw(), 1000 / FRAMES_PER_SECOND);
  }

  stop() {
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  draw() {
    const { context } = this;
    const now = new Date();
    const seconds = now.getTime() / 1000;
    this.frame += 1;

    const sky = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
    sky.addColorStop(0, "#0b1226");
    sky.addColorStop(1, "#16244a");
    context.fillStyle = sky;
    context.fillRect(0, 0, WIDTH, HEIGHT);

    this.drawBars(seconds);
    this.drawDial(seconds);
    this.drawText(now);
  }

  drawBars(seconds) {
    const { context } = this;
    const gap = 14;
    const width = (WIDTH - 2 * 56 - gap * (BARS.length - 1)) / BARS.length;
    BARS.forEach((colour, index) => {
      const height = 92 + 52 * Math.sin(seconds * 1.6 + index * 0.8);
      context.fillStyle = colour;
      context.beginPath();
      context.roundRect(56 + index * (width + gap), HEIGHT - 56 - height, width, height, 12);
      context.fill();
    });
  }

  // One turn of the hand a second.
  drawDial(seconds) {
    const { context } = this;
    const [x, y, radius] = [160, 214, 84];
    const turn = (seconds % 1) * 2 * Math.PI - Math.PI / 2;
    context.lineWidth = 14;
    context.lineCap = "round";
    context.strokeStyle = "#2a3a69";
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
    context.strokeStyle = "#34d3b4";
    context.beginPath();
    context.arc(x, y, radius, turn - 1.1, turn);
    context.stroke();
    context.fillStyle = "#ffffff";
    context.beginPath();
    context.arc(x + radius * Math.cos(turn), y + radius * Math.sin(turn), 12, 0, 2 * Math.PI);
    context.fill();
    context.font = "700 52px Inter, system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(Math.floor(seconds) % 60).padStart(2, "0"), x, y + 3);
  }

  drawText(now) {
    const { context } = this;
    const two = (number) => String(number).padStart(2, "0");
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.fillStyle = "#ffffff";
    context.font = "700 96px Inter, system-ui, sans-serif";
    context.fillText(`${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`, 288, 236);
    context.fillStyle = "#9fb0dc";
    context.font = "500 30px Inter, system-ui, sans-serif";
    context.fillText(`${this.name}  ·  frame ${this.frame}`, 292, 288, WIDTH - 332);
  }
}
