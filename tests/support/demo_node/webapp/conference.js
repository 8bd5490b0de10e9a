// The client API: token, its refresh, the event stream with the roster, and finding back into the
// room when a node has gone. Tokens and event streams live on one node; if another one answers, it
// doesn't know our token, and we join again with the PIN that we still have.

const REFRESH_SECONDS = 60;
const FIRST_RETRY_MILLISECONDS = 500;
const MAX_RETRY_MILLISECONDS = 15000;

// The node's own no, with a reason from the table in app.js or its words.
export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

// join(), then listen(), then release(). `listener`: see app.js.
export class Conference {
  constructor({ name, room, pin }, listener) {
    this.turn = [];
    this.name = name;
    this.room = room;
    this.pin = pin;
    this.listener = listener;
    this.token = null;
    this.participant = null;
    this.released = false;
    this.source = null;
    this.timers = new Set();
    this.retry = FIRST_RETRY_MILLISECONDS;
    this.roster = new Map();
  }

  async join() {
    const fields = { display_name: this.name };
    if (this.pin) fields.pin = this.pin;
    const answer = await this.ask("request_token", { method: "POST", body: JSON.stringify(fields), token: false });
    if (!this.pin && answer.result?.guest_pin === "none") {
      this.pin = "none"; // what guests say where only hosts have a PIN
      return this.join();
    }
    if (!answer.result?.token) throw new Refused(reasonOf(answer, Boolean(this.pin)));
    const { result, node } = answer;
    this.token = result.token;
    this.participant = result.participant_uuid;
    this.turn = (result.turn ?? []).map(({ urls, username, credential }) => ({ urls, username, credential }));
    this.listener.joined({
      node, room: result.conference_name, role: result.role.toLowerCase(), participant: this.participant });
    return this.keepToken();
  }

  listen() {
    if (this.released) return;
    this.source?.close();
    this.listener.streamState("connecting");
    const source = new EventSource(`${this.path("events")}?token=${encodeURIComponent(this.token)}`);
    this.source = source;
    source.onopen = () => {
      this.retry = FIRST_RETRY_MILLISECONDS;
      this.listener.streamState("open");
    };
    // The browser's own reconnect would use the token of then; a refresh may have replaced it.
    source.onerror = () => {
      source.close();
      if (this.released) return;
      this.listener.streamState("lost");
      this.later(this.nextRetry(), () => this.recover());
    };
    for (const [kind, handle] of Object.entries(this.handlers())) {
      source.addEventListener(kind, (event) => {
        const data = event.data ? JSON.parse(event.data) : null;
        this.listener.event(kind, handle(data));
      });
    }
  }

  // One entry an event: keeps the roster, returns a line for the log or nothing.
  handlers() {
    let syncing = null;
    const show = () => this.listener.roster([...this.roster.values()]);
    return {
      participant_sync_begin: () => { syncing = new Map(); },
      participant_create: (who) => {
        if (syncing) {
          syncing.set(who.uuid, who);
          return undefined;
        }
        this.roster.set(who.uuid, who);
        show();
        return `${who.display_name} joined`;
      },
      participant_update: (who) => {
        this.roster.set(who.uuid, who);
        show();
      },
      participant_delete: ({ uuid }) => {
        const who = (syncing ?? this.roster).get(uuid);
        (syncing ?? this.roster).delete(uuid);
        show();
        return who ? `${who.display_name} left` : undefined;
      },
      participant_sync_end: () => {
        this.roster = syncing ?? this.roster;
        syncing = null;
        show();
      },
      conference_update: () => undefined,
      presentation_start: ({ presenter_name: name }) => `${name} presents`,
      presentation_stop: () => "Presentation ended",
      message_received: ({ origin, payload }) => `${origin}: ${payload}`,
    };
  }

  // The stream broke or a refresh failed: is it the stream, the node, or our token?
  async recover() {
    if (this.released) return;
    try {
      const answer = await this.ask("participants");
      if (answer.status === 200) return this.listen();
      if (answer.status === 403 || answer.status === 404) {
        this.listener.trouble("The node doesn't know us any more, joining again");
        await this.join();
        return this.listen();
      }
      this.listener.trouble(`The node answers ${answer.status}, trying again`);
    } catch (error) {
      if (error instanceof Refused) {
        this.listener.trouble(`Can't join again: ${error.reason}`);
      }
    }
    this.later(this.nextRetry(), () => this.recover());
  }

  keepToken() {
    const due = Date.now() + REFRESH_SECONDS * 1000;
    this.listener.refreshed(due);
    clearTimeout(this.refreshTimer);
    this.refreshTimer = this.later(REFRESH_SECONDS * 1000, () => this.refresh());
  }

  async refresh() {
    try {
      const { status, result } = await this.ask("refresh_token", { method: "POST" });
      if (status === 200 && result?.token) {
        this.token = result.token;
        this.listener.event("token_refreshed", "Token refreshed");
        return this.keepToken();
      }
    } catch {
      // The network's trouble is recover()'s trouble.
    }
    this.source?.close();
    this.listener.streamState("lost");
    return this.recover();
  }

  async say(text) {
    try {
      const { status } = await this.ask("message", {
        method: "POST", body: JSON.stringify({ type: "text/plain", payload: text }) });
      return status === 200;
    } catch {
      return false;
    }
  }

  async present(on) {
    try {
      await this.ask(`participants/${this.participant}/${on ? "take" : "release"}_floor`, { method: "POST" });
    } catch {
      this.listener.trouble("The node can't be reached");
    }
  }

  // Also on the way out of the page, hence keepalive.
  async release() {
    if (this.released) return;
    this.released = true;
    this.source?.close();
    this.timers.forEach(clearTimeout);
    try {
      await this.ask("release_token", { method: "POST", keepalive: true });
    } catch {
      // The token expires by itself.
    }
  }

  path(call) {
    return `/api/client/v2/conferences/${encodeURIComponent(this.room)}/${call}`;
  }

  async ask(call, { method = "GET", body, token = true, keepalive = false } = {}) {
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers.token = this.token;
    const answer = await fetch(this.path(call), { method, body, headers, keepalive, cache: "no-store" });
    const fields = await answer.json().catch(() => ({}));
    return { status: answer.status, result: fields.result, node: answer.headers.get("X-Demo-Node") ?? "a node" };
  }

  later(milliseconds, action) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.released) action();
    }, milliseconds);
    this.timers.add(timer);
    return timer;
  }

  nextRetry() {
    const delay = this.retry;
    this.retry = Math.min(this.retry * 2, MAX_RETRY_MILLISECONDS);
    return delay;
  }
}

function reasonOf({ status, result }, sentPin) {
  if (result?.pin === "required") return sentPin ? "wrong_pin" : "pin_required";
  if (result === "Invalid PIN") return "wrong_pin";
  if (result?.conference_extension) return "extension_required";
  if (status === 404) return "unknown_room";
  if (status === 429 || (status === 403 && result === undefined)) return "banned";
  if (status === 503) return "maintenance";
  if (status >= 500) return "unreachable";
  return typeof result === "string" ? result : String(status);
}
