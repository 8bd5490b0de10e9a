// ---- the page: asks the daemon every other second, and says so when it gets no answer

const kEvery = 2000, kPatience = 6000; // milliseconds
const kOldAfter = 8; // seconds
const kPoints = 120;

// What a chart may show, of what the daemon has. A rate is made of a total.
const kCharts = [
  { title: "Relayed", unit: "bits", series: [["bytes_to_peers", "to peers"], ["bytes_to_clients", "to clients"]] },
  { title: "Packets", unit: "rate", series: [["packets_to_peers", "to peers"], ["packets_to_clients", "to clients"], ["packets_dropped", "dropped"]] },
  { title: "Open", unit: "count", of: "turnd", series: [["allocations", "allocations"], ["connections", "client connections"]] },
  { title: "Requests", unit: "rate", series: [["requests", "answered"], ["errors", "failed"], ["requests_refused", "refused"]] },
  { title: "Time to the answer", unit: "ms", series: [["latency_p50_ms", "median"], ["latency_p99_ms", "99th percentile"]] },
  { title: "Connections", unit: "count", of: "rproxyd", series: [["connections", "open"], ["event_streams", "event streams"], ["websockets", "WebSockets"]] },
  { title: "Traffic", unit: "bits", series: [["sent_bytes", "to clients"], ["received_bytes", "from clients"]] },
];

let points = new Map(); // by time, in seconds: { totals, gauges }
let process = "";
let answered = 0; // when the last answer came, by performance.now()
let latest = null;
let charts = null;

async function ask(path, options = {}) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), kPatience);
  try {
    const answer = await fetch(path, { ...options, signal: patience.signal, cache: "no-store" });
    if (answer.status === 401) location.reload(); // the session is over
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return await answer.json();
  } finally {
    clearTimeout(timer);
  }
}

const command = (question) => ask("/command", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) });

// What a button orders: said when it is done, or why it was not.
async function order(button, question, done) {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true"; // disabled, it would lose the focus
  try {
    const answer = await command(question);
    say(answer.ok ? done : answer.error);
    await look();
  } catch (error) {
    say(`That could not be done: ${error.message}`);
  } finally {
    button.ariaDisabled = null;
  }
}

let silence = 0;
function say(text) {
  clearTimeout(silence);
  setText(byId("said"), text);
  silence = setTimeout(() => setText(byId("said"), ""), 6000);
}

function confirmed(text, yes) {
  const dialog = byId("confirm");
  setText(byId("confirm-text"), text);
  setText(byId("confirm-yes"), yes);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

function remember(status) {
  const life = `${status.pid} ${status.started}`;
  if (life !== process) points = new Map(); // its totals begin anew
  process = life;
  const { at, totals, gauges } = status.history;
  at.forEach((time, i) => points.set(time, { totals, gauges, i }));
  for (const time of [...points.keys()].sort((a, b) => a - b).slice(0, -kPoints)) points.delete(time);
}

// A series' values at these times; null where there are none.
function valuesOf(name, times, every) {
  const at = (time) => {
    const point = points.get(time);
    return { total: point.totals[name]?.[point.i], gauge: point.gauges[name]?.[point.i] };
  };
  let before = null;
  return times.map((time) => {
    const { total, gauge } = at(time);
    if (gauge !== undefined) return gauge;
    if (total === undefined || total === null) return before = null;
    const former = before;
    before = { time, total };
    if (former === null || total < former.total) return null;
    const passed = time - former.time;
    return (total - former.total) / (Math.abs(passed - every) <= 1 ? every : passed);
  });
}

function showCharts(status) {
  const times = [...points.keys()].sort((a, b) => a - b);
  const known = { ...status.totals, ...status.gauges };
  charts ??= kCharts.filter((each) => !each.of || each.of === status.program).map((each) => ({ ...each, series: each.series.filter(([name]) => name in known) }))
    .filter((each) => each.series.length)
    .map((each) => {
      const chart = new Chart(each.title, each.unit, each.series.map(([, label]) => label));
      byId("charts").append(chart.figure);
      return { ...each, chart };
    });
  if (!section("charts", charts.length > 0 && times.length > 0)) return;
  const every = status.history.seconds_per_point;
  for (const { chart, series } of charts) chart.show(times.map((time) => time * 1000), series.map(([name]) => valuesOf(name, times, every)));
}

function show(status) {
  latest = status;
  remember(status);
  showHeadline(status);
  showAttention(status);
  showCharts(status);
  showPools(status);
  showBans(status);
  showCertificates(status);
  showListeners(status);
  showRelay(status);
  showConfiguration(status);
  byId("sign-out").hidden = !status.page?.signed_in;
}

async function look() {
  try {
    // The points that are missing, and one more.
    const missed = answered ? Math.ceil((performance.now() - answered) / 1000 / (latest?.history.seconds_per_point ?? 5)) + 2 : kPoints;
    const status = await ask(`/status?points=${Math.min(kPoints, missed)}`);
    answered = performance.now();
    show(status);
    await lookAtSessions(status);
  } catch (error) {
    byId("unreachable").dataset.why = error.message;
  }
  showAge();
}

function showAge() {
  const age = answered ? (performance.now() - answered) / 1000 : Infinity;
  const old = age > kOldAfter;
  byId("unreachable").hidden = !old;
  byId("main").classList.toggle("stale", old && answered > 0);
  if (old) setText(byId("unreachable"), answered ? `The daemon can’t be reached. What you see is ${duration(age)} old.` : "The daemon can’t be reached.");
  if (old) document.title = "⚠ can’t be reached";
  setText(byId("age"), !answered ? "Nothing yet" : old ? `${duration(age)} old` : `Live · ${clock(Date.now() - age * 1000)}`);
}

byId("ban-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const address = byId("ban-address").value.trim(), seconds = Number(byId("ban-for").value);
  order(event.submitter ?? byId("ban-form").querySelector("button"), { command: "bans", action: "add", address, ...(seconds ? { seconds } : {}) }, `${address} is banned`)
    .then(() => { byId("ban-address").value = ""; });
});

let timer = 0;
async function run() {
  clearTimeout(timer);
  if (!document.hidden) await look();
  clearTimeout(timer);
  timer = setTimeout(run, kEvery);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) run(); });
setInterval(showAge, 1000);
run();
