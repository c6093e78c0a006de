// The line that says whether everything is saved.

import { user } from "./connection.js";
import { $, h, plural } from "./dom.js";

const SLOW = 500; // milliseconds after which saving is worth a word

export class Status {
  #timer = 0;
  #kept = false; // what was refused must still be there when the rest is saved
  #line = $("#status");

  /** Tell about the outbox; that something was refused stays until something else is saved. */
  outbox({ waiting, failure, refused }) {
    clearTimeout(this.#timer);
    const wait = plural(waiting, "decision waits", "decisions wait");
    if (refused) this.say(`Not saved: ${refused}.`, "bad");
    if (refused || !waiting) {
      if (!refused && !this.#kept) this.say("Saved");
      this.#kept = Boolean(refused);
    } else if (!failure) {
      if (!this.#kept) this.#timer = setTimeout(() => this.say("Saving…", "ok"), SLOW);
    } else if (failure.kind === "offline") {
      const sent = waiting === 1 ? "it is" : "they are";
      this.say(`Not connected – ${wait}, ${sent} sent again by ${waiting === 1 ? "itself" : "themselves"}`, "wait");
    } else if (failure.kind === "login") {
      this.say(`You are logged out – ${wait}.`, "bad", h("a", { href: "/login", target: "_blank" }, "Log in again in a new tab"));
    } else if (failure.kind === "other") {
      this.say(`${failure.message}: ${wait} until ${user} logs in again`, "bad");
    } else {
      this.say(`The server has a problem (${failure.message}) – ${wait}, trying again`, "wait");
    }
  }

  /** Tell what cannot be done; it stays while what is on its way, `waiting`, is saved. */
  refuse(text, waiting) {
    clearTimeout(this.#timer);
    this.say(text, "bad");
    this.#kept = waiting > 0;
  }

  say(text, state = "ok", link = null) {
    // The same words again would be read out again.
    if (this.#line.dataset.text === text && this.#line.dataset.state === state) return;
    Object.assign(this.#line.dataset, { text, state });
    this.#line.replaceChildren(text, ...(link ? [" ", link] : []));
  }
}
