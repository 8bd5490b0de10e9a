// ---- sections: each shows a part of /status, and stays away where there is none

const kStates = {
  serving: ["good", "Serving"], draining: ["warn", "Draining: nothing new is taken"],
  handed_over: ["warn", "Handed over: what was begun here is finished"],
};
const kNodeStates = { up: "good", draining: "warn", resting: "warn", down: "bad" };
const kExpiresSoonDays = 14;

function showHeadline(status) {
  const nodes = (status.pools ?? []).flatMap((pool) => pool.servers);
  const up = nodes.filter((each) => each.state === "up").length;
  let [kind, text] = kStates[status.state] ?? ["warn", status.state];
  if (nodes.length && status.state === "serving" && up < nodes.length) {
    kind = up === 0 ? "bad" : "warn";
    text = up === 0 ? "No node is up" : `Serving, ${plural(nodes.length - up, "node is", "nodes are")} not up`;
  }
  byId("state").dataset.state = kind;
  setText(byId("state-text"), text);
  const parts = [];
  if (nodes.length) parts.push(`${up} of ${plural(nodes.length, "node", "nodes")} up`);
  if (status.allocations) parts.push(plural(status.allocations.total ?? 0, "allocation", "allocations"));
  if (status.gauges?.connections !== undefined) parts.push(plural(status.gauges.connections, "connection", "connections"));
  if (status.guard?.bans?.length) parts.push(plural(status.guard.bans_active ?? status.guard.bans.length, "ban", "bans"));
  parts.push(plural(status.workers, "worker", "workers"), `up for ${duration(status.uptime_seconds)}`);
  setText(byId("summary"), parts.join(" · "));
  setText(byId("program"), status.program);
  setText(byId("version"), status.version);
  document.title = `${kind === "good" ? "" : "⚠ "}${status.program}: ${text}`;
}

function showAttention(status) {
  const found = (status.warnings ?? []).map((each) => ({ text: each.text, since: each.since }));
  const refusal = status.configuration?.last_refusal;
  if (refusal) found.push({ bad: true, since: refusal.at, text: "The configuration file was refused, and what was in force still is: " + refusal.problems.join("; ") });
  for (const each of status.certificates ?? []) {
    if (each.days_left < 0) found.push({ bad: true, text: `${each.file} has expired` });
    else if (each.days_left <= kExpiresSoonDays) found.push({ text: `${each.file} expires in ${plural(each.days_left, "day", "days")}` });
  }
  const restart = status.configuration?.needs_restart ?? [];
  if (restart.length) found.push({ text: "Takes a restart to be in force: " + restart.join(", ") });
  section("attention", found.length > 0);
  sync(byId("attention-list"), found, (each) => each.text, (each) => node("li", { class: each.bad ? "bad" : null }, node("span", {}, each.text), " ", node("time", {})),
    (item, each) => setText(item.lastChild, each.since ? moment(each.since) : ""));
}

function showPools(status) {
  if (!section("pools", status.pools?.length)) return;
  sync(byId("pools-list"), status.pools, (pool) => pool.name, makePool, (element, pool) => {
    setText(element.policy, pool.policy.replaceAll("_", " "));
    sync(element.body, pool.servers, (each) => each.address, makeNode, updateNode);
  });
}

function makePool(pool) {
  const policy = node("span", { class: "muted" }), body = node("tbody", {});
  const heads = ["Node", "State", "In flight", "Requests", "Failures", "Latency"];
  const element = node("div", { class: "pool" }, node("h3", {}, pool.name, " ", policy),
    node("table", {}, node("thead", {}, node("tr", {}, ...heads.map((head, i) => node("th", { scope: "col", class: i > 1 ? "number" : null }, head)))), body));
  return Object.assign(element, { policy, body });
}

function makeNode() {
  const element = row(["node", "state", "flight", "requests", "failures", "latency"], ["", "", "In flight", "Requests", "Failures", "Latency"]);
  for (const name of ["flight", "requests", "failures", "latency"]) element.cells_[name].classList.add("number");
  const badge = node("span", { class: "badge" }), why = node("small", {}), list = node("ol", {});
  const history = node("details", {}, node("summary", {}, "History"), list);
  element.cells_.state.append(badge, why, history);
  return Object.assign(element, { badge, why, list, history });
}

function updateNode(element, each) {
  const cells = element.cells_;
  const named = each.server && !each.server.endsWith(each.address) ? each.server : null;
  setTwo(cells.node, each.address, [named, each.backup && "backup", each.weight > 1 && `weight ${each.weight}`].filter(Boolean).join(" · "));
  element.badge.className = "badge " + (kNodeStates[each.state] ?? "warn");
  setText(element.badge, each.state);
  setText(element.why, [each.since && "for " + ago(each.since), each.why].filter(Boolean).join(": "));
  setText(cells.flight, short(each.in_flight));
  setText(cells.requests, short(each.requests));
  setText(cells.failures, short(each.failures));
  setTwo(cells.latency, kUnits.ms(each.latency_ms?.p50), each.latency_ms && `p99 ${kUnits.ms(each.latency_ms.p99)}`);
  const history = [...(each.history ?? [])].reverse();
  element.history.hidden = history.length < 2;
  sync(element.list, history, (one) => one.at + one.state + one.why, (one) => node("li", {}, `${moment(one.at)} ${one.state}${one.why ? ": " + one.why : ""}`), () => {});
}

function showBans(status) {
  const guard = status.guard;
  if (!section("bans", guard?.enabled ?? guard?.bans)) return;
  const bans = guard.bans ?? [];
  setText(byId("bans-count"), bans.length ? short(guard.bans_active ?? bans.length) : "");
  setText(byId("bans-note"), [guard.dry_run && "A dry run: nobody is refused.", guard.wrong_pins !== undefined && `${plural(guard.wrong_pins, "wrong PIN", "wrong PINs")} since the start.`].filter(Boolean).join(" "));
  byId("bans-table").hidden = bans.length === 0;
  byId("bans-none").hidden = bans.length > 0;
  byId("ban-form").hidden = !status.page?.commands;
  sync(byId("bans-list"), bans, (each) => each.address, (each) => {
    const button = node("button", { type: "button", "aria-label": `Lift the ban of ${each.address}` }, "Lift");
    button.addEventListener("click", () => order(button, { command: "bans", action: "remove", address: each.address }, `${each.address} is no longer banned`));
    const element = row(["address", "why", "left"], ["", "Why", "Left"], button);
    element.cells_.left.classList.add("number");
    return Object.assign(element, { button });
  }, (element, each) => {
    setText(element.cells_.address, each.address);
    setTwo(element.cells_.why, each.reason ?? "", each.offences > 1 ? `${each.offences} times` : "");
    setTwo(element.cells_.left, duration(each.seconds_left ?? (Date.parse(each.until) - Date.now()) / 1000), each.until && "until " + clock(each.until));
    element.button.hidden = !status.page?.commands;
  });
}

function showCertificates(status) {
  if (!section("certificates", status.certificates?.length)) return;
  sync(byId("certificates-list"), status.certificates, (each) => each.file, () => node("li", {}, node("span", {}), node("span", { class: "value" }), node("small", {})), (item, each) => {
    setText(item.children[0], (each.names ?? []).join(", ") || each.file);
    item.children[1].className = "value " + (each.days_left < 0 ? "bad" : each.days_left <= kExpiresSoonDays ? "warn" : "");
    setText(item.children[1], each.days_left < 0 ? "expired" : `${plural(each.days_left, "day", "days")} left`);
    setText(item.children[2], `${each.file} · until ${moment(each.not_after)}`);
  });
}

function showListeners(status) {
  if (!section("listeners", status.listeners?.length)) return;
  sync(byId("listeners-list"), status.listeners, (each) => each.transport + each.address, () => node("li", {}, node("span", {}), node("span", { class: "value muted" })), (item, each) => {
    setText(item.children[0], `${each.address} ${each.transport.toUpperCase()}`);
    setText(item.children[1], each.connections === undefined ? "" : plural(each.connections, "connection", "connections"));
  });
}

function showRelay(status) {
  if (!section("relay", status.relay?.length)) return;
  sync(byId("relay-list"), status.relay, (each) => each.address, (each) => node("li", {}, node("span", {}), node("span", { class: "value" }), node("meter", { min: 0, max: each.ports, high: each.ports * .85, "aria-label": `Relay ports in use of ${each.address}` })), (item, each) => {
    setText(item.children[0], each.address);
    setText(item.children[1], `${short(each.ports_used)} of ${short(each.ports)}`);
    item.children[2].value = each.ports_used;
  });
}

function showConfiguration(status) {
  const configuration = status.configuration ?? {};
  section("configuration", true);
  const reloads = configuration.reloads;
  const facts = [["File", configuration.file], ["In force since", configuration.loaded && moment(configuration.loaded)],
    ["Reloads", reloads && `${short(reloads.done)} done, ${short(reloads.refused)} refused`],
    ["Running since", moment(status.started)], ["Process", status.pid]].filter(([, value]) => value !== undefined && value !== null);
  sync(byId("configuration-list"), facts, ([name]) => name, ([name]) => node("div", {}, node("dt", {}, name), node("dd", {})), (item, [, value]) => setText(item.lastChild, value));
}
