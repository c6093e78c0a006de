// Decisions on their way to the server. Each is kept in localStorage from the moment it is made
// until the server has acknowledged it, and carries a key by which the server knows it again: it
// may be sent twice, it counts once. They go in the order in which they were made.

import { api, newKey, user } from "./connection.js";

const PREFIX = `drawsim/outbox/${user}/`;
const AT_ONCE = 50; // events in one request
const LONGEST_PAUSE = 30; // seconds between two tries

export class Outbox {
  #memory = new Map(); // what a full or forbidden localStorage could not take
  #promises = new Map(); // name -> {resolve, reject}
  #count = 0;
  #running = false;
  #wake = () => {};

  /** `changed({waiting, failure, refused})` is called whenever the state may be another;
   *  `progressed(progress)` with what the server says about the progress. */
  constructor(changed, progressed = () => {}) {
    this.changed = changed;
    this.progressed = progressed;
    for (const name of ["online", "focus", "pageshow"]) addEventListener(name, () => this.#wake());
    addEventListener("beforeunload", (event) => {
      if (this.waiting) event.preventDefault();
    });
    // Another tab of the same person may have delivered what this one wanted to send.
    addEventListener("storage", ({ key, newValue }) => {
      if (key?.startsWith(PREFIX) && newValue === null) this.#settle(key, "resolve", null);
    });
    this.#run();
  }

  get waiting() {
    return this.#names().length;
  }

  /** Keep and send an event. The promise comes true when the server has it. */
  add(draft) {
    return this.#put({ draft: { key: newKey(), ...draft } });
  }

  /** Keep and send a request that saves more than one event; its body has a key. The promise gives
   *  the answer. */
  post(path, body) {
    return this.#put({ post: { path, body } });
  }

  /** Keep and send an undo. The promise gives what was undone, or null. */
  undo() {
    return this.#put({ undo: newKey() });
  }

  #put(entry) {
    // Names sort as the decisions were made: by time, then by a counter within this page.
    const time = String(Date.now()).padStart(15, "0");
    const name = `${PREFIX}${time}-${String(this.#count++).padStart(6, "0")}-${newKey().slice(0, 8)}`;
    try {
      localStorage.setItem(name, JSON.stringify(entry));
    } catch {
      this.#memory.set(name, entry);
    }
    const delivered = new Promise((resolve, reject) => this.#promises.set(name, { resolve, reject }));
    delivered.catch(() => {}); // whoever does not wait for it is told by `changed`
    this.#run();
    return delivered;
  }

  #names() {
    const names = [...this.#memory.keys()];
    for (let i = 0; i < localStorage.length; i++) {
      if (localStorage.key(i).startsWith(PREFIX)) names.push(localStorage.key(i));
    }
    return names.sort();
  }

  #entry(name) {
    return this.#memory.get(name) ?? JSON.parse(localStorage.getItem(name));
  }

  /** The oldest entries that fit one request: one that stands alone, or the events before it. */
  #batch(limit) {
    const entries = this.#names().slice(0, limit).map((name) => ({ name, ...this.#entry(name) }));
    const known = entries.filter((entry) => entry.draft || entry.undo || entry.post);
    const end = known.findIndex((entry) => !entry.draft);
    return end < 0 ? known : known.slice(0, Math.max(end, 1));
  }

  async #run() {
    if (this.#running) return this.#wake();
    if (!this.waiting) return undefined;
    this.#running = true;
    let limit = AT_ONCE;
    let pause = 1;
    for (let batch = this.#batch(limit); batch.length; batch = this.#batch(limit)) {
      this.changed({ waiting: this.waiting });
      try {
        const answer = await this.#send(batch);
        for (const { name } of batch) this.#finish(name, "resolve", answer);
        [limit, pause] = [AT_ONCE, 1];
      } catch (failure) {
        if (failure.kind === "refused" && batch.length === 1) {
          // It would block all that follow, for ever.
          this.#finish(batch[0].name, "reject", failure);
          this.changed({ waiting: this.waiting, refused: failure.message });
        } else if (failure.kind === "refused") {
          limit = 1; // one of them is wrong: find out which
        } else {
          this.changed({ waiting: this.waiting, failure });
          await this.#sleep(pause);
          pause = Math.min(2 * pause, LONGEST_PAUSE);
        }
      }
    }
    this.#running = false;
    this.changed({ waiting: 0 });
    return undefined;
  }

  async #send(batch) {
    if (batch[0].undo) return (await api("/api/undo", { key: batch[0].undo })).undone;
    if (batch[0].post) return api(batch[0].post.path, batch[0].post.body);
    const answer = await api("/api/events", { events: batch.map((entry) => entry.draft) });
    this.progressed(answer.progress);
    return answer;
  }

  #finish(name, how, value) {
    this.#memory.delete(name);
    localStorage.removeItem(name);
    this.#settle(name, how, value);
  }

  #settle(name, how, value) {
    this.#promises.get(name)?.[how](value);
    this.#promises.delete(name);
  }

  #sleep(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
