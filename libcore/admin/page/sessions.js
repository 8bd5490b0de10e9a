// ---- sessions: those of turnd that move the most, asked for by the command of that name

const kSessions = 50; // shown
const kMany = 1000; // then they are asked for less often
const kSessionsEvery = 4000, kManyEvery = 20000; // milliseconds

let sessionsDue = 0; // by performance.now()
let before = { at: 0, bytes: new Map() }; // what each had moved when it was last asked for

async function lookAtSessions(status) {
  if (!section("sessions", status.program === "turnd") || performance.now() < sessionsDue) return;
  const answer = await command({ command: "sessions", action: "list" });
  if (!section("sessions", answer.ok)) return;
  const all = answer.sessions;
  sessionsDue = performance.now() + (all.length > kMany ? kManyEvery : kSessionsEvery);
  withRates(all, answer.at_seconds);
  all.sort((a, b) => (b.moving ?? 0) - (a.moving ?? 0) || b.age_seconds - a.age_seconds);
  const shown = all.slice(0, kSessions);
  setText(byId("sessions-count"), all.length > shown.length ? `${shown.length} of ${all.length}, those that move the most` : all.length || "");
  byId("sessions-table").hidden = shown.length === 0;
  byId("sessions-none").hidden = shown.length > 0;
  sync(byId("sessions-list"), shown, (each) => each.id, makeSession, (element, each) => updateSession(element, each, status));
}

// Bytes a second since the last time, each way; over its whole life for one that is met for the first time.
function withRates(sessions, at) {
  const bytes = new Map();
  for (const each of sessions) {
    const now = [each.to_peers.bytes, each.to_client.bytes];
    bytes.set(each.id, now);
    const former = before.bytes.get(each.id);
    const seconds = former ? at - before.at : Math.max(1, each.age_seconds);
    each.rates = now.map((value, i) => seconds > 0 ? Math.max(0, value - (former?.[i] ?? 0)) / seconds : null);
    each.moving = each.rates[0] + each.rates[1];
  }
  before = { at, bytes };
}

function makeSession(each) {
  const button = node("button", { type: "button", "aria-label": `End the session ${each.id} of ${each.user}` }, "End");
  button.addEventListener("click", async () => {
    if (!await confirmed(`End the session ${each.id} of ${each.user}? What it relays is cut at once.`, "End it")) return;
    sessionsDue = 0;
    order(button, { command: "sessions", action: "kill", id: each.id }, `The session ${each.id} has been ended`);
  });
  const element = row(["id", "user", "client", "relay", "up", "down", "age"], ["", "User", "Client", "Relay", "To peers", "To client", "Age"], button);
  for (const name of ["up", "down", "age"]) element.cells_[name].classList.add("number");
  return Object.assign(element, { button });
}

function updateSession(element, each, status) {
  const cells = element.cells_;
  setText(cells.id, each.id);
  setText(cells.user, each.user);
  setTwo(cells.client, each.client, each.transport?.toUpperCase());
  setText(cells.relay, each.relays.join(", "));
  setTwo(cells.up, kUnits.bits(each.rates[0]), plural(each.to_peers.packets, "packet", "packets"));
  setTwo(cells.down, kUnits.bits(each.rates[1]), plural(each.to_client.packets, "packet", "packets"));
  setText(cells.age, duration(each.age_seconds));
  element.button.hidden = !status.page?.commands;
}
