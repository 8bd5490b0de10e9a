// Everything that touches the document. Decides nothing.

import { Chart } from "./chart.js";

const LOG_LINES = 200;

const STATES = {
  idle: "not joined", joining: "joining…", connecting: "connecting…", connected: "connected",
  recovering: "recovering…", failed: "call failed",
};

export const element = (id) => document.getElementById(id);
const setText = (id, text) => { element(id).textContent = text; };

const charts = {
  bitrate: new Chart(element("bitrate-chart"), 0.1),
  frames: new Chart(element("frames-chart"), 10),
  roundTrip: new Chart(element("rtt-chart"), 2),
  lost: new Chart(element("lost-chart"), 4),
};

let lostBefore = 0;
let refreshDue = 0;
setInterval(showCountdown, 1000);

// Joining

export function prefillForm(query) {
  for (const name of ["name", "room"]) if (query.has(name)) element(name).value = query.get(name);
}

export function onJoin(join) {
  element("join-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (id) => element(id).value.trim();
    if (!value("name") || !value("room")) {
      showJoinError("A name and a room are needed.");
      return;
    }
    element("join").disabled = true;
    await join({ name: value("name"), room: value("room"), pin: value("pin") });
    element("join").disabled = false;
  });
}

export function showJoinError(text) {
  element("join-error").hidden = !text;
  setText("join-error", text ?? "");
  if (text) {
    element("pin").setAttribute("aria-invalid", "true");
    element("pin").focus();
    element("pin").select();
  } else {
    element("pin").removeAttribute("aria-invalid");
  }
}

export function showJoin() {
  element("call-view").hidden = true;
  element("node-chip").hidden = true;
  element("join-view").hidden = false;
  element("pin").value = "";
  element("log").replaceChildren();
  element("tone").checked = false;
  element("present").checked = false;
  element("name").focus();
}

// The call

export function showCall() {
  element("join-view").hidden = true;
  element("call-view").hidden = false;
  element("leave").focus({ preventScroll: true });
}

export function showState(state) {
  element("state").dataset.state = state;
  setText("state", STATES[state]);
}

export function showNotice(text) {
  element("notice").hidden = !text;
  setText("notice", text ?? "");
}

export function showStream(stream) { element("remote").srcObject = stream; }

export function showTransports(transports, chosen) {
  const group = element("transports");
  group.querySelectorAll("label").forEach((each) => each.remove());
  for (const transport of transports) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), {
      type: "radio", name: "transport", value: transport, checked: transport === chosen });
    const text = document.createElement("span");
    text.textContent = transport.toUpperCase();
    label.append(input, text);
    group.append(label);
  }
}

export function onTransport(choose) {
  element("transports").addEventListener("change", ({ target }) => choose(target.value));
}

export function onTone(set) {
  element("tone").addEventListener("change", ({ target }) => set(target.checked));
}

export function onPresent(set) {
  element("present").addEventListener("change", ({ target }) => set(target.checked));
}

export function onLeave(leave) { element("leave").addEventListener("click", leave); }

export function onMessage(send) {
  element("say").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = element("message").value.trim();
    element("message").value = "";
    if (text) send(text);
  });
}

// Statistics

export function showStats(stats) {
  setText("bitrate", (stats.bitrate / 1e6).toFixed(2));
  setText("frames", stats.framesDecoded.toLocaleString("en"));
  setText("fps", `${stats.framesPerSecond} a second`);
  setText("rtt", stats.roundTrip < 1 ? "<1" : stats.roundTrip.toFixed(0)); // Chromium counts whole ones
  setText("lost", stats.packetsLost.toLocaleString("en"));
  setText("received", `of ${stats.packetsReceived.toLocaleString("en")}`);
  setText("picture", stats.width ? `${stats.width} × ${stats.height} · ${stats.framesPerSecond} fps` : "…");

  if (stats.seconds > 1) charts.bitrate.add(stats.bitrate / 1e6);
  charts.frames.add(stats.framesPerSecond);
  charts.roundTrip.add(stats.roundTrip);
  charts.lost.add(Math.max(0, stats.packetsLost - lostBefore));
  lostBefore = stats.packetsLost;

  const relay = ({ address, port }) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
  setText("out-relay", relay(stats.sender.local));
  setText("in-relay", relay(stats.receiver.local));
  setText("out-protocol", stats.sender.local.protocol);
  setText("in-protocol", stats.receiver.local.protocol);
  setText("pair", `${stats.sender.local.type} ⇄ ${stats.sender.remote.type}`);
  setText("server", stats.sender.local.url);
  setText("codec", stats.codec);
  setText("jitter", `${stats.jitter.toFixed(1)} ms`);
  setText("sent", `${(stats.sentBitrate / 1e6).toFixed(2)} Mbit/s`);
}

export function clearStats() {
  Object.values(charts).forEach((chart) => chart.clear());
  lostBefore = 0;
  for (const id of ["bitrate", "frames", "rtt", "lost", "out-relay", "in-relay", "out-protocol", "in-protocol",
    "pair", "server", "codec", "jitter", "sent"]) setText(id, "–");
  setText("fps", "");
  setText("received", "");
  setText("picture", "…");
}

// Session, roster, log

export function showSession({ node, room, role }) {
  element("node-chip").hidden = false;
  setText("node-name", node);
  setText("session-node", node);
  setText("session-room", room);
  setText("session-role", role);
}

export function showRefresh(due) {
  refreshDue = due;
  showCountdown();
}

function showCountdown() {
  const left = Math.max(0, Math.round((refreshDue - Date.now()) / 1000));
  setText("session-refresh", refreshDue ? `in ${left} s` : "–");
}

export function showStreamState(state) { setText("session-events", state); }

export function showRoster(participants, own) {
  setText("roster-count", participants.length);
  element("roster").replaceChildren(...participants.map((each) => rosterLine(each, each.uuid === own)));
}

function rosterLine({ display_name: name, role, is_presenting: presenting }, own) {
  const line = document.createElement("li");
  const face = document.createElement("span");
  face.className = "face";
  face.style.setProperty("--hue", [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7));
  face.textContent = name.split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase();
  face.setAttribute("aria-hidden", "true");
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = name;
  const badge = document.createElement("span");
  badge.className = presenting === "YES" ? "badge on" : "badge";
  badge.textContent = [own ? "you" : "", presenting === "YES" ? "presenting" : role === "chair" ? "host" : "guest"]
    .filter(Boolean).join(" · ");
  line.append(face, who, badge);
  return line;
}

export function addToLog(kind, text) {
  const log = element("log");
  const line = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString("en-GB");
  const body = document.createElement("span");
  body.className = kind;
  body.textContent = text;
  line.append(time, body);
  log.append(line);
  while (log.children.length > LOG_LINES) log.firstElementChild.remove();
  log.scrollTop = log.scrollHeight;
}
