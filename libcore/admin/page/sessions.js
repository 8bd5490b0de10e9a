// ---- sessions: those of turnd that move the most, asked for by the command of that name

const kSessions = 50;

async function lookAtSessions(status) {
  if (!section("sessions", status.program === "turnd")) return;
  const answer = await command({ command: "sessions", action: "list", limit: kSessions });
  if (!section("sessions", answer.ok)) return;
  const sessions = answer.sessions ?? [];
  const total = answer.total ?? sessions.length;
  setText(byId("sessions-count"), total > sessions.length ? `${short(sessions.length)} of ${short(total)}` : total || "");
  byId("sessions-list").parentElement.hidden = sessions.length === 0;
  byId("sessions-none").hidden = sessions.length > 0;
  sync(byId("sessions-list"), sessions, (each) => each.id, makeSession, (element, each) => updateSession(element, each, status));
}

function makeSession(each) {
  const button = node("button", { type: "button", "aria-label": `End the session ${each.id} of ${each.user}` }, "End");
  button.addEventListener("click", async () => {
    if (await confirmed(`End the session ${each.id} of ${each.user}? What it relays is cut at once.`, "End it"))
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
  setText(cells.relay, [each.relayed ?? each.relay ?? []].flat().join(", "));
  setText(cells.up, kUnits.bits(each.bits_to_peers === undefined ? null : each.bits_to_peers / 8));
  setText(cells.down, kUnits.bits(each.bits_to_client === undefined ? null : each.bits_to_client / 8));
  setText(cells.age, duration(each.age_seconds ?? 0));
  element.button.hidden = !status.page?.commands;
}
