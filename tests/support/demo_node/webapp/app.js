// The page's story: join the room, call ourselves through the relay, show what happens, leave.

import { RelayedCall, transportsOf } from "./call.js";
import { Conference, Refused } from "./conference.js";
import { TestPattern } from "./pattern.js";
import { Sampler } from "./stats.js";
import { startTheme } from "./theme.js";
import { Tone } from "./tone.js";
import * as view from "./view.js";

const SAMPLE_MILLISECONDS = 1000;

// What tests read. `state`: idle, joining, connecting, connected, recovering, failed.
const demo = {
  state: "idle", error: null, node: null, room: null, role: null, participant: null,
  transport: null, transports: [], stats: null, participants: [], events: [],
};
window.demo = demo;

const pattern = new TestPattern(view.element("pattern"));
const tone = new Tone();
let conference = null;
let call = null;
let sampling = null;

startTheme(view.element("theme"));
view.prefillForm(new URLSearchParams(location.search));
view.onJoin(join);
view.onLeave(leave);
view.onTransport((transport) => placeCall(transport));
view.onTone((on) => tone.audible(on));
view.onPresent((on) => conference?.present(on));
view.onMessage(say);
addEventListener("pagehide", () => conference?.release());

async function join({ name, room, pin }) {
  setState("joining");
  demo.error = null;
  view.showJoinError(null);
  const joining = new Conference({ name, room, pin }, listener);
  try {
    await joining.join();
  } catch (error) {
    demo.error = error instanceof Refused ? error.reason : "unreachable";
    view.showJoinError(messageFor(demo.error));
    setState("idle");
    return;
  }
  conference = joining;
  pattern.start(name);
  tone.start();
  view.showCall();
  demo.transports = transportsOf(conference.turn);
  const wanted = new URLSearchParams(location.search).get("transport");
  const first = demo.transports.includes(wanted) ? wanted : demo.transports[0];
  view.showTransports(demo.transports, first);
  conference.listen();
  await placeCall(first);
}

function messageFor(reason) {
  return {
    pin_required: "This room has a PIN. Please enter it.",
    wrong_pin: "That PIN is not right. Please try again.",
    extension_required: "This is a virtual reception: enter the room you want to reach.",
    unknown_room: "There is no such room.",
    maintenance: "The conferencing node is in maintenance. Please try again in a moment.",
    banned: "Too many attempts. Please wait some minutes.",
    unreachable: "The conferencing node can't be reached.",
  }[reason] ?? "The node refused: " + reason;
}

// Each call is new: relays, keys and statistics start from nothing.
async function placeCall(transport) {
  endCall();
  demo.transport = transport ?? null;
  if (!transport) {
    setState("failed");
    view.showNotice("The node names no TURN server, so there is no relay to call through.");
    return;
  }
  setState("connecting");
  view.showNotice("Setting up the call…");
  const placed = new RelayedCall(conference.turn, transport);
  call = placed;
  placed.onstate = (state) => {
    if (call !== placed) return;
    if (state === "connected") {
      setState("connected");
      view.showNotice(null);
      note("good", `Call is up, relayed over ${transport}`);
    } else if (state === "failed") {
      setState("failed");
      view.showNotice(`No media gets through the relay over ${transport}.`);
      note("warn", `The call over ${transport} failed`);
    } else if (state === "disconnected") {
      setState("recovering");
      view.showNotice("The relay is silent. Waiting for it…");
    }
  };
  placed.onrelayerror = (text) => note("warn", text);
  view.showStream(placed.received);
  tone.sendOver(placed.received);
  const sampler = new Sampler(placed);
  sampling = setInterval(async () => {
    const sample = await sampler.next();
    if (call !== placed || !sample) return;
    demo.stats = sample;
    view.showStats(sample);
  }, SAMPLE_MILLISECONDS);
  try {
    await placed.start([...pattern.stream.getTracks(), ...tone.tracks()]);
  } catch (error) {
    if (call === placed) placed.onstate("failed");
    demo.error = String(error);
  }
}

function endCall() {
  clearInterval(sampling);
  call?.close();
  call = null;
  demo.stats = null;
  view.clearStats();
}

async function leave() {
  endCall();
  pattern.stop();
  tone.stop();
  const left = conference;
  conference = null;
  await left?.release();
  Object.assign(demo, { participants: [], events: [], participant: null, node: null, room: null, role: null });
  view.showJoin();
  setState("idle");
}

async function say(text) {
  if (await conference?.say(text)) note("", `You: ${text}`);
}

// What the conference tells us; the call goes on whatever happens to the signalling.
const listener = {
  joined(session) {
    Object.assign(demo, {
      node: session.node, room: session.room, role: session.role, participant: session.participant });
    view.showSession(session);
    note("good", `Joined ${session.room} on ${session.node}`);
  },
  roster(participants) {
    demo.participants = participants;
    view.showRoster(participants, demo.participant);
  },
  event(kind, text) {
    demo.events.push(kind);
    if (text) note("", text);
  },
  streamState(state) { view.showStreamState(state); },
  refreshed(at) { view.showRefresh(at); },
  trouble(text) { note("warn", text); },
};

function note(kind, text) { view.addToLog(kind, text); }

function setState(state) {
  demo.state = state;
  view.showState(state);
}
