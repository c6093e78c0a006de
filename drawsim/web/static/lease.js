// Time: how long a query was looked at, and keeping it from others as long as it is.

import { api } from "./connection.js";

const RENEW = 120; // seconds between two renewals
const IN_USE = 600; // seconds without a key or a pointer after which the page counts as left

/** Seconds since a query was shown, without those in which the page could not be seen. */
export class Stopwatch {
  #gathered = 0;
  #since = null;

  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#stop();
      else this.#since ??= performance.now();
    });
  }

  start() {
    this.#gathered = 0;
    this.#since = document.hidden ? null : performance.now();
  }

  get seconds() {
    const running = this.#since === null ? 0 : performance.now() - this.#since;
    return Math.round((this.#gathered + running) / 100) / 10;
  }

  #stop() {
    if (this.#since !== null) this.#gathered += performance.now() - this.#since;
    this.#since = null;
  }
}

/** Renew the lease of the query that `current()` gives, while the page is open and in use. */
export function keepLease(current, lost) {
  let used = performance.now();
  let renewed = performance.now();
  const renew = async () => {
    const query = current();
    renewed = performance.now();
    if (!query) return;
    const answer = await api("/api/renew", { kind: query.kind, id: query.id }).catch(() => null);
    if (answer && !answer.held && query === current()) {
      lost(`You were away: this ${query.kind} went back to the queue, somebody else may have it now`);
    }
  };
  const use = () => {
    used = performance.now();
    // Whoever comes back after a pause wants to know at once.
    if (used - renewed > 1000 * RENEW) renew();
  };
  for (const name of ["keydown", "pointerdown", "wheel"]) addEventListener(name, use, { passive: true });
  setInterval(() => {
    if (performance.now() - used < 1000 * IN_USE && performance.now() - renewed > 1000 * RENEW) renew();
  }, 15_000);
}
